/**
 * Which spans or records of a dialect are consumed instead of forwarded, because they are meant for the collector only.
 * `unless_forwarded`: an option of the user forwards them. `if_read`: one that cannot be read is forwarded.
 */
export type Consumption = "never" | "always" | "unless_forwarded" | "if_read";

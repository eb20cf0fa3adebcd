/** Something that the collector said or did and that the truth contradicts. */
export interface Contradiction {
  /** Which promise is broken. */
  readonly about:
    | "false eviction"
    | "missed orphan"
    | "event"
    | "delivery"
    | "counter"
    | "state"
    | "health"
    | "leak"
    | "log"
    | "process"
    | "resources"
    | "answer";
  readonly what: string;
}

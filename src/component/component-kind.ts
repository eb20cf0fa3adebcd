/** What a component is: the section of the config that it is configured in, in the singular. */
export type ComponentKind = "receiver" | "processor" | "exporter" | "extension";

/** The kind of a component: the section of the config that configures it, in the singular. */
export type ComponentKind = "receiver" | "processor" | "exporter" | "extension";

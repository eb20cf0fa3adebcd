import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createDebugExporter } from "./exporter.ts";

export const factory = declare({
  type: "debug",
  kind: "exporter",
  roles: { exporter: ["traces", "metrics", "logs"] },
  stability: "beta",
  description:
    "Shows the data that arrives: counts in the log, or whole records on standard output.",
  schema,
  create: (settings, config) => createDebugExporter(settings, config),
});

import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createFileExporter } from "./exporter.ts";

export const factory = declare({
  type: "file",
  kind: "exporter",
  roles: { exporter: ["traces", "metrics", "logs"] },
  stability: "alpha",
  description: "Writes data to a file, as lines of OTLP JSON or as protobuf, with rotation.",
  schema,
  create: (settings, config) => createFileExporter(settings, config),
});

import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createPrometheusExporter } from "./exporter.ts";

export const factory = declare({
  type: "prometheus",
  kind: "exporter",
  roles: { exporter: ["metrics"], scraped: true },
  stability: "beta",
  description: "Serves the metrics a component derives to Prometheus.",
  schema,
  create: createPrometheusExporter,
});

import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createPrometheusExporter } from "./exporter.ts";

export const factory = declare({
  type: "prometheus",
  kind: "exporter",
  roles: { exporter: ["metrics"], scraped: true },
  stability: "beta",
  description:
    "Serves the metrics that a component of this collector derives, for Prometheus to scrape.",
  schema,
  listensAt: [["endpoint"]],
  create: createPrometheusExporter,
});

import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createPrometheusExporter } from "./exporter.ts";

export const factory = declare({
  type: "prometheus",
  kind: "exporter",
  roles: { exporter: ["metrics"], scraped: true },
  stability: "beta",
  description:
    "Serves metrics for Prometheus to scrape: those that senders push and those that this collector derives.",
  schema,
  listensAt: [["endpoint"]],
  authKeys: [{ path: ["auth", "authenticator"], side: "server" }],
  create: createPrometheusExporter,
});

import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createOtlpHttpExporter } from "./exporter.ts";

export const factory = declare({
  type: "otlp_http",
  deprecatedAlias: "otlphttp",
  kind: "exporter",
  roles: { exporter: ["traces", "metrics", "logs"] },
  stability: "beta",
  description: "Sends data to a backend over OTLP/HTTP, in the bytes in which it arrived.",
  schema,
  storageKey: ["sending_queue", "storage"],
  authKeys: [{ path: ["auth", "authenticator"], side: "client" }],
  create: createOtlpHttpExporter,
});

import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createOtlpHttpExporter } from "./exporter.ts";
import { urlOf } from "./target.ts";

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
  sendsTo: (config, signal) => {
    const text = urlOf(config, signal);
    if (text === undefined) {
      return [];
    }
    const { hostname, port, protocol, pathname } = new URL(text);
    const isSecure = protocol === "https:";
    const own = `${signal}_endpoint` as const;
    return [
      {
        path: [config[own] === undefined ? "endpoint" : own],
        address: {
          host: hostname.replace(/^\[(.*)\]$/, "$1"),
          port: port === "" ? (isSecure ? 443 : 80) : Number(port),
        },
        protocol: "http",
        urlPath: pathname,
        isSecure,
      },
    ];
  },
  create: createOtlpHttpExporter,
});

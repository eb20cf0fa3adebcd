import { declare } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createOtlpGrpcExporter } from "./exporter.ts";

export const factory = declare({
  type: "otlp_grpc",
  deprecatedAlias: "otlp",
  kind: "exporter",
  roles: { exporter: ["traces", "metrics", "logs"] },
  stability: "beta",
  description: "Sends data to a backend over OTLP/gRPC, in the bytes in which it arrived.",
  schema,
  storageKey: ["sending_queue", "storage"],
  authKeys: [{ path: ["auth", "authenticator"], side: "client" }],
  sendsTo: ({ endpoint, tls }) => [
    {
      path: ["endpoint"],
      address: { host: endpoint.host, port: endpoint.port },
      protocol: "grpc",
      urlPath: "",
      isSecure: !tls.insecure,
    },
  ],
  create: createOtlpGrpcExporter,
});

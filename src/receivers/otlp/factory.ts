import { declare } from "../../component/factory.ts";
import type { ServerEndpoint } from "../../config/server-endpoint.ts";
import { schema } from "./config.ts";
import { createOtlpReceiver } from "./receiver.ts";

export const factory = declare({
  type: "otlp",
  kind: "receiver",
  roles: { receiver: ["traces", "metrics", "logs"] },
  stability: "beta",
  description: "Receives traces, metrics and logs over OTLP: HTTP with protobuf or JSON, and gRPC.",
  schema,
  listensAt: [
    ["protocols", "grpc", "endpoint"],
    ["protocols", "http", "endpoint"],
  ],
  authKeys: [
    { path: ["protocols", "grpc", "auth", "authenticator"], side: "server" },
    { path: ["protocols", "http", "auth", "authenticator"], side: "server" },
  ],
  receivesAt: ({ protocols: { http, grpc } }, signal) => [
    ...(http === undefined
      ? []
      : [
          {
            path: ["protocols", "http", "endpoint"],
            address: listenAddress(http.endpoint),
            protocol: "http" as const,
            urlPath: http[`${signal}_url_path`],
            isSecure: http.tls !== undefined,
          },
        ]),
    ...(grpc === undefined
      ? []
      : [
          {
            path: ["protocols", "grpc", "endpoint"],
            address: listenAddress(grpc.endpoint),
            protocol: "grpc" as const,
            urlPath: "",
            isSecure: grpc.tls !== undefined,
          },
        ]),
  ],
  create: createOtlpReceiver,
});

function listenAddress(endpoint: ServerEndpoint) {
  return "path" in endpoint ? endpoint.path : endpoint;
}

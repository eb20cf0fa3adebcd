import { declare } from "../../component/factory.ts";
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
  create: createOtlpReceiver,
});

import type { Signal } from "../../src/otlp/payload.ts";

/** The transports of OTLP: the columns of the page. */
export const transports = ["http/protobuf", "http/json", "grpc"] as const;
export type Transport = (typeof transports)[number];

export const overHttp = ["http/protobuf", "http/json"] as const satisfies readonly Transport[];

/** The paths of the protocol, as the specification and the service definitions name them. */
export const httpPaths = {
  traces: "/v1/traces",
  metrics: "/v1/metrics",
  logs: "/v1/logs",
} as const satisfies Record<Signal, string>;

export const grpcPaths = {
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
} as const satisfies Record<Signal, string>;

export function pathOf(transport: Transport, signal: Signal): string {
  return transport === "grpc" ? grpcPaths[signal] : httpPaths[signal];
}

export function contentTypeOf(transport: Transport): string {
  switch (transport) {
    case "http/protobuf":
      return "application/x-protobuf";
    case "http/json":
      return "application/json";
    case "grpc":
      return "application/grpc+proto";
    default: {
      const never: never = transport;
      return never;
    }
  }
}

import {
  compressionAlgorithms,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { Signal } from "../../src/otlp/payload.ts";

export interface GrpcRequest {
  readonly signal: Signal;
  readonly metadata: Metadata;
  /** The `host:port` of the connection's other end. */
  readonly peer: string;
  readonly authority: string;
  /** Inflated. */
  readonly bytes: Uint8Array;
}

/** The bytes of the response message, or the error. `wait` never answers. */
export type GrpcAnswer = Uint8Array | Partial<ServiceError> | "wait";

/** An OTLP/gRPC backend that keeps what it is sent. */
export interface GrpcSink {
  /** `host:port`. */
  readonly endpoint: string;
  readonly port: number;
  /** In order of arrival; also those that were answered with an error. */
  readonly requests: readonly GrpcRequest[];
  /** How further requests are answered; at first with success. */
  answer: (request: GrpcRequest) => GrpcAnswer;
  /** Resolves when so many requests have arrived. */
  arrived(count: number): Promise<void>;
  /** Ends all connections at once. */
  close(): void;
  /** Says that it closes, and ends each connection after its last answer. */
  drain(): Promise<void>;
}

const services = {
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
} as const satisfies Record<Signal, string>;

/** Listens on a free port of loopback, or on `port`, without TLS unless there are `credentials`. */
export async function openGrpcSink({
  host = "127.0.0.1",
  port = 0,
  credentials = ServerCredentials.createInsecure(),
  compresses = false,
}: {
  readonly host?: string;
  readonly port?: number;
  readonly credentials?: ServerCredentials;
  /** Whether answers are compressed, as servers in Go do for clients that compress. */
  readonly compresses?: boolean;
} = {}): Promise<GrpcSink> {
  const requests: GrpcRequest[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = new Server({
    "grpc.max_receive_message_length": 64 * 1024 * 1024,
    ...(compresses ? { "grpc.default_compression_algorithm": compressionAlgorithms.gzip } : {}),
  });

  const handle =
    (signal: Signal) =>
    (call: ServerUnaryCall<Uint8Array, Uint8Array>, done: sendUnaryData<Uint8Array>) => {
      const request = {
        signal,
        metadata: call.metadata,
        peer: call.getPeer(),
        authority: call.getHost(),
        bytes: call.request,
      };
      requests.push(request);
      for (const { count, resolve } of waiting) {
        if (requests.length >= count) {
          resolve();
        }
      }
      const answer = sink.answer(request);
      if (answer instanceof Uint8Array) {
        done(null, answer);
      } else if (answer !== "wait") {
        done(answer);
      }
    };
  const definitions: Record<string, ServiceDefinition[string]> = {};
  for (const [signal, path] of Object.entries(services)) {
    const same = (bytes: Uint8Array) => Buffer.from(bytes);
    definitions[signal] = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
  }
  server.addService(definitions, {
    traces: handle("traces"),
    metrics: handle("metrics"),
    logs: handle("logs"),
  });
  const taken = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });

  const sink: GrpcSink = {
    endpoint: `${host}:${taken}`,
    port: taken,
    requests,
    answer: () => new Uint8Array(0),
    arrived: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve })),
    close: () => server.forceShutdown(),
    drain: () =>
      new Promise((resolve, reject) => {
        server.tryShutdown((error) => (error === undefined ? resolve() : reject(error)));
      }),
  };
  return sink;
}

import type { IncomingHttpHeaders } from "node:http2";
import type { Consumer } from "../../component/consumer.ts";
import { parseGrpcTimeout } from "../../net/grpc-protocol.ts";
import { type ContentEncoding, parseContentEncoding } from "../../net/inflate.ts";
import type { Signal } from "../../otlp/payload.ts";
import { type Refusal, type RefusalReason, refusal } from "./refusal.ts";
import type { Route } from "./request-handler.ts";

/**
 * Why a call is refused only over gRPC: `malformed_grpc`, what was sent is not a call of gRPC; `message_count`, it does not have exactly one message;
 * `headers_too_large`; `timeout`, the message did not arrive in time.
 */
export const grpcRefusals = [
  "malformed_grpc",
  "message_count",
  "headers_too_large",
  "timeout",
] as const;
export type GrpcRefusal = Refusal<RefusalReason | (typeof grpcRefusals)[number]>;

/** The route of a call, and how it may be compressed. */
export interface GrpcRoute extends Route {
  /** How long the client waits for the answer, if it says so. */
  readonly timeoutMs: number | undefined;
}

const paths = new Map<string, Signal>([
  ["/opentelemetry.proto.collector.trace.v1.TraceService/Export", "traces"],
  ["/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "metrics"],
  ["/opentelemetry.proto.collector.logs.v1.LogsService/Export", "logs"],
]);

/** For the log: the paths that exist. */
export const grpcPaths: readonly string[] = [...paths.keys()];

/** The compressions that a message may have, as `grpc-accept-encoding` lists them. */
export const acceptedEncodings = "identity,deflate,gzip,zstd";

/** All headers of one call together, as over HTTP. */
const maxHeaderBytes = 16_384;
/** What HTTP/2 counts for a header beside its name and value. */
const headerOverheadBytes = 32;

/** Finds the route of a call, or the reason why it has none. */
export function grpcRouteOf(
  headers: IncomingHttpHeaders,
  consumers: ReadonlyMap<Signal, Consumer>,
): GrpcRoute | GrpcRefusal {
  if (headerBytesOf(headers) > maxHeaderBytes) {
    return refusal(
      "headers_too_large",
      `The headers must have at most ${maxHeaderBytes} bytes together.`,
    );
  }
  if (headers[":method"] !== "POST") {
    return refusal("method", "A call of gRPC must use POST.");
  }
  if (!/^application\/grpc(\+proto)?(;|$)/i.test(headers["content-type"] ?? "")) {
    return refusal(
      "content_type",
      "This port speaks OTLP/gRPC: the content-type must be application/grpc. Send OTLP/HTTP to the port of protocols.http, usually 4318.",
    );
  }
  const signal = paths.get(headers[":path"] ?? "");
  if (signal === undefined) {
    return refusal("unknown_path", "There is no OTLP service and method of this name.");
  }
  const next = consumers.get(signal);
  if (next === undefined) {
    return refusal("no_pipeline", `No pipeline receives ${signal} from this receiver.`);
  }
  const content = encodingOf(headers["grpc-encoding"]);
  if (content === undefined) {
    return refusal("content_encoding", `The grpc-encoding must be one of ${acceptedEncodings}.`);
  }
  const timeout = headers["grpc-timeout"];
  const timeoutMs = typeof timeout === "string" ? parseGrpcTimeout(timeout) : undefined;
  if (timeout !== undefined && timeoutMs === undefined) {
    return refusal("malformed_grpc", "The grpc-timeout must be up to eight digits and a unit.");
  }
  if (timeoutMs !== undefined && timeoutMs < 1) {
    return refusal("timeout", "The deadline of the call had passed when it arrived.");
  }
  return { signal, next, encoding: "protobuf", content, timeoutMs };
}

function encodingOf(header: string | string[] | undefined): ContentEncoding | undefined {
  const encoding = Array.isArray(header) ? undefined : parseContentEncoding(header);
  return encoding === "zlib" ? undefined : encoding;
}

function headerBytesOf(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const name in headers) {
    const value = headers[name] ?? "";
    bytes += name.length + headerOverheadBytes;
    bytes += typeof value === "string" ? value.length : value.join("").length;
  }
  return bytes;
}

import type { AttemptResult } from "../../delivery/attempt.ts";
import { failureReason, proxyFailureReason } from "../../net/failure-reasons.ts";
import { type GrpcCode, grpcCodeNames } from "../../net/grpc-protocol.ts";
import { inflate, parseContentEncoding } from "../../net/inflate.ts";
import { decodeExportResponse, isExportResponse } from "../../otlp/encode.ts";
import type { Signal } from "../../otlp/payload.ts";
import { openFailures } from "./grpc-connection.ts";
import { type CallEnd, type GrpcAnswer, maxResponseBytes } from "./unary-call.ts";

export interface CallContext {
  /** Fit for messages, as `proxyHost` is. */
  readonly host: string;
  readonly proxyHost?: string | undefined;
  readonly signal: Signal;
  readonly timeoutMs: number;
}

/**
 * The result of an attempt. The codes that OTLP calls retryable are retryable; the same bytes would get every other one
 * again. The result contains no text of the backend, because that may quote the payload.
 */
export async function resultOf(
  end: CallEnd,
  { host, proxyHost, signal, timeoutMs }: CallContext,
): Promise<AttemptResult> {
  const way = proxyHost === undefined ? "" : ` through the proxy ${proxyHost}`;
  switch (end.kind) {
    case "answered":
      return end.answer.code === "OK"
        ? resultOfSuccess(end.answer, signal)
        : resultOfCode(end.answer, host);
    case "endless":
      return unreadable(`it is longer than ${maxResponseBytes / 1024} KiB`);
    case "refused":
      return retryable(`The backend ${host} takes no requests at the moment.`);
    case "failed":
      return retryable(
        end.isAtProxy === true
          ? `The backend ${host} cannot be reached, because of the proxy ${proxyHost ?? ""}: ${proxyFailureReason(end.code ?? "")}.`
          : `The backend ${host} cannot be reached${way}: ${reasonOf(end.code)}.`,
      );
    case "timeout":
      return retryable(`The backend ${host} did not answer${way} within ${timeoutMs} ms.`);
    case "shutdown":
      return retryable(
        `The request to ${host} was aborted because this collector is shutting down.`,
      );
    default: {
      const never: never = end;
      return never;
    }
  }
}

/** After OK, the backend has the data. So an answer that cannot be read is an error, but no reason to send it twice. */
async function resultOfSuccess(answer: GrpcAnswer, signal: Signal): Promise<AttemptResult> {
  const response = await responseOf(answer);
  if (response === undefined) {
    return unreadable("it is not exactly one message of gRPC");
  }
  if (!isExportResponse(signal, response)) {
    return unreadable("it cannot be decoded as protobuf");
  }
  const partial = decodeExportResponse(signal, response);
  return { status: "sent", ...(partial && { rejected: { items: partial.rejected } }) };
}

async function responseOf({ message }: GrpcAnswer): Promise<Uint8Array | undefined> {
  if (message?.isCompressed !== true) {
    return message?.bytes;
  }
  const encoding = parseContentEncoding(message.encoding);
  if (encoding === undefined || encoding === "identity") {
    return undefined;
  }
  const inflated = await inflate(message.bytes, encoding, {
    maxBytes: maxResponseBytes,
    slots: (task) => task(),
  });
  return inflated.ok ? inflated.bytes : undefined;
}

function resultOfCode({ code, httpStatus, retryDelayMs }: GrpcAnswer, host: string): AttemptResult {
  const message =
    httpStatus === undefined
      ? `The backend ${host} answered ${code} (${grpcCodeNames.indexOf(code)})${explanations.get(code) ?? ""}.`
      : `The backend ${host} answered with HTTP status ${httpStatus} instead of gRPC; check the endpoint, which must be that of OTLP/gRPC.`;
  const isThrottled = code === "RESOURCE_EXHAUSTED" && retryDelayMs !== undefined;
  if (!isThrottled && !retryableCodes.has(code)) {
    return { status: "permanent", message, isContentRefused: contentCodes.has(code) };
  }
  return {
    status: "retryable",
    message,
    ...(retryDelayMs !== undefined && { retryAfterMs: retryDelayMs }),
    ...(isThrottled && { throttled: true }),
  };
}

/** https://opentelemetry.io/docs/specs/otlp/#failures */
const retryableCodes = new Set<GrpcCode>([
  "CANCELLED",
  "DEADLINE_EXCEEDED",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNAVAILABLE",
  "DATA_LOSS",
]);

/** The backend cannot read the request, or it is too large. */
const contentCodes = new Set<GrpcCode>(["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"]);

const explanations = new Map<GrpcCode, string>([
  ["INVALID_ARGUMENT", "; it cannot read the request"],
  ["PERMISSION_DENIED", "; it does not allow this; check the exporter's headers"],
  [
    "RESOURCE_EXHAUSTED",
    "; without RetryInfo, it will not take the request later; it may be larger than the backend's limit",
  ],
  [
    "UNIMPLEMENTED",
    "; it does not have this service of OTLP/gRPC, or not this compression; check the endpoint",
  ],
  ["UNAUTHENTICATED", "; it does not know who is sending; check the exporter's headers"],
]);

function retryable(message: string): AttemptResult {
  return { status: "retryable", message };
}

/** The backend has read the request, whatever it made of it. As with `otlp_http`, it counts as sent. */
function unreadable(reason: string): AttemptResult {
  return { status: "sent", invalidResponse: reason };
}

/** The reasons of gRPC's own, and those for which other options help than those of `otlp_http`. */
function reasonOf(code: string | undefined): string {
  return code === undefined ? closedWithoutAnswer : (reasons.get(code) ?? failureReason(code));
}

const closedWithoutAnswer = "it closed the connection without an answer";

const reasons = new Map<string, string>([
  [openFailures.timeout, "connecting took too long"],
  [openFailures.notHttp2, "it does not speak HTTP/2; the endpoint must be that of OTLP/gRPC"],
  [openFailures.closed, closedWithoutAnswer],
  ["ERR_HTTP2_SESSION_ERROR", closedWithoutAnswer],
  [
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "it does not speak TLS; set tls.insecure: true if it should not",
  ],
]);

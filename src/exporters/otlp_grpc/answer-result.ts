import type { AttemptResult } from "../../delivery/attempt.ts";
import { type GrpcCode, grpcCodeNames } from "../../net/grpc-protocol.ts";
import { inflate, parseContentEncoding } from "../../net/inflate.ts";
import { decodeExportResponse, isExportResponse } from "../../otlp/encode.ts";
import type { Signal } from "../../otlp/payload.ts";
import { openFailures } from "./grpc-connection.ts";
import { type CallEnd, type GrpcAnswer, maxResponseBytes } from "./unary-call.ts";

/**
 * The result of an attempt. The codes that OTLP calls retryable are retryable; the same bytes would get every other one
 * again. The result contains no text of the backend, because that may quote the payload.
 */
export async function resultOf(
  end: CallEnd,
  { host, signal, timeoutMs }: { host: string; signal: Signal; timeoutMs: number },
): Promise<AttemptResult> {
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
      return retryable(`The backend ${host} cannot be reached: ${reasonOf(end.code)}.`);
    case "timeout":
      return retryable(`The backend ${host} did not answer within ${timeoutMs} ms.`);
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
    return permanent(message);
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

function permanent(message: string): AttemptResult {
  return { status: "permanent", message };
}

/** The backend has read the request, whatever it made of it. As with `otlp_http`, it counts as sent. */
function unreadable(reason: string): AttemptResult {
  return { status: "sent", invalidResponse: reason };
}

function reasonOf(code: string | undefined): string {
  return code === undefined
    ? closedWithoutAnswer
    : (reasons.get(code) ?? `the request failed (${code})`);
}

const closedWithoutAnswer = "it closed the connection without an answer";
const noTls = "it does not speak TLS; set tls.insecure: true if it should not";
const notVerified = "its certificate cannot be verified; check tls.ca_file";

const reasons = new Map<string, string>([
  [openFailures.timeout, "connecting took too long"],
  [openFailures.notHttp2, "it does not speak HTTP/2; the endpoint must be that of OTLP/gRPC"],
  [openFailures.closed, closedWithoutAnswer],
  ["ECONNREFUSED", "the connection was refused"],
  ["ECONNRESET", closedWithoutAnswer],
  ["EPIPE", closedWithoutAnswer],
  ["ERR_HTTP2_SESSION_ERROR", closedWithoutAnswer],
  ["ENOTFOUND", "the host name cannot be resolved"],
  ["EAI_AGAIN", "the host name cannot be resolved at the moment"],
  ["EHOSTUNREACH", "there is no route to it"],
  ["ENETUNREACH", "there is no route to it"],
  ["ETIMEDOUT", "connecting took too long"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", notVerified],
  ["SELF_SIGNED_CERT_IN_CHAIN", notVerified],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", notVerified],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", notVerified],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another host"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", noTls],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", noTls],
  [
    "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "it asks for a client certificate; set tls.cert_file and tls.key_file",
  ],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "it does not accept the client certificate"],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "it accepts no version of TLS that tls allows"],
]);

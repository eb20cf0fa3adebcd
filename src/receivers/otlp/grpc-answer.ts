import { type GrpcCode, grpcCodeNumber } from "../../net/grpc-protocol.ts";
import { encodeExportResponse } from "../../otlp/encode.ts";
import type { Signal } from "../../otlp/payload.ts";
import { encodeStatus, type StatusDetail } from "../../otlp/rpc-status.ts";
import { acceptedEncodings, type GrpcRefusal } from "./grpc-route.ts";
import type { Refusal } from "./refusal.ts";
import type { Failure, Outcome } from "./request-outcome.ts";
import type { GrpcAnswer } from "./server-call.ts";

/** The answer for the outcome of a call that was not refused. */
export function grpcAnswerOf(signal: Signal, outcome: Exclude<Outcome, Refusal>): GrpcAnswer {
  return outcome.status === "accepted"
    ? { message: encodeExportResponse("protobuf", signal, outcome.partial) }
    : failedAnswer(outcome);
}

/** The answer to a call that did not become a payload. */
export function refusedGrpcAnswer({ reason, message }: GrpcRefusal): GrpcAnswer {
  switch (reason) {
    case "method":
      return { httpStatus: 405, text: message };
    case "content_type":
      return { httpStatus: 415, text: message };
    case "content_encoding":
      return {
        code: "UNIMPLEMENTED",
        text: message,
        headers: { "grpc-accept-encoding": acceptedEncodings },
      };
    case "undecodable":
      return withDetail(codes[reason], message, { kind: "bad_request", description: message });
    case "busy":
      return withDetail(codes[reason], message, retryInfo());
    default:
      return { code: codes[reason], text: message };
  }
}

const codes = {
  unknown_path: "UNIMPLEMENTED",
  no_pipeline: "UNIMPLEMENTED",
  too_large: "RESOURCE_EXHAUSTED",
  too_complex: "RESOURCE_EXHAUSTED",
  headers_too_large: "RESOURCE_EXHAUSTED",
  undecodable: "INVALID_ARGUMENT",
  malformed_grpc: "INTERNAL",
  message_count: "UNIMPLEMENTED",
  timeout: "DEADLINE_EXCEEDED",
  busy: "UNAVAILABLE",
  fault: "INTERNAL",
  unknown_host: "PERMISSION_DENIED",
  unauthenticated: "UNAUTHENTICATED",
} as const satisfies Partial<Record<GrpcRefusal["reason"], GrpcCode>>;

/** The answer for a result of the pipelines, as over HTTP. */
function failedAnswer(result: Failure): GrpcAnswer {
  switch (result.status) {
    case "retryable":
      // Without RetryInfo, RESOURCE_EXHAUSTED would mean that the data can never be taken.
      return withDetail(
        result.throttled === true ? "RESOURCE_EXHAUSTED" : "UNAVAILABLE",
        result.message,
        retryInfo(result.retryAfterMs),
      );
    case "permanent":
      return { code: "INTERNAL", text: result.message };
    default: {
      const never: never = result;
      return never;
    }
  }
}

function retryInfo(delayMs = 1_000): StatusDetail {
  return { kind: "retry_info", delayMs };
}

function withDetail(
  code: Exclude<GrpcCode, "OK">,
  message: string,
  detail: StatusDetail,
): GrpcAnswer {
  const status = { code: grpcCodeNumber(code), message, details: [detail] };
  return { code, text: message, details: encodeStatus("protobuf", status) };
}

import { type GrpcCode, grpcCodeNumber } from "../../net/grpc-protocol.ts";
import { type Encoding, encodeExportResponse } from "../../otlp/encode.ts";
import type { Signal } from "../../otlp/payload.ts";
import { encodeStatus, type RpcStatus } from "../../otlp/rpc-status.ts";
import type { Refusal, RefusalReason } from "./refusal.ts";
import type { Failure, Outcome } from "./request-outcome.ts";

/** A complete HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Uint8Array;
}

/** The answer for the outcome of a request that was not refused. */
export function answerOf(
  encoding: Encoding,
  signal: Signal,
  outcome: Exclude<Outcome, Refusal>,
): Answer {
  return outcome.status === "accepted"
    ? answer(200, encoding, encodeExportResponse(encoding, signal, outcome.partial))
    : failedAnswer(encoding, outcome);
}

/** The answer to a request that did not become a payload. */
export function refusedAnswer(encoding: Encoding, { reason, message }: Refusal): Answer {
  const { status, code, headers } = refusals[reason];
  const details =
    reason === "undecodable"
      ? { details: [{ kind: "bad_request", description: message } as const] }
      : {};
  return answer(status, encoding, statusOf(encoding, code, { message, ...details }), headers);
}

/**
 * The answer for a result of the pipelines. A permanent failure is a 500, as in the Collector: the request
 * was well-formed, and OTLP senders drop the data instead of retrying.
 */
function failedAnswer(encoding: Encoding, result: Failure): Answer {
  const { message } = result;
  switch (result.status) {
    case "retryable": {
      const isThrottled = result.throttled === true;
      const code = isThrottled ? "RESOURCE_EXHAUSTED" : "UNAVAILABLE";
      return answer(isThrottled ? 429 : 503, encoding, statusOf(encoding, code, { message }), {
        "Retry-After": Math.max(1, Math.ceil((result.retryAfterMs ?? 0) / 1000)),
      });
    }
    case "permanent":
      return answer(500, encoding, statusOf(encoding, "INTERNAL", { message }));
    default: {
      const never: never = result;
      return never;
    }
  }
}

interface Shape {
  readonly status: number;
  readonly code: GrpcCode;
  readonly headers?: Answer["headers"];
}

const refusals: Readonly<Record<RefusalReason, Shape>> = {
  unknown_path: { status: 404, code: "UNIMPLEMENTED" },
  no_pipeline: { status: 404, code: "UNIMPLEMENTED" },
  method: { status: 405, code: "UNIMPLEMENTED", headers: { Allow: "POST" } },
  content_type: { status: 415, code: "UNIMPLEMENTED" },
  content_encoding: { status: 400, code: "INVALID_ARGUMENT" },
  too_large: { status: 413, code: "RESOURCE_EXHAUSTED" },
  too_complex: { status: 413, code: "RESOURCE_EXHAUSTED" },
  undecodable: { status: 400, code: "INVALID_ARGUMENT" },
  busy: { status: 503, code: "UNAVAILABLE", headers: { "Retry-After": 1 } },
  fault: { status: 500, code: "INTERNAL" },
  unknown_host: { status: 403, code: "PERMISSION_DENIED" },
  unauthenticated: { status: 401, code: "UNAUTHENTICATED" },
};

function statusOf(encoding: Encoding, code: GrpcCode, status: Omit<RpcStatus, "code">): Uint8Array {
  return encodeStatus(encoding, { code: grpcCodeNumber(code), ...status });
}

function answer(
  status: number,
  encoding: Encoding,
  body: Uint8Array,
  headers: Answer["headers"] = {},
): Answer {
  return {
    status,
    headers: {
      "Content-Type": encoding === "json" ? "application/json" : "application/x-protobuf",
      "Content-Length": body.length,
      ...headers,
    },
    body,
  };
}

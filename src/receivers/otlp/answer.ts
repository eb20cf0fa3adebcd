import type { ConsumeResult } from "../../component/consumer.ts";
import { type Encoding, encodeExportResponse, type PartialSuccess } from "../../otlp/encode.ts";
import type { Signal } from "../../otlp/payload.ts";
import { encodeStatus } from "../../otlp/rpc-status.ts";
import type { Refusal } from "./refusal.ts";
import type { RefusalReason } from "./request-instruments.ts";

/** A complete HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Uint8Array;
}

/** 200. `partial` is set only if something was rejected: OTLP requires that the field is left out otherwise. */
export function acceptedAnswer(
  encoding: Encoding,
  signal: Signal,
  partial?: PartialSuccess,
): Answer {
  return answer(200, encoding, encodeExportResponse(encoding, signal, partial));
}

/** The answer to a request that did not become a payload. */
export function refusedAnswer(encoding: Encoding, { refused, message }: Refusal): Answer {
  const { status, code, headers } = refusals[refused];
  const details =
    refused === "undecodable"
      ? { details: [{ kind: "bad_request", description: message } as const] }
      : {};
  return answer(status, encoding, encodeStatus(encoding, { code, message, ...details }), headers);
}

/**
 * The answer for a result of the pipelines. A permanent failure is a 500, as in the Collector: the request
 * was well-formed, and OTLP senders drop the data instead of retrying.
 */
export function resultAnswer(
  encoding: Encoding,
  result: Exclude<ConsumeResult, { readonly status: "accepted" }>,
): Answer {
  const { message } = result;
  switch (result.status) {
    case "retryable": {
      const code = result.throttled === true ? rpc.resourceExhausted : rpc.unavailable;
      return answer(
        result.throttled === true ? 429 : 503,
        encoding,
        encodeStatus(encoding, { code, message }),
        { "Retry-After": Math.max(1, Math.ceil((result.retryAfterMs ?? 0) / 1000)) },
      );
    }
    case "permanent":
      return answer(500, encoding, encodeStatus(encoding, { code: rpc.internal, message }));
    default: {
      const never: never = result;
      return never;
    }
  }
}

/** The codes of google.rpc.Code in use. */
const rpc = {
  invalidArgument: 3,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

interface Shape {
  readonly status: number;
  readonly code: number;
  readonly headers?: Answer["headers"];
}

const refusals: Readonly<Record<RefusalReason, Shape>> = {
  unknown_path: { status: 404, code: rpc.unimplemented },
  no_pipeline: { status: 404, code: rpc.unimplemented },
  method: { status: 405, code: rpc.unimplemented, headers: { Allow: "POST" } },
  content_type: { status: 415, code: rpc.unimplemented },
  content_encoding: { status: 400, code: rpc.invalidArgument },
  too_large: { status: 413, code: rpc.resourceExhausted },
  undecodable: { status: 400, code: rpc.invalidArgument },
  busy: { status: 503, code: rpc.unavailable, headers: { "Retry-After": 1 } },
  fault: { status: 500, code: rpc.internal },
};

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

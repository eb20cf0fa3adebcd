import type { Encoding } from "./encode.ts";
import { otlp } from "./proto/generated.js";

/** A `google.rpc.Status`, with which OTLP answers what it did not accept. */
export interface RpcStatus {
  /** A gRPC status code. */
  readonly code: number;
  readonly message: string;
  readonly details?: readonly StatusDetail[];
}

/** The details that OTLP knows. */
export type StatusDetail =
  /** A `google.rpc.BadRequest`: what is wrong with the request. */
  | { readonly kind: "bad_request"; readonly description: string }
  /** A `google.rpc.RetryInfo`: the request may be sent again after this time. */
  | { readonly kind: "retry_info"; readonly delayMs: number };

/** The bytes of a status, as the body of an HTTP answer or, in protobuf, as `grpc-status-details-bin`. */
export function encodeStatus(encoding: Encoding, status: RpcStatus): Uint8Array {
  const { code, message, details = [] } = status;
  if (encoding === "json") {
    const value = {
      code,
      message,
      ...(details.length === 0 ? {} : { details: details.map(jsonOfDetail) }),
    };
    return new TextEncoder().encode(JSON.stringify(value));
  }
  const writer = otlp.RpcStatus.encode({
    code,
    message: message.toWellFormed(),
    details: details.map(anyOfDetail),
  });
  // In Node, protobufjs writes into a `Buffer`; this is a plain view of the same bytes.
  const { buffer, byteOffset, byteLength } = writer.finish();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const typeUrls = {
  bad_request: "type.googleapis.com/google.rpc.BadRequest",
  retry_info: "type.googleapis.com/google.rpc.RetryInfo",
} as const satisfies Record<StatusDetail["kind"], string>;

/** In protobuf's JSON, a message inside an `Any` has its type beside its fields, and a `Duration` is a text in seconds. */
function jsonOfDetail(detail: StatusDetail): Readonly<Record<string, unknown>> {
  const type = { "@type": typeUrls[detail.kind] };
  switch (detail.kind) {
    case "bad_request":
      return { ...type, fieldViolations: [{ description: detail.description }] };
    case "retry_info":
      return { ...type, retryDelay: `${detail.delayMs / 1000}s` };
    default: {
      const never: never = detail;
      return never;
    }
  }
}

function anyOfDetail(detail: StatusDetail): otlp.RpcAny.$Properties {
  return { typeUrl: typeUrls[detail.kind], value: bytesOfDetail(detail) };
}

function bytesOfDetail(detail: StatusDetail): Uint8Array {
  switch (detail.kind) {
    case "bad_request":
      return otlp.RpcBadRequest.encode({
        fieldViolations: [{ description: detail.description }],
      }).finish();
    case "retry_info": {
      const seconds = Math.floor(detail.delayMs / 1000);
      return otlp.RpcRetryInfo.encode({
        retryDelay: {
          seconds: { low: seconds | 0, high: 0, unsigned: false },
          nanos: Math.round((detail.delayMs - seconds * 1000) * 1e6),
        },
      }).finish();
    }
    default: {
      const never: never = detail;
      return never;
    }
  }
}

import assert from "node:assert/strict";
import type { Signal } from "../../src/otlp/payload.ts";
import {
  decodeMessage,
  encodeMessage,
  fromJson,
  fromProtobuf,
  isMessage,
  type Message,
  responseTypes,
  toJson,
  toProtobuf,
} from "./messages.ts";
import { contentTypeOf, type Transport } from "./transport.ts";
import { framed, messageIn, type WireAnswer } from "./wire.ts";

/** An answer, in words that are the same over all transports. */
export type Outcome =
  | { readonly kind: "response"; readonly partialSuccess?: PartialSuccess }
  | Refusal;

export interface PartialSuccess {
  readonly rejected: number;
  readonly errorMessage: string;
}

export interface Refusal {
  readonly kind: "refusal";
  /** Of HTTP; ignored over gRPC. */
  readonly status: number;
  /** Of gRPC; over HTTP that of the body. */
  readonly code: number;
  readonly message: string;
  readonly details: readonly Detail[];
  /** The header; over HTTP only. */
  readonly retryAfter?: string;
}

/** A `BadRequest` or a `RetryInfo`, whose `@type` ends with its name. */
export type Detail = Message & { readonly "@type": string };

export const codes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const rejectedKeys = {
  traces: "rejectedSpans",
  metrics: "rejectedDataPoints",
  logs: "rejectedLogRecords",
} as const satisfies Record<Signal, string>;

const typePrefix = "type.googleapis.com/google.rpc.";
const detailTypes = { BadRequest: "RpcBadRequest", RetryInfo: "RpcRetryInfo" } as const;

export const success: Outcome = { kind: "response" };

export function refusal(
  status: number,
  code: number,
  more: Partial<Pick<Refusal, "message" | "details" | "retryAfter">> = {},
): Refusal {
  return { kind: "refusal", status, code, message: "no", details: [], ...more };
}

export function retryInfo(delayMs: number): Detail {
  return { "@type": `${typePrefix}RetryInfo`, retryDelay: `${delayMs / 1000}s` };
}

export function badRequest(description: string): Detail {
  return { "@type": `${typePrefix}BadRequest`, fieldViolations: [{ description }] };
}

/** Reads an answer strictly: fails as an assertion unless it is exactly what OTLP prescribes for the transport. */
export function readOutcome(transport: Transport, signal: Signal, answer: WireAnswer): Outcome {
  if (transport === "grpc") {
    return readGrpc(signal, answer);
  }
  assert.equal(answer.headers["content-type"], contentTypeOf(transport), "the Content-Type");
  const body = messageIn(transport, answer);
  if (answer.status === 200) {
    return responseOf(signal, decodeMessage(transport, responseTypes[signal], body));
  }
  assert.ok(answer.status >= 400 && answer.status < 600, `HTTP status ${answer.status}`);
  const status = transport === "http/json" ? fromJson(body) : statusFromProtobuf(body);
  const { retryAfter } = { retryAfter: answer.headers["retry-after"] };
  return {
    ...refusalOf(status),
    status: answer.status,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/** Writes an answer as the transport has it. */
export function writeOutcome(transport: Transport, signal: Signal, outcome: Outcome): WireAnswer {
  const contentType = contentTypeOf(transport);
  if (outcome.kind === "response") {
    const message = encodeMessage(
      transport,
      responseTypes[signal],
      responseMessage(signal, outcome.partialSuccess),
    );
    return transport === "grpc"
      ? {
          status: 200,
          headers: { "content-type": contentType },
          body: framed(message),
          trailers: { "grpc-status": "0" },
        }
      : { status: 200, headers: { "content-type": contentType }, body: message, trailers: {} };
  }
  const { status, code, message, details, retryAfter } = outcome;
  if (transport === "grpc") {
    const bytes = statusToProtobuf({ code, message, details });
    return {
      status: 200,
      headers: { "content-type": contentType },
      body: new Uint8Array(0),
      trailers: {
        "grpc-status": String(code),
        "grpc-message": encodeURIComponent(message),
        ...(details.length === 0
          ? {}
          : { "grpc-status-details-bin": Buffer.from(bytes).toString("base64") }),
      },
    };
  }
  return {
    status,
    headers: {
      "content-type": contentType,
      ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
    },
    body:
      transport === "http/json"
        ? toJson({ code, message, details })
        : statusToProtobuf({ code, message, details }),
    trailers: {},
  };
}

function readGrpc(signal: Signal, answer: WireAnswer): Outcome {
  assert.equal(answer.status, 200, "the HTTP status of a gRPC answer");
  assert.match(answer.headers["content-type"] ?? "", /^application\/grpc(\+proto)?$/);
  // An answer without a message has its status in the head.
  const status = answer.trailers["grpc-status"] ?? answer.headers["grpc-status"];
  assert.match(status ?? "none", /^\d+$/, "grpc-status");
  if (status === "0") {
    const message = fromProtobuf(responseTypes[signal], messageIn("grpc", answer));
    return responseOf(signal, message);
  }
  assert.equal(answer.body.length, 0, "a refusal has no message");
  const { trailers, headers } = answer;
  const details = trailers["grpc-status-details-bin"] ?? headers["grpc-status-details-bin"];
  const text = decodeURIComponent(trailers["grpc-message"] ?? headers["grpc-message"] ?? "");
  if (details === undefined) {
    return refusal(0, Number(status), { message: text });
  }
  const whole = refusalOf(statusFromProtobuf(Buffer.from(details, "base64")));
  assert.equal(whole.code, Number(status), "the code in the details");
  return { ...whole, message: text };
}

function responseOf(signal: Signal, message: Message): Outcome {
  const { partialSuccess, ...rest } = message;
  assert.deepEqual(rest, {}, "nothing but partial_success in a response");
  if (partialSuccess === undefined) {
    return success;
  }
  assert.ok(isMessage(partialSuccess), "partial_success is a message");
  const { [rejectedKeys[signal]]: rejected = "0", errorMessage = "", ...more } = partialSuccess;
  assert.deepEqual(more, {}, "nothing but the fields of partial_success");
  assert.match(String(rejected), /^\d+$/);
  assert.equal(typeof errorMessage, "string");
  return {
    kind: "response",
    partialSuccess: { rejected: Number(rejected), errorMessage: String(errorMessage) },
  };
}

function responseMessage(signal: Signal, partial: PartialSuccess | undefined): Message {
  return partial === undefined
    ? {}
    : {
        partialSuccess: {
          [rejectedKeys[signal]]: String(partial.rejected),
          errorMessage: partial.errorMessage,
        },
      };
}

function refusalOf({ code = 0, message = "", details = [], ...rest }: Message): Refusal {
  assert.deepEqual(rest, {}, "nothing but the fields of a Status");
  assert.ok(typeof code === "number" && typeof message === "string" && Array.isArray(details));
  return refusal(0, code, { message, details });
}

function statusFromProtobuf(bytes: Uint8Array): Message {
  const { details = [], ...status } = fromProtobuf("RpcStatus", bytes);
  assert.ok(Array.isArray(details));
  return { ...status, details: details.map(detailFromAny) };
}

function detailFromAny({ typeUrl, value = "" }: { typeUrl: string; value?: string }): Detail {
  const name = typeUrl.replace(typePrefix, "");
  const type = name === "BadRequest" || name === "RetryInfo" ? detailTypes[name] : undefined;
  assert.ok(type !== undefined, `an unknown detail ${typeUrl}`);
  const { retryDelay, ...fields } = fromProtobuf(type, Buffer.from(value, "base64"));
  if (!isMessage(retryDelay)) {
    return { "@type": typeUrl, ...fields };
  }
  const seconds = Number(retryDelay["seconds"] ?? 0) + Number(retryDelay["nanos"] ?? 0) / 1e9;
  return { "@type": typeUrl, retryDelay: `${seconds}s` };
}

function statusToProtobuf({
  code,
  message,
  details,
}: Pick<Refusal, "code" | "message" | "details">): Uint8Array {
  return toProtobuf("RpcStatus", { code, message, details: details.map(anyOf) });
}

function anyOf({ "@type": typeUrl, retryDelay, ...fields }: Detail): Message {
  const type = typeUrl.endsWith("RetryInfo") ? detailTypes.RetryInfo : detailTypes.BadRequest;
  const seconds = Number.parseFloat(String(retryDelay));
  const message =
    retryDelay === undefined
      ? fields
      : {
          retryDelay: {
            seconds: String(Math.floor(seconds)),
            nanos: Math.round((seconds % 1) * 1e9),
          },
        };
  return { typeUrl, value: Buffer.from(toProtobuf(type, message)).toString("base64") };
}

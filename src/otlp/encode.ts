import type protobuf from "protobufjs/minimal.js";
import type { Signal } from "./payload.ts";
import { otlp } from "./proto/generated.js";

/** The part of an accepted request that a receiver of OTLP rejected. */
export interface PartialSuccess {
  /** Spans, data points or log records. 0 with a message is a warning. */
  readonly rejected: number;
  readonly message: string;
}

/** An event of this program as an OTLP log record. */
export interface LogEvent {
  readonly timeUnixNano: bigint;
  readonly eventName: string;
  /** 1 to 24, as in OpenTelemetry's `SeverityNumber`. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: string;
  /** A safe integer becomes an int value, any other number a double. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** 16 bytes. */
  readonly traceId?: Uint8Array;
  /** 8 bytes. */
  readonly spanId?: Uint8Array;
}

/** A span of this program about a span of a sender. */
export interface DerivedSpan {
  /** 16 bytes. */
  readonly traceId: Uint8Array;
  /** 8 bytes. */
  readonly spanId: Uint8Array;
  /** 8 bytes, zeros for none. */
  readonly parentSpanId: Uint8Array;
  readonly name: string;
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Of status ERROR. */
  readonly statusMessage: string;
  /** The span that it is about, in the same trace. */
  readonly linkedSpanId: Uint8Array;
}

export type Encoding = "protobuf" | "json";

const rejectedNames = {
  traces: "rejectedSpans",
  metrics: "rejectedDataPoints",
  logs: "rejectedLogRecords",
} as const;

const noBytes = new Uint8Array(0);

/** The answer to an export request; without `partial` the empty message, which is full success. */
export function encodeExportResponse(
  encoding: Encoding,
  signal: Signal,
  partial?: PartialSuccess,
): Uint8Array {
  if (encoding === "json") {
    // Protobuf's JSON writes a 64-bit number as a string.
    return jsonBytes(
      partial === undefined
        ? {}
        : {
            partialSuccess: {
              [rejectedNames[signal]]: String(partial.rejected),
              errorMessage: partial.message,
            },
          },
    );
  }
  if (partial === undefined) {
    return noBytes;
  }
  const rejected = longOf(BigInt(partial.rejected));
  const errorMessage = partial.message.toWellFormed();
  switch (signal) {
    case "traces":
      return finish(
        otlp.ExportTraceServiceResponse.encode({
          partialSuccess: { rejectedSpans: rejected, errorMessage },
        }),
      );
    case "metrics":
      return finish(
        otlp.ExportMetricsServiceResponse.encode({
          partialSuccess: { rejectedDataPoints: rejected, errorMessage },
        }),
      );
    case "logs":
      return finish(
        otlp.ExportLogsServiceResponse.encode({
          partialSuccess: { rejectedLogRecords: rejected, errorMessage },
        }),
      );
    default: {
      const never: never = signal;
      return never;
    }
  }
}

/**
 * The `partial_success` of a protobuf answer to an export request, if it is not empty. Otherwise undefined, also for bytes that
 * are not such an answer.
 */
export function decodeExportResponse(
  signal: Signal,
  bytes: Uint8Array,
): PartialSuccess | undefined {
  const partial = unlessGarbage(() => partialSuccessOf(signal, bytes));
  return partial === undefined || (partial.rejected === 0 && partial.message === "")
    ? undefined
    : partial;
}

/** Whether the bytes are a protobuf answer to an export request, with or without a `partial_success`. */
export function isExportResponse(signal: Signal, bytes: Uint8Array): boolean {
  return unlessGarbage(() => partialSuccessOf(signal, bytes)) !== undefined;
}

/** An `ExportLogsServiceRequest` of one resource and one scope. */
export function encodeLogEvents(input: {
  readonly resource: Readonly<Record<string, string>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly events: readonly LogEvent[];
}): Uint8Array {
  return finish(
    otlp.ExportLogsServiceRequest.encode({
      resourceLogs: [
        {
          resource: { attributes: keyValues(input.resource) },
          scopeLogs: [{ scope: input.scope, logRecords: input.events.map(logRecordOf) }],
        },
      ],
    }),
  );
}

/** An `ExportTraceServiceRequest` of one resource and one scope. */
export function encodeSpans(input: {
  readonly resource: Readonly<Record<string, string>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly spans: readonly DerivedSpan[];
}): Uint8Array {
  return finish(
    otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [
        {
          resource: { attributes: keyValues(input.resource) },
          scopeSpans: [{ scope: input.scope, spans: input.spans.map(spanOf) }],
        },
      ],
    }),
  );
}

function spanOf(span: DerivedSpan): otlp.Span.$Properties {
  const { traceId, spanId, parentSpanId } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId.some((byte) => byte !== 0) ? { parentSpanId } : {}),
    name: span.name.toWellFormed(),
    kind: otlp.Span.SpanKind.SPAN_KIND_INTERNAL,
    startTimeUnixNano: longOf(span.startTimeUnixNano),
    endTimeUnixNano: longOf(span.endTimeUnixNano),
    attributes: keyValues(span.attributes),
    links: [{ traceId, spanId: span.linkedSpanId }],
    status: {
      code: otlp.Status.StatusCode.STATUS_CODE_ERROR,
      message: span.statusMessage.toWellFormed(),
    },
  };
}

function logRecordOf(event: LogEvent): otlp.LogRecord.$Properties {
  const time = longOf(event.timeUnixNano);
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: event.severityNumber,
    severityText: event.severityText,
    body: anyValueOf(event.body),
    attributes: keyValues(event.attributes),
    eventName: event.eventName,
    ...(event.traceId === undefined ? {} : { traceId: event.traceId }),
    ...(event.spanId === undefined ? {} : { spanId: event.spanId }),
  };
}

function keyValues(
  attributes: Readonly<Record<string, string | number | boolean>>,
): otlp.KeyValue.$Properties[] {
  const encoded: otlp.KeyValue.$Properties[] = [];
  for (const [key, value] of Object.entries(attributes)) {
    encoded.push({ key: key.toWellFormed(), value: anyValueOf(value) });
  }
  return encoded;
}

function anyValueOf(value: string | number | boolean): otlp.AnyValue.$Properties {
  if (typeof value === "string") {
    // Half of a surrogate pair, such as of a text that was cut, has no UTF-8, and a strict decoder would refuse all of the request.
    return { stringValue: value.toWellFormed() };
  }
  if (typeof value === "boolean") {
    return { boolValue: value };
  }
  return Number.isSafeInteger(value) && !Object.is(value, -0)
    ? { intValue: longOf(BigInt(value)) }
    : { doubleValue: value };
}

function partialSuccessOf(signal: Signal, bytes: Uint8Array): PartialSuccess | undefined {
  switch (signal) {
    case "traces": {
      const partial = otlp.ExportTraceServiceResponse.decode(bytes).partialSuccess;
      return toPartialSuccess(partial?.rejectedSpans, partial?.errorMessage);
    }
    case "metrics": {
      const partial = otlp.ExportMetricsServiceResponse.decode(bytes).partialSuccess;
      return toPartialSuccess(partial?.rejectedDataPoints, partial?.errorMessage);
    }
    case "logs": {
      const partial = otlp.ExportLogsServiceResponse.decode(bytes).partialSuccess;
      return toPartialSuccess(partial?.rejectedLogRecords, partial?.errorMessage);
    }
    default: {
      const never: never = signal;
      return never;
    }
  }
}

/** A negative count is an error of the backend and counts as 0. */
function toPartialSuccess(
  rejected: protobuf.Long | null | undefined,
  message: string | null | undefined,
): PartialSuccess {
  const count = rejected ? rejected.high * 2 ** 32 + (rejected.low >>> 0) : 0;
  return { rejected: Math.max(count, 0), message: message ?? "" };
}

function unlessGarbage<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined; // protobufjs throws for bytes that are not the message
  }
}

function longOf(value: bigint): protobuf.Long {
  const low = Number(BigInt.asIntN(32, value));
  const high = Number(BigInt.asIntN(32, value >> 32n));
  return { low, high, unsigned: false };
}

/** In Node, protobufjs writes into a `Buffer`; this returns a plain view of the same bytes. */
function finish(writer: protobuf.Writer): Uint8Array {
  const { buffer, byteOffset, byteLength } = writer.finish();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

import { otlp } from "../../src/otlp/proto/generated.js";

export type AttributeValue = string | number | boolean | { readonly [key: string]: AttributeValue };

export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface ReceivedSpan {
  readonly resource: Attributes;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  /** Unix milliseconds; an open span has no end. */
  readonly startMs: number;
  readonly endMs: number | undefined;
  readonly attributes: Attributes;
  readonly statusCode: number;
}

export interface ReceivedLog {
  readonly resource: Attributes;
  readonly scope: string;
  readonly eventName: string;
  readonly atMs: number;
  readonly observedMs: number;
  /** Empty when it has none. */
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

/** Reads an `ExportTraceServiceRequest` with code that is not the relay's. */
export function decodeSpans(body: Uint8Array): ReceivedSpan[] {
  return otlp.ExportTraceServiceRequest.decode(body).resourceSpans.flatMap((resourceSpans) =>
    (resourceSpans.scopeSpans ?? []).flatMap((scopeSpans) =>
      (scopeSpans.spans ?? []).map((span) => ({
        resource: attributesOf(resourceSpans.resource?.attributes),
        scope: `${scopeSpans.scope?.name} ${scopeSpans.scope?.version}`,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        name: span.name ?? "",
        kind: span.kind ?? 0,
        startMs: milliseconds(span.startTimeUnixNano),
        endMs: milliseconds(span.endTimeUnixNano) || undefined,
        attributes: attributesOf(span.attributes),
        statusCode: span.status?.code ?? 0,
      })),
    ),
  );
}

/** Reads an `ExportLogsServiceRequest`. */
export function decodeLogs(body: Uint8Array): ReceivedLog[] {
  return otlp.ExportLogsServiceRequest.decode(body).resourceLogs.flatMap((resourceLogs) =>
    (resourceLogs.scopeLogs ?? []).flatMap((scopeLogs) =>
      (scopeLogs.logRecords ?? []).map((record) => ({
        resource: attributesOf(resourceLogs.resource?.attributes),
        scope: `${scopeLogs.scope?.name} ${scopeLogs.scope?.version}`,
        eventName: record.eventName ?? "",
        atMs: milliseconds(record.timeUnixNano),
        observedMs: milliseconds(record.observedTimeUnixNano),
        traceId: hex(record.traceId),
        spanId: hex(record.spanId),
        attributes: attributesOf(record.attributes),
      })),
    ),
  );
}

function attributesOf(attributes: readonly otlp.IKeyValue[] | null | undefined): Attributes {
  return Object.fromEntries(
    (attributes ?? []).map(({ key, value }) => [
      key ?? "",
      value?.kvlistValue
        ? attributesOf(value.kvlistValue.values)
        : (value?.stringValue ?? value?.boolValue ?? Number(value?.intValue)),
    ]),
  );
}

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

function milliseconds(nanoseconds: unknown): number {
  return Number(BigInt(String(nanoseconds ?? 0)) / 1_000_000n);
}

import Long from "long";
import { otlp } from "../../src/otlp/proto/generated.js";
import type { ArrivingRequest } from "./request-shape.ts";

/** When the senders of the benchmark began, in Unix seconds. */
export const beganS = 1_796_000_000;

/** A span as a shape writes it: ids are numbers, times seconds after `beganS`. */
export interface SpanOf {
  readonly name: string;
  readonly trace: number;
  readonly id: number;
  readonly parent?: number;
  readonly start?: number;
  /** Left out: it is open. */
  readonly end?: number;
  readonly attributes?: Attributes;
  /** Beside the fields above. */
  readonly more?: otlp.Span.$Properties;
}

export interface RecordOf {
  readonly event?: string;
  readonly at?: number;
  readonly trace?: number;
  readonly span?: number;
  readonly attributes?: Attributes;
  readonly body?: otlp.AnyValue.$Properties;
}

export type Attributes = Readonly<Record<string, string | number>>;

/** The spans or records of one process. */
export interface PartOf<T> {
  /** A number; its attributes are those that distinguish a process. */
  readonly process: number;
  readonly scope?: string;
  readonly items: readonly T[];
}

export function tracesOf(...parts: readonly PartOf<SpanOf>[]): ArrivingRequest {
  const resourceSpans = parts.map(({ process, scope = "s", items }) => ({
    resource: resourceOf(process),
    scopeSpans: [{ scope: { name: scope }, spans: items.map(spanOf) }],
  }));
  return {
    signal: "traces",
    bytes: otlp.ExportTraceServiceRequest.encode({ resourceSpans }).finish(),
  };
}

export function logsOf(...parts: readonly PartOf<RecordOf>[]): ArrivingRequest {
  const resourceLogs = parts.map(({ process, scope = "s", items }) => ({
    resource: resourceOf(process),
    scopeLogs: [{ scope: { name: scope }, logRecords: items.map(recordOf) }],
  }));
  return {
    signal: "logs",
    bytes: otlp.ExportLogsServiceRequest.encode({ resourceLogs }).finish(),
  };
}

export function metricsOf(
  ...parts: readonly { readonly process: number; readonly metrics: otlp.Metric.$Properties[] }[]
): ArrivingRequest {
  const resourceMetrics = parts.map(({ process, metrics }) => ({
    resource: resourceOf(process),
    scopeMetrics: [{ metrics }],
  }));
  return {
    signal: "metrics",
    bytes: otlp.ExportMetricsServiceRequest.encode({ resourceMetrics }).finish(),
  };
}

export function keyValues(attributes: Attributes): otlp.KeyValue.$Properties[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value:
      typeof value === "string" ? { stringValue: value } : { intValue: Long.fromNumber(value) },
  }));
}

/** A time of seconds after `beganS`. */
export function nanosOf(seconds: number): Long {
  return Long.fromNumber(Math.round((beganS + seconds) * 1_000), true).multiply(1_000_000);
}

/** An id of so many bytes; ids of several numbers differ in all of them, as random ones do. */
export function idOf(number: number, length: number): Uint8Array {
  const id = Buffer.alloc(length);
  for (let at = 0; at < length; at += 4) {
    id.writeInt32BE(Math.imul(number + 1 + at, 0x9e3779b1), at);
  }
  return id;
}

function resourceOf(process: number): otlp.Resource.$Properties {
  return {
    attributes: keyValues({
      "service.name": "s",
      "service.instance.id": `i${process}`,
      "host.id": `h${process % 100}`,
    }),
  };
}

function spanOf(of: SpanOf): otlp.Span.$Properties {
  return {
    traceId: idOf(of.trace, 16),
    spanId: idOf(of.id, 8),
    name: of.name,
    startTimeUnixNano: nanosOf(of.start ?? 0),
    ...(of.parent === undefined ? {} : { parentSpanId: idOf(of.parent, 8) }),
    ...(of.end === undefined ? {} : { endTimeUnixNano: nanosOf(of.end) }),
    ...(of.attributes === undefined ? {} : { attributes: keyValues(of.attributes) }),
    ...of.more,
  };
}

function recordOf({
  event,
  at,
  trace,
  span,
  attributes,
  body,
}: RecordOf): otlp.LogRecord.$Properties {
  return {
    ...(at === undefined ? {} : { timeUnixNano: nanosOf(at) }),
    ...(event === undefined ? {} : { eventName: event }),
    ...(trace === undefined ? {} : { traceId: idOf(trace, 16) }),
    ...(span === undefined ? {} : { spanId: idOf(span, 8) }),
    ...(attributes === undefined ? {} : { attributes: keyValues(attributes) }),
    ...(body === undefined ? {} : { body }),
  };
}

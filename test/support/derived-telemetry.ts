import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import type { SinkRequest } from "./otlp-sink.ts";

/** A log record that the collector made. */
export interface DerivedEvent {
  readonly name: string;
  readonly severity: string;
  readonly body: string;
  readonly timeUnixMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Hex; empty when the record has none. */
  readonly traceId: string;
  readonly spanId: string;
}

/** A point of a metric that the collector made. */
export interface DerivedPoint {
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly startUnixMs: number;
  readonly timeUnixMs: number;
}

export interface DerivedSum {
  readonly isMonotonic: boolean;
  readonly temporality: otlp.AggregationTemporality;
  readonly unit: string;
  readonly points: readonly DerivedPoint[];
}

const ownName = "openclaw-activity-collector";

/** Whether a request holds what the collector derived, rather than what passed through it. */
export function isDerived({ signal, bytes }: Pick<SinkRequest, "signal" | "bytes">): boolean {
  return resourcesOf(signal, bytes).some(
    (resource) => valuesOf(resource?.attributes)["service.name"] === ownName,
  );
}

/** What passed through, in order. */
export function passedThrough(requests: readonly SinkRequest[]): readonly SinkRequest[] {
  return requests.filter((request) => !isDerived(request));
}

/** Every event of this name, in order. */
export function eventsIn(
  requests: readonly Pick<SinkRequest, "signal" | "bytes">[],
  name: string,
): readonly DerivedEvent[] {
  return requests
    .filter((request) => request.signal === "logs" && isDerived(request))
    .flatMap(({ bytes }) => otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs)
    .flatMap(({ scopeLogs }) => scopeLogs ?? [])
    .flatMap(({ logRecords }) => logRecords ?? [])
    .filter(({ eventName }) => eventName === name)
    .map((record) => ({
      name,
      severity: record.severityText ?? "",
      body: record.body?.stringValue ?? "",
      timeUnixMs: toMs(record.timeUnixNano),
      attributes: valuesOf(record.attributes),
      traceId: Buffer.from(record.traceId ?? []).toString("hex"),
      spanId: Buffer.from(record.spanId ?? []).toString("hex"),
    }));
}

export function evictionsIn(requests: readonly SinkRequest[]): readonly DerivedEvent[] {
  return eventsIn(requests, "session.activity.evicted");
}

/** How many markers the events speak of. */
export function markersOf(events: readonly DerivedEvent[]): number {
  return events.reduce(
    (sum, { attributes }) =>
      sum +
      Number(attributes["openclaw.evictedTools"]) +
      Number(attributes["openclaw.evictedModelCalls"]),
    0,
  );
}

/** A sum by its OpenTelemetry name, as it was pushed each time. */
export function sumsIn(requests: readonly SinkRequest[], name: string): readonly DerivedSum[] {
  return requests
    .filter((request) => request.signal === "metrics" && isDerived(request))
    .flatMap(({ bytes }) => otlp.ExportMetricsServiceRequest.decode(bytes).resourceMetrics)
    .flatMap(({ scopeMetrics }) => scopeMetrics ?? [])
    .flatMap(({ metrics }) => metrics ?? [])
    .filter((metric) => metric.name === name)
    .map(({ sum, unit }) => ({
      isMonotonic: sum?.isMonotonic ?? false,
      temporality: sum?.aggregationTemporality ?? 0,
      unit: unit ?? "",
      points: (sum?.dataPoints ?? []).map((point) => ({
        attributes: valuesOf(point.attributes),
        value: Number(point.asInt ?? point.asDouble),
        startUnixMs: toMs(point.startTimeUnixNano),
        timeUnixMs: toMs(point.timeUnixNano),
      })),
    }));
}

export function totalOf(sum: DerivedSum): number {
  return sum.points.reduce((total, { value }) => total + value, 0);
}

/** As much of a `KeyValue` as is read here: encoders and decoders have types of their own for it. */
interface Attribute {
  readonly key?: string | null;
  readonly value?: {
    readonly stringValue?: string | null;
    readonly intValue?: { toString(): string } | null;
    readonly doubleValue?: number | null;
  } | null;
}

function resourcesOf(signal: Signal, bytes: Uint8Array) {
  switch (signal) {
    case "traces":
      return otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans.map(
        ({ resource }) => resource,
      );
    case "metrics":
      return otlp.ExportMetricsServiceRequest.decode(bytes).resourceMetrics.map(
        ({ resource }) => resource,
      );
    case "logs":
      return otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs.map(
        ({ resource }) => resource,
      );
    default: {
      const never: never = signal;
      return never;
    }
  }
}

function valuesOf(
  attributes: readonly Attribute[] | null | undefined,
): Readonly<Record<string, string | number>> {
  return Object.fromEntries(
    (attributes ?? []).map(({ key, value }) => [
      key ?? "",
      value?.stringValue ?? Number(value?.intValue ?? value?.doubleValue),
    ]),
  );
}

function toMs(nanos: { toString(): string } | null | undefined): number {
  return Number(nanos ?? 0) / 1e6;
}

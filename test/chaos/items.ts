import { createHash } from "node:crypto";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";

/** The attribute by which log records and data points that must be delivered are recognized. */
export const itemKey = "chaos.item";

/** A span, log record or data point on its way through the collector, with a digest of all it holds. */
export interface Item {
  readonly id: string;
  readonly digest: string;
}

/** What a request holds, apart by what the collector may do with it. */
export interface Contents {
  /** What has to arrive at a backend as it is. */
  readonly items: readonly Item[];
  /** What has to arrive at none: signals for the collector alone. */
  readonly consumed: readonly string[];
  /** Work that the collector's own closing spans are linked to: trace and span. */
  readonly closed: readonly string[];
}

/** The name under which the collector sends what it derives. */
const collectorName = "openclaw-activity-collector";

type Redact = (
  attributes: readonly otlp.KeyValue.$Properties[] | null | undefined,
) => otlp.KeyValue.$Properties[];

/**
 * Reads the bytes of an export request. Both ends of the way use it: what the senders have sent is compared with what the backends were sent,
 * whatever the encoding in between.
 */
export function contentsOf(
  signal: Signal,
  bytes: Uint8Array,
  /** What becomes of attributes between here and the backend. */
  redact: Redact = (attributes) => [...(attributes ?? [])],
): Contents {
  const items: Item[] = [];
  const consumed: string[] = [];
  const closed: string[] = [];
  switch (signal) {
    case "traces":
      for (const { resource, scopeSpans } of otlp.ExportTraceServiceRequest.decode(bytes)
        .resourceSpans) {
        const around = encodedResource(resource);
        const isDerived = textOf(resource?.attributes, "service.name") === collectorName;
        for (const { scope, spans } of scopeSpans ?? []) {
          for (const span of spans ?? []) {
            if (isDerived) {
              const [link] = span.links ?? [];
              closed.push(`${hex(link?.traceId)}/${hex(link?.spanId)}`);
              continue;
            }
            const id = `${hex(span.traceId)}/${hex(span.spanId)}`;
            if (isForCollector(scope?.name ?? "", span)) {
              consumed.push(`span ${id}`);
            } else {
              items.push({
                id,
                digest: digestOf(
                  around,
                  otlp.Span.encode({ ...span, attributes: redact(span.attributes) }).finish(),
                ),
              });
            }
          }
        }
      }
      break;
    case "logs":
      for (const { resource, scopeLogs } of otlp.ExportLogsServiceRequest.decode(bytes)
        .resourceLogs) {
        const around = encodedResource(resource);
        for (const record of (scopeLogs ?? []).flatMap(({ logRecords }) => logRecords ?? [])) {
          const id = textOf(record.attributes, itemKey);
          if (id !== undefined) {
            items.push({
              id,
              digest: digestOf(
                around,
                otlp.LogRecord.encode({
                  ...record,
                  attributes: redact(record.attributes),
                }).finish(),
              ),
            });
          } else if (
            textOf(record.attributes, "partial.event") !== undefined ||
            textOf(record.attributes, "span.state") !== undefined
          ) {
            consumed.push(`log record of ${textOf(resource?.attributes, "service.name") ?? ""}`);
          }
        }
      }
      break;
    case "metrics":
      for (const { resource, scopeMetrics } of otlp.ExportMetricsServiceRequest.decode(bytes)
        .resourceMetrics) {
        const around = encodedResource(resource);
        for (const metric of (scopeMetrics ?? []).flatMap(({ metrics }) => metrics ?? [])) {
          for (const { attributes } of metric.sum?.dataPoints ?? []) {
            const id = textOf(attributes, itemKey);
            if (id !== undefined) {
              items.push({ id, digest: digestOf(around, otlp.Metric.encode(metric).finish()) });
            }
          }
        }
      }
      break;
    default: {
      const never: never = signal;
      return never;
    }
  }
  return { items, consumed, closed };
}

export function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

type Attributes = readonly otlp.KeyValue.$Properties[] | null | undefined;

export function textOf(attributes: Attributes, key: string): string | undefined {
  return attributes?.find((each) => each.key === key)?.value?.stringValue ?? undefined;
}

function isForCollector(scope: string, span: otlp.Span.$Properties): boolean {
  return (
    Number(span.endTimeUnixNano ?? 0) === 0 ||
    scope === "openclaw-activity-relay" ||
    (span.attributes ?? []).some(({ key }) => key === "_dd.partial_version") ||
    textOf(span.attributes, "logfire.span_type") === "pending_span"
  );
}

function encodedResource(resource: otlp.Resource.$Properties | null | undefined): Uint8Array {
  return otlp.Resource.encode(resource ?? {}).finish();
}

function digestOf(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha1");
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest("base64").slice(0, 16);
}

import { parseExactJson } from "../../../otlp/exact-json.ts";
import { requestFromValue } from "../../../otlp/json.ts";
import { type Dialect, dialects } from "../../model/dialects.ts";
import { type ActivityRecord, attributeOf, integerOf, textOf } from "../activity-record.ts";

/** Attributes that tell a record with spans in its body. */
export const reportKeys = { partial: "partial.event", state: "span.state" } as const;

const bodyTypeKeys = { partial: "partial.body.type", state: "log.body.type" } as const;
const frequencyKey = "partial.frequency";
const jsonBody = "json/v1";
const longestIntervalMs = 86_400_000;

/** What a log record says of spans: that they go on, or that they are over. */
export interface ReportedSpans {
  readonly dialect: Dialect;
  readonly isStart: boolean;
  /** Until the next report, in ms; 0 when none is promised. */
  readonly intervalMs: number;
  /** The spans, as an `ExportTraceServiceRequest`. */
  readonly bytes: Uint8Array;
}

/** How often reports come, where they do or do not say it themselves. */
export interface ReportIntervals {
  /** Between records of S5, which do not say. */
  readonly stateIntervalMs: number;
  /** Reads a duration in Go's notation, in ms; undefined for any other text. */
  readonly parseDurationMs: (text: string) => number | undefined;
}

/** Whether a record is a report of spans, readable or not. */
export function reportDialectOf({ record }: ActivityRecord): Dialect | undefined {
  if (attributeOf(record.attributes, reportKeys.partial) !== undefined) {
    return dialects.partialLog.storedId;
  }
  return attributeOf(record.attributes, reportKeys.state) === undefined
    ? undefined
    : dialects.spanStateLog.storedId;
}

/**
 * S4 (`partial.event`) and S5 (`span.state`): a record whose body is a span that goes on or is over. The
 * body is OTLP as protobuf, in base64 or not, or as JSON in any of the spellings that senders have.
 * Undefined when it cannot be read.
 */
export function readReport(
  seen: ActivityRecord,
  intervals: ReportIntervals,
): ReportedSpans | undefined {
  const { attributes } = seen.record;
  const dialect = reportDialectOf(seen);
  const isPartial = dialect === dialects.partialLog.storedId;
  const event = textOf(attributeOf(attributes, isPartial ? reportKeys.partial : reportKeys.state));
  const isStart = event === "heartbeat";
  const bytes = bodyOf(seen, isPartial ? bodyTypeKeys.partial : bodyTypeKeys.state);
  if (dialect === undefined || bytes === undefined) {
    return undefined;
  }
  if (!isStart && event !== (isPartial ? "stop" : "ended")) {
    return undefined;
  }
  const intervalMs = isPartial
    ? frequencyMsOf(seen, intervals.parseDurationMs)
    : intervals.stateIntervalMs;
  return { dialect, isStart, intervalMs: isStart ? intervalMs : 0, bytes };
}

function bodyOf({ record }: ActivityRecord, typeKey: string): Uint8Array | undefined {
  const { stringValue, bytesValue } = record.body ?? {};
  const type = textOf(attributeOf(record.attributes, typeKey));
  if (type === jsonBody) {
    return fromJson(stringValue ?? Buffer.from(bytesValue ?? []).toString());
  }
  if (type !== "" && type !== "proto") {
    return undefined;
  }
  const bytes = bytesValue?.length ? bytesValue : Buffer.from(stringValue ?? "", "base64");
  return bytes.length === 0 ? undefined : bytes;
}

/** `5000ms` and the like; a bare number, as first releases wrote it, is milliseconds. */
function frequencyMsOf(
  { record }: ActivityRecord,
  parseDurationMs: ReportIntervals["parseDurationMs"],
): number {
  const value = attributeOf(record.attributes, frequencyKey);
  const text = textOf(value);
  const ms =
    integerOf(value) ??
    value?.doubleValue ??
    (/^\d+$/.test(text) ? Number(text) : (parseDurationMs(text) ?? 0));
  return ms > 0 && ms <= longestIntervalMs ? ms : 0;
}

/** JSON of TracesData, or of one ResourceSpans. */
function fromJson(text: string): Uint8Array | undefined {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    return undefined;
  }
  const isResourceSpans = "scopeSpans" in fieldsOf(value) || "scope_spans" in fieldsOf(value);
  const request = isResourceSpans ? { resourceSpans: [value] } : value;
  const result = requestFromValue("traces", mended(request));
  return result.ok ? result.bytes : undefined;
}

const spanLists: readonly string[] = [
  "resourceSpans",
  "resource_spans",
  "scopeSpans",
  "scope_spans",
  "spans",
];
const idSizes: Readonly<Record<string, number>> = {
  traceId: 32,
  trace_id: 32,
  spanId: 16,
  span_id: 16,
  parentSpanId: 16,
  parent_span_id: 16,
};

/**
 * What senders spell otherwise than OTLP has it: ids may lack leading zeros. Fields of a span that are of
 * no use here and known to come wrong are left out: ids of links in base64, the status in `trace_state`.
 */
function mended(value: unknown): unknown {
  return Object.fromEntries(
    Object.entries(fieldsOf(value))
      .filter(([key]) => !["links", "traceState", "trace_state"].includes(key))
      .map(([key, content]) => {
        if (spanLists.includes(key) && Array.isArray(content)) {
          return [key, content.map(mended)];
        }
        const size = idSizes[key];
        return size !== undefined && typeof content === "string" && content !== ""
          ? [key, content.padStart(size, "0")]
          : [key, content];
      }),
  );
}

function fieldsOf(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

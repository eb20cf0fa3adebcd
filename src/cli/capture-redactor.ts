import type { ActivityRecord } from "../activity/recognition/activity-record.ts";
import { spansInBody } from "../activity/recognition/dialects/span-bodies.ts";
import { isNoSessionText } from "../activity/recognition/session-values.ts";
import { jsonOfRequest } from "../otlp/json-text.ts";
import type { Payload } from "../otlp/payload.ts";
import { otlp } from "../otlp/proto/generated.js";
import { capturedContent } from "./capture-content.ts";
import type { CaptureKeys, KeptAttribute } from "./capture-keys.ts";
import type { CaptureText } from "./capture-text.ts";

type KeyValue = otlp.KeyValue.$Properties;
type AnyValue = otlp.AnyValue.$Properties;
type Attributes = readonly KeyValue[] | null | undefined;
type Span = otlp.Span.$Properties;
type LogRecord = otlp.LogRecord.$Properties;
type Metric = otlp.Metric.$Properties;
type Time = Span["startTimeUnixNano"];
/** What is kept of a data point. Its values change no decision. */
interface Point {
  readonly attributes?: readonly KeyValue[] | null;
  readonly timeUnixNano?: Time;
}

/** Longer ones are not known words. */
const maxPlaceholder = 40;
/** Logfire names the parent of a pending span by its id. */
const spanIdKey = "logfire.pending_parent_id";
/** Datadog numbers snapshots by their time. */
const snapshotTimeKey = "_dd.partial_version";
/** Shorter than any id. */
const shortNumber = /^[0-9]{1,8}$/;
const spanId = /^[0-9a-f]{0,16}$/i;
/** Attributes that say how the spans in the body of a log record are encoded. */
const bodyTypes = ["partial.body.type", "log.body.type"];
const bodyEvents = ["partial.event", "span.state"];
const noBytes = new Uint8Array(0);
/** In the years 2001 and 2100. Other times than these and 0 are impossible ones, and all the same. */
const earliestNano = 1e18;
const latestNano = 4.2e18;
/** More than any process id. */
const maxInteger = 2 ** 31;

/**
 * Makes a request fit to be given away: keeps what `session_activity` decides by (trace and span ids, times, the kinds of work, names that
 * may be labels, ids hashed), and leaves out everything else: other attributes, texts, events, links, exemplars, unknown fields.
 */
export class CaptureRedactor {
  readonly #keys: CaptureKeys;
  readonly #text: CaptureText;
  leftOutAttributes = 0;

  constructor(keys: CaptureKeys, text: CaptureText) {
    this.#keys = keys;
    this.#text = text;
  }

  /** The bytes to record; undefined for what cannot be decoded. */
  redacted({ signal, bytes }: Pick<Payload, "signal" | "bytes">): Uint8Array | undefined {
    try {
      switch (signal) {
        case "traces":
          return this.#traces(bytes);
        case "logs":
          return this.#logs(bytes);
        case "metrics":
          return this.#metrics(bytes);
        default: {
          const never: never = signal;
          return never;
        }
      }
    } catch {
      return undefined;
    }
  }

  #traces(bytes: Uint8Array): Uint8Array {
    const { resourceSpans } = otlp.ExportTraceServiceRequest.decode(bytes);
    return otlp.ExportTraceServiceRequest.encode({
      resourceSpans: resourceSpans.map(({ resource, scopeSpans }) => ({
        resource: this.#resource(resource),
        scopeSpans: (scopeSpans ?? []).map(({ scope, spans }) => ({
          scope: this.#scope(scope),
          spans: (spans ?? []).map((span) => this.#span(span)),
        })),
      })),
    }).finish();
  }

  #logs(bytes: Uint8Array): Uint8Array {
    const { resourceLogs } = otlp.ExportLogsServiceRequest.decode(bytes);
    return otlp.ExportLogsServiceRequest.encode({
      resourceLogs: resourceLogs.map(({ resource, scopeLogs }) => ({
        resource: this.#resource(resource),
        scopeLogs: (scopeLogs ?? []).map(({ scope, logRecords }) => ({
          scope: this.#scope(scope),
          logRecords: (logRecords ?? []).map((record) => this.#logRecord(record)),
        })),
      })),
    }).finish();
  }

  /** Metrics change no decision: what is left shows which ones there are, and how much. */
  #metrics(bytes: Uint8Array): Uint8Array {
    const { resourceMetrics } = otlp.ExportMetricsServiceRequest.decode(bytes);
    return otlp.ExportMetricsServiceRequest.encode({
      resourceMetrics: resourceMetrics.map(({ resource, scopeMetrics }) => ({
        resource: this.#resource(resource),
        scopeMetrics: (scopeMetrics ?? []).map(({ scope, metrics }) => ({
          scope: this.#scope(scope),
          metrics: (metrics ?? []).map((metric) => this.#metric(metric)),
        })),
      })),
    }).finish();
  }

  #resource(resource: otlp.Resource.$Properties | null | undefined): otlp.Resource.$Properties {
    return { attributes: this.#attributes(resource?.attributes) };
  }

  #scope(
    scope: otlp.InstrumentationScope.$Properties | null | undefined,
  ): otlp.InstrumentationScope.$Properties {
    return { name: this.#text.name(scope?.name ?? "") };
  }

  #span(span: Span): Span {
    return {
      traceId: this.#text.idBytes(span.traceId ?? noBytes),
      spanId: this.#text.idBytes(span.spanId ?? noBytes),
      parentSpanId: this.#text.idBytes(span.parentSpanId ?? noBytes),
      name: this.#text.spanName(span.name ?? ""),
      kind: span.kind ?? 0,
      startTimeUnixNano: timeOf(span.startTimeUnixNano),
      endTimeUnixNano: timeOf(span.endTimeUnixNano),
      flags: span.flags ?? 0,
      status: { code: span.status?.code ?? 0 },
      attributes: this.#attributes(span.attributes),
    };
  }

  #logRecord(record: LogRecord): LogRecord {
    const body = this.#body(record);
    return {
      timeUnixNano: timeOf(record.timeUnixNano),
      observedTimeUnixNano: timeOf(record.observedTimeUnixNano),
      severityNumber: record.severityNumber ?? 0,
      eventName: this.#text.name(record.eventName ?? ""),
      traceId: this.#text.idBytes(record.traceId ?? noBytes),
      spanId: this.#text.idBytes(record.spanId ?? noBytes),
      flags: record.flags ?? 0,
      attributes: this.#attributes(record.attributes),
      ...(body === undefined ? {} : { body }),
    };
  }

  /** The spans that a record reports in its body, redacted in turn. No other body is kept. */
  #body(record: LogRecord): AnyValue | undefined {
    const has = (key: string) => record.attributes?.some((each) => each.key === key) === true;
    if (!bodyEvents.some(has)) {
      return undefined;
    }
    const typeKey = bodyTypes.find(has) ?? "";
    const type = record.attributes?.find(({ key }) => key === typeKey)?.value?.stringValue ?? "";
    const asRecord: ActivityRecord = { record, eventName: "", resource: [], atMs: 0 };
    const spans = spansInBody(asRecord, typeKey);
    // In protobuf it may be one ResourceSpans instead of a request: what can be decoded as neither is left out.
    const bytes = spans === undefined ? undefined : this.#spansOf(spans);
    if (bytes === undefined) {
      return undefined;
    }
    return type === "json/v1"
      ? { stringValue: jsonOfRequest("traces", bytes).text }
      : { bytesValue: bytes };
  }

  #spansOf(bytes: Uint8Array): Uint8Array | undefined {
    return (
      this.#decodedSpans(bytes) ??
      this.#decodedSpans(
        // One ResourceSpans as the only one of a request.
        wrapped(bytes),
      )
    );
  }

  #decodedSpans(bytes: Uint8Array): Uint8Array | undefined {
    try {
      const { resourceSpans } = otlp.ExportTraceServiceRequest.decode(bytes);
      const hasSpans = resourceSpans.some(({ scopeSpans }) =>
        scopeSpans?.some(({ spans }) => (spans?.length ?? 0) > 0),
      );
      return hasSpans ? this.#traces(bytes) : undefined;
    } catch {
      return undefined;
    }
  }

  #metric(metric: Metric): Metric {
    const points = (given: readonly Point[] | null | undefined) => ({
      dataPoints: (given ?? []).map(({ attributes, timeUnixNano }) => ({
        attributes: this.#attributes(attributes),
        timeUnixNano: timeOf(timeUnixNano),
      })),
    });
    const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
    const temporality = (of: { readonly aggregationTemporality?: number | null }) => ({
      aggregationTemporality: of.aggregationTemporality ?? 0,
    });
    return {
      name: this.#text.name(metric.name ?? ""),
      unit: this.#text.name(metric.unit ?? ""),
      ...(gauge ? { gauge: points(gauge.dataPoints) } : {}),
      ...(sum
        ? {
            sum: {
              ...points(sum.dataPoints),
              ...temporality(sum),
              isMonotonic: sum.isMonotonic ?? false,
            },
          }
        : {}),
      ...(histogram
        ? { histogram: { ...points(histogram.dataPoints), ...temporality(histogram) } }
        : {}),
      ...(exponentialHistogram
        ? {
            exponentialHistogram: {
              ...points(exponentialHistogram.dataPoints),
              ...temporality(exponentialHistogram),
            },
          }
        : {}),
      ...(summary ? { summary: points(summary.dataPoints) } : {}),
    };
  }

  #attributes(attributes: Attributes): KeyValue[] {
    const kept: KeyValue[] = [];
    for (const { key, value } of attributes ?? []) {
      const keeping = this.#keys.keptOf(key ?? "");
      const redacted = keeping && value ? this.#value(keeping, value) : undefined;
      if (keeping && redacted !== undefined) {
        kept.push({ key: keeping.key, value: redacted });
      } else {
        this.leftOutAttributes += 1;
      }
    }
    return kept;
  }

  #value({ key, as }: KeptAttribute, value: AnyValue): AnyValue | undefined {
    const { stringValue, intValue, doubleValue, boolValue } = value;
    if (key === spanIdKey) {
      return spanId.test(stringValue ?? "") ? { stringValue: stringValue ?? "" } : undefined;
    }
    if (as === "id") {
      return this.#id(value);
    }
    if (as === "content") {
      return { stringValue: capturedContent(key, value, this.#text) };
    }
    if (typeof boolValue === "boolean") {
      return { boolValue };
    }
    const fits = (number: number) =>
      Number.isInteger(number) &&
      Math.abs(number) < (key === snapshotTimeKey ? latestNano : maxInteger);
    if (typeof doubleValue === "number") {
      return fits(doubleValue) ? { doubleValue } : undefined;
    }
    if (intValue !== null && intValue !== undefined) {
      return fits(Number(integerOf(intValue))) ? { intValue } : undefined;
    }
    if (typeof stringValue !== "string") {
      return undefined;
    }
    if (as === "number") {
      return shortNumber.test(stringValue) ? { stringValue } : undefined;
    }
    const text = as === "name" ? this.#text.name(stringValue) : this.#text.word(stringValue);
    return text === undefined ? undefined : { stringValue: text };
  }

  #id({ stringValue, intValue, bytesValue, kvlistValue }: AnyValue): AnyValue | undefined {
    if (kvlistValue) {
      return { kvlistValue: { values: this.#attributes(kvlistValue.values) } };
    }
    const text =
      stringValue ??
      (intValue ? String(integerOf(intValue)) : undefined) ??
      (bytesValue ? Buffer.from(bytesValue).toString("base64") : undefined);
    // A placeholder for no id stays one: hashed, it would be a session.
    const isNone = text !== undefined && isNoSessionText(text) && text.length < maxPlaceholder;
    return text === undefined ? undefined : { stringValue: isNone ? text : this.#text.id(text) };
  }
}

/** A request whose one ResourceSpans is these bytes. */
function wrapped(bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest % 128) + 128);
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
}

/** A time that is one, 0, or the last of all for one that is impossible: its bytes may be anything. */
function timeOf(time: Time): NonNullable<Time> | null {
  if (time === null || time === undefined) {
    return null;
  }
  const nano = Number(integerOf(time));
  const isPossible = nano === 0 || (nano > earliestNano && nano < latestNano);
  return isPossible ? time : { high: -1, low: -1, unsigned: true };
}

function integerOf({ high, low }: { readonly high: number; readonly low: number }): bigint {
  return BigInt(high) * 2n ** 32n + BigInt(low >>> 0);
}

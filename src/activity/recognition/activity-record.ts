import { otlp } from "../../otlp/proto/generated.js";
import { isDecodable, shapes } from "./value-count.ts";

export type Attributes = readonly otlp.KeyValue.$Properties[] | null | undefined;
export type AnyValue = otlp.AnyValue.$Properties | null | undefined;

/** A decoded log record that may report activity. */
export interface ActivityRecord {
  readonly record: otlp.LogRecord.$Properties;
  /** Its event name: the field, or the attribute that older senders use instead. */
  readonly eventName: string;
  /** Attributes of the resource that sent it. */
  readonly resource: Attributes;
  /** When it happened, by the sender's clock in Unix ms; 0 if it has no time. */
  readonly atMs: number;
}

/** Undefined for bytes that are no log record, and for a record with thousands of values. */
export function decodeRecord(bytes: Uint8Array, resource: Attributes): ActivityRecord | undefined {
  if (!isDecodable(bytes, shapes.logRecord)) {
    return undefined;
  }
  try {
    const record = otlp.LogRecord.decode(bytes);
    return {
      record,
      eventName: record.eventName || textOf(attributeOf(record.attributes, "event.name")),
      resource,
      atMs: toMs(record.timeUnixNano) || toMs(record.observedTimeUnixNano),
    };
  } catch {
    return undefined;
  }
}

/** No attributes for bytes that are no resource, and for one with thousands of them. */
export function decodeResource(bytes: Uint8Array): Attributes {
  if (!isDecodable(bytes, shapes.resource)) {
    return [];
  }
  try {
    return otlp.Resource.decode(bytes).attributes;
  } catch {
    return [];
  }
}

/** The name of an instrumentation scope; empty for bytes that are none. */
export function decodeScopeName(bytes: Uint8Array): string {
  try {
    return isDecodable(bytes, shapes.scope)
      ? (otlp.InstrumentationScope.decode(bytes).name ?? "")
      : "";
  } catch {
    return "";
  }
}

export function attributeOf(attributes: Attributes, key: string): AnyValue {
  return attributes?.find((attribute) => attribute.key === key)?.value;
}

/** A text value; empty for any other. */
export function textOf(value: AnyValue): string {
  return value?.stringValue ?? "";
}

/** An int value as a number; `undefined` for any other. */
export function integerOf(value: AnyValue): number | undefined {
  const int = value?.intValue;
  return int === null || int === undefined ? undefined : int.high * 2 ** 32 + (int.low >>> 0);
}

function toMs(time: { readonly high: number; readonly low: number } | null | undefined): number {
  return time === null || time === undefined
    ? 0
    : (time.high >>> 0) * 4294.967296 + (time.low >>> 0) / 1e6;
}

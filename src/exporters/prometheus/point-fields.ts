import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";
import type { MetricValue } from "./metric-values.ts";
import type { DataKind } from "./metric-walk.ts";
import {
  doubleAt,
  Fields,
  maxBuckets,
  type PointFault,
  pointValueOf,
  uint64At,
  unzigzag,
} from "./point-values.ts";

export interface DataPoint {
  /** The `KeyValue` messages, as they arrived. */
  readonly attributes: readonly Uint8Array[];
  /** Unix nanoseconds, rounded to a double; 0 if unset. */
  readonly startNs: number;
  readonly timeNs: number;
  /** The sender says that there is no value any more. */
  readonly isGone: boolean;
  readonly value: MetricValue;
}

/** The most attributes of a data point. */
export const maxAttributes = 128;

/** Where the fields of each kind of data point are. */
const layouts = {
  gauge: { attributes: 7, flags: 8 },
  sum: { attributes: 7, flags: 8 },
  histogram: { attributes: 9, flags: 10 },
  exponential_histogram: { attributes: 1, flags: 10 },
  summary: { attributes: 7, flags: 8 },
} as const satisfies Record<DataKind, unknown>;

const startField = 2;
const timeField = 3;
const noValueFlag = 1;

/** Reads the data point between two positions of `reader.bytes`. Never throws. */
export function readPoint(
  reader: WireReader,
  start: number,
  end: number,
  kind: DataKind,
): DataPoint | PointFault {
  const layout = layouts[kind];
  const attributesTag = tagOf(layout.attributes, "length");
  const attributes: Uint8Array[] = [];
  const found = new Fields();
  reader.position = start;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === attributesTag) {
      const stop = reader.length(end);
      if (stop < 0) {
        return "malformed";
      }
      if (attributes.length === maxAttributes) {
        return "too_large";
      }
      attributes.push(reader.bytes.subarray(reader.position, stop));
      reader.position = stop;
      continue;
    }
    const fault = readField(reader, tag, end, kind, found);
    if (fault !== undefined) {
      return fault;
    }
  }
  const isGone = ((found.numbers.get(layout.flags) ?? 0) & noValueFlag) !== 0;
  const value = isGone ? noValue : pointValueOf(reader, kind, found);
  return typeof value === "string"
    ? value
    : {
        attributes,
        startNs: found.numbers.get(startField) ?? 0,
        timeNs: found.numbers.get(timeField) ?? 0,
        isGone,
        value,
      };
}

const noValue: MetricValue = { type: "number", value: 0 };

/** Fields of 8 bytes that are doubles, and those that are counts or times, by kind. Repeated ones are lists. */
const shapes = {
  gauge: { doubles: [4], integers: [2, 3], signed: 6, lists: {}, flags: 8 },
  sum: { doubles: [4], integers: [2, 3], signed: 6, lists: {}, flags: 8 },
  histogram: {
    doubles: [5],
    integers: [2, 3, 4],
    signed: 0,
    lists: { 6: "integer", 7: "double" },
    flags: 10,
  },
  exponential_histogram: {
    doubles: [5, 14],
    integers: [2, 3, 4, 7],
    signed: 0,
    lists: {},
    flags: 10,
  },
  summary: { doubles: [5], integers: [2, 3, 4], signed: 0, lists: {}, flags: 8 },
} as const satisfies Record<
  DataKind,
  {
    readonly doubles: readonly number[];
    readonly integers: readonly number[];
    readonly signed: number;
    readonly lists: Readonly<Record<number, "integer" | "double">>;
    readonly flags: number;
  }
>;

function readField(
  reader: WireReader,
  tag: number,
  end: number,
  kind: DataKind,
  found: Fields,
): PointFault | undefined {
  const field = tag >>> 3;
  const shape = shapes[kind];
  const listOf: Readonly<Record<number, "integer" | "double">> = shape.lists;
  const list = listOf[field];
  switch (tag & 7) {
    case 0: {
      if (!reader.varint64(end)) {
        return "malformed";
      }
      if (field === shape.flags) {
        found.numbers.set(field, reader.lo);
      }
      if (kind === "exponential_histogram" && field === 6) {
        found.scale = unzigzag(reader.lo);
      }
      return undefined;
    }
    case 1: {
      const at = reader.position;
      if (!reader.skip(tag, end)) {
        return "malformed";
      }
      if (list !== undefined) {
        return append(
          found,
          field,
          list === "double" ? doubleAt(reader, at) : uint64At(reader, at),
        );
      }
      if (isOneOf(shape.doubles, field)) {
        found.numbers.set(field, doubleAt(reader, at));
        found.int = undefined;
      } else if (isOneOf(shape.integers, field)) {
        found.numbers.set(field, uint64At(reader, at));
      } else if (field === shape.signed) {
        found.int = reader.view.getBigInt64(at, true);
      }
      return undefined;
    }
    case 2: {
      const stop = reader.length(end);
      if (stop < 0) {
        return "malformed";
      }
      const start = reader.position;
      reader.position = stop;
      if (list !== undefined) {
        return appendPacked(reader, start, stop, { field, list, found });
      }
      if (kind === "exponential_histogram" && (field === 8 || field === 9)) {
        found.ranges.set(field, [start, stop]);
      }
      if (kind === "summary" && field === 6) {
        if (found.quantiles.length === maxBuckets) {
          return "too_large";
        }
        found.quantiles.push([start, stop]);
      }
      return undefined;
    }
    default:
      return reader.skip(tag, end) ? undefined : "malformed";
  }
}

function appendPacked(
  reader: WireReader,
  start: number,
  end: number,
  into: { readonly field: number; readonly list: "integer" | "double"; readonly found: Fields },
): PointFault | undefined {
  if ((end - start) % 8 !== 0) {
    return "malformed";
  }
  for (let at = start; at < end; at += 8) {
    const number = into.list === "double" ? doubleAt(reader, at) : uint64At(reader, at);
    const fault = append(into.found, into.field, number);
    if (fault !== undefined) {
      return fault;
    }
  }
  return undefined;
}

function append(found: Fields, field: number, number: number): PointFault | undefined {
  const list = found.lists.get(field) ?? [];
  found.lists.set(field, list);
  if (list.length > maxBuckets) {
    return "too_large";
  }
  list.push(number);
  return undefined;
}

function isOneOf(fields: readonly number[], field: number): boolean {
  return fields.includes(field);
}

import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";
import { accumulated, cellOfBucket, cellOfZero, gridBounds } from "./exponential-grid.ts";
import type { MetricValue } from "./metric-values.ts";
import type { DataKind } from "./metric-walk.ts";

/** Why a data point cannot be read. */
export type PointFault = "malformed" | "too_large";

/** The most buckets of a histogram, and quantiles of a summary. */
export const maxBuckets = 512;

/** The scalar and repeated fields of a point, by field number. */
export class Fields {
  readonly numbers = new Map<number, number>();
  readonly lists = new Map<number, number[]>();
  int: bigint | undefined;
  scale = 0;
  readonly ranges = new Map<number, readonly [start: number, end: number]>();
  readonly quantiles: (readonly [start: number, end: number])[] = [];
}

/** The value of a point whose fields were read. */
export function pointValueOf(
  reader: WireReader,
  kind: DataKind,
  found: Fields,
): MetricValue | PointFault {
  const { numbers, int } = found;
  switch (kind) {
    case "gauge":
    case "sum": {
      const value = int ?? numbers.get(4);
      return value === undefined ? "malformed" : { type: "number", value };
    }
    case "histogram":
      return explicitHistogram(found);
    case "exponential_histogram":
      return exponentialHistogram(reader, found);
    case "summary":
      return summary(reader, found);
    default: {
      const never: never = kind;
      return never;
    }
  }
}

/** Bounds must ascend; a last bound of +Inf and equal bounds, which some senders write, are folded. */
function explicitHistogram({ numbers, lists }: Fields): MetricValue | PointFault {
  const bounds = lists.get(7) ?? [];
  const counts = lists.get(6) ?? [];
  if (counts.length > 0 ? counts.length !== bounds.length + 1 : bounds.length > 0) {
    return "malformed";
  }
  const kept: number[] = [];
  const cumulative: number[] = [];
  let sum = 0;
  let before = Number.NEGATIVE_INFINITY;
  for (const [index, bound] of bounds.entries()) {
    sum += counts[index] ?? 0;
    if (Number.isNaN(bound) || bound < before) {
      return "malformed";
    }
    if (bound === before && kept.length > 0) {
      cumulative[cumulative.length - 1] = sum;
    } else if (Number.isFinite(bound)) {
      kept.push(bound);
      cumulative.push(sum);
    }
    before = bound;
  }
  sum += counts.at(-1) ?? 0;
  return {
    type: "histogram",
    bounds: Float64Array.from(kept),
    cumulative: Float64Array.from(cumulative),
    // A sender that updates both without a lock may be ahead with either.
    count: Math.max(numbers.get(4) ?? 0, sum),
    sum: numbers.get(5),
    isMapped: false,
  };
}

/** Scales beyond these have no meaning: the base would be 1 or infinite. */
const maxScale = 64;

function exponentialHistogram(reader: WireReader, found: Fields): MetricValue | PointFault {
  const { numbers, ranges, scale } = found;
  const threshold = numbers.get(14) ?? 0;
  if (Math.abs(scale) > maxScale || !(threshold >= 0)) {
    return "malformed";
  }
  const zeros = numbers.get(7) ?? 0;
  const cells = new Float64Array(gridBounds.length + 1);
  cells[cellOfZero(threshold)] = zeros;
  let total = zeros;
  for (const [field, scaleOfSide] of [
    [8, scale],
    [9, undefined],
  ] as const) {
    const counted = addBuckets(reader, ranges.get(field), scaleOfSide, cells);
    if (typeof counted === "string") {
      return counted;
    }
    total += counted;
  }
  return {
    type: "histogram",
    bounds: gridBounds,
    cumulative: accumulated(cells),
    count: Math.max(numbers.get(4) ?? 0, total),
    sum: numbers.get(5),
    isMapped: true,
  };
}

/** The most buckets of one side. SDKs send 160. */
const maxExponentialBuckets = 16_384;

/**
 * Adds the counts of one side to the cells of the grid, and returns how many observations that are. `scale` is undefined for the
 * side below zero, all of which is in the first cell. Allocates nothing: a count takes a byte on the wire.
 */
function addBuckets(
  reader: WireReader,
  range: readonly [start: number, end: number] | undefined,
  scale: number | undefined,
  cells: Float64Array,
): number | PointFault {
  if (range === undefined) {
    return 0;
  }
  const [start, end] = range;
  const offset = offsetOf(reader, start, end);
  if (offset === undefined) {
    return "malformed";
  }
  let buckets = 0;
  let total = 0;
  const addCount = (stop: number): PointFault | undefined => {
    if (!reader.varint64(stop)) {
      return "malformed";
    }
    if (buckets === maxExponentialBuckets) {
      return "too_large";
    }
    const count = (reader.hi >>> 0) * 2 ** 32 + (reader.lo >>> 0);
    const cell = scale === undefined ? 0 : cellOfBucket(offset + buckets, scale);
    cells[cell] = (cells[cell] ?? 0) + count;
    total += count;
    buckets++;
    return undefined;
  };
  reader.position = start;
  while (reader.position < end) {
    const tag = reader.tag(end);
    let fault: PointFault | undefined;
    if (tag === bucketTag) {
      fault = addCount(end);
    } else if (tag === bucketsTag) {
      const stop = reader.length(end);
      fault = stop < 0 ? "malformed" : undefined;
      while (fault === undefined && reader.position < stop) {
        fault = addCount(stop);
      }
    } else {
      fault = reader.skip(tag, end) ? undefined : "malformed";
    }
    if (fault !== undefined) {
      return fault;
    }
  }
  return total;
}

const offsetTag = tagOf(1, "varint");
const bucketTag = tagOf(2, "varint");
const bucketsTag = tagOf(2, "length");

/** The index of the first bucket, which may come after the counts; undefined for bytes that are malformed. */
function offsetOf(reader: WireReader, start: number, end: number): number | undefined {
  let offset = 0;
  reader.position = start;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === offsetTag ? !reader.varint64(end) : !reader.skip(tag, end)) {
      return undefined;
    }
    offset = tag === offsetTag ? unzigzag(reader.lo) : offset;
  }
  return offset;
}

function summary(reader: WireReader, { numbers, quantiles }: Fields): MetricValue | PointFault {
  const values: (readonly [quantile: number, value: number])[] = [];
  for (const [start, end] of quantiles) {
    let quantile = 0;
    let value = 0;
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.tag(end);
      const at = reader.position;
      if (!reader.skip(tag, end)) {
        return "malformed";
      }
      if (tag === tagOf(1, "fixed64")) {
        quantile = doubleAt(reader, at);
      } else if (tag === tagOf(2, "fixed64")) {
        value = doubleAt(reader, at);
      }
    }
    if (!(quantile >= 0 && quantile <= 1)) {
      return "malformed";
    }
    values.push([quantile, value]);
  }
  return {
    type: "summary",
    count: numbers.get(4) ?? 0,
    sum: numbers.get(5) ?? 0,
    // Of equal ones the last. No map: V8 hashes numbers without a seed, so a sender can choose some that collide.
    quantiles: values
      .toSorted(([a], [b]) => a - b)
      .filter(([quantile], at, sorted) => sorted[at + 1]?.[0] !== quantile),
  };
}

export function unzigzag(low: number): number {
  return (low >>> 1) ^ -(low & 1);
}

export function doubleAt(reader: WireReader, at: number): number {
  return reader.view.getFloat64(at, true);
}

export function uint64At(reader: WireReader, at: number): number {
  return reader.view.getUint32(at + 4, true) * 2 ** 32 + reader.view.getUint32(at, true);
}

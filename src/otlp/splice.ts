import type { SpanBatch } from "./span-batch.ts";
import { varintSize, writeVarint } from "./varint.ts";
import { tagOf, WireReader } from "./wire-reader.ts";

const resourceTag = tagOf(1, "length");
const scopeTag = tagOf(2, "length");
/** Spans of a ScopeSpans, log records of a ScopeLogs, metrics of a ScopeMetrics. */
const recordTag = tagOf(2, "length");

/**
 * The scanned request without the spans of these rows, which ascend, and the number of spans in it.
 * The lengths of the messages around a dropped span are written anew; everything else is copied byte
 * for byte, in order. A ScopeSpans or ResourceSpans that loses its last span goes with it. When no
 * row is dropped, `bytes` is the array that was scanned. Malformed spans stay and are counted.
 */
export function withoutSpans(
  batch: SpanBatch,
  rows: readonly number[],
): { bytes: Uint8Array; items: number } {
  const starts: number[] = [];
  for (const row of rows) {
    starts.push(batch.fieldStart.get(row));
  }
  return {
    bytes: withoutFields(batch.bytes, starts),
    items: batch.count + batch.malformedCount - rows.length,
  };
}

/**
 * A well-formed trace, log or metric request without the spans, log records or metrics whose fields start at the given bytes,
 * which ascend; rules as for `withoutSpans`. The three requests have one shape: field 1 of the request holds a resource's
 * part, field 2 of that a scope's part, field 2 of that the records.
 */
export function withoutFields(bytes: Uint8Array, starts: readonly number[]): Uint8Array {
  if (starts.length === 0) {
    return bytes;
  }
  const plan: Plan = { reader: new WireReader(bytes), starts, nextCut: 0, pieces: [] };
  const { size } = planMessage(plan, bytes.length, 0);
  return carryOut(plan, size);
}

/** Tags of the fields to go into, from the outside in; the last level holds the records. */
const path = [resourceTag, scopeTag, recordTag];

/** What to copy and to write, and how far the cuts are planned. */
interface Plan {
  readonly reader: WireReader;
  /** Where the fields to cut start. */
  readonly starts: readonly number[];
  nextCut: number;
  /** Pairs: start and end of a range to copy, or -1 and a length to write. */
  readonly pieces: number[];
}

/**
 * Plans the message from the reader's position up to `end`, whose fields `path[level]` lead to the
 * records. Returns its new size and how many of these fields are left.
 */
function planMessage(plan: Plan, end: number, level: number): { size: number; left: number } {
  const { reader, starts } = plan;
  let size = 0;
  let left = 0;
  let copyFrom = reader.position;
  while (reader.position < end) {
    const fieldStart = reader.position;
    const tag = reader.tag(end);
    if (tag !== path[level]) {
      if (!reader.skip(tag, end)) {
        break; // cannot happen in a request that was scanned
      }
      continue;
    }
    const tagEnd = reader.position;
    const stop = reader.length(end);
    if ((starts[plan.nextCut] ?? stop) >= stop) {
      reader.position = stop;
      left += 1;
      continue;
    }
    size += planCopy(plan, copyFrom, fieldStart);
    copyFrom = stop;
    if (level === path.length - 1) {
      plan.nextCut += 1;
    } else {
      const innerSize = planInner(plan, fieldStart, tagEnd, stop, level + 1);
      size += innerSize;
      left += innerSize > 0 ? 1 : 0;
    }
    reader.position = stop;
  }
  return { size: size + planCopy(plan, copyFrom, end), left };
}

/** Makes the request of a plan, whose new size is `size`. */
function carryOut({ reader, pieces }: Plan, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < pieces.length; i += 2) {
    const start = pieces[i] ?? 0;
    const end = pieces[i + 1] ?? 0;
    if (start < 0) {
      at = writeVarint(out, at, end);
    } else {
      out.set(reader.bytes.subarray(start, end), at);
      at += end - start;
    }
  }
  return out;
}

/** Plans a field that loses records; returns its new size, 0 when it goes with its last record. */
function planInner(
  plan: Plan,
  fieldStart: number,
  tagEnd: number,
  stop: number,
  level: number,
): number {
  const firstPiece = plan.pieces.length;
  const tagSize = planCopy(plan, fieldStart, tagEnd);
  plan.pieces.push(-1, 0);
  const { size, left } = planMessage(plan, stop, level);
  if (left === 0) {
    plan.pieces.length = firstPiece;
    return 0;
  }
  plan.pieces[firstPiece + 3] = size;
  return tagSize + varintSize(size) + size;
}

/** Plans to copy a range, which may be empty; returns its size. */
function planCopy({ pieces }: Plan, start: number, end: number): number {
  if (end > start) {
    pieces.push(start, end);
  }
  return end - start;
}

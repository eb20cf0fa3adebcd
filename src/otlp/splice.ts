import type { SpanBatch } from "./span-batch.ts";
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
  const plan = new Plan(bytes, starts);
  const { size } = plan.message(bytes.length, 0);
  return plan.carryOut(size);
}

/** Tags of the fields to go into, from the outside in; the last level holds the records. */
const path = [resourceTag, scopeTag, recordTag];

class Plan {
  readonly #reader: WireReader;
  /** Where the fields to cut start. */
  readonly #starts: readonly number[];
  #nextCut: number;
  /** Pairs: start and end of a range to copy, or -1 and a length to write. */
  readonly #pieces: number[];

  constructor(bytes: Uint8Array, starts: readonly number[]) {
    this.#reader = new WireReader(bytes);
    this.#starts = starts;
    this.#nextCut = 0;
    this.#pieces = [];
  }

  /**
   * Plans the message from the reader's position up to `end`, whose fields `path[level]` lead to the
   * records. Returns its new size and how many of these fields are left.
   */
  message(end: number, level: number): { size: number; left: number } {
    const reader = this.#reader;
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
      if ((this.#starts[this.#nextCut] ?? stop) >= stop) {
        reader.position = stop;
        left += 1;
        continue;
      }
      size += this.#copy(copyFrom, fieldStart);
      copyFrom = stop;
      if (level === path.length - 1) {
        this.#nextCut += 1;
      } else {
        const innerSize = this.#inner(fieldStart, tagEnd, stop, level + 1);
        size += innerSize;
        left += innerSize > 0 ? 1 : 0;
      }
      reader.position = stop;
    }
    return { size: size + this.#copy(copyFrom, end), left };
  }

  carryOut(size: number): Uint8Array {
    const out = new Uint8Array(size);
    let at = 0;
    for (let i = 0; i < this.#pieces.length; i += 2) {
      const start = this.#pieces[i] ?? 0;
      const end = this.#pieces[i + 1] ?? 0;
      if (start < 0) {
        at = writeVarint(out, at, end);
      } else {
        out.set(this.#reader.bytes.subarray(start, end), at);
        at += end - start;
      }
    }
    return out;
  }

  /** Plans a field that loses records; returns its new size, 0 when it goes with its last record. */
  #inner(fieldStart: number, tagEnd: number, stop: number, level: number): number {
    const firstPiece = this.#pieces.length;
    const tagSize = this.#copy(fieldStart, tagEnd);
    this.#pieces.push(-1, 0);
    const { size, left } = this.message(stop, level);
    if (left === 0) {
      this.#pieces.length = firstPiece;
      return 0;
    }
    this.#pieces[firstPiece + 3] = size;
    return tagSize + varintSize(size) + size;
  }

  #copy(start: number, end: number): number {
    if (end > start) {
      this.#pieces.push(start, end);
    }
    return end - start;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) {
    size += 1;
  }
  return size;
}

function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

import { varintSize, writeVarint } from "./varint.ts";

const columns = { start: 0, end: 1, from: 2, to: 3, width: 4 } as const;
/** So many replacements are noted before neighbours become one. */
const compactedAt = 1_024;
/** Neighbours with fewer unchanged bytes between them become one. Copying these takes less than a replacement of their own. */
const maxGap = 64;

/** A point of `ByteReplacements` to return to. */
export interface ReplacementMark {
  readonly count: number;
  readonly growth: number;
  readonly size: number;
}

/**
 * Replacements of ranges of bytes, noted from the first to the last and carried out at once. Around a message whose content changes is an
 * `open` and a `close`, which writes its length anew.
 *
 * Four numbers and the new bytes for each. Whoever notes many calls `compact` now and then; there are then at most 1024, those of open messages, and one for
 * each 64 bytes of the request.
 */
export class ByteReplacements {
  #cells = new Int32Array(0);
  #count = 0;
  /** The new bytes, one after the other, in any order. */
  #arena = new Uint8Array(0);
  #size = 0;
  #growth = 0;
  /** Those before this one are as compact as they get. */
  #compacted = 0;

  get count(): number {
    return this.#count;
  }

  mark(): ReplacementMark {
    return { count: this.#count, growth: this.#growth, size: this.#size };
  }

  /** Forgets what was noted since the mark. */
  backTo({ count, growth, size }: ReplacementMark): void {
    this.#count = count;
    this.#growth = growth;
    this.#size = size;
    this.#compacted = Math.min(this.#compacted, count);
  }

  /** Begins a message whose length starts at `lengthStart`. */
  open(lengthStart: number): ReplacementMark {
    const mark = this.mark();
    this.#note(lengthStart, lengthStart, 0, 0);
    return mark;
  }

  /** Ends the message that was opened, which was from `start` up to `end`. True if something in it has changed. */
  close(mark: ReplacementMark, lengthStart: number, start: number, end: number): boolean {
    if (this.#count === mark.count + 1) {
      this.backTo(mark);
      return false;
    }
    const length = end - start + this.#growth - mark.growth;
    const from = this.#reserve(5);
    this.#size = writeVarint(this.#arena, from, length);
    const base = mark.count * columns.width;
    this.#cells[base + columns.end] = start;
    this.#cells[base + columns.from] = from;
    this.#cells[base + columns.to] = this.#size;
    this.#growth += this.#size - from - (start - lengthStart);
    // The bytes of this length are behind those of what was compacted in the message, and move when that does.
    this.#compacted = Math.min(this.#compacted, mark.count);
    return true;
  }

  /**
   * Makes one of neighbours that were noted since the message was opened whose mark this is; without a mark, since the beginning. Does nothing while there are few. No
   * message in it may be open, and marks that were made in it are void.
   */
  compact(bytes: Uint8Array, mark?: ReplacementMark): void {
    const first = Math.max(this.#compacted, mark === undefined ? 0 : mark.count + 1);
    if (this.#count - first < compactedAt) {
      return;
    }
    let base = this.#size;
    let size = 0;
    for (let index = first; index < this.#count; index++) {
      const [from, to] = [this.#cell(index, "from"), this.#cell(index, "to")];
      base = to > from ? Math.min(base, from) : base;
      size += to - from + Math.max(this.#gapBehind(index), 0);
    }
    const compact = new Uint8Array(size);
    let filled = 0;
    let from = 0;
    let start = this.#cell(first, "start");
    let kept = first;
    for (let index = first; index < this.#count; index++) {
      const end = this.#cell(index, "end");
      const gap = this.#gapBehind(index);
      filled = copy(
        this.#arena,
        this.#cell(index, "from"),
        this.#cell(index, "to"),
        compact,
        filled,
      );
      if (gap >= 0) {
        filled = copy(bytes, end, end + gap, compact, filled);
        continue;
      }
      const nextStart = index + 1 < this.#count ? this.#cell(index + 1, "start") : 0;
      this.#cells.set([start, end, base + from, base + filled], kept * columns.width);
      start = nextStart;
      from = filled;
      kept += 1;
    }
    this.#count = kept;
    this.#compacted = kept;
    this.#size = base;
    this.#reserve(size);
    this.#arena.set(compact, base);
    this.#size = base + size;
  }

  #cell(index: number, column: "start" | "end" | "from" | "to"): number {
    return this.#cells[index * columns.width + columns[column]] ?? 0;
  }

  /** How many unchanged bytes are between a replacement and the next; -1 if they stay apart. */
  #gapBehind(index: number): number {
    if (index + 1 >= this.#count) {
      return -1;
    }
    const gap = this.#cell(index + 1, "start") - this.#cell(index, "end");
    return gap < maxGap ? gap : -1;
  }

  remove(start: number, end: number): void {
    this.#note(start, end, 0, 0);
  }

  replace(start: number, end: number, bytes: Uint8Array): void {
    const from = this.#reserve(bytes.length);
    this.#arena.set(bytes, from);
    this.#size = from + bytes.length;
    this.#note(start, end, from, this.#size);
  }

  /** The bytes with all changes; the same array if there are none. */
  carryOut(bytes: Uint8Array): Uint8Array {
    const all = { count: 0, growth: 0, size: 0 };
    return this.#count === 0 ? bytes : this.changed(bytes, 0, bytes.length, all);
  }

  /** The bytes from `from` up to `end` with the changes in them, which are those since the mark. */
  changed(bytes: Uint8Array, from: number, end: number, mark: ReplacementMark): Uint8Array {
    const out = new Uint8Array(end - from + this.#growth - mark.growth);
    const cells = this.#cells;
    let copied = from;
    let at = 0;
    const last = this.#count * columns.width;
    for (let base = mark.count * columns.width; base < last; base += columns.width) {
      const start = cells[base + columns.start] ?? 0;
      at = copy(bytes, copied, start, out, at);
      at = copy(
        this.#arena,
        cells[base + columns.from] ?? 0,
        cells[base + columns.to] ?? 0,
        out,
        at,
      );
      copied = cells[base + columns.end] ?? 0;
    }
    copy(bytes, copied, end, out, at);
    return out;
  }

  #note(start: number, end: number, from: number, to: number): void {
    const base = this.#count * columns.width;
    if (base === this.#cells.length) {
      const cells = new Int32Array(Math.max(256, 2 * base));
      cells.set(this.#cells);
      this.#cells = cells;
    }
    this.#cells[base + columns.start] = start;
    this.#cells[base + columns.end] = end;
    this.#cells[base + columns.from] = from;
    this.#cells[base + columns.to] = to;
    this.#count += 1;
    this.#growth += to - from - (end - start);
  }

  #reserve(size: number): number {
    const needed = this.#size + size;
    if (needed > this.#arena.length) {
      const arena = new Uint8Array(Math.max(1024, 2 * this.#arena.length, needed));
      arena.set(this.#arena.subarray(0, this.#size));
      this.#arena = arena;
    }
    return this.#size;
  }
}

/** A field whose content has a length, with a tag of one byte. */
export function lengthField(tag: number, content: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + varintSize(content.length) + content.length);
  out[0] = tag;
  out.set(content, writeVarint(out, 1, content.length));
  return out;
}

/** Copies a range and returns where it ends. A call of `set` takes longer than a short loop. */
function copy(from: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  if (end - start < 24) {
    for (let i = start; i < end; i++) {
      out[at + i - start] = from[i] ?? 0;
    }
  } else {
    out.set(from.subarray(start, end), at);
  }
  return at + Math.max(end - start, 0);
}

import { varintSize, writeVarint } from "./varint.ts";

const columns = { start: 0, end: 1, from: 2, to: 3, width: 4 } as const;

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
 * Four numbers and the new bytes for each; a range that is replaced has at least one byte or is a position at which bytes are inserted, so
 * there are at most as many as the request has bytes.
 */
export class ByteReplacements {
  #cells = new Int32Array(0);
  #count = 0;
  /** The new bytes, one after the other, in any order. */
  #arena = new Uint8Array(0);
  #size = 0;
  #growth = 0;

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
    return true;
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
    if (this.#count === 0) {
      return bytes;
    }
    const out = new Uint8Array(bytes.length + this.#growth);
    const cells = this.#cells;
    let copied = 0;
    let at = 0;
    for (let base = 0; base < this.#count * columns.width; base += columns.width) {
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
    copy(bytes, copied, bytes.length, out, at);
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

import { varintSize, writeVarint } from "./varint.ts";

/** What takes the place of a range of bytes. */
const kinds = { nothing: 0, replacementCharacter: 1, varint: 2, varintField: 3 } as const;

/** Bounds the memory and the time that one request can take. */
export const maxEdits = 200_000;

/** A point of `ByteEdits` to return to. */
export interface EditMark {
  readonly count: number;
  readonly growth: number;
}

/**
 * Changes of some bytes, noted in any order and carried out at once. They do not overlap. At most `maxEdits`; `isFull` says that there were
 * more, which are not noted.
 */
export class ByteEdits {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #kinds: number[] = [];
  readonly #values: number[] = [];
  /** By how much the bytes grow; negative if they shrink. */
  growth = 0;
  isFull = false;

  get count(): number {
    return this.#starts.length;
  }

  clear(): void {
    this.backTo({ count: 0, growth: 0 });
    this.isFull = false;
  }

  mark(): EditMark {
    return { count: this.count, growth: this.growth };
  }

  /** Forgets what was noted since the mark. */
  backTo({ count, growth }: EditMark): void {
    this.#starts.length = count;
    this.#ends.length = count;
    this.#kinds.length = count;
    this.#values.length = count;
    this.growth = growth;
  }

  remove(start: number, end: number): void {
    this.#note(start, end, kinds.nothing, 0, 0);
  }

  /** U+FFFD in place of bytes that are no UTF-8. */
  replaceCharacter(start: number, end: number): void {
    this.#note(start, end, kinds.replacementCharacter, 0, 3);
  }

  /** A varint in place of another one, such as a length. */
  replaceVarint(start: number, end: number, value: number): void {
    this.#note(start, end, kinds.varint, value, varintSize(value));
  }

  /** A field of a varint before the byte at `at`, with a tag of one byte. */
  insertVarintField(at: number, tag: number, value: number): void {
    this.#note(at, at, kinds.varintField, value * 0x80 + tag, 1 + varintSize(value));
  }

  /** A copy of the bytes with all changes. */
  carryOut(bytes: Uint8Array): Uint8Array {
    const starts = this.#starts;
    const order = Array.from(starts, (_, index) => index).sort(
      (a, b) => (starts[a] ?? 0) - (starts[b] ?? 0) || a - b,
    );
    const out = new Uint8Array(bytes.length + this.growth);
    let from = 0;
    let at = 0;
    for (const index of order) {
      const start = starts[index] ?? 0;
      out.set(bytes.subarray(from, start), at);
      at = this.#write(out, at + start - from, index);
      from = this.#ends[index] ?? 0;
    }
    out.set(bytes.subarray(from), at);
    return out;
  }

  #write(out: Uint8Array, at: number, index: number): number {
    const value = this.#values[index] ?? 0;
    switch (this.#kinds[index]) {
      case kinds.replacementCharacter:
        out[at] = 0xef;
        out[at + 1] = 0xbf;
        out[at + 2] = 0xbd;
        return at + 3;
      case kinds.varint:
        return writeVarint(out, at, value);
      case kinds.varintField:
        out[at] = value % 0x80;
        return writeVarint(out, at + 1, Math.floor(value / 0x80));
      default:
        return at;
    }
  }

  #note(start: number, end: number, kind: number, value: number, size: number): void {
    if (this.#starts.length >= maxEdits) {
      this.isFull = true;
      return;
    }
    this.#starts.push(start);
    this.#ends.push(end);
    this.#kinds.push(kind);
    this.#values.push(value);
    this.growth += size - (end - start);
  }
}

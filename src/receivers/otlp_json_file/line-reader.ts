/** Reads bytes of a file up to the length of `into`; 0 at its end. */
export type ReadAt = (into: Uint8Array, position: number) => Promise<number>;

/** A line without its line feed. The bytes are valid until the next call. */
export type Line =
  | { readonly kind: "line"; readonly bytes: Uint8Array }
  /** It is longer than the limit. Its rest is passed over by the next call. */
  | { readonly kind: "too_large" };

/** Where to go on in a file. */
export interface LinePosition {
  /** The first byte that is not done. */
  readonly offset: number;
  /** Whether that byte is inside a line that is passed over up to its end. */
  readonly isInSkippedLine: boolean;
}

const blockBytes = 256 * 1024;
const lineFeed = 0x0a;

/**
 * Reads the lines of a file one after the other. A line without a line feed at the end of the file is not complete yet.
 *
 * Keeps one block of the file and at most one line.
 */
export class LineReader {
  readonly #readAt: ReadAt;
  readonly #maxLineBytes: number;
  readonly #block = Buffer.allocUnsafe(blockBytes);
  #at = 0;
  #filled = 0;
  /** The position in the file of the first byte after the block. */
  #next: number;
  #isInSkippedLine: boolean;

  constructor(readAt: ReadAt, from: LinePosition, maxLineBytes: number) {
    this.#readAt = readAt;
    this.#maxLineBytes = maxLineBytes;
    this.#next = from.offset;
    this.#isInSkippedLine = from.isInSkippedLine;
  }

  /** Where to go on after the last line that was returned. */
  get position(): LinePosition {
    return {
      offset: this.#next - (this.#filled - this.#at),
      isInSkippedLine: this.#isInSkippedLine,
    };
  }

  /** The next line; `undefined` when there is no complete one. */
  async next(): Promise<Line | undefined> {
    const start = this.position.offset;
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      if (this.#at === this.#filled && !(await this.#fill())) {
        if (!this.#isInSkippedLine) {
          this.#rewind(start);
        }
        return undefined;
      }
      const found = this.#block.subarray(0, this.#filled).indexOf(lineFeed, this.#at);
      const end = found < 0 ? this.#filled : found;
      const piece = this.#block.subarray(this.#at, end);
      this.#at = found < 0 ? end : end + 1;
      if (this.#isInSkippedLine) {
        if (found >= 0) {
          this.#isInSkippedLine = false;
          return this.next();
        }
        continue;
      }
      length += piece.length;
      if (length > this.#maxLineBytes) {
        this.#isInSkippedLine = found < 0;
        return { kind: "too_large" };
      }
      if (found >= 0) {
        const bytes = parts.length === 0 ? piece : Buffer.concat([...parts, piece]);
        return { kind: "line", bytes };
      }
      parts.push(Buffer.from(piece)); // The block is filled anew.
    }
  }

  async #fill(): Promise<boolean> {
    this.#filled = await this.#readAt(this.#block, this.#next);
    this.#at = 0;
    this.#next += this.#filled;
    return this.#filled > 0;
  }

  #rewind(offset: number): void {
    this.#at = 0;
    this.#filled = 0;
    this.#next = offset;
  }
}

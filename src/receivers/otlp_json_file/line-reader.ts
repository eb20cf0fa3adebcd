import { type Fingerprint, hasAll } from "./fingerprint.ts";
import { PassedBytes } from "./passed-bytes.ts";
import type { ReadAt } from "./read-at.ts";

export type Line =
  /** A line without its line feed. The bytes are valid until the next call. */
  | { readonly kind: "line"; readonly bytes: Uint8Array }
  /** It is longer than the limit. Its rest is passed over by the next call. */
  | { readonly kind: "too_large" }
  /** The file was truncated or replaced. Nothing more can be read from the position. */
  | { readonly kind: "replaced" };

/** Where to go on in a file. */
export interface LinePosition {
  /** The first byte that is not done. */
  readonly offset: number;
  /** Whether that byte is inside a line that is passed over up to its end. */
  readonly isInSkippedLine: boolean;
  /** What is before the offset. The offset is worth nothing in a file that has something else there. */
  readonly fingerprint: Fingerprint;
}

export const beginning: LinePosition = { offset: 0, isInSkippedLine: false, fingerprint: [] };

/** Room for one block of a file, and for the block once more. A reader has it for itself. */
export interface BlockBuffers {
  readonly block: Buffer;
  readonly again: Buffer;
}

export function createBlockBuffers(blockBytes = 256 * 1024): BlockBuffers {
  return { block: Buffer.allocUnsafe(blockBytes), again: Buffer.allocUnsafe(blockBytes) };
}

export interface LineReaderOptions {
  readonly from: LinePosition;
  readonly maxLineBytes: number;
  readonly buffers: BlockBuffers;
}

const lineFeed = 0x0a;

/**
 * Reads the lines of a file one after the other, until there is no complete one. A line without a line feed at the end of the file is not
 * complete yet.
 *
 * The file may be truncated and written anew at any moment. So nothing is used before a look at the file that comes _after_ the read has
 * shown two things: the block is there as it was read, and everything before it is what was read before. Content that is gone does
 * not come back, so what is there after the read was there during it.
 *
 * Keeps at most one line, besides the buffers.
 */
export class LineReader {
  readonly #readAt: ReadAt;
  readonly #maxLineBytes: number;
  readonly #block: Buffer;
  readonly #again: Buffer;
  #at = 0;
  #filled = 0;
  #position: LinePosition;
  #isInSkippedLine: boolean;
  #passed: PassedBytes | undefined;

  constructor(readAt: ReadAt, { from, maxLineBytes, buffers }: LineReaderOptions) {
    this.#readAt = readAt;
    this.#maxLineBytes = maxLineBytes;
    this.#block = buffers.block;
    this.#again = buffers.again;
    this.#position = from;
    this.#isInSkippedLine = from.isInSkippedLine;
  }

  /** Where to go on after the last line that was returned. */
  get position(): LinePosition {
    return this.#position;
  }

  /** How much of the file has been looked at: also the beginning of a line that is not complete. */
  get seenBytes(): number {
    return this.#passed?.offset ?? this.#position.offset;
  }

  /** The next line; `undefined` when there is no complete one, which ends the reading. */
  async next(): Promise<Line | undefined> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const passed = this.#at < this.#filled ? this.#passed : await this.#fill();
      if (passed === undefined) {
        return { kind: "replaced" };
      }
      if (this.#filled === 0) {
        return undefined;
      }
      const found = this.#block.subarray(0, this.#filled).indexOf(lineFeed, this.#at);
      const hasEnd = found >= 0;
      const piece = this.#block.subarray(this.#at, hasEnd ? found : this.#filled);
      const next = hasEnd ? found + 1 : this.#filled;
      passed.pass(this.#block.subarray(this.#at, next));
      if (hasEnd) {
        passed.endLine();
      }
      this.#at = next;
      if (this.#isInSkippedLine) {
        this.#isInSkippedLine = !hasEnd;
        this.#mark(passed);
        continue;
      }
      length += piece.length;
      if (length > this.#maxLineBytes) {
        this.#isInSkippedLine = !hasEnd;
        this.#mark(passed);
        return { kind: "too_large" };
      }
      if (hasEnd) {
        this.#mark(passed);
        const bytes = parts.length === 0 ? piece : Buffer.concat([...parts, piece]);
        return { kind: "line", bytes };
      }
      parts.push(Buffer.from(piece)); // The block is filled anew.
    }
  }

  #mark(passed: PassedBytes): void {
    this.#position = {
      offset: passed.offset,
      isInSkippedLine: this.#isInSkippedLine,
      fingerprint: passed.fingerprint(),
    };
  }

  /** Reads the next block. `undefined` when the file was replaced. */
  async #fill(): Promise<PassedBytes | undefined> {
    const { offset, fingerprint } = this.#position;
    const passed = this.#passed ?? (await PassedBytes.before(offset, this.#readAt));
    if (passed === undefined) {
      return undefined;
    }
    const filled = await this.#readAt(this.#block, passed.offset);
    // The beginning of a line that is not complete may be the same in every line; the lines before it are not.
    const unfinished = passed.offset > offset ? passed.fingerprint() : [];
    if (
      !(await this.#isThere(filled, passed.offset)) ||
      !(await hasAll(this.#readAt, [...fingerprint, ...unfinished]))
    ) {
      return undefined;
    }
    this.#passed = passed;
    this.#at = 0;
    this.#filled = filled;
    return passed;
  }

  async #isThere(filled: number, offset: number): Promise<boolean> {
    const block = this.#block.subarray(0, filled);
    const again = this.#again.subarray(0, filled);
    return (await this.#readAt(again, offset)) === filled && block.equals(again);
  }
}

import type { DiskFile } from "./disk.ts";
import { encodeFileHeader } from "./format.ts";
import type { Group } from "./group.ts";
import type { FinishedSegment } from "./segments.ts";

/** A group as the bytes it is, and where they go. */
export interface Placed {
  readonly file: DiskFile;
  readonly parts: readonly Uint8Array[];
  readonly position: number;
  readonly bytes: number;
  /** The number of the first record after it. */
  readonly endSequence: number;
}

/**
 * The segment of a log that is appended to. It keeps the open file and how much of it is used; `LogWriter` goes on in a new
 * one when that reaches `max_segment_size`.
 */
export class LogSegment {
  readonly number: number;
  readonly file: DiskFile;
  #sizeBytes = 0;

  constructor(number: number, file: DiskFile) {
    this.number = number;
    this.file = file;
  }

  /** How large it is, with what is still on its way. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Makes a group the bytes to write next, and reserves their place; the first one brings the file's header. `endSequence` is
   * the number of the first record after the group.
   */
  place(
    group: Group,
    { endSequence, unixMs }: { readonly endSequence: number; readonly unixMs: number },
  ): Placed {
    const position = this.#sizeBytes;
    const { number, file } = this;
    const sequence = endSequence - group.count;
    const frame = group.seal({ sequence, unixMs });
    if (position > 0) {
      this.#sizeBytes += frame.length;
      return { file, parts: [frame], position, bytes: frame.length, endSequence };
    }
    const header = encodeFileHeader({ kind: "log", number, sequence, unixMs });
    const bytes = header.length + frame.length;
    this.#sizeBytes = bytes;
    return { file, parts: [header, frame], position, bytes, endSequence };
  }

  /** What is to be remembered of it when nothing more is appended. */
  finishedAt(endSequence: number): FinishedSegment {
    return { number: this.number, endSequence, sizeBytes: this.#sizeBytes };
  }
}

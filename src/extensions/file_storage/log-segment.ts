import type { DiskFile } from "./disk.ts";
import { encodeFileHeader, type Group } from "./format.ts";
import type { FinishedSegment } from "./segments.ts";

/** The bytes of a group, and where they will be written. */
export interface Placed {
  readonly file: DiskFile;
  readonly parts: readonly Uint8Array[];
  readonly position: number;
  readonly bytes: number;
  /** The number of the first record after it. */
  readonly endSequence: number;
}

/**
 * The segment of a log that records are appended to. It keeps the open file and its length; at `max_segment_size`
 * `LogWriter` begins a new segment.
 */
export class LogSegment {
  readonly number: number;
  readonly file: DiskFile;
  /** What tells the file from others at its path; `undefined` if the file system says something else each time. */
  readonly identity: string | undefined;
  /** The length of the file, including writes in progress. */
  sizeBytes: number;

  constructor(number: number, file: DiskFile, identity: string | undefined) {
    this.number = number;
    this.file = file;
    this.identity = identity;
    this.sizeBytes = 0;
  }

  /**
   * Encodes a group and reserves its position in the file; the first group also gets the file's header. `endSequence` is the
   * number of the first record after the group.
   */
  place(
    group: Group,
    { endSequence, unixMs }: { readonly endSequence: number; readonly unixMs: number },
  ): Placed {
    const position = this.sizeBytes;
    const { number, file } = this;
    const sequence = endSequence - group.count;
    const frame = group.seal({ sequence, unixMs });
    if (position > 0) {
      this.sizeBytes += frame.length;
      return { file, parts: [frame], position, bytes: frame.length, endSequence };
    }
    const header = encodeFileHeader({ kind: "log", number, sequence, unixMs });
    const bytes = header.length + frame.length;
    this.sizeBytes = bytes;
    return { file, parts: [header, frame], position, bytes, endSequence };
  }

  /** The data to keep about this segment when nothing more is appended to it. */
  finishedAt(endSequence: number): FinishedSegment {
    return { number: this.number, endSequence, sizeBytes: this.sizeBytes };
  }
}

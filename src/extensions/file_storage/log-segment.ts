import type { Disk, DiskFile } from "./disk.ts";
import type { EndMark } from "./end-mark.ts";
import { encodeFileHeader, type Group } from "./format.ts";
import type { FinishedSegment, Segments } from "./segments.ts";

/** What the frame of a group says besides its records. */
export interface GroupEnd {
  /** The number of the first record after the group. */
  readonly endSequence: number;
  readonly unixMs: number;
}

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
 * Creates the file of the next segment. With `fsync`, its name survives a power cut. Rejects with the system's error, and leaves an empty
 * file then, or none.
 */
export async function createSegment({
  disk,
  directory,
  segments,
  fsync,
  endMark,
}: {
  readonly disk: Disk;
  readonly directory: string;
  readonly segments: Segments;
  readonly fsync: boolean;
  readonly endMark: Pick<EndMark, "isOpen">;
}): Promise<LogSegment> {
  const number = segments.takeNumber();
  const path = segments.pathOf(number);
  const file = await disk.create(path);
  try {
    const identity = await lastingIdentity(file, path, disk);
    if (fsync) {
      await disk.syncDirectory(directory);
    }
    return new LogSegment({ number, file, identity, hasEndMark: endMark.isOpen });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * The segment of a log that records are appended to. It keeps the open file and its length; at `max_segment_size`
 * `LogWriter` begins a new segment.
 */
export class LogSegment {
  readonly number: number;
  readonly file: DiskFile;
  /** What distinguishes the file from others at its path; `undefined` if the file system says something else each time. */
  readonly identity: string | undefined;
  /** The length of the file, including writes in progress. */
  sizeBytes: number;

  readonly #hasEndMark: boolean;

  constructor(options: {
    readonly number: number;
    readonly file: DiskFile;
    readonly identity: string | undefined;
    /** Whether a file `end` is beside it. */
    readonly hasEndMark: boolean;
  }) {
    this.number = options.number;
    this.file = options.file;
    this.identity = options.identity;
    this.#hasEndMark = options.hasEndMark;
    this.sizeBytes = 0;
  }

  /** Encodes a group and reserves its position in the file; the first group also gets the file's header. */
  place(group: Group, { endSequence, unixMs }: GroupEnd): Placed {
    const position = this.sizeBytes;
    const { number, file } = this;
    const sequence = endSequence - group.count;
    const frame = group.seal({ sequence, unixMs });
    if (position > 0) {
      this.sizeBytes += frame.length;
      return { file, parts: [frame], position, bytes: frame.length, endSequence };
    }
    const hasEndMark = this.#hasEndMark;
    const header = encodeFileHeader({ kind: "log", number, sequence, unixMs, hasEndMark });
    const bytes = header.length + frame.length;
    this.sizeBytes = bytes;
    return { file, parts: [header, frame], position, bytes, endSequence };
  }

  /** The data to keep about this segment when nothing more is appended to it. */
  finishedAt(endSequence: number): FinishedSegment {
    return { number: this.number, endSequence, sizeBytes: this.sizeBytes };
  }
}

/** The identity of a new file, if the file system says the same of the open file and of its path. Some network file systems do not. */
async function lastingIdentity(
  file: DiskFile,
  path: string,
  disk: Disk,
): Promise<string | undefined> {
  try {
    const identity = await file.identity();
    return identity === (await disk.identityOf(path)) ? identity : undefined;
  } catch {
    return undefined;
  }
}

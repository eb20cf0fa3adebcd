import { join } from "node:path";
import type { Disk } from "./disk.ts";
import { logName } from "./file-names.ts";

/** A segment of the log that nothing is appended to any more. */
export interface FinishedSegment {
  readonly number: number;
  /** The number of the first record that is not in it. */
  readonly endSequence: number;
  readonly sizeBytes: number;
}

/**
 * The segments of a log on disk: number, last record and size of each. As many as the log has files of
 * `max_segment_size`; nothing here bounds the log, the snapshots of its owner do, which remove what they contain.
 */
export class Segments {
  readonly #disk: Disk;
  readonly #directory: string;
  #lastNumber: number;
  #finished: readonly FinishedSegment[];
  #keptFrom = 0;

  constructor(
    place: { readonly disk: Disk; readonly directory: string },
    found: { readonly lastNumber: number; readonly segments: readonly FinishedSegment[] },
  ) {
    this.#disk = place.disk;
    this.#directory = place.directory;
    this.#lastNumber = found.lastNumber;
    this.#finished = found.segments;
  }

  /** How large the finished segments are together. */
  get sizeBytes(): number {
    return this.#finished.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** The number of the newest segment. */
  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** The number for the next segment; never the same twice. */
  takeNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  pathOf(number: number): string {
    return join(this.#directory, logName(number));
  }

  /** Takes over a segment, and removes it if a snapshot already contains it. */
  async finish(segment: FinishedSegment): Promise<void> {
    this.#finished = [...this.#finished, segment];
    await this.#removeOld();
  }

  /** Removes what a snapshot contains that knows every record before this one. Oldest first. */
  async dropBefore(sequence: number): Promise<void> {
    this.#keptFrom = Math.max(this.#keptFrom, sequence);
    await this.#removeOld();
  }

  /** Removes the segments that are newer than this one: what stands in them can never be used. */
  async dropAfter(number: number): Promise<void> {
    await this.#remove(this.#finished.filter((segment) => segment.number > number));
  }

  async #removeOld(): Promise<void> {
    await this.#remove(this.#finished.filter(({ endSequence }) => endSequence <= this.#keptFrom));
  }

  async #remove(segments: readonly FinishedSegment[]): Promise<void> {
    this.#finished = this.#finished.filter((segment) => !segments.includes(segment));
    for (const { number } of segments) {
      // One that stays is passed over by the next recovery, and removed there.
      await this.#disk.remove(this.pathOf(number)).catch(() => {});
    }
  }
}

import { join } from "node:path";
import type { Disk } from "./disk.ts";
import { logName } from "./file-names.ts";

/** A segment of the log that nothing is appended to any longer. */
export interface FinishedSegment {
  readonly number: number;
  /** The number of the first record that is not in it. */
  readonly endSequence: number;
  readonly sizeBytes: number;
}

/**
 * The segments of a log on the disk: number, last record and size of each. There are as many as the log has files of
 * `max_segment_size`. Nothing here bounds the log; the owner's snapshots do, because each removes the segments it contains.
 */
export class Segments {
  readonly #disk: Disk;
  readonly #directory: string;
  #lastNumber: number;
  #finished: readonly FinishedSegment[];
  #keptFrom = 0;

  constructor(
    { disk, directory }: { readonly disk: Disk; readonly directory: string },
    recovered: { readonly lastNumber: number; readonly segments: readonly FinishedSegment[] },
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#lastNumber = recovered.lastNumber;
    this.#finished = recovered.segments;
  }

  /** The total size of the finished segments. */
  get sizeBytes(): number {
    return this.#finished.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** The names of the finished segments. */
  get names(): readonly string[] {
    return this.#finished.map(({ number }) => logName(number));
  }

  /** The number of the newest segment. */
  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** Returns the number for the next segment; never the same twice. */
  takeNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  pathOf(number: number): string {
    return join(this.#directory, logName(number));
  }

  /** Adds a finished segment, and removes it if a snapshot already contains it. */
  async finish(segment: FinishedSegment): Promise<void> {
    this.#finished = [...this.#finished, segment];
    await this.#removeOld();
  }

  /** Removes the segments that contain only records before this one, which a snapshot covers. Oldest first. */
  async dropBefore(sequence: number): Promise<void> {
    this.#keptFrom = Math.max(this.#keptFrom, sequence);
    await this.#removeOld();
  }

  /** Removes the segments with a higher number: their records can never be used. */
  async dropAfter(number: number): Promise<void> {
    await this.#remove(this.#finished.filter((segment) => segment.number > number));
  }

  async #removeOld(): Promise<void> {
    await this.#remove(this.#finished.filter(({ endSequence }) => endSequence <= this.#keptFrom));
  }

  async #remove(segments: readonly FinishedSegment[]): Promise<void> {
    this.#finished = this.#finished.filter((segment) => !segments.includes(segment));
    for (const { number } of segments) {
      // If a segment cannot be removed, the next recovery skips it and removes it.
      await this.#disk.remove(this.pathOf(number)).catch(() => {});
    }
  }
}

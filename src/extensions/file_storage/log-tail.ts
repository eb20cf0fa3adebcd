import type { Clock } from "../../component/clock.ts";
import type { Disk } from "./disk.ts";
import type { EndMark } from "./end-mark.ts";
import { logName } from "./file-names.ts";
import type { JournalCounts } from "./journal-counts.ts";
import { createSegment, type LogSegment, type Placed } from "./log-segment.ts";
import type { Segments } from "./segments.ts";
import { SyncSchedule } from "./sync-schedule.ts";

/** How often the end of the log is remembered without `fsync`. */
const unsyncedMarkMs = 1_000;

export interface LogTailOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly segments: Segments;
  readonly clock: Clock;
  readonly fsync: boolean;
  readonly flushIntervalMs: number;
  readonly counts: JournalCounts;
  /** Remembers how far the log is on the disk. */
  readonly endMark: Pick<EndMark, "set" | "isOpen">;
  /** The number of the first record that will be appended. */
  readonly sequence: number;
}

/**
 * The open segment of a log, and how far the log is written and synced. It keeps one segment, and a second one while it switches to
 * it; those before it belong to `Segments`.
 */
export class LogTail {
  readonly #options: LogTailOptions;
  readonly #sync: SyncSchedule;
  #segment: LogSegment | undefined;
  #writtenSequence: number;
  #markedAtMs = Number.NEGATIVE_INFINITY;
  #isOver = false;

  /** `onSyncFailure` gets the system's error; the log must end then. */
  constructor(options: LogTailOptions, onSyncFailure: (error: unknown) => void) {
    this.#options = options;
    this.#writtenSequence = options.sequence;
    this.#sync = new SyncSchedule({
      clock: options.clock,
      intervalMs: options.flushIntervalMs,
      sequence: options.sequence,
      sync: async (sequence) => {
        await this.#segment?.file.sync();
        options.counts.syncs += 1;
        options.endMark.set(sequence);
      },
      // The pages of a failed sync may never reach the disk, even if a second sync succeeds.
      onFailure: onSyncFailure,
    });
  }

  /** The segment that records are appended to; `undefined` before the first `roll`. */
  get segment(): LogSegment | undefined {
    return this.#segment;
  }

  /** The name and identity of the segment, unless the log has ended. */
  get openSegment(): { readonly name: string; readonly identity: string | undefined } | undefined {
    const segment = this.#isOver ? undefined : this.#segment;
    return segment && { name: logName(segment.number), identity: segment.identity };
  }

  /** The number of the first record that is not written. */
  get writtenSequence(): number {
    return this.#writtenSequence;
  }

  /** The number of the first record that may not be on the disk. */
  get syncedSequence(): number {
    return this.#sync.sequence;
  }

  /** Records that were written and not yet synced. Without `fsync`, none. */
  get unsyncedRecords(): number {
    return this.#options.fsync ? this.#writtenSequence - this.#sync.sequence : 0;
  }

  /** A group is written. With `fsync`, it is synced at the end of the flush interval. */
  onWritten({ bytes, endSequence }: Placed): void {
    this.#options.counts.logBytesWritten += bytes;
    // A blocking write may have finished before this one.
    this.#writtenSequence = Math.max(this.#writtenSequence, endSequence);
    if (this.#options.fsync) {
      this.#sync.start(this.#writtenSequence);
    } else {
      this.#markWithoutSync();
    }
  }

  /** Resolves when the records before this number are synced or, without `fsync`, at once; also when the log has ended. */
  async synced(sequence: number): Promise<void> {
    if (this.#options.fsync) {
      await this.#sync.until(sequence);
    }
  }

  /** Syncs what is written, also without `fsync`. Rejects with the system's error. */
  async syncNow(): Promise<void> {
    const written = this.#writtenSequence;
    await this.#sync.now();
    this.#options.endMark.set(written);
  }

  /**
   * Opens the next segment, and switches to it only when all of the previous one is on the disk. Rejects with the system's error. One call
   * at a time.
   */
  async roll(): Promise<void> {
    const { disk, segments, fsync } = this.#options;
    const next = await createSegment(this.#options);
    const previous = this.#segment;
    try {
      // Again if a blocking write added records meanwhile.
      while (fsync && previous !== undefined && !this.#isOver && !this.#sync.isDone) {
        await this.#sync.now();
      }
    } catch (error) {
      await next.file.close();
      throw error;
    }
    if (this.#isOver) {
      await next.file.close();
      await disk.remove(segments.pathOf(next.number)).catch(() => {});
      return;
    }
    this.#segment = next;
    if (previous !== undefined) {
      const finished = previous.finishedAt(this.#writtenSequence);
      await previous.file.close();
      await segments.finish(finished);
    }
  }

  #markWithoutSync(): void {
    const { clock, endMark } = this.#options;
    if (clock.nowMs() - this.#markedAtMs >= unsyncedMarkMs) {
      this.#markedAtMs = clock.nowMs();
      endMark.set(this.#writtenSequence);
    }
  }

  /** Ends the log: syncs no more, and resolves all promises of `synced`. */
  end(): void {
    this.#isOver = true;
    this.#sync.end();
  }

  /** Hands the segment of a log that has failed over to `Segments`. */
  abandon(): void {
    if (this.#segment !== undefined) {
      void this.#segment.file.close();
      void this.#options.segments.finish(this.#segment.finishedAt(this.#writtenSequence));
    }
  }

  /** For a log that has ended: resolves when no sync is in progress and the file is closed. */
  async idle(): Promise<void> {
    await this.#sync.idle();
    await this.#segment?.file.close();
  }
}

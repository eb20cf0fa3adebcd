import type { CancelTimer, Clock } from "../../component/clock.ts";
import { type DegradedReason, maxRecordBytes } from "../../component/storage.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { logName } from "./file-names.ts";
import { Group } from "./format.ts";
import type { JournalCounts } from "./journal-counts.ts";
import { LogSegment, type Placed } from "./log-segment.ts";
import type { Segments } from "./segments.ts";
import { SyncSchedule } from "./sync-schedule.ts";
import { Waiters } from "./waiters.ts";
import { reasonOf } from "./write-failure.ts";

export interface LogWriterOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly segments: Segments;
  readonly clock: Clock;
  readonly fsync: boolean;
  readonly flushIntervalMs: number;
  readonly maxSegmentBytes: number;
  readonly counts: JournalCounts;
  /** The number of the first record that will be appended. */
  readonly sequence: number;
  /** Called once, when no more records can be stored. `error` is the system's error, if there was one. */
  readonly onFailure: (reason: DegradedReason, error: unknown) => void;
}

/** A group of this size is written without waiting for the flush interval. */
const fullGroupBytes = 1024 * 1024;

/**
 * Appends records to the segments of a log. It keeps two groups, one that is being written and one that is filled
 * meanwhile, each of at most 32 MiB; a record that does not fit ends the log as `too_slow`. A write begins when the owner
 * waits for it, or else after the flush interval, because a write costs as much as a thousand records. After the first
 * failure, and after `close`, it accepts no more records: a log with a gap is useless.
 */
export class LogWriter {
  /** The number that the next record will have. */
  sequence: number;
  readonly #options: LogWriterOptions;
  readonly #waiters = new Waiters();
  readonly #sync: SyncSchedule;
  #pending = new Group();
  #spare = new Group();
  #flight: Placed | undefined;
  #segment: LogSegment | undefined;
  #running: Promise<void> | undefined;
  #cancelFlush: CancelTimer | undefined;
  #mustRoll = false;
  #isClosing = false;
  #isOver = false;
  /** The number of the first record that is not written. */
  #writtenSequence: number;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.sequence = options.sequence;
    this.#writtenSequence = options.sequence;
    this.#sync = new SyncSchedule({
      clock: options.clock,
      intervalMs: options.flushIntervalMs,
      sequence: options.sequence,
      sync: async () => {
        await this.#segment?.file.sync();
        options.counts.syncs += 1;
      },
      // The pages of a failed sync may never reach the disk, even if a second sync succeeds.
      onFailure: (error) => this.fail(reasonOf(error), error),
    });
  }

  /** Records that were added and not yet written. */
  get unwrittenRecords(): number {
    return this.sequence - this.#writtenSequence;
  }

  /** Records that were written and not yet synced. Without `fsync`, none. */
  get unsyncedRecords(): number {
    return this.#options.fsync ? this.#writtenSequence - this.#sync.sequence : 0;
  }

  /** The size of the segment that records are appended to. */
  get segmentBytes(): number {
    return this.#segment?.sizeBytes ?? 0;
  }

  /** The segment that records are appended to, unless the log has ended. */
  get openSegment(): { readonly name: string; readonly identity: string | undefined } | undefined {
    const segment = this.#isOver ? undefined : this.#segment;
    return segment && { name: logName(segment.number), identity: segment.identity };
  }

  /** Opens the first segment now instead of before the first write; rejects if that fails. */
  open(): Promise<void> {
    return this.#roll();
  }

  /** Copies a record into the pending group; returns `false` if it was not accepted. */
  add(record: Uint8Array): boolean {
    if (!this.#addToGroup(record)) {
      return false;
    }
    if (this.#pending.byteLength >= fullGroupBytes) {
      this.#running ??= this.#writeAll();
    } else if (this.#running === undefined) {
      this.#cancelFlush ??= this.#options.clock.after(this.#options.flushIntervalMs, () => {
        this.#cancelFlush = undefined;
        this.#running ??= this.#writeAll();
      });
    }
    return true;
  }

  /** Adds a record, writes it and all records before it, and returns whether that succeeded. */
  addNow(record: Uint8Array): boolean {
    if (!this.#addToGroup(record)) {
      return false;
    }
    if (this.#segment === undefined) {
      this.#running ??= this.#writeAll();
      return false;
    }
    const group = this.#pending;
    try {
      if (this.#flight !== undefined) {
        // The same bytes at the same position, so the order of the two writes does not matter.
        const { file, parts, position } = this.#flight;
        file.writeNow(parts, position);
      }
      const placed = this.#segment.place(group, {
        endSequence: this.sequence,
        unixMs: this.#options.clock.unixMs(),
      });
      placed.file.writeNow(placed.parts, placed.position);
      group.clear();
      this.#onWritten(placed);
      return true;
    } catch (error) {
      this.fail(reasonOf(error), error);
      return false;
    }
  }

  /** Resolves when all records added so far are written, or the log has ended. */
  written(): Promise<void> {
    if (this.#isOver || this.#writtenSequence === this.sequence) {
      return Promise.resolve();
    }
    this.#running ??= this.#writeAll();
    return this.#waiters.wait(this.sequence);
  }

  /** As `written` and, with `fsync`, until the records are synced. */
  async synced(): Promise<void> {
    const sequence = this.sequence;
    await this.written();
    if (this.#options.fsync) {
      await this.#sync.until(sequence);
    }
  }

  /** Begins a new segment, so that the old one can be removed when a snapshot contains it. */
  roll(): void {
    if (!this.#isClosing && !this.#isOver) {
      this.#mustRoll = true;
      this.#running ??= this.#writeAll();
    }
  }

  /** Ends the log: accepts no more records, forgets unwritten ones, and resolves all promises. */
  fail(reason: DegradedReason, error: unknown): void {
    if (this.#isOver) {
      return;
    }
    this.#end();
    if (this.#segment !== undefined) {
      void this.#segment.file.close();
      void this.#options.segments.finish(this.#segment.finishedAt(this.#writtenSequence));
    }
    this.#options.onFailure(reason, error);
  }

  /** Accepts no more records; writes and syncs all added ones, and after them a timestamp. To be followed by `end`. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    while (this.#running !== undefined) {
      await this.#running;
    }
    if (!this.#isOver && this.#segment !== undefined) {
      try {
        await this.#writePending(this.#segment);
        await this.#sync.now();
      } catch (error) {
        this.fail(reasonOf(error), error);
      }
    }
  }

  /** Ends the log without a failure. */
  async end(): Promise<void> {
    this.#end();
    await this.idle();
  }

  /** For a writer that has ended: resolves when no call is in progress and its file is closed. */
  async idle(): Promise<void> {
    await this.#running;
    await this.#sync.idle();
    await this.#segment?.file.close();
  }

  #addToGroup(record: Uint8Array): boolean {
    if (this.#isOver || this.#isClosing) {
      return false;
    }
    if (record.length > maxRecordBytes) {
      this.fail("too_large", undefined);
      return false;
    }
    if (!this.#pending.add(record)) {
      this.fail("too_slow", undefined);
      return false;
    }
    this.sequence += 1;
    return true;
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelFlush?.();
    this.#sync.end();
    this.#waiters.releaseAll();
  }

  /** Writes until nothing is pending. Only one runs at a time, in `#running`. */
  async #writeAll(): Promise<void> {
    try {
      // Waits until the current input is handled, so that all its records share a write.
      await new Promise((resolve) => setImmediate(resolve));
      while (!this.#isOver && (this.#mustRoll || this.#pending.count > 0)) {
        let isRollDue = this.#segment === undefined;
        if (this.#segment !== undefined) {
          const { sizeBytes } = this.#segment;
          isRollDue =
            (this.#mustRoll && sizeBytes > 0) || sizeBytes >= this.#options.maxSegmentBytes;
          this.#mustRoll = false;
        }
        if (isRollDue) {
          await this.#roll();
        }
        if (!this.#isOver && this.#segment !== undefined && this.#pending.count > 0) {
          await this.#writePending(this.#segment);
        }
      }
    } catch (error) {
      this.fail(reasonOf(error), error);
    } finally {
      // In the same step as the check of the pending group, so that no record added in between is left unwritten.
      this.#running = undefined;
    }
  }

  async #writePending(segment: LogSegment): Promise<void> {
    const group = this.#pending;
    const placed = segment.place(group, {
      endSequence: this.sequence,
      unixMs: this.#options.clock.unixMs(),
    });
    this.#flight = placed;
    this.#pending = this.#spare;
    try {
      await placed.file.write(placed.parts, placed.position);
    } finally {
      this.#flight = undefined;
      group.clear();
      this.#spare = group;
    }
    if (!this.#isOver) {
      this.#onWritten(placed);
    }
  }

  #onWritten({ bytes, endSequence }: Placed): void {
    this.#options.counts.logBytesWritten += bytes;
    // A blocking write may have finished before this one.
    this.#writtenSequence = Math.max(this.#writtenSequence, endSequence);
    this.#waiters.reached(this.#writtenSequence);
    if (this.#options.fsync) {
      this.#sync.start(this.#writtenSequence);
    }
  }

  /** Opens the next segment, and switches to it only when all of the previous one is on the disk. */
  async #roll(): Promise<void> {
    const { disk, directory, segments, fsync } = this.#options;
    const number = segments.takeNumber();
    const path = segments.pathOf(number);
    const file = await disk.create(path);
    const previous = this.#segment;
    let identity: string | undefined;
    try {
      identity = await lastingIdentity(file, path, disk);
      if (fsync) {
        await disk.syncDirectory(directory);
        // Again if a blocking write added records meanwhile.
        while (previous !== undefined && !this.#isOver && !this.#sync.isDone) {
          await this.#sync.now();
        }
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    if (this.#isOver) {
      await file.close();
      await disk.remove(path).catch(() => {});
      return;
    }
    this.#segment = new LogSegment(number, file, identity);
    if (previous !== undefined) {
      const finished = previous.finishedAt(this.#writtenSequence);
      await previous.file.close();
      await segments.finish(finished);
    }
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

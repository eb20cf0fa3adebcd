import type { CancelTimer } from "../../component/clock.ts";
import { type DegradedReason, maxRecordBytes } from "../../component/storage.ts";
import type { GroupEnd, LogSegment, Placed } from "./log-segment.ts";
import { LogTail, type LogTailOptions } from "./log-tail.ts";
import { Waiters } from "./waiters.ts";
import { WriteBuffer } from "./write-buffer.ts";
import { reasonOf } from "./write-failure.ts";

export interface LogWriterOptions extends LogTailOptions {
  readonly maxSegmentBytes: number;
  /** Called once, when no more records can be stored. `error` is the system's error, if there was one. */
  readonly onFailure: (reason: DegradedReason, error: unknown) => void;
}

/** A group of this size is written without waiting for the flush interval. */
const fullGroupBytes = 1024 * 1024;

/**
 * Appends records to the segments of a log. It keeps those that are not written in a {@link WriteBuffer}, whose two groups have at most
 * 32 MiB each; a record that does not fit ends the log as `too_slow`. A write begins when the owner waits for it, or else after
 * the flush interval, because a write costs as much as a thousand records. After the first failure, and after `drain`, it
 * accepts no more records: a log with a gap is useless.
 */
export class LogWriter {
  /** The number that the next record will have. */
  sequence: number;
  readonly #options: LogWriterOptions;
  readonly #waiters = new Waiters();
  readonly #buffer = new WriteBuffer();
  readonly #tail: LogTail;
  #running: Promise<void> | undefined;
  #cancelFlush: CancelTimer | undefined;
  #mustRoll = false;
  #isClosing = false;
  #isOver = false;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.sequence = options.sequence;
    this.#tail = new LogTail(options, (error) => this.fail(reasonOf(error), error));
  }

  /** Records that were added and not yet written. */
  get unwrittenRecords(): number {
    return this.sequence - this.#tail.writtenSequence;
  }

  /** The number of the first record that may not be on the disk. */
  get syncedSequence(): number {
    return this.#tail.syncedSequence;
  }

  /** Records that were written and not yet synced. Without `fsync`, none. */
  get unsyncedRecords(): number {
    return this.#tail.unsyncedRecords;
  }

  /** The size of the segment that records are appended to. */
  get segmentBytes(): number {
    return this.#tail.segment?.sizeBytes ?? 0;
  }

  /** The segment that records are appended to, unless the log has ended. */
  get openSegment(): LogTail["openSegment"] {
    return this.#tail.openSegment;
  }

  /** Opens the first segment now instead of before the first write; rejects if that fails. */
  open(): Promise<void> {
    return this.#tail.roll();
  }

  /** Resolves when there is a segment, so that `addNow` can write at once, or the log has ended. Never rejects. */
  async opened(): Promise<void> {
    while (!this.#isOver && this.#tail.segment === undefined) {
      this.#mustRoll = true;
      this.#running ??= this.#writeAll();
      await this.#running;
    }
  }

  /** Copies a record into the buffer; returns `false` if it was not accepted. */
  add(record: Uint8Array): boolean {
    if (!this.#addToBuffer(record)) {
      return false;
    }
    if (this.#buffer.byteLength >= fullGroupBytes) {
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
    if (!this.#addToBuffer(record)) {
      return false;
    }
    const { segment } = this.#tail;
    if (segment === undefined) {
      this.#running ??= this.#writeAll();
      return false;
    }
    try {
      this.#onWritten(this.#buffer.writeNow(segment, this.#groupEnd()));
      return true;
    } catch (error) {
      this.fail(reasonOf(error), error);
      return false;
    }
  }

  /** Resolves when all records added so far are written, or the log has ended. */
  written(): Promise<void> {
    if (this.#isOver || this.#tail.writtenSequence === this.sequence) {
      return Promise.resolve();
    }
    this.#running ??= this.#writeAll();
    return this.#waiters.wait(this.sequence);
  }

  /** As `written` and, with `fsync`, until the records are synced. */
  async synced(): Promise<void> {
    const sequence = this.sequence;
    await this.written();
    await this.#tail.synced(sequence);
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
    this.#stop();
    this.#tail.abandon();
    this.#options.onFailure(reason, error);
  }

  /** Accepts no more records; writes and syncs all added ones, and after them a timestamp. To be followed by `end`. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    while (this.#running !== undefined) {
      await this.#running;
    }
    const { segment } = this.#tail;
    if (!this.#isOver && segment !== undefined) {
      try {
        await this.#writePending(segment);
        await this.#tail.syncNow();
      } catch (error) {
        this.fail(reasonOf(error), error);
      }
    }
  }

  /** Ends the log without a failure. */
  async end(): Promise<void> {
    this.#stop();
    await this.idle();
  }

  /** For a writer that has ended: resolves when no call is in progress and its file is closed. */
  async idle(): Promise<void> {
    await this.#running;
    await this.#tail.idle();
  }

  #addToBuffer(record: Uint8Array): boolean {
    if (this.#isOver || this.#isClosing) {
      return false;
    }
    if (record.length > maxRecordBytes) {
      this.fail("too_large", undefined);
      return false;
    }
    if (!this.#buffer.add(record)) {
      this.fail("too_slow", undefined);
      return false;
    }
    this.sequence += 1;
    return true;
  }

  #stop(): void {
    this.#isOver = true;
    this.#cancelFlush?.();
    this.#tail.end();
    this.#waiters.releaseAll();
  }

  /** Writes until nothing is pending. Only one runs at a time, in `#running`. */
  async #writeAll(): Promise<void> {
    try {
      // Waits until the current input is handled, so that all its records share a write.
      await new Promise((resolve) => setImmediate(resolve));
      while (!this.#isOver && (this.#mustRoll || this.#buffer.count > 0)) {
        let isRollDue = this.#tail.segment === undefined;
        if (this.#tail.segment !== undefined) {
          const { sizeBytes } = this.#tail.segment;
          isRollDue =
            (this.#mustRoll && sizeBytes > 0) || sizeBytes >= this.#options.maxSegmentBytes;
          this.#mustRoll = false;
        }
        if (isRollDue) {
          await this.#tail.roll();
        }
        const { segment } = this.#tail;
        if (!this.#isOver && segment !== undefined && this.#buffer.count > 0) {
          await this.#writePending(segment);
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
    const placed = await this.#buffer.write(segment, this.#groupEnd());
    if (!this.#isOver) {
      this.#onWritten(placed);
    }
  }

  /** What the next group ends with. */
  #groupEnd(): GroupEnd {
    return { endSequence: this.sequence, unixMs: this.#options.clock.unixMs() };
  }

  #onWritten(placed: Placed): void {
    this.#tail.onWritten(placed);
    this.#waiters.reached(this.#tail.writtenSequence);
  }
}

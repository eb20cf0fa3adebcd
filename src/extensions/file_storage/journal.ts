import { dirname } from "node:path";
import type { Clock } from "../../component/clock.ts";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Logger } from "../../component/settings.ts";
import type {
  DegradedReason,
  Journal,
  JournalOwner,
  JournalState,
  RecoverySummary,
  SnapshotOutcome,
} from "../../component/storage.ts";
import type { Disk } from "./disk.ts";
import { snapshotName } from "./file-names.ts";
import { recordHeaderBytes } from "./format.ts";
import { type JournalCounts, zeroCounts } from "./journal-counts.ts";
import { JournalDirectory } from "./journal-directory.ts";
import { type Recovered, recoverJournal } from "./journal-recovery.ts";
import { JournalStatus } from "./journal-status.ts";
import { LogWriter } from "./log-writer.ts";
import { pathProblem } from "./path-problem.ts";
import { shown } from "./place.ts";
import { Segments } from "./segments.ts";
import { SnapshotRequests } from "./snapshot-requests.ts";
import { SnapshotSource } from "./snapshot-source.ts";
import { removeJournal, removeSnapshotsBefore, writeSnapshot } from "./snapshot-writer.ts";
import { isRefusal, reasonOf } from "./write-failure.ts";

export interface JournalOptions {
  readonly disk: Disk;
  /**
   * Makes the directory above it this program's own. Called before the first change to the disk, and again until it has succeeded.
   * Rejects with an `Error` for an operator.
   */
  readonly claim?: () => Promise<void>;
  /** The journal's own directory, which is created if it does not exist. */
  readonly directory: string;
  readonly directoryMode: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fsync: boolean;
  readonly flushIntervalMs: number;
  readonly maxSegmentBytes: number;
  /** Whether to request a snapshot from the owner after the opening, if there was a log. */
  readonly compactsOnStart: boolean;
  /** The name of the journal in log lines. */
  readonly name: string;
  readonly owner: JournalOwner;
  /** Called after the owner's `onState`. */
  readonly onState: (state: JournalState) => void;
}

/**
 * Recovers the stored state and opens the journal for appends. If the disk is full, the journal is degraded from the start. Rejects
 * with an `Error` whose message is for an operator.
 */
export async function openJournal(options: JournalOptions): Promise<FileJournal> {
  const { disk, directory, owner } = options;
  const recovered = await recoverJournal({ disk, directory, take: (record) => owner.take(record) });
  const journal = new FileJournal(options, recovered);
  await journal.begin();
  return journal;
}

/**
 * A journal in files. It decides whether the log is complete; {@link LogWriter} and `writeSnapshot` write. It keeps no records,
 * only sizes, counts and whether there is a gap. At the first record that cannot be stored it becomes degraded: it drops and
 * counts appended records and requests snapshots from its owner until one has closed the gap.
 */
export class FileJournal implements Journal {
  readonly counts: JournalCounts = zeroCounts();
  readonly recovered: RecoverySummary;
  logBytes: number;
  snapshotBytes: number;
  readonly #options: JournalOptions;
  readonly #segments: Segments;
  readonly #place: JournalDirectory;
  /** Why the directory is not ready, in the last log line. */
  #unreadyBecause: string | undefined;
  #writer: LogWriter;
  readonly #status: JournalStatus;
  readonly #requests: SnapshotRequests;
  #snapshot: Promise<SnapshotOutcome> | undefined;
  #closing: Promise<void> | undefined;
  /** Whether something that is stored is still needed. */
  #isNeeded = true;
  /** Whether the files were removed because nothing is needed. */
  #isRemoved = false;
  #isClosed = false;
  /** The last request for a snapshot. */
  #request: Promise<void> | undefined;

  constructor(options: JournalOptions, recovered: Recovered) {
    const { disk, directory } = options;
    this.#options = options;
    this.#status = new JournalStatus({ ...options, counts: this.counts });
    this.recovered = recovered.summary;
    this.#segments = new Segments(
      { disk, directory },
      { lastNumber: recovered.lastSegmentNumber, segments: recovered.segments },
    );
    this.#place = new JournalDirectory({
      disk,
      directory,
      mode: options.directoryMode,
      claim: async () => options.claim?.(),
      cleanUp: () => recovered.cleanUp(),
      segments: this.#segments,
      snapshotName: recovered.snapshotName,
    });
    this.logBytes = recovered.logBytes;
    this.snapshotBytes = recovered.snapshotBytes;
    this.counts.recoveredRecords = recovered.summary.records;
    this.counts.cutBytes.torn = recovered.summary.tornBytes;
    this.counts.cutBytes.lost = recovered.summary.lostBytes;
    this.#requests = new SnapshotRequests({
      clock: options.clock,
      isWanted: (failures) =>
        !this.#isClosed &&
        !this.#isTaken &&
        this.#snapshot === undefined &&
        (this.#status.reason !== undefined || failures > 0),
      request: () => this.#requestSnapshot(),
    });
    this.#writer = this.#writerFrom(recovered.sequence);
  }

  /**
   * Prepares the directory and opens the log. If the disk is full or broken, the journal is degraded, but the collector starts; if
   * this program may not write there, it rejects.
   */
  async begin(): Promise<void> {
    const { directory } = this.#options;
    try {
      await this.#place.prepare();
      await this.#writer.open();
    } catch (error) {
      if (this.#place.isReady && isRefusal(error)) {
        const failed = `the directory ${shown(directory)} cannot be written to`;
        throw await pathProblem(failed, { path: directory, storage: dirname(directory) }, error);
      }
      if (!this.#place.isReady && reasonOf(error) !== "no_space") {
        throw error;
      }
      this.#writer.fail(reasonOf(error), error);
    }
    if (this.#options.compactsOnStart && this.logBytes > 0) {
      this.#requests.requestSoon();
    }
  }

  append(record: Uint8Array): void {
    this.#isNeeded = true;
    if (this.#writer.add(record)) {
      this.#onAppended(record);
    } else {
      this.#status.onDropped();
    }
  }

  appendNow(record: Uint8Array): boolean {
    this.#isNeeded = true;
    const { sequence } = this.#writer;
    const isWritten = this.#writer.addNow(record);
    if (isWritten || this.#writer.sequence > sequence) {
      this.#onAppended(record);
    } else {
      this.#status.onDropped();
    }
    return isWritten && this.#status.reason === undefined;
  }

  written(): Promise<void> {
    return this.#status.reason === undefined ? this.#writer.written() : Promise.resolve();
  }

  synced(): Promise<void> {
    return this.#status.reason === undefined ? this.#writer.synced() : Promise.resolve();
  }

  snapshot(records: Iterable<Uint8Array>): Promise<SnapshotOutcome> {
    if (this.#isClosed || this.#snapshot !== undefined) {
      return Promise.resolve({ status: "busy" });
    }
    if (!this.#place.isReady) {
      // The owner is asked when the directory is ready.
      return Promise.resolve({ status: "failed", reason: this.#status.reason ?? "io_error" });
    }
    this.#isNeeded = true;
    this.#requests.cancel();
    this.#snapshot = this.#writeSnapshot(records).finally(() => {
      this.#snapshot = undefined;
      this.#requests.requestLater();
    });
    return this.#snapshot;
  }

  discard(): void {
    this.#isNeeded = false;
  }

  state(): JournalState {
    return this.#status.state;
  }

  /** The sizes of the log's files and of the snapshot. */
  fileBytes(): { readonly log: number; readonly snapshot: number } {
    return {
      log: this.#segments.sizeBytes + this.#writer.segmentBytes,
      snapshot: this.snapshotBytes,
    };
  }

  /** Accepts no further records. Resolves when all records are written and synced, or have failed. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What is found to be lost before the end is stored again, if the owner can. */
  async #close(): Promise<void> {
    await this.verify();
    this.#requests.cancel();
    await this.#request;
    this.#isClosed = true;
    await this.#snapshot?.catch(() => {});
    await this.#writer.drain();
    await this.verify();
    await this.#writer.end();
    if (!this.#isNeeded && this.#place.isReady) {
      await this.#removeAll();
    }
  }

  /**
   * Checks that the files are still there. If they are not, the journal becomes degraded, and requests a snapshot at once, which creates
   * them again. Never rejects.
   */
  async verify(): Promise<void> {
    if (this.#status.reason !== undefined) {
      return;
    }
    const lost = await this.#place.findLost(() => this.#writer);
    if (lost !== undefined && this.#status.reason === undefined) {
      this.#writer.fail(lost.reason, lost);
    }
  }

  /** Another process has taken the directory, so this one must write nothing more. */
  onTaken(): void {
    this.#writer.fail("in_use", undefined);
    if (!this.#isTaken) {
      // The log has ended already.
      this.#onGap("in_use", undefined, 0);
    }
  }

  /** For a journal that is closed: why its records are not stored; `undefined` if they are, or none is needed. */
  get lostBecause(): DegradedReason | undefined {
    const isNothingLeft = this.#isRemoved || (!this.#isNeeded && this.#status.reason === "removed");
    return isNothingLeft ? undefined : this.#status.reason;
  }

  /** Whether it has its files, as far as is known. */
  get hasFiles(): boolean {
    return this.#status.reason !== "removed" && this.#status.reason !== "in_use";
  }

  get #isTaken(): boolean {
    return this.#status.reason === "in_use";
  }

  async #removeAll(): Promise<void> {
    const { disk, directory, clock, logger, name } = this.#options;
    try {
      await removeJournal({
        disk,
        directory,
        counts: this.counts,
        sequence: this.#writer.sequence,
        unixMs: () => clock.unixMs(),
      });
      this.#isRemoved = true;
    } catch (error) {
      logger.warn("Stored data that is not needed any more could not be removed.", {
        journal: name,
        "error.code": errorCodeOf(error),
      });
    }
  }

  /** Records that `close` has not written yet. */
  get unwrittenRecords(): number {
    return this.#writer.unwrittenRecords;
  }

  /** Records that are written, and that `close` has not synced yet. Without `fsync`, none. */
  get unsyncedRecords(): number {
    return this.#writer.unsyncedRecords;
  }

  async #writeSnapshot(records: Iterable<Uint8Array>): Promise<SnapshotOutcome> {
    const { disk, directory, clock, logger, name } = this.#options;
    const isRepair = this.#status.reason !== undefined;
    const lastNumber = this.#segments.lastNumber;
    if (isRepair) {
      // One number is skipped, so that a recovery without this snapshot detects the gap.
      this.#writer = this.#writerFrom(this.#writer.sequence + 1);
    }
    const writer = this.#writer;
    const { sequence } = writer;
    const [gaps, logBytes] = [this.#status.gaps, this.logBytes];
    writer.roll();
    const source = new SnapshotSource(records);
    try {
      const sizeBytes = await writeSnapshot(
        {
          disk,
          directory,
          counts: this.counts,
          sequence,
          unixMs: () => clock.unixMs(),
          // The log continues without a snapshot, but a gap in it does not close without one.
          isCancelled: () => (this.#isClosed && !isRepair) || this.#isTaken,
        },
        source,
      );
      if (sizeBytes === undefined) {
        return { status: "busy" };
      }
      this.snapshotBytes = sizeBytes;
      this.#place.snapshotName = snapshotName(sequence);
    } catch (error) {
      this.#requests.onFailed();
      this.counts.snapshots.failed += 1;
      if (isRepair) {
        // The new log is useless without the snapshot before it.
        this.#status.countDropped(
          reasonOf(error),
          writer.sequence - sequence - writer.unwrittenRecords,
        );
        writer.fail(reasonOf(error), error);
        await writer.idle();
        await this.#segments.dropAfter(lastNumber);
      }
      if (source.thrown !== undefined) {
        throw source.thrown.error;
      }
      const reason = reasonOf(error);
      if (reason === "removed") {
        await this.verify();
      }
      if (!isRepair && this.#status.reason === undefined) {
        this.counts.writeErrors[reason] += 1;
        logger.warn("A snapshot could not be written. The log continues and grows.", {
          journal: name,
          reason,
          "error.code": errorCodeOf(error),
        });
      }
      return { status: "failed", reason };
    }
    this.#requests.onDone();
    this.counts.snapshots.done += 1;
    this.logBytes -= logBytes;
    if (!this.#isTaken) {
      await this.#segments.dropBefore(sequence);
      await removeSnapshotsBefore({ disk, directory, sequence }).catch(() => {});
    }
    if (isRepair && this.#status.gaps === gaps) {
      this.#status.onGapClosed();
    }
    return { status: "done" };
  }

  #writerFrom(sequence: number): LogWriter {
    const { disk, directory, clock, fsync, flushIntervalMs, maxSegmentBytes } = this.#options;
    const writer: LogWriter = new LogWriter({
      disk,
      directory,
      segments: this.#segments,
      clock,
      fsync,
      flushIntervalMs,
      maxSegmentBytes,
      counts: this.counts,
      sequence,
      onFailure: (reason, error) => this.#onGap(reason, error, writer.unwrittenRecords),
    });
    return writer;
  }

  #onAppended(record: Uint8Array): void {
    this.counts.appendedRecords += 1;
    this.logBytes += record.length + recordHeaderBytes;
  }

  #onGap(reason: DegradedReason, error: unknown, dropped: number): void {
    if (reason === "removed" || reason === "in_use") {
      this.#place.forget();
    }
    const isNew = this.#status.onGap(reason, error, dropped);
    if (isNew && reason === "removed" && !this.#isClosed) {
      // The disk is well, so there is nothing to wait for.
      void this.#requestSnapshot().then(() => this.#requests.requestLater());
    } else {
      this.#requests.requestLater();
    }
  }

  #requestSnapshot(): Promise<void> {
    this.#request = this.#prepareAndAsk();
    return this.#request;
  }

  async #prepareAndAsk(): Promise<void> {
    if (this.#status.reason !== undefined) {
      // While the disk hangs, no further work is given to it.
      await this.#writer.idle();
    }
    if (!(await this.#isReady())) {
      this.#requests.onFailed();
      return;
    }
    if (!this.#isClosed && this.#snapshot === undefined) {
      this.#status.callOwner((owner) => owner.onSnapshotNeeded());
    }
  }

  /** Prepares the directory if that failed at the start, and returns whether it is ready. */
  async #isReady(): Promise<boolean> {
    try {
      if (!this.#place.isReady) {
        await this.#place.prepare();
        const lost = await this.#place.findForeign(this.#writer);
        if (lost?.reason === "in_use") {
          this.onTaken();
          throw lost;
        }
      }
      return true;
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      if (because !== this.#unreadyBecause) {
        this.#unreadyBecause = because;
        this.#options.logger.warn("State is still not stored.", {
          journal: this.#options.name,
          because,
        });
      }
      return false;
    }
  }
}

import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
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
import { recordHeaderBytes } from "./format.ts";
import { type JournalCounts, zeroCounts } from "./journal-counts.ts";
import { JournalDirectory } from "./journal-directory.ts";
import { type Recovered, recoverJournal } from "./journal-recovery.ts";
import { LogWriter } from "./log-writer.ts";
import { pathProblem } from "./path-problem.ts";
import { shown } from "./place.ts";
import { Segments } from "./segments.ts";
import { SnapshotRequests } from "./snapshot-requests.ts";
import { SnapshotSource } from "./snapshot-source.ts";
import { removeJournal, removeSnapshotsBefore, writeSnapshot } from "./snapshot-writer.ts";
import { failureSentence, isRefusal, reasonOf } from "./write-failure.ts";

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
  #state: JournalState = { status: "ok" };
  /** Increases with every failure of the log, so that a snapshot knows whether it closes the latest gap. */
  #gaps = 0;
  #droppedInGap = 0;
  readonly #requests: SnapshotRequests;
  #snapshot: Promise<SnapshotOutcome> | undefined;
  #closing: Promise<void> | undefined;
  /** Whether something that is stored is still needed. */
  #isNeeded = true;
  #isClosed = false;

  constructor(options: JournalOptions, recovered: Recovered) {
    const { disk, directory } = options;
    this.#options = options;
    this.recovered = recovered.summary;
    this.#place = new JournalDirectory({
      disk,
      directory,
      mode: options.directoryMode,
      claim: async () => options.claim?.(),
      cleanUp: () => recovered.cleanUp(),
    });
    this.#segments = new Segments(
      { disk, directory },
      { lastNumber: recovered.lastSegmentNumber, segments: recovered.segments },
    );
    this.logBytes = recovered.logBytes;
    this.snapshotBytes = recovered.snapshotBytes;
    this.counts.recoveredRecords = recovered.summary.records;
    this.counts.cutBytes.torn = recovered.summary.tornBytes;
    this.counts.cutBytes.lost = recovered.summary.lostBytes;
    this.#requests = new SnapshotRequests({
      clock: options.clock,
      isWanted: (failures) =>
        !this.#isClosed &&
        this.#snapshot === undefined &&
        (this.#state.status !== "ok" || failures > 0),
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
      this.#onDropped();
    }
  }

  appendNow(record: Uint8Array): boolean {
    this.#isNeeded = true;
    const { sequence } = this.#writer;
    const isWritten = this.#writer.addNow(record);
    if (isWritten || this.#writer.sequence > sequence) {
      this.#onAppended(record);
    } else {
      this.#onDropped();
    }
    return isWritten && this.#state.status === "ok";
  }

  written(): Promise<void> {
    return this.#state.status === "ok" ? this.#writer.written() : Promise.resolve();
  }

  synced(): Promise<void> {
    return this.#state.status === "ok" ? this.#writer.synced() : Promise.resolve();
  }

  snapshot(records: Iterable<Uint8Array>): Promise<SnapshotOutcome> {
    if (this.#isClosed || this.#snapshot !== undefined) {
      return Promise.resolve({ status: "busy" });
    }
    if (!this.#place.isReady) {
      // The owner is asked when the directory is ready.
      return Promise.resolve({ status: "failed", reason: "no_space" });
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
    return this.#state;
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

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#requests.cancel();
    await this.#snapshot?.catch(() => {});
    await this.#writer.close();
    if (!this.#isNeeded && this.#place.isReady) {
      await this.#removeAll();
    }
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
    const isRepair = this.#state.status !== "ok";
    const lastNumber = this.#segments.lastNumber;
    if (isRepair) {
      // One number is skipped, so that a recovery without this snapshot detects the gap.
      this.#writer = this.#writerFrom(this.#writer.sequence + 1);
    }
    const writer = this.#writer;
    const { sequence } = writer;
    const [gaps, logBytes] = [this.#gaps, this.logBytes];
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
          isCancelled: () => this.#isClosed,
        },
        source,
      );
      if (sizeBytes === undefined) {
        return { status: "busy" };
      }
      this.snapshotBytes = sizeBytes;
    } catch (error) {
      this.#requests.onFailed();
      this.counts.snapshots.failed += 1;
      if (isRepair) {
        // The new log is useless without the snapshot before it.
        this.#countDropped(reasonOf(error), writer.sequence - sequence - writer.unwrittenRecords);
        writer.fail(reasonOf(error), error);
        await writer.idle();
        await this.#segments.dropAfter(lastNumber);
      }
      if (source.thrown !== undefined) {
        throw source.thrown.error;
      }
      const reason = reasonOf(error);
      if (!isRepair) {
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
    await this.#segments.dropBefore(sequence);
    await removeSnapshotsBefore({ disk, directory, sequence }).catch(() => {});
    if (isRepair && this.#gaps === gaps) {
      this.#setState({ status: "ok" });
      logger.info("State is stored again, beginning with a new snapshot.", {
        journal: name,
        dropped_records: this.#droppedInGap,
      });
      this.#droppedInGap = 0;
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

  #onDropped(): void {
    if (this.#state.status === "degraded") {
      this.#countDropped(this.#state.reason, 1);
    } else {
      this.counts.droppedRecords.closed += 1;
    }
  }

  #countDropped(reason: DegradedReason, records: number): void {
    this.#droppedInGap += records;
    this.counts.droppedRecords[reason] += records;
  }

  #onGap(reason: DegradedReason, error: unknown, dropped: number): void {
    const { logger, name } = this.#options;
    this.#gaps += 1;
    this.#countDropped(reason, dropped);
    this.counts.writeErrors[reason] += 1;
    const isNew = this.#state.status === "ok";
    this.#setState({ status: "degraded", reason });
    if (isNew) {
      logger.error(`State is no longer stored. ${failureSentence(reason, error)}`, {
        journal: name,
        reason,
        ...(error === undefined ? {} : { "error.code": errorCodeOf(error) }),
      });
    }
    this.#requests.requestLater();
  }

  #setState(state: JournalState): void {
    if (isDeepStrictEqual(state, this.#state)) {
      return;
    }
    this.#state = state;
    this.#callOwner(() => this.#options.owner.onState?.(state));
    this.#options.onState(state);
  }

  async #requestSnapshot(): Promise<void> {
    if (this.#state.status !== "ok") {
      // While the disk hangs, no further work is given to it.
      await this.#writer.idle();
    }
    if (!(await this.#isReady())) {
      this.#requests.onFailed();
      return;
    }
    if (!this.#isClosed && this.#snapshot === undefined) {
      this.#callOwner(() => this.#options.owner.onSnapshotNeeded());
    }
  }

  /** Prepares the directory if that failed at the start, and returns whether it is ready. */
  async #isReady(): Promise<boolean> {
    try {
      await this.#place.prepare();
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

  /** Calls the owner. An exception of the owner must not come out of an append. */
  #callOwner(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.logger.error("A component's journal callback failed because of a bug.", {
        journal: this.#options.name,
        "exception.type": error instanceof Error ? error.name : typeof error,
      });
    }
  }
}

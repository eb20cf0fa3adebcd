import type { Clock } from "../../component/clock.ts";
import type { Logger } from "../../component/settings.ts";
import type {
  DegradedReason,
  Journal,
  JournalOwner,
  JournalState,
  RecoverySummary,
  SnapshotOutcome,
} from "../../component/storage.ts";
import { DirectoryWatch } from "./directory-watch.ts";
import type { Disk } from "./disk.ts";
import { EndMark } from "./end-mark.ts";
import { recordHeaderBytes } from "./format.ts";
import { type JournalCounts, zeroCounts } from "./journal-counts.ts";
import { JournalDirectory } from "./journal-directory.ts";
import { JournalLog } from "./journal-log.ts";
import { type Recovered, recoverJournal } from "./journal-recovery.ts";
import { removeJournal } from "./journal-removal.ts";
import { JournalSnapshots } from "./journal-snapshots.ts";
import { JournalStatus } from "./journal-status.ts";
import { SnapshotRequests } from "./snapshot-requests.ts";
import type { UnusableFiles } from "./unusable-files.ts";

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
 * A journal in files: {@link JournalLog} and {@link JournalSnapshots} write, {@link DirectoryWatch} looks after the files. It keeps no
 * records, only sizes, counts and whether there is a gap. At the first record that cannot be stored it becomes degraded: it drops
 * and counts appended records and requests snapshots from its owner until one has closed the gap.
 */
export class FileJournal implements Journal {
  readonly counts: JournalCounts = zeroCounts();
  readonly recovered: RecoverySummary;
  readonly unusable: UnusableFiles;
  readonly #options: JournalOptions;
  readonly #endMark: EndMark;
  readonly #log: JournalLog;
  readonly #place: JournalDirectory;
  readonly #watch: DirectoryWatch;
  readonly #status: JournalStatus;
  readonly #requests: SnapshotRequests;
  readonly #snapshots: JournalSnapshots;
  /** The snapshot that is being written. */
  #snapshot: Promise<SnapshotOutcome> | undefined;
  #closing: Promise<void> | undefined;
  /** Whether something that is stored is still needed. */
  #isNeeded = true;
  /** Whether the files were removed because nothing is needed. */
  #isRemoved = false;

  constructor(options: JournalOptions, recovered: Recovered) {
    const { counts } = this;
    this.#options = options;
    this.recovered = recovered.summary;
    this.unusable = recovered.unusable;
    counts.recoveredRecords = recovered.summary.records;
    counts.cutBytes.torn = recovered.summary.tornBytes;
    counts.cutBytes.lost = recovered.summary.lostBytes;
    counts.missingRecords = recovered.summary.missingRecords;
    const { log: logFiles, damagedSnapshots, removedSnapshots, end } = recovered.unusable;
    counts.unusableFiles.log = logFiles;
    counts.unusableFiles.snapshot = damagedSnapshots + removedSnapshots;
    counts.unusableFiles.end = end;
    const status = new JournalStatus({ ...options, counts });
    const endMark = new EndMark({ ...options, recovered: recovered.kept });
    const log = new JournalLog(
      { ...options, counts, endMark, onFailure: (...failure) => this.#onGap(...failure) },
      recovered,
    );
    const place = new JournalDirectory({
      ...options,
      mode: options.directoryMode,
      claim: async () => options.claim?.(),
      cleanUp: () => recovered.cleanUp(),
      log,
      endMark,
      snapshotName: recovered.snapshotName,
    });
    const watch = new DirectoryWatch({ ...options, place, log, status });
    const requests = new SnapshotRequests({ ...options, status, log, watch });
    this.#snapshots = new JournalSnapshots(
      { ...options, counts, status, log, endMark, place, watch, requests },
      recovered,
    );
    this.#endMark = endMark;
    this.#status = status;
    this.#log = log;
    this.#place = place;
    this.#watch = watch;
    this.#requests = requests;
  }

  get directory(): string {
    return this.#options.directory;
  }

  get logBytes(): number {
    return this.#log.bytes;
  }

  get snapshotBytes(): number {
    return this.#snapshots.sizeBytes;
  }

  /** Opens the log. Rejects with an `Error` for an operator; with a disk that is full or broken, the journal is degraded instead. */
  async begin(): Promise<void> {
    await this.#place.open();
    if (this.#options.compactsOnStart && this.logBytes > 0) {
      this.#requests.requestSoon();
    }
  }

  append(record: Uint8Array): void {
    this.#isNeeded = true;
    if (this.#log.writer.add(record)) {
      this.#onAppended(record);
    } else {
      this.#status.onDropped();
    }
  }

  appendNow(record: Uint8Array): boolean {
    this.#isNeeded = true;
    const { sequence } = this.#log.writer;
    const isWritten = this.#log.writer.addNow(record);
    if (isWritten || this.#log.writer.sequence > sequence) {
      this.#onAppended(record);
    } else {
      this.#status.onDropped();
    }
    return isWritten && this.#status.reason === undefined;
  }

  written(): Promise<void> {
    // Also while a snapshot closes a gap: what is appended meanwhile is in the log alone, and must be stored before the state is ok again.
    return this.#log.writer.written();
  }

  synced(): Promise<void> {
    return this.#log.writer.synced();
  }

  snapshot(records: Iterable<Uint8Array>): Promise<SnapshotOutcome> {
    if (this.#status.isClosed || this.#snapshot !== undefined) {
      return Promise.resolve({ status: "busy" });
    }
    if (!this.#place.isReady) {
      // The owner is asked when the directory is ready.
      return Promise.resolve({ status: "failed", reason: this.#status.reason ?? "io_error" });
    }
    this.#isNeeded = true;
    this.#requests.onBegun();
    this.#snapshot = this.#snapshots.write(records).finally(() => {
      this.#snapshot = undefined;
      this.#requests.onEnded();
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
    return { log: this.#log.fileBytes, snapshot: this.snapshotBytes };
  }

  /** Accepts no further records. Resolves when all records are written and synced, or have failed. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What is found to be lost before the end is stored again, if the owner can. */
  async #close(): Promise<void> {
    await this.verify();
    await this.#requests.stop();
    this.#status.isClosed = true;
    await this.#snapshot?.catch(() => {});
    await this.#log.writer.drain();
    await this.verify();
    await this.#log.writer.end();
    await this.#endMark.close();
    if (!this.#isNeeded && this.#place.isReady) {
      const { disk, directory, clock, logger, name } = this.#options;
      this.#isRemoved = await removeJournal({
        disk,
        directory,
        counts: this.counts,
        sequence: this.#log.writer.sequence,
        unixMs: () => clock.unixMs(),
        logger,
        name,
      });
    }
  }

  /**
   * Checks that the files are still there. If they are not, the journal becomes degraded, and requests a snapshot at once, which creates
   * them again. Never rejects.
   */
  verify(): Promise<void> {
    return this.#watch.verify();
  }

  /** Another process has taken the directory, so this one must write nothing more. */
  onTaken(): void {
    this.#watch.onTaken();
  }

  /** For a journal that is closed: why its records are not stored; `undefined` if they are, or none is needed. */
  get lostBecause(): DegradedReason | undefined {
    const isNothingLeft = this.#isRemoved || (!this.#isNeeded && this.#status.reason === "removed");
    return isNothingLeft ? undefined : this.#status.reason;
  }

  /** Whether it has its files, as far as is known. */
  get hasFiles(): boolean {
    return this.#status.reason !== "removed" && !this.#status.isTaken;
  }

  /** Records that `close` has not written yet. */
  get unwrittenRecords(): number {
    return this.#log.writer.unwrittenRecords;
  }

  /** Records that are written, and that `close` has not synced yet. Without `fsync`, none. */
  get unsyncedRecords(): number {
    return this.#log.writer.unsyncedRecords;
  }

  #onAppended(record: Uint8Array): void {
    this.counts.appendedRecords += 1;
    this.#log.bytes += record.length + recordHeaderBytes;
  }

  #onGap(reason: DegradedReason, error: unknown, dropped: number): void {
    if (reason === "removed" || reason === "in_use") {
      this.#place.forget();
    }
    const isNew = this.#status.onGap(reason, error, dropped);
    if (isNew && reason === "removed" && !this.#status.isClosed) {
      // The disk is well, so there is nothing to wait for.
      this.#requests.requestNow();
    } else {
      this.#requests.requestLater();
    }
  }
}

import type {
  Journal,
  JournalOwner,
  RecoverySummary,
  SnapshotOutcome,
  Storage,
} from "../../../src/component/storage.ts";

/** A storage that keeps records in an array, like a disk that never fails and never delays. */
export class MemoryStorage implements Storage {
  /** The records that a start now would recover. */
  records: Uint8Array[] = [];
  /** How many of them are certainly written. The others could be lost in a crash. */
  certain = 0;
  /** Wall clock of the last write, for `RecoverySummary`. */
  lastWrittenUnixMs = 0;
  /** The length of the log that the journal reports. */
  logBytes = 0;
  /** Records at the end of the log that the next opening will miss. */
  missingRecords = 0;
  isEndMissing = false;
  owner: JournalOwner | undefined;
  /** Whether the owner needs nothing of it any more. */
  isDiscarded = false;
  /** How snapshots end. A promise holds them up. */
  snapshots: SnapshotOutcome | Promise<SnapshotOutcome> = { status: "done" };
  /** What waits for records to be written waits for this. */
  isWritten: Promise<void> = Promise.resolve();
  /** Opening waits for this before it reads. */
  isRead: Promise<void> = Promise.resolve();

  async openJournal(owner: JournalOwner): Promise<Journal> {
    this.owner = owner;
    await this.isRead;
    for (const record of this.records) {
      owner.take(record);
    }
    const append = (record: Uint8Array) => {
      this.records.push(record.slice());
      this.logBytes += record.length;
    };
    const recovered: RecoverySummary = {
      records: this.records.length,
      bytes: 0,
      tornBytes: 0,
      lostBytes: 0,
      missingRecords: this.missingRecords,
      isEndMissing: this.isEndMissing,
      ...(this.records.length === 0 ? {} : { lastWrittenUnixMs: this.lastWrittenUnixMs }),
    };
    const logBytes = () => this.logBytes;
    return {
      recovered,
      get logBytes() {
        return logBytes();
      },
      snapshotBytes: 0,
      append,
      appendNow: (record) => {
        append(record);
        this.certain = this.records.length;
        return true;
      },
      written: async () => {
        await this.isWritten;
        this.certain = this.records.length;
      },
      synced: async () => {},
      directory: "/state",
      discard: () => {
        this.isDiscarded = true;
      },
      snapshot: async (records): Promise<SnapshotOutcome> => {
        const outcome = this.snapshots instanceof Promise ? await this.snapshots : this.snapshots;
        if (outcome.status !== "done") {
          return outcome;
        }
        this.records = Array.from(records, (record) => record.slice());
        this.logBytes = 0;
        return outcome;
      },
      state: () => ({ status: "ok" }),
    };
  }
}

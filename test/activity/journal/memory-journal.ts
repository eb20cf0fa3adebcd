import type {
  Journal,
  JournalOwner,
  RecoverySummary,
  SnapshotOutcome,
  Storage,
} from "../../../src/component/storage.ts";

/** A storage that keeps records in an array, as a disk would that never fails and is never asked to wait. */
export class MemoryStorage implements Storage {
  /** What would be found after a crash now. */
  records: Uint8Array[] = [];
  /** How many of them would be found whenever it crashed; the others may still wait to be written. */
  certain = 0;
  /** Wall clock of the last write, for `RecoverySummary`. */
  lastWrittenUnixMs = 0;
  /** What `sizes` says of the log. */
  logBytes = 0;
  owner: JournalOwner | undefined;
  /** Reading takes until this resolves. */
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
      ...(this.records.length === 0 ? {} : { lastWrittenUnixMs: this.lastWrittenUnixMs }),
    };
    return {
      recovered,
      append,
      appendNow: (record) => {
        append(record);
        this.certain = this.records.length;
        return true;
      },
      written: async () => {
        this.certain = this.records.length;
      },
      synced: async () => {},
      snapshot: async (records): Promise<SnapshotOutcome> => {
        this.records = Array.from(records, (record) => record.slice());
        this.logBytes = 0;
        return { status: "done" };
      },
      sizes: () => ({ logBytes: this.logBytes, snapshotBytes: 0 }),
      state: () => ({ status: "ok" }),
    };
  }
}

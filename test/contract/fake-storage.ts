import type { Journal, Storage } from "../../src/component/storage.ts";

/** A storage without a disk. Its journals recover nothing and keep nothing. */
export class FakeStorage implements Storage {
  behavior: "stores" | "hangs" | "refuses" = "stores";
  opened = 0;
  /** Whether a component waits for a journal that hangs. */
  isWaitedFor = false;

  async openJournal(): Promise<Journal> {
    this.opened += 1;
    if (this.behavior === "refuses") {
      throw new Error("The storage does not open.");
    }
    const stored = () => {
      this.isWaitedFor ||= this.behavior === "hangs";
      return this.isWaitedFor ? new Promise<never>(() => {}) : Promise.resolve();
    };
    return {
      recovered: {
        records: 0,
        bytes: 0,
        tornBytes: 0,
        lostBytes: 0,
        missingRecords: 0,
        isEndMissing: false,
      },
      append() {},
      appendNow: () => true,
      written: stored,
      synced: stored,
      async snapshot() {
        await stored();
        return { status: "done" };
      },
      discard() {},
      logBytes: 0,
      snapshotBytes: 0,
      state: () => ({ status: "ok" }),
    };
  }
}

import type { Logger } from "../../component/settings.ts";
import type { JournalWriter } from "./journal-writer.ts";

export interface SnapshotScheduleOptions {
  readonly logger: Logger;
  /** What a snapshot that begins now has beside the state of the engine. */
  readonly context: () => Parameters<JournalWriter["snapshot"]>[0];
}

/** Replaces the journal by a snapshot when that is due: when it was asked for, or when the journal has become long. One at a time. */
export class SnapshotSchedule {
  /** Asked for by the storage, or because what is stored must be replaced. */
  isWanted = false;
  /** Called once, when the next snapshot is written. */
  onStored = () => {};
  readonly #options: SnapshotScheduleOptions;
  #isRunning = false;
  /** Since the last snapshot that was written. Then only the storage asks for another one, at growing intervals. */
  #hasFailed = false;

  constructor(options: SnapshotScheduleOptions) {
    this.#options = options;
  }

  /** Resolves when the snapshot that is due, if one is, has ended. Never rejects. */
  async takeIfDue(writer: JournalWriter): Promise<void> {
    if (!this.#isRunning && (this.isWanted || (writer.isLong && !this.#hasFailed))) {
      this.isWanted = false;
      this.#isRunning = true;
      await this.#take(writer);
      this.#isRunning = false;
    }
  }

  /** Never rejects. The storage reports its own failures and asks again. */
  async #take(writer: JournalWriter): Promise<void> {
    const { logger, context } = this.#options;
    try {
      const isDone = await writer.snapshot(context());
      this.#hasFailed = !isDone;
      if (isDone) {
        this.onStored();
        this.onStored = () => {};
      }
    } catch (error) {
      this.#hasFailed = true;
      logger.error("A snapshot of the session state failed. The log grows until the next one.", {
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

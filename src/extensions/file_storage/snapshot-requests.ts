import type { CancelTimer, Clock } from "../../component/clock.ts";
import type { DirectoryWatch } from "./directory-watch.ts";
import type { JournalLog } from "./journal-log.ts";
import type { JournalStatus } from "./journal-status.ts";

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

export interface SnapshotRequestsOptions {
  readonly clock: Clock;
  readonly status: JournalStatus;
  readonly log: JournalLog;
  readonly watch: DirectoryWatch;
}

/**
 * Requests snapshots from the owner while there is a gap, or after one has failed. It keeps one timer and counts failures: the first
 * request comes after 1 s, each failure doubles the wait, up to 60 s, and it never stops trying. Before each request the directory is
 * prepared, if it is not ready.
 */
export class SnapshotRequests {
  readonly #options: SnapshotRequestsOptions;
  #cancel: CancelTimer | undefined;
  /** Snapshots and preparations that failed since the last successful snapshot. */
  #failures = 0;
  /** Whether a snapshot is being written. */
  #isAnswered = false;
  /** The last request. */
  #request: Promise<void> | undefined;

  constructor(options: SnapshotRequestsOptions) {
    this.#options = options;
  }

  /** Requests one snapshot after the current code, whether or not one is wanted. */
  requestSoon(): void {
    this.#requestAfter(0, () => true);
  }

  /** Requests a snapshot after the next wait, if one is wanted now and is still wanted then. */
  requestLater(): void {
    if (this.#isWanted) {
      const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 10));
      this.#requestAfter(delayMs, () => this.#isWanted);
    }
  }

  /** Requests a snapshot without a wait, for a disk that is well. */
  requestNow(): void {
    void this.#prepareAndAsk().then(() => this.requestLater());
  }

  /** Stops requesting until one of the methods above is called again, and resolves when no request is in progress. */
  async stop(): Promise<void> {
    this.#stopTimer();
    await this.#request;
  }

  /** The owner has begun a snapshot. Until `onEnded` none is requested. */
  onBegun(): void {
    this.#isAnswered = true;
    this.#stopTimer();
  }

  onFailed(): void {
    this.#failures += 1;
  }

  onDone(): void {
    this.#failures = 0;
  }

  onEnded(): void {
    this.#isAnswered = false;
    this.requestLater();
  }

  get #isWanted(): boolean {
    const { status } = this.#options;
    return (
      !status.isClosed &&
      !status.isTaken &&
      !this.#isAnswered &&
      (status.reason !== undefined || this.#failures > 0)
    );
  }

  #stopTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #requestAfter(delayMs: number, isWanted: () => boolean): void {
    this.#cancel ??= this.#options.clock.after(delayMs, () => {
      const requested = isWanted() ? this.#prepareAndAsk() : Promise.resolve();
      void requested.then(() => {
        this.#cancel = undefined;
        this.requestLater();
      });
    });
  }

  #prepareAndAsk(): Promise<void> {
    const request = async () => {
      const { status, log, watch } = this.#options;
      if (status.reason !== undefined) {
        // While the disk hangs, no further work is given to it.
        await log.writer.idle();
      }
      if (!(await watch.prepare())) {
        this.onFailed();
        return;
      }
      if (!status.isClosed && !this.#isAnswered) {
        status.callOwner((owner) => owner.onSnapshotNeeded());
      }
    };
    this.#request = request();
    return this.#request;
  }
}

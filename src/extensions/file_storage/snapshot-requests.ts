import type { CancelTimer, Clock } from "../../component/clock.ts";

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/**
 * Requests snapshots while one is wanted. It keeps one timer and counts failures: the first request comes after 1 s, each
 * failure doubles the wait, up to 60 s, and it never stops trying.
 */
export class SnapshotRequests {
  readonly #clock: Clock;
  readonly #isWanted: (failures: number) => boolean;
  readonly #request: () => Promise<void>;
  #cancel: CancelTimer | undefined;
  #failures = 0;

  /** `isWanted` gets the number of snapshots that failed since the last successful one; `request` must not reject. */
  constructor(options: {
    readonly clock: Clock;
    readonly isWanted: (failures: number) => boolean;
    readonly request: () => Promise<void>;
  }) {
    this.#clock = options.clock;
    this.#isWanted = options.isWanted;
    this.#request = options.request;
  }

  /** Requests one snapshot after the current code, whether or not one is wanted. */
  requestSoon(): void {
    this.#requestAfter(0, () => true);
  }

  /** Requests a snapshot after the next wait, if one is wanted now and is still wanted then. */
  requestLater(): void {
    const isWanted = () => this.#isWanted(this.#failures);
    if (isWanted()) {
      const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 10));
      this.#requestAfter(delayMs, isWanted);
    }
  }

  /** Stops requesting until `requestSoon` or `requestLater` is called again. */
  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  onFailed(): void {
    this.#failures += 1;
  }

  onDone(): void {
    this.#failures = 0;
  }

  #requestAfter(delayMs: number, isWanted: () => boolean): void {
    this.#cancel ??= this.#clock.after(delayMs, () => {
      const requested = isWanted() ? this.#request() : Promise.resolve();
      void requested.then(() => {
        this.#cancel = undefined;
        this.requestLater();
      });
    });
  }
}

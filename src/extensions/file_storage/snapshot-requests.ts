import type { CancelTimer, Clock } from "../../component/clock.ts";

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/**
 * Asks for snapshots while one is wanted. It keeps one timer and counts failures: the first request comes after 1 s, each
 * failure doubles the wait, up to 60 s, and it never gives up.
 */
export class SnapshotRequests {
  readonly #clock: Clock;
  readonly #isWanted: (failures: number) => boolean;
  readonly #ask: () => Promise<void>;
  #cancel: CancelTimer | undefined;
  #failures = 0;

  /** `isWanted` is told how many snapshots have failed since the last that did not; `ask` must not reject. */
  constructor(options: {
    readonly clock: Clock;
    readonly isWanted: (failures: number) => boolean;
    readonly ask: () => Promise<void>;
  }) {
    this.#clock = options.clock;
    this.#isWanted = options.isWanted;
    this.#ask = options.ask;
  }

  /** Asks once, as soon as the present code is done, whether or not one is wanted. */
  askSoon(): void {
    this.#askAfter(0, () => true);
  }

  /** Asks when it is time for it, if a snapshot is wanted now and is still wanted then. */
  askLater(): void {
    const isWanted = () => this.#isWanted(this.#failures);
    if (isWanted()) {
      const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 10));
      this.#askAfter(delayMs, isWanted);
    }
  }

  /** Does not ask until `askSoon` or `askLater` is called again. */
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

  #askAfter(delayMs: number, isWanted: () => boolean): void {
    this.#cancel ??= this.#clock.after(delayMs, () => {
      const asked = isWanted() ? this.#ask() : Promise.resolve();
      void asked.then(() => {
        this.#cancel = undefined;
        this.askLater();
      });
    });
  }
}

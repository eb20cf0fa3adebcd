/** With a disk that hangs, counters may fall after a crash, but are seen until then. */
const longestMs = 1_000;

interface Waiting {
  readonly untilMs: number;
  readonly release: () => void;
}

/**
 * Lets readers of the counters wait until what was counted is stored: after a crash in between, the counters would seem to fall. None
 * waits longer than a second, or after the end.
 *
 * Keeps those that wait.
 */
export class StoreWait {
  readonly #written: () => Promise<void>;
  readonly #waiting = new Set<Waiting>();
  #isOver = false;

  /** `written` resolves when all that was counted so far is stored. It never rejects. */
  constructor(written: () => Promise<void>) {
    this.#written = written;
  }

  /** Resolves when all that was counted so far is stored, or a second later by `onTick`. */
  wait(nowMs: number): Promise<void> {
    if (this.#isOver) {
      return Promise.resolve();
    }
    return new Promise((release) => {
      const waiting = { untilMs: nowMs + longestMs, release };
      this.#waiting.add(waiting);
      void this.#written().then(() => this.#release(waiting));
    });
  }

  /** Called now and then. */
  onTick(nowMs: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.untilMs <= nowMs) {
        this.#release(waiting);
      }
    }
  }

  end(): void {
    this.#isOver = true;
    for (const waiting of this.#waiting) {
      this.#release(waiting);
    }
  }

  #release(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    waiting.release();
  }
}

import type { CancelTimer } from "../component/clock.ts";
import type { Settings } from "../component/settings.ts";
import type { Signal } from "../otlp/payload.ts";

/** An exporter whose attempts have all failed for this long is not healthy. */
const unhealthyAfterMs = 60_000;

const failingMessage = "Nothing could be sent to the backend for more than a minute.";

/** The attempts of a signal since its last success. */
interface Failure {
  readonly sinceMs: number;
  lastMs: number;
  message: string;
  isUnhealthy: boolean;
  cancelTimer: CancelTimer;
}

/**
 * Reports the status of an exporter: an error when its attempts have failed for a minute and data still waits or fails; well again after a
 * success, and when nothing was tried for a minute and nothing waits, because then the state of the backend is unknown.
 *
 * Keeps the failure of each signal.
 */
export class BackendHealth {
  readonly #settings: Settings;
  readonly #isWaiting: (signal: Signal) => boolean;
  readonly #failures = new Map<Signal, Failure>();

  /** `isWaiting`: whether data of the signal waits or is being sent. */
  constructor(settings: Settings, isWaiting: (signal: Signal) => boolean) {
    this.#settings = settings;
    this.#isWaiting = isWaiting;
  }

  stop(): void {
    for (const { cancelTimer } of this.#failures.values()) {
      cancelTimer();
    }
  }

  /** An attempt has succeeded. Returns for how long all had failed, in ms; `undefined` if the last one had not. */
  succeeded(signal: Signal): number | undefined {
    const failure = this.#failures.get(signal);
    if (failure === undefined) {
      return undefined;
    }
    this.#forget(signal, failure);
    return this.#settings.clock.nowMs() - failure.sinceMs;
  }

  /** An attempt has failed. */
  failed(signal: Signal, message: string): void {
    const nowMs = this.#settings.clock.nowMs();
    const known = this.#failures.get(signal);
    if (known === undefined) {
      const failure: Failure = {
        sinceMs: nowMs,
        lastMs: nowMs,
        message,
        isUnhealthy: false,
        cancelTimer: () => {},
      };
      this.#failures.set(signal, failure);
      this.#checkLater(signal, failure);
      return;
    }
    known.lastMs = nowMs;
    if (known.message !== message) {
      known.message = message;
      if (known.isUnhealthy) {
        this.#report();
      }
    }
  }

  #checkLater(signal: Signal, failure: Failure): void {
    failure.cancelTimer = this.#settings.clock.after(unhealthyAfterMs, () => {
      const quietMs = this.#settings.clock.nowMs() - failure.lastMs;
      if (quietMs >= unhealthyAfterMs && !this.#isWaiting(signal)) {
        this.#forget(signal, failure);
        return;
      }
      this.#checkLater(signal, failure);
      if (!failure.isUnhealthy) {
        failure.isUnhealthy = true;
        this.#report();
      }
    });
  }

  #forget(signal: Signal, failure: Failure): void {
    failure.cancelTimer();
    this.#failures.delete(signal);
    if (failure.isUnhealthy) {
      this.#report();
    }
  }

  #report(): void {
    const { clock, reportStatus } = this.#settings;
    const [first] = [...this.#failures.values()].filter(({ isUnhealthy }) => isUnhealthy);
    reportStatus(
      first === undefined
        ? { status: "ok" }
        : {
            status: "recoverable_error",
            message: `${failingMessage} ${first.message}`,
            lastedMs: clock.nowMs() - first.sinceMs,
          },
    );
  }
}

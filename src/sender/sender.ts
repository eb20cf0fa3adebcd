import { type BackOff, backOffMs } from "./back-off.ts";
import type { HttpClient, PostOutcome, PostRequest } from "./http-client.ts";
import { type SenderClock, within } from "./sender-clock.ts";

export interface SenderOptions<T> {
  readonly client: HttpClient;
  readonly clock: SenderClock;
  /** Until the returned function is called, the process stays alive. */
  readonly keepAlive: () => () => void;
  readonly backOff: BackOff;
  /** A random number, 0 ≤ chance < 1, to spread retries. Default: they are not spread. */
  readonly chance?: () => number;
  /** Called whenever sending starts. */
  readonly onStart?: () => void;
  /** Returns the items of the next request, none if nothing waits. Called again after each request. */
  readonly next: () => readonly T[];
  /** Encodes a batch as a request. If it returns none or rejects, the batch is refused. */
  readonly encode: (batch: readonly T[]) => Promise<PostRequest | undefined>;
  /** The collector accepted a batch. One that was away or is reconnected may have restarted. */
  readonly onAccepted: (
    batch: readonly T[],
    collector: { readonly wasAway: boolean; readonly isReconnected: boolean },
  ) => void;
  /** The batch will not be sent again. */
  readonly onRefused: (batch: readonly T[], message: string) => void;
  /** An attempt failed and is repeated after a pause. */
  readonly onAway: (message: string, failuresInARow: number) => void;
}

/**
 * Sends items to a collector, one request at a time. While the collector is away it retries after growing pauses. Keeps no
 * items; its owner's queue does. It never throws or rejects, not even when one of its options does. Only `flush` keeps the
 * process alive.
 */
export class Sender<T> {
  readonly #options: SenderOptions<T>;
  #running: Promise<boolean> | undefined;
  #cutOff = new AbortController();
  #cancelTimer = () => {};
  #dueMs = Number.POSITIVE_INFINITY;
  #notBeforeMs = 0;
  #failures = 0;
  #isClosed = false;

  constructor(options: SenderOptions<T>) {
    this.#options = options;
  }

  /** Starts sending in `delayMs`; sooner if an earlier start is due, later during a pause. */
  wake(delayMs: number): void {
    this.#dueMs = Math.min(this.#dueMs, this.#options.clock.nowMs() + delayMs);
    this.#arm();
  }

  /**
   * Starts sending now, also during a pause, and makes one attempt. Resolves to whether everything was sent. After
   * `withinMs` it aborts the request and resolves to `false`.
   */
  async flush(withinMs: number): Promise<boolean> {
    const { clock, keepAlive } = this.#options;
    const release = keepAlive();
    let isLate = withinMs <= 0;
    const attempt = async () => {
      await this.#running;
      return !isLate && this.#run();
    };
    const isDone = await within(clock, withinMs, attempt());
    if (isDone === undefined) {
      isLate = true;
      this.#cutOff.abort();
    }
    release();
    return isDone ?? false;
  }

  /** Stops sending and closes the connection. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTimer();
    this.#options.client.close();
  }

  #arm(): void {
    const { clock } = this.#options;
    const delayMs = Math.max(this.#dueMs, this.#notBeforeMs) - clock.nowMs();
    if (this.#running === undefined && !this.#isClosed && delayMs < Number.POSITIVE_INFINITY) {
      this.#cancelTimer();
      this.#cancelTimer = clock.after(Math.max(0, delayMs), () => void this.#run());
    }
  }

  /** Resolves to whether everything was sent. */
  #run(): Promise<boolean> {
    if (this.#running === undefined && !this.#isClosed) {
      this.#cancelTimer();
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#cutOff = new AbortController();
      this.#running = this.#sendAll(this.#cutOff.signal)
        .catch((error: unknown) => this.#fail({ message: String(error) }))
        .catch(() => false)
        .then((isDone) => {
          this.#running = undefined;
          this.#dueMs = isDone ? this.#dueMs : 0;
          this.#arm();
          return isDone;
        });
    }
    return this.#running ?? Promise.resolve(false);
  }

  async #sendAll(cutOff: AbortSignal): Promise<boolean> {
    const { client, encode, next, onAccepted, onRefused, onStart } = this.#options;
    onStart?.();
    for (let batch = next(); batch.length > 0; batch = next()) {
      const request = await encode(batch).catch(() => undefined);
      const outcome: PostOutcome =
        request === undefined
          ? { status: "permanent", message: "They could not be encoded." }
          : await client.post(request, cutOff);
      if (outcome.status === "retryable") {
        return this.#fail(outcome);
      }
      this.#notBeforeMs = 0;
      if (outcome.status === "permanent") {
        onRefused(batch, outcome.message);
      } else {
        const wasAway = this.#failures > 0;
        this.#failures = 0;
        onAccepted(batch, { wasAway, isReconnected: outcome.isReconnected });
      }
    }
    return true;
  }

  #fail(outcome: { readonly message: string; readonly retryAfterMs?: number }): false {
    const { backOff, chance = () => 1, clock, onAway } = this.#options;
    const failures = ++this.#failures;
    this.#notBeforeMs =
      clock.nowMs() + backOffMs(backOff, { ...outcome, failures, chance: chance() });
    onAway(outcome.message, failures);
    return false;
  }
}

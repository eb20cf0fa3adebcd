import type { CancelTimer, Clock } from "../../component/clock.ts";
import { Waiters } from "./waiters.ts";

export interface SyncScheduleOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** The number of the first record that is not synced. */
  readonly sequence: number;
  /** Makes all that is written at its call survive a power cut. */
  readonly sync: () => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Syncs what was written, at most once an interval: all that was written meanwhile shares a sync. It keeps one timer and
 * the promises of those who wait, which all resolve when it ends.
 */
export class SyncSchedule {
  readonly #options: SyncScheduleOptions;
  readonly #waiters = new Waiters();
  #sequence: number;
  /** The number of the first record that is not written. */
  #written: number;
  #cancel: CancelTimer | undefined;
  #running: Promise<void> | undefined;
  #isOver = false;

  constructor(options: SyncScheduleOptions) {
    this.#options = options;
    this.#sequence = options.sequence;
    this.#written = options.sequence;
  }

  /** Whether all that was written is synced. */
  get isDone(): boolean {
    return this.#sequence >= this.#written;
  }

  /** Resolves when the records before this number are synced, or it is over. */
  until(sequence: number): Promise<void> {
    return this.#isOver || this.#sequence >= sequence
      ? Promise.resolve()
      : this.#waiters.wait(sequence);
  }

  /** The records before this number are written: syncs them when the interval is over. */
  start(written: number): void {
    this.#written = written;
    if (this.#isOver || this.#cancel !== undefined || this.#running !== undefined) {
      return;
    }
    this.#cancel = this.#options.clock.after(this.#options.intervalMs, () => {
      this.#cancel = undefined;
      this.#running = this.#run();
    });
  }

  /** Syncs at once; rejects when that fails. */
  async now(): Promise<void> {
    const sequence = this.#written;
    await this.#options.sync();
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#waiters.reached(this.#sequence);
  }

  /** Syncs nothing more and lets everybody go who waits. */
  end(): void {
    this.#isOver = true;
    this.#cancel?.();
    this.#waiters.releaseAll();
  }

  /** Resolves when no sync is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      await this.now();
    } catch (error) {
      this.#options.onFailure(error);
    } finally {
      this.#running = undefined;
    }
    if (!this.isDone) {
      this.start(this.#written);
    }
  }
}

import type { CancelTimer, Clock } from "../../component/clock.ts";
import { Waiters } from "./waiters.ts";

export interface SyncScheduleOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** The number of the first record that is not synced. */
  readonly sequence: number;
  /** Makes all earlier writes survive a power cut: those of the records before this number. */
  readonly sync: (sequence: number) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Syncs the log at most once per interval; all writes of an interval share a sync. It keeps one timer and the promises of
 * `until`, which all resolve when it ends.
 */
export class SyncSchedule {
  readonly #options: SyncScheduleOptions;
  readonly #waiters = new Waiters();
  /** The number of the first record that is not synced. */
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

  /** The number of the first record that is not synced. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether all written records are synced. */
  get isDone(): boolean {
    return this.#sequence >= this.#written;
  }

  /** Resolves when the records before this number are synced, or the log has ended. */
  until(sequence: number): Promise<void> {
    return this.#isOver || this.#sequence >= sequence
      ? Promise.resolve()
      : this.#waiters.wait(sequence);
  }

  /** The records before this number are written. Syncs them at the end of the interval. */
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

  /** Syncs at once; rejects if that fails. */
  async now(): Promise<void> {
    const sequence = this.#written;
    await this.#options.sync(sequence);
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#waiters.reached(this.#sequence);
  }

  /** Stops syncing and resolves all promises. */
  end(): void {
    this.#isOver = true;
    this.#cancel?.();
    this.#waiters.releaseAll();
  }

  /** Resolves when no sync is in progress. */
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
    if (this.#sequence < this.#written) {
      this.start(this.#written);
    }
  }
}

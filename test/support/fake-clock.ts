import type { CancelTimer, Clock } from "../../src/component/clock.ts";

interface Timer {
  dueMs: number;
  readonly intervalMs: number | undefined;
  readonly run: () => void;
}

/** A clock that moves when told to; timers run in order of their due time. */
export class FakeClock implements Clock {
  #nowMs = 1_000_000;
  #unixOffsetMs = 1_795_000_000_000;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return this.#unixOffsetMs + this.#nowMs;
  }

  after(delayMs: number, run: () => void): CancelTimer {
    return this.#add({ dueMs: this.#nowMs + delayMs, intervalMs: undefined, run });
  }

  every(intervalMs: number, run: () => void): CancelTimer {
    return this.#add({ dueMs: this.#nowMs + intervalMs, intervalMs, run });
  }

  /** Moves time forward, running every timer that falls due on the way. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#timers]
        .filter((timer) => timer.dueMs <= untilMs)
        .sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) {
        break;
      }
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      if (next.intervalMs === undefined) {
        this.#timers.delete(next);
      } else {
        next.dueMs += next.intervalMs;
      }
      next.run();
    }
    this.#nowMs = untilMs;
  }

  /** Time passes in which the program does not run; what fell due meanwhile runs once, late. */
  pause(ms: number): void {
    this.#nowMs += ms;
    const late = [...this.#timers]
      .filter((timer) => timer.dueMs <= this.#nowMs)
      .sort((a, b) => a.dueMs - b.dueMs);
    for (const timer of late) {
      if (timer.intervalMs === undefined) {
        this.#timers.delete(timer);
      } else {
        timer.dueMs = this.#nowMs + timer.intervalMs;
      }
      timer.run();
    }
  }

  /** Timers that have neither fired for the last time nor been cancelled. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** The wall clock is set. */
  setUnixMs(unixMs: number): void {
    this.#unixOffsetMs = unixMs - this.#nowMs;
  }

  #add(timer: Timer): CancelTimer {
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }
}

import type { CancelTimer, Clock } from "../component/clock.ts";

interface Timer {
  dueMs: number;
  readonly intervalMs: number | undefined;
  readonly run: () => void;
}

/** A clock that a caller advances. Its timers run in the order in which they are due. */
export interface VirtualClock extends Clock {
  /**
   * Moves time to `nowMs`, pausing after each timer until `settle` resolves, so that the effects of a timer
   * are complete before time moves on. Earlier times change nothing.
   */
  advanceTo(nowMs: number, settle: () => Promise<void>): Promise<void>;
}

/** Starts at `nowMs` 0, which is `startUnixMs` on the wall clock. */
export function createVirtualClock(startUnixMs: number): VirtualClock {
  let clockMs = 0;
  const timers = new Set<Timer>();
  const add = (timer: Timer): CancelTimer => {
    timers.add(timer);
    return () => {
      timers.delete(timer);
    };
  };

  const nextDue = (untilMs: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) {
        next = timer;
      }
    }
    return next;
  };

  return {
    nowMs: () => clockMs,
    unixMs: () => startUnixMs + clockMs,
    after: (delayMs, run) =>
      add({ dueMs: clockMs + Math.max(0, delayMs), intervalMs: undefined, run }),
    // At least a millisecond: an interval of 0 would keep time from moving.
    every: (intervalMs, run) =>
      add({ dueMs: clockMs + intervalMs, intervalMs: Math.max(1, intervalMs), run }),
    async advanceTo(untilMs, settle) {
      for (let timer = nextDue(untilMs); timer !== undefined; timer = nextDue(untilMs)) {
        clockMs = Math.max(clockMs, timer.dueMs);
        if (timer.intervalMs === undefined) {
          timers.delete(timer);
        } else {
          timer.dueMs += timer.intervalMs;
        }
        timer.run();
        await settle();
      }
      clockMs = Math.max(clockMs, untilMs);
    },
  };
}

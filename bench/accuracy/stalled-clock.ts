import { createVirtualClock, type VirtualClock } from "../../src/cli/virtual-clock.ts";

/** A clock whose process can be stopped, as by SIGSTOP: then no timer runs, and on waking all that are overdue do first. */
export interface StalledClock extends VirtualClock {
  /** The process has been stopped since the last moment that time was moved to, and wakes at `nowMs`. */
  wakeAt(nowMs: number, settle: () => Promise<void>): Promise<void>;
}

/** Starts at `nowMs` 0, which is `startUnixMs` on the wall. */
export function createStalledClock(startUnixMs: number): StalledClock {
  const inner = createVirtualClock(startUnixMs);
  // While overdue timers run it is later than when they were due.
  let wokenMs = 0;
  const nowMs = () => Math.max(wokenMs, inner.nowMs());
  const behindMs = () => nowMs() - inner.nowMs();
  return {
    nowMs,
    unixMs: () => startUnixMs + nowMs(),
    after: (delayMs, run) => inner.after(behindMs() + Math.max(0, delayMs), run),
    every: (intervalMs, run) => inner.every(intervalMs, run),
    advanceTo: (untilMs, settle) => inner.advanceTo(untilMs, settle),
    wakeAt(untilMs, settle) {
      wokenMs = untilMs;
      return inner.advanceTo(untilMs, settle);
    },
  };
}

import type { CancelTimer, Clock } from "./component/clock.ts";

/** The clock of the machine. No other code reads it; everything else gets a `Clock`. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(intervalMs, run) {
    const timer = setInterval(run, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/**
 * Keeps the process alive until the returned function is called. Timers of the clock do not, so no
 * component can block an exit by accident. Code that waits for one of them needs this function.
 */
export function keepProcessAlive(): CancelTimer {
  const timer = setInterval(() => {}, 2 ** 30);
  return () => clearInterval(timer);
}

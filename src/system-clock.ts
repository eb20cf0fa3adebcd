import type { CancelTimer, Clock } from "./component/clock.ts";

/** The clock of the machine. No other code reads it; everything else gets a `Clock`. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after: (delayMs, run) => inParts(delayMs, run, setTimer),
  every(intervalMs, run) {
    if (intervalMs > longestTimerMs) {
      return repeated((next) => systemClock.after(intervalMs, next), run);
    }
    const timer = setInterval(run, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** The longest wait that a timer of the runtime can hold, almost 25 days. It ends a longer one after 1 ms. */
export const longestTimerMs = 2 ** 31 - 1;

type SetTimer = (delayMs: number, run: () => void) => CancelTimer;

/** Calls `run` once after `delayMs`, by as many timers as it takes, one after the other. */
export function inParts(delayMs: number, run: () => void, set: SetTimer): CancelTimer {
  let leftMs = delayMs;
  let cancel: CancelTimer = () => {};
  const setNext = () => {
    const partMs = Math.min(leftMs, longestTimerMs);
    leftMs -= partMs;
    cancel = set(partMs, leftMs > 0 ? setNext : run);
  };
  setNext();
  return () => cancel();
}

/** Calls `run` again and again, each time after the timer that `set` sets. */
export function repeated(set: (next: () => void) => CancelTimer, run: () => void): CancelTimer {
  let cancel: CancelTimer = () => {};
  const next = () => {
    cancel = set(next);
    run();
  };
  cancel = set(next);
  return () => cancel();
}

function setTimer(delayMs: number, run: () => void): CancelTimer {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}

/**
 * Keeps the process alive until the returned function is called. Timers of the clock do not, so no
 * component can block an exit by accident. Code that waits for one of them needs this function.
 */
export function keepProcessAlive(): CancelTimer {
  const timer = setInterval(() => {}, 2 ** 30);
  return () => clearInterval(timer);
}

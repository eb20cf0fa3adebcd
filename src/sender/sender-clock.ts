/** The clock of a sender. */
export interface SenderClock {
  /** Monotonic milliseconds since an arbitrary origin. */
  nowMs(): number;
  /** Wall-clock milliseconds since the Unix epoch. */
  unixMs(): number;
  /** Calls `run` once after `delayMs`; returns a function that cancels it. The timer alone does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

/** Resolves with the value of `promise`, or with `undefined` after `withinMs`. */
export function within<T>(
  clock: SenderClock,
  withinMs: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(Math.max(0, withinMs), () => resolve(undefined));
    promise.finally(cancel).then(resolve, reject);
  });
}

/** Where a sender takes time from. */
export interface SenderClock {
  /** Monotonic milliseconds since an arbitrary origin. */
  nowMs(): number;
  /** Wall-clock milliseconds since the Unix epoch. */
  unixMs(): number;
  /** Calls `run` once after `delayMs`; returns what stops it. The timer alone does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

/** What `promise` resolves with; `undefined` when that takes longer than `withinMs`. */
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

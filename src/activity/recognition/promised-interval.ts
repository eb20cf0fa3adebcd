/** How often a sender promises to repeat a report, in ms, 0 for no promise; whether it promised what it may not. */
export interface PromisedInterval {
  readonly intervalMs: number;
  readonly isOverlong: boolean;
}

/**
 * Reads the interval `ms`. A longer one than a sender may promise is no promise, instead of the longest: a lease that ends before the next
 * heartbeat would be a false eviction.
 */
export function promisedInterval(
  ms: number,
  { maxIntervalMs }: { readonly maxIntervalMs: number },
): PromisedInterval {
  const isOverlong = ms > maxIntervalMs;
  return { intervalMs: ms > 0 && !isOverlong ? ms : 0, isOverlong };
}

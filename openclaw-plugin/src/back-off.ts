/** First wait after a failure, and the longest. */
const firstMs = 500;
const longestMs = 30_000;

/**
 * How long to wait after the `failures`-th failure in a row: twice as long each time, with a third of chance, so that
 * many gateways do not come back at one moment; never less than the collector asked for, never more than five minutes.
 *
 * @param chance 0 ≤ chance < 1
 */
export function backOffMs(
  failures: number,
  chance: number,
  retryAfterMs: number | undefined,
): number {
  const exponential = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10));
  const asked = Math.min(retryAfterMs ?? 0, 5 * 60_000);
  return Math.max(asked, exponential * (2 / 3 + chance / 3));
}

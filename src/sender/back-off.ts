export interface BackOff {
  /** The first wait after a failure, and the longest. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** The longest wait that a server may request. */
  readonly longestAskedMs: number;
}

/**
 * How long to wait after the `failures`-th failure in a row: twice as long each time, and never less than the server requested.
 * `chance` (0 to 1) determines a third of it, so that many senders do not retry at the same time.
 */
export function backOffMs(
  backOff: BackOff,
  failed: { readonly failures: number; readonly chance: number; readonly retryAfterMs?: number },
): number {
  const exponentialMs = Math.min(backOff.longestMs, backOff.firstMs * 2 ** (failed.failures - 1));
  const askedMs = Math.min(failed.retryAfterMs ?? 0, backOff.longestAskedMs);
  return Math.max(askedMs, exponentialMs * (2 / 3 + failed.chance / 3));
}

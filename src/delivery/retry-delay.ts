/** The options of `retry_on_failure` that decide how long to wait. Durations in milliseconds. */
export interface RetryRules {
  readonly initial_interval: number;
  readonly randomization_factor: number;
  readonly multiplier: number;
  readonly max_interval: number;
  /** 0: a request is never given up. */
  readonly max_elapsed_time: number;
}

/** The attempts of a request so far. */
export interface FailedAttempts {
  /** At least 1. */
  readonly failures: number;
  /** Since the first attempt began. */
  readonly elapsedMs: number;
  /** The wait that the backend asked for. */
  readonly retryAfterMs?: number;
  /** A number in [0, 1), which varies the wait so that many senders do not retry at the same time. */
  readonly chance: number;
}

/**
 * How long to wait before the next attempt; `undefined` when the request is given up, because the wait would pass
 * `max_elapsed_time`. The wait is never shorter than the backend asked for.
 */
export function nextDelayMs(rules: RetryRules, failed: FailedAttempts): number | undefined {
  const grown = rules.initial_interval * rules.multiplier ** (failed.failures - 1);
  const intervalMs = Math.min(grown, rules.max_interval);
  const variation = 1 + rules.randomization_factor * (2 * failed.chance - 1);
  const delayMs = Math.max(intervalMs * variation, failed.retryAfterMs ?? 0);
  return rules.max_elapsed_time > 0 && failed.elapsedMs + delayMs > rules.max_elapsed_time
    ? undefined
    : delayMs;
}

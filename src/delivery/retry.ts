import type { Clock } from "../component/clock.ts";
import type { Payload } from "../otlp/payload.ts";
import type { Attempt, AttemptResult } from "./attempt.ts";
import type { RetryConfig } from "./delivery-config.ts";
import { nextDelayMs } from "./retry-delay.ts";

/**
 * How the attempts to send a payload ended: sent; refused for good; given up after a failure that may pass; or interrupted by
 * `stopRetries`.
 */
export type RetryResult =
  | Exclude<AttemptResult, { readonly status: "retryable" }>
  | (Extract<AttemptResult, { readonly status: "retryable" }> & {
      readonly isInterrupted: boolean;
    });

/** How a stop ends retries. */
export interface Stops {
  /**
   * The service stops, and this exporter will when the receivers have. A payload that waits gets its next attempt at once, and others
   * soon: when the receivers have used up the deadline, it would be too late.
   */
  readonly service: AbortSignal;
  /** A payload that waits for its next attempt does so no longer. */
  readonly retries: AbortSignal;
  /** Attempts in progress end. */
  readonly attempts: AbortSignal;
}

export interface RetryOptions {
  readonly attempt: Attempt;
  readonly config: RetryConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly stops: Stops;
  /** Called after every attempt; `delayMs` is set if another follows. */
  readonly onAttempt: (payload: Payload, result: AttemptResult, delayMs?: number) => void;
}

export interface SendOptions {
  /** Whether to send until the backend has taken or refused it, whatever `retry_on_failure` says. */
  readonly isEndless?: boolean;
  /** Whether a payload that waits when the retries stop gets one more attempt. */
  readonly hasLastAttempt?: () => boolean;
  /** The sender that waits for the result. When it has left, the payload gets no other attempt: it will come again. */
  readonly sender?: AbortSignal | undefined;
}

/** Sends a payload. */
export type SendWithRetries = (payload: Payload, options?: SendOptions) => Promise<RetryResult>;

/** The longest time between two attempts while the service stops, unless the backend asked for a longer one. */
const stopIntervalMs = 1_000;

/** Why a payload whose sender has left is not sent. */
export const senderLeft = "Its sender has left without waiting for the answer.";

/** Sends payloads, each as often as `retry_on_failure` allows. Keeps nothing but the payloads that are being sent. */
export function createRetry(options: RetryOptions): SendWithRetries {
  const { attempt, clock, random, stops, onAttempt } = options;
  const endless: RetryConfig = { ...options.config, enabled: true, max_elapsed_time: 0 };

  /** The wait before the next attempt; `undefined` if there is none. */
  function delayAfter(
    { retryAfterMs }: Extract<AttemptResult, { readonly status: "retryable" }>,
    {
      config,
      isStopping,
      ...attempts
    }: {
      readonly config: RetryConfig;
      readonly failures: number;
      readonly elapsedMs: number;
      readonly isStopping: boolean;
    },
  ): number | undefined {
    if (!config.enabled || stops.retries.aborted) {
      return undefined;
    }
    const delayMs = nextDelayMs(config, {
      ...attempts,
      chance: random(),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    return delayMs === undefined || !isStopping
      ? delayMs
      : Math.max(Math.min(delayMs, stopIntervalMs), retryAfterMs ?? 0);
  }

  return async (payload, { isEndless = false, hasLastAttempt = () => false, sender } = {}) => {
    const config = isEndless ? endless : options.config;
    const startedMs = clock.nowMs();
    for (let failures = 1; ; failures++) {
      const result = await attempt(payload, stops.attempts);
      if (result.status !== "retryable") {
        onAttempt(payload, result);
        return result;
      }
      const isStopping = stops.service.aborted;
      const elapsedMs = clock.nowMs() - startedMs;
      const delayMs = delayAfter(result, { config, failures, elapsedMs, isStopping });
      onAttempt(payload, result, delayMs);
      if (delayMs === undefined) {
        return { ...result, isInterrupted: stops.retries.aborted };
      }
      await waited(
        clock,
        delayMs,
        stops.retries,
        ...(isStopping ? [] : [stops.service]),
        ...(sender === undefined ? [] : [sender]),
      );
      if (sender?.aborted === true) {
        return { status: "retryable", message: senderLeft, isInterrupted: false };
      }
      if (stops.retries.aborted && !hasLastAttempt()) {
        return { ...result, isInterrupted: true };
      }
    }
  };
}

/** Waits; no longer than until one of `stops` aborts. */
export function waited(
  clock: Clock,
  delayMs: number,
  ...stops: readonly AbortSignal[]
): Promise<void> {
  if (stops.some(({ aborted }) => aborted)) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const end = () => {
      cancelTimer();
      for (const stop of stops) {
        stop.removeEventListener("abort", end);
      }
      resolve();
    };
    const cancelTimer = clock.after(delayMs, end);
    for (const stop of stops) {
      stop.addEventListener("abort", end, { once: true });
    }
  });
}

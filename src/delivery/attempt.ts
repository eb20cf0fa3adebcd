import type { Clock } from "../component/clock.ts";
import type { Payload } from "../otlp/payload.ts";

/**
 * How one attempt to send a payload ended.
 *
 * - `sent`: the backend is responsible for the payload now. `rejected` is set when it took the request without all of its items,
 *   `invalidResponse` when its answer was not one of the protocol, with the reason as a part of a sentence.
 * - `retryable`: it took nothing and may take the same bytes later. `throttled`: it asked to slow down.
 * - `permanent`: it will never take these bytes. `isContentRefused`: because of what is in them, so that it may take a part of them.
 *
 * Messages are for operators and contain no text of the backend, because that may quote the payload.
 */
export type AttemptResult =
  | {
      readonly status: "sent";
      readonly rejected?: { readonly items: number };
      readonly invalidResponse?: string;
    }
  | {
      readonly status: "retryable";
      readonly message: string;
      readonly retryAfterMs?: number;
      readonly throttled?: boolean;
    }
  | {
      readonly status: "permanent";
      readonly message: string;
      readonly isContentRefused?: boolean;
    };

/**
 * Sends a payload once. It ends soon after `abort` aborts, whose reason is one of {@link abortReasons}. It rejects only because
 * of a bug.
 */
export type Attempt = (payload: Payload, abort: AbortSignal) => Promise<AttemptResult>;

/** The reasons for ending an attempt early. */
export const abortReasons = { timeout: "timeout", shutdown: "shutdown" } as const;

/** Ends each attempt after `timeoutMs`, and when `stop` aborts. */
export function withTimeout(
  attempt: Attempt,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Attempt {
  return async (payload, stop) => {
    if (stop.aborted) {
      // Before the attempt, which may compress the payload first: a long queue would outlast the shutdown.
      return { status: "retryable", message: "This collector is shutting down." };
    }
    const abort = new AbortController();
    const onStop = () => abort.abort(abortReasons.shutdown);
    stop.addEventListener("abort", onStop, { once: true });
    const cancelTimer = clock.after(timeoutMs, () => abort.abort(abortReasons.timeout));
    try {
      return await attempt(payload, abort.signal);
    } finally {
      cancelTimer();
      stop.removeEventListener("abort", onStop);
    }
  };
}

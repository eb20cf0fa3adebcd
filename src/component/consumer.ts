import type { Payload, Transport } from "../otlp/payload.ts";

/**
 * The outcome of a payload. It is returned to the sender.
 *
 * - `accepted`: the collector is now responsible for the payload.
 * - `retryable`: nothing was accepted; the same payload may be accepted later. `throttled` is set when a
 *   backend asked the collector to slow down, so that the sender is asked the same (429 instead of 503).
 * - `permanent`: the same payload will never be accepted.
 */
export type ConsumeResult =
  | { readonly status: "accepted" }
  | {
      readonly status: "retryable";
      readonly message: string;
      readonly retryAfterMs?: number;
      readonly throttled?: boolean;
    }
  | { readonly status: "permanent"; readonly message: string };

export const accepted: ConsumeResult = { status: "accepted" };

/**
 * The next stage of a payload. `consume` never changes the payload. A stage that keeps it after `consume` has resolved retains it
 * (`Payload.delivery`). `consume` rejects only because of a bug, which the edge of the pipeline catches.
 */
export interface Consumer {
  consume(payload: Payload): Promise<ConsumeResult>;
  /**
   * Why any payload would be refused now, whatever is in it; `undefined` if it would not. A receiver asks before it reads a
   * request, so that a request that would be refused costs no memory.
   */
  refusal?(): Exclude<ConsumeResult, { readonly status: "accepted" }> | undefined;
  /**
   * Counts items as refused that a receiver itself leaves out of a request, so that they never come to `consume`. Only at the edge of a receiver.
   */
  countRefused?(items: number, transport: Transport): void;
}

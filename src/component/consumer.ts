import type { Payload } from "../otlp/payload.ts";

/**
 * What became of a payload. It travels back to the sender.
 *
 * - `accepted`: it is ours now.
 * - `retryable`: nothing was taken; the same payload may be accepted later. `throttled` is set when a
 *   backend asked us to slow down, so that we ask the same of our sender (429 instead of 503).
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
 * The next station of a payload. `consume` never changes the payload and keeps it only until it
 * resolves. It rejects only for a bug; the pipeline's edge catches that.
 */
export interface Consumer {
  consume(payload: Payload): Promise<ConsumeResult>;
}

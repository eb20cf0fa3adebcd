import { accepted, type ConsumeResult } from "../component/consumer.ts";
import type { RetryResult } from "./retry.ts";
import type { SettledResult } from "./sending-queue.ts";

/** What a sender that waits gets, by how its payload ended. */
export function toConsumeResult(result: RetryResult | SettledResult): ConsumeResult {
  switch (result.status) {
    case "sent":
    case "stored":
      return accepted;
    case "permanent":
      return { status: "permanent", message: result.message };
    case "retryable":
      return {
        status: "retryable",
        message: result.message,
        ...("retryAfterMs" in result && result.retryAfterMs !== undefined
          ? { retryAfterMs: result.retryAfterMs }
          : {}),
        ...("throttled" in result && result.throttled === true ? { throttled: true } : {}),
      };
    default: {
      const never: never = result;
      return never;
    }
  }
}

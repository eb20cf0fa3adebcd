import { accepted, type ConsumeResult, type Consumer } from "../component/consumer.ts";

/**
 * Sends every payload to all branches at the same time and answers after the last one has. A branch
 * that fails does not keep the payload from the others. Branches must not reject.
 *
 * The worst answer wins: `retryable`, then `permanent`, then `accepted`.
 *
 * - A branch is retryable: the sender is asked to retry, and the branches that had accepted get the payload
 *   again. A duplicate is better than a loss. It ends when the branch recovers or the sender gives up.
 * - No branch is retryable, but one refused permanently: the sender gets `permanent` and must not retry. So a
 *   loss on one branch is never hidden and never causes repeats.
 */
export function fanOut(branches: readonly Consumer[]): Consumer {
  const [only] = branches;
  if (only !== undefined && branches.length === 1) {
    return only;
  }
  return {
    async consume(payload) {
      const results = await Promise.all(branches.map((branch) => branch.consume(payload)));
      return results.reduce(worse, accepted);
    },
  };
}

/** Combines two answers: the worse one. Of two retryable ones, the longer wait, and `throttled` if one of them is. */
function worse(a: ConsumeResult, b: ConsumeResult): ConsumeResult {
  if (a.status === "retryable" && b.status === "retryable") {
    const retryAfterMs = Math.max(a.retryAfterMs ?? 0, b.retryAfterMs ?? 0);
    return {
      status: "retryable",
      message: a.message,
      ...(retryAfterMs > 0 ? { retryAfterMs } : {}),
      ...(a.throttled === true || b.throttled === true ? { throttled: true } : {}),
    };
  }
  return severity[b.status] > severity[a.status] ? b : a;
}

const severity = { accepted: 0, permanent: 1, retryable: 2 } as const satisfies Record<
  ConsumeResult["status"],
  number
>;

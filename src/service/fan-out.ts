import type { Clock } from "../component/clock.ts";
import { accepted, type ConsumeResult, type Consumer } from "../component/consumer.ts";
import type { Logger } from "../component/settings.ts";
import type { DeliveryOutcome, Payload, Signal } from "../otlp/payload.ts";

/** One of several consumers that get the same payloads. */
export interface Branch {
  /** Its name in log lines: an exporter or a pipeline. */
  readonly name: string;
  readonly consumer: Consumer;
  /** Set if it only shows data, so that its success does not mean that anything was delivered. */
  readonly keepsNothing?: boolean;
}

export interface FanOut {
  /**
   * A consumer that sends every payload to all branches. `at` names the place of the fan-out in the config: a payload whose creator
   * follows it counts as sent on the branch of the same name at the same place, also after a reload.
   */
  to(at: string, branches: readonly Branch[]): Consumer;
  /** Logs the losses that were held back. To be called when nothing is sent any more. */
  flush(): void;
}

const lossMessage =
  "A branch of a pipeline refused data that other branches took. It is lost on that branch; the sender does not send it again.";

/** The time between two log lines about the same branch. */
const logIntervalMs = 10_000;

/**
 * Sends every payload to all branches at the same time and answers after the last one has. A branch
 * that fails does not keep the payload from the others. Branches must not reject.
 *
 * Branches that keep nothing do not count, unless there is no other.
 *
 * Keeps an object for each branch of all configs since the start of the process.
 *
 * A payload whose delivery is followed by its creator is accepted once one branch has answered; the tracker has the rest.
 *
 * - A branch has accepted: the answer is `accepted`. What another branch refused is lost there, which is logged and which the branch
 *   counts. A sender never repeats a payload because of one branch, or the others would get it twice.
 * - No branch has accepted, and one is retryable: `retryable`, with the longest wait and `throttled` if one of them is.
 * - Else `permanent`.
 */
export function createFanOut({
  clock,
  logger,
}: {
  readonly clock: Clock;
  readonly logger: Logger;
}): FanOut {
  const report = createReport(clock, logger);
  const ways = new Map<string, object>();
  const wayOf = (name: string): object => {
    const way = ways.get(name) ?? {};
    ways.set(name, way);
    return way;
  };
  const to = (at: string, branches: readonly Branch[]): Consumer => {
    const [only] = branches;
    if (only !== undefined && branches.length === 1) {
      return only.consumer;
    }
    const ofAll = branches.map((branch) => wayOf(`${at} ${branch.name}`));
    const hasKeeper = branches.some(({ keepsNothing }) => keepsNothing !== true);
    const counts = branches.map(({ keepsNothing }) => !hasKeeper || keepsNothing !== true);
    return {
      ...refusalOfAll(branches),
      async consume(payload) {
        const answers = branches.map((branch, index) =>
          consumeOn(branch, ofAll[index] ?? branch, payload),
        );
        if (payload.delivery !== undefined) {
          // Its creator follows it on each branch. An exporter that is slow, without a queue, must not keep others from the next one.
          await Promise.race(answers);
          return accepted;
        }
        const results = await Promise.all(answers);
        const isAccepted = results.some(
          ({ status }, index) => status === "accepted" && counts[index] === true,
        );
        if (!isAccepted) {
          return results.reduce(worse, accepted);
        }
        for (const [index, result] of results.entries()) {
          if (result.status !== "accepted") {
            report.lost(branches[index]?.name ?? "", payload, result.message);
          }
        }
        return accepted;
      },
    };
  };
  return { to, flush: () => report.flush() };
}

/** The creator of a payload that follows its delivery decides on which branches it is not wanted. */
async function consumeOn(branch: Branch, way: object, payload: Payload): Promise<ConsumeResult> {
  const tracker = payload.delivery?.branch(way);
  if (tracker === undefined) {
    return branch.consumer.consume(payload);
  }
  if (tracker.isSkipped) {
    return accepted;
  }
  tracker.retain();
  const result = await branch.consumer.consume({ ...payload, delivery: tracker });
  tracker.release(outcomes[result.status]);
  return result;
}

const outcomes = {
  accepted: "delivered",
  permanent: "refused",
  retryable: "lost",
} as const satisfies Record<ConsumeResult["status"], DeliveryOutcome>;

/** A payload is refused beforehand only if every branch would refuse it. */
function refusalOfAll(branches: readonly Branch[]): Pick<Consumer, "refusal"> {
  if (branches.some(({ consumer }) => consumer.refusal === undefined)) {
    return {};
  }
  return {
    refusal() {
      const refusals = branches.map(({ consumer }) => consumer.refusal?.());
      return refusals.every((each) => each !== undefined) ? refusals[0] : undefined;
    },
  };
}

/** Logs the losses of each branch and signal at most every ten seconds, with the items lost since the last line. */
function createReport(clock: Clock, logger: Logger) {
  const losses = new Map<string, Loss>();
  const fieldsOf = ({ branch, signal, items, reason }: Loss) => ({
    branch,
    signal,
    lost_items: items,
    reason,
  });
  return {
    lost(branch: string, { signal, items }: Payload, reason: string): void {
      const key = `${branch} ${signal}`;
      const known = losses.get(key);
      const unixMs = clock.unixMs();
      const loss = known ?? {
        branch,
        signal,
        reason,
        items: 0,
        fromUnixMs: unixMs,
        untilUnixMs: unixMs,
        nextMs: Number.NEGATIVE_INFINITY,
      };
      losses.set(key, loss);
      loss.fromUnixMs = loss.items === 0 ? unixMs : loss.fromUnixMs;
      loss.untilUnixMs = unixMs;
      loss.items += items;
      loss.reason = reason;
      if (clock.nowMs() >= loss.nextMs) {
        logger.error(lossMessage, fieldsOf(loss));
        loss.nextMs = clock.nowMs() + logIntervalMs;
        loss.items = 0;
      }
    },
    /** These losses may be long past, so the line says when they were. */
    flush(): void {
      for (const loss of losses.values()) {
        if (loss.items > 0) {
          logger.error(`Held back until now: ${lossMessage}`, {
            ...fieldsOf(loss),
            from: new Date(loss.fromUnixMs).toISOString(),
            until: new Date(loss.untilUnixMs).toISOString(),
          });
          loss.items = 0;
        }
      }
    },
  };
}

interface Loss {
  readonly branch: string;
  readonly signal: Signal;
  reason: string;
  /** Since the last line. */
  items: number;
  fromUnixMs: number;
  untilUnixMs: number;
  nextMs: number;
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

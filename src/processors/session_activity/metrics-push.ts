import type { Consumer } from "../../component/consumer.ts";
import { beforeDeadline } from "../../component/deadline.ts";
import { LatestWatch } from "../../component/latest-watch.ts";
import type { Logger } from "../../component/settings.ts";
import type { DeliveryOutcome, Payload } from "../../otlp/payload.ts";

/**
 * Pushes derived metrics to their pipeline. They are cumulative, so a push that fails loses nothing: the next one contains it. An
 * exporter that has not delivered a push gets no other one, so that a backend that is down for an hour is not sent an hour of them.
 *
 * Keeps the payload of one push, and each exporter at most one.
 */
export class MetricsPush {
  readonly #next: Consumer;
  readonly #logger: Logger;
  readonly #watch: LatestWatch;
  #pushing: Promise<void> | undefined;
  /** Why the consumer did not take the push; absent while it has not answered, and if it has taken it. */
  #reason: string | undefined;
  #skipped = 0;
  #isLast = false;

  constructor(next: Consumer, logger: Logger) {
    this.#next = next;
    this.#logger = logger;
    this.#watch = new LatestWatch((outcome) => this.#onLost(outcome));
  }

  /** Pushes what `create` returns, unless no exporter wants it yet. Never rejects. */
  push(create: () => Promise<Payload | undefined>): Promise<void> {
    if (this.#pushing !== undefined || this.#watch.isSkipped) {
      this.#skipped += 1;
      return this.#pushing ?? Promise.resolve();
    }
    this.#pushing = this.#push(create).finally(() => {
      this.#pushing = undefined;
    });
    return this.#pushing;
  }

  /** A last push, after the one in progress. Rejects when `deadline` aborts earlier. */
  async drain(create: () => Promise<Payload | undefined>, deadline: AbortSignal): Promise<void> {
    const last = (this.#pushing ?? Promise.resolve()).then(() => {
      this.#isLast = true;
      return this.push(create);
    });
    const outcome = await beforeDeadline(deadline, last);
    if (outcome === "late") {
      throw new Error("Derived metrics were not pushed before the deadline.");
    }
  }

  async #push(create: () => Promise<Payload | undefined>): Promise<void> {
    const payload = await createSafely(create);
    if (payload === undefined) {
      this.#warn("They could not be collected.");
      return;
    }
    this.#watch.retain();
    const outcome = await this.#consume({ ...payload, delivery: this.#watch });
    this.#watch.release(outcome);
    this.#reason = undefined;
    if (outcome === "delivered") {
      this.#skipped = 0;
    }
  }

  async #consume(payload: Payload): Promise<DeliveryOutcome> {
    try {
      const result = await this.#next.consume(payload);
      if (result.status === "accepted") {
        return "delivered";
      }
      this.#reason = result.message;
      return result.status === "permanent" ? "refused" : "lost";
    } catch (error) {
      this.#reason = `A component of the pipeline failed (${error instanceof Error ? error.name : typeof error}).`;
      return "refused";
    }
  }

  #onLost(outcome: Exclude<DeliveryOutcome, "delivered">): void {
    this.#warn(
      this.#reason ??
        (outcome === "lost"
          ? "An exporter did not take it, or gave it up."
          : "A backend refused it for good."),
    );
  }

  #warn(reason: string): void {
    this.#skipped += 1;
    this.#logger.warn(
      this.#isLast
        ? "Derived metrics could not be pushed before the end. A backend that does not scrape them lacks their last values until the next start."
        : "Derived metrics could not be pushed. Nothing is lost: the next push has the same counters.",
      { skipped: this.#skipped, reason },
    );
  }
}

async function createSafely(
  create: () => Promise<Payload | undefined>,
): Promise<Payload | undefined> {
  try {
    return await create();
  } catch {
    return undefined;
  }
}

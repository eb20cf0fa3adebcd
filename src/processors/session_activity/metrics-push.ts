import type { Consumer } from "../../component/consumer.ts";
import { beforeDeadline } from "../../component/deadline.ts";
import type { Logger } from "../../component/settings.ts";
import type { Payload } from "../../otlp/payload.ts";

/**
 * Pushes derived metrics to their pipeline. They are cumulative, so a push that fails loses nothing: the next one contains it. A
 * push is skipped while the one before is in progress.
 *
 * Keeps the payload of one push.
 */
export class MetricsPush {
  readonly #next: Consumer;
  readonly #logger: Logger;
  #pushing: Promise<void> | undefined;
  #skipped = 0;
  #isLast = false;

  constructor(next: Consumer, logger: Logger) {
    this.#next = next;
    this.#logger = logger;
  }

  /** Pushes what `create` returns, unless a push is in progress. Never rejects. */
  push(create: () => Promise<Payload | undefined>): Promise<void> {
    if (this.#pushing !== undefined) {
      this.#skipped += 1;
      return this.#pushing;
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
    const reason = await this.#attempt(create);
    if (reason !== undefined) {
      this.#skipped += 1;
      this.#logger.warn(
        this.#isLast
          ? "Derived metrics could not be pushed before the end. A backend that does not scrape them lacks their last values until the next start."
          : "Derived metrics could not be pushed. Nothing is lost: the next push has the same counters.",
        { skipped: this.#skipped, reason },
      );
      return;
    }
    this.#skipped = 0;
  }

  /** Why the push failed; undefined if it did not. */
  async #attempt(create: () => Promise<Payload | undefined>): Promise<string | undefined> {
    try {
      const payload = await create();
      if (payload === undefined) {
        return "They could not be collected.";
      }
      const result = await this.#next.consume(payload);
      return result.status === "accepted" ? undefined : result.message;
    } catch (error) {
      return `A component of the pipeline failed (${error instanceof Error ? error.name : typeof error}).`;
    }
  }
}

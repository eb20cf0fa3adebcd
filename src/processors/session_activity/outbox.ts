import type { Consumer } from "../../component/consumer.ts";
import type { Logger } from "../../component/settings.ts";
import type { Payload } from "../../otlp/payload.ts";

/** Payloads that may wait for a slow pipeline. */
const mostWaiting = 1000;

interface Posted<P> {
  readonly payload: P;
  onHandedOn: (() => void) | undefined;
}

/**
 * Hands what the machine derives to its pipeline, one payload at a time and in order, without making
 * the senders whose signals led to it wait. A payload the pipeline does not take is lost: queueing and
 * retrying are an exporter's.
 */
export class Outbox<P extends Payload = Payload> {
  readonly #next: Consumer;
  readonly #logger: Logger;
  readonly #waiting: Posted<P>[] = [];
  #underWay: Posted<P> | undefined;
  #sending: Promise<void> | undefined;

  constructor(next: Consumer, logger: Logger) {
    this.#next = next;
    this.#logger = logger;
  }

  /**
   * `onHandedOn` is called when no one will try again with this payload and all before it, whether the pipeline
   * took them or not; where the next one is dropped, only that one's is called.
   */
  post(payload: P, onHandedOn?: () => void): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && this.#waiting.length >= mostWaiting) {
      this.#logger.error("Derived data was dropped because its pipeline is too slow.", {
        signal: payload.signal,
        items: payload.items,
      });
      last.onHandedOn = onHandedOn;
      return;
    }
    this.#waiting.push({ payload, onHandedOn });
    this.#sending ??= this.#sendAll();
  }

  /** What has been posted and not been handed on, oldest first. */
  pending(): readonly P[] {
    const underWay = this.#underWay === undefined ? [] : [this.#underWay];
    return [...underWay, ...this.#waiting].map(({ payload }) => payload);
  }

  /** Resolves when everything posted has been handed on; rejects when `deadline` aborts before that. */
  async drain(deadline: AbortSignal): Promise<void> {
    const sending = this.#sending;
    if (sending !== undefined && !deadline.aborted) {
      await new Promise<void>((resolve) => {
        deadline.addEventListener("abort", () => resolve(), { once: true });
        void sending.then(resolve); // never rejects, see #sendAll
      });
    }
    if (this.#sending !== undefined) {
      throw new Error("Derived data was not handed on before the deadline.");
    }
  }

  async #sendAll(): Promise<void> {
    for (
      this.#underWay = this.#waiting.shift();
      this.#underWay !== undefined;
      this.#underWay = this.#waiting.shift()
    ) {
      const { payload, onHandedOn } = this.#underWay;
      const result = await this.#send(payload);
      if (result !== undefined) {
        this.#logger.error("Derived data was lost because its pipeline did not take it.", {
          signal: payload.signal,
          items: payload.items,
          reason: result,
        });
      }
      onHandedOn?.();
    }
    this.#sending = undefined;
  }

  /** Why the payload was not taken; undefined when it was. */
  async #send(payload: Payload): Promise<string | undefined> {
    try {
      const result = await this.#next.consume(payload);
      return result.status === "accepted" ? undefined : result.message;
    } catch {
      return "A component of the pipeline failed.";
    }
  }
}

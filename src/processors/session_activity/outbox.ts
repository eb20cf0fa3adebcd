import type { Consumer } from "../../component/consumer.ts";
import type { Logger } from "../../component/settings.ts";
import type { Payload } from "../../otlp/payload.ts";

/** Payloads that may wait for a slow pipeline. */
const maxQueued = 1000;

interface QueuedPayload<P> {
  readonly payload: P;
  onDelivered: (() => void) | undefined;
}

/**
 * Hands what the machine derives to its pipeline, one payload at a time and in order, without making
 * the senders whose signals led to it wait. A payload the pipeline does not take is lost: queueing and
 * retrying are an exporter's.
 */
export class Outbox<P extends Payload = Payload> {
  readonly #next: Consumer;
  readonly #logger: Logger;
  readonly #queue: QueuedPayload<P>[] = [];
  #inFlight: QueuedPayload<P> | undefined;
  #sending: Promise<void> | undefined;

  constructor(next: Consumer, logger: Logger) {
    this.#next = next;
    this.#logger = logger;
  }

  /**
   * `onDelivered` is called when no one will try again with this payload and all before it, whether the pipeline
   * took them or not; where the next one is dropped, only that one's is called.
   */
  post(payload: P, onDelivered?: () => void): void {
    const last = this.#queue.at(-1);
    if (last !== undefined && this.#queue.length >= maxQueued) {
      this.#logger.error("Derived data was dropped because its pipeline is too slow.", {
        signal: payload.signal,
        items: payload.items,
      });
      last.onDelivered = onDelivered;
      return;
    }
    this.#queue.push({ payload, onDelivered });
    this.#sending ??= this.#sendAll();
  }

  /** What has been posted and not been handed on, oldest first. */
  pending(): readonly P[] {
    const underWay = this.#inFlight === undefined ? [] : [this.#inFlight];
    return [...underWay, ...this.#queue].map(({ payload }) => payload);
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
      this.#inFlight = this.#queue.shift();
      this.#inFlight !== undefined;
      this.#inFlight = this.#queue.shift()
    ) {
      const { payload, onDelivered } = this.#inFlight;
      const result = await this.#send(payload);
      if (result !== undefined) {
        this.#logger.error("Derived data was lost because its pipeline did not take it.", {
          signal: payload.signal,
          items: payload.items,
          reason: result,
        });
      }
      onDelivered?.();
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

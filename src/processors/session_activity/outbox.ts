import type { Consumer } from "../../component/consumer.ts";
import type { Logger } from "../../component/settings.ts";
import type { Payload } from "../../otlp/payload.ts";

const maxQueued = 1000;

interface QueuedPayload<P> {
  readonly payload: P;
  onDelivered: (() => void) | undefined;
}

/**
 * Sends derived data to its pipeline, one payload at a time and in order, so that no sender waits for it. It sends each payload
 * once: what the pipeline refuses, for good or for now, is lost and logged.
 *
 * Keeps at most 1 000 payloads and the one that is being sent. A further payload is dropped and logged.
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
   * `onDelivered` is called when this payload and all payloads before it are delivered or given up. If the next payload is
   * dropped, the callback of that one is called instead.
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

  /** Payloads that are neither delivered nor given up, the oldest first. */
  pending(): readonly P[] {
    const inFlight = this.#inFlight === undefined ? [] : [this.#inFlight];
    return [...inFlight, ...this.#queue].map(({ payload }) => payload);
  }

  /** Resolves when everything posted is delivered or given up. Rejects when `deadline` aborts earlier. */
  async drain(deadline: AbortSignal): Promise<void> {
    const sending = this.#sending;
    if (sending !== undefined && !deadline.aborted) {
      await new Promise<void>((resolve) => {
        deadline.addEventListener("abort", () => resolve(), { once: true });
        void sending.then(resolve); // never rejects, see #sendAll
      });
    }
    if (this.#sending !== undefined) {
      throw new Error("Derived data was not delivered before the deadline.");
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
        this.#logger.error("Derived data was lost because its pipeline refused it.", {
          signal: payload.signal,
          items: payload.items,
          reason: result,
        });
      }
      onDelivered?.();
    }
    this.#sending = undefined;
  }

  /** Why the payload was refused; undefined if it was accepted. Always takes a turn, so that `#sendAll` never ends while `post` starts it. */
  async #send(payload: Payload): Promise<string | undefined> {
    try {
      const result = await this.#next.consume(payload);
      return result.status === "accepted" ? undefined : result.message;
    } catch {
      return "A component of the pipeline failed.";
    }
  }
}

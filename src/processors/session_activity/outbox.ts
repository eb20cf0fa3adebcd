import { maxPendingCalls } from "../../activity/journal/persisted-state.ts";
import type { CancelTimer, Clock } from "../../component/clock.ts";
import type { Consumer } from "../../component/consumer.ts";
import { DeliveryWatch } from "../../component/delivery-watch.ts";
import type { Logger } from "../../component/settings.ts";
import type { DeliveryOutcome, Payload } from "../../otlp/payload.ts";

const maxPendingBytes = 64 * 1024 * 1024;

const firstRetryMs = 1_000;
const longestRetryMs = 30_000;

/** Why events were dropped. A closed list, fit for a label. */
export const dropReasons = ["outbox_full", "refused", "shutdown"] as const;
export type DropReason = (typeof dropReasons)[number];

export interface OutboxOptions {
  readonly next: Consumer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether what is pending at a shutdown is stored, so that the next start sends it. */
  readonly isStored: boolean;
  readonly onDropped: (items: number, reason: DropReason) => void;
}

interface Entry<P> {
  readonly payload: P;
  /** Its place in the order. */
  readonly number: number;
  onDelivered: (() => void) | undefined;
  watch?: DeliveryWatch;
  /** `passed`: the pipeline has accepted it, but an exporter still keeps it. */
  state: "waiting" | "passed" | "settled";
}

/**
 * Sends derived data to its pipeline, in order, so that no sender waits for it, and keeps each payload until every exporter has
 * delivered it. What the pipeline does not take now, or an exporter gave up, is sent again, at first after a second, then at growing
 * intervals of at most 30 s. What a backend refuses for good is dropped.
 *
 * Keeps at most 10 000 payloads and 64 MiB. A payload that finds no room is dropped. All drops are logged and counted.
 */
export class Outbox<P extends Payload = Payload> {
  #options: OutboxOptions;
  readonly #entries: Entry<P>[] = [];
  /** Those of the entries that wait, in no order after a failure. */
  readonly #waiting: Entry<P>[] = [];
  #posted = 0;
  #bytes = 0;
  #items = 0;
  #isSending = false;
  #sending = Promise.resolve();
  #failures = 0;
  #cancelRetry: CancelTimer | undefined;
  #isStopping = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** What it works with. */
  get options(): OutboxOptions {
    return this.#options;
  }

  /** From now on it works with these: another component has taken it over. */
  adapt(options: OutboxOptions): void {
    this.#options = options;
  }

  /** The items of all payloads that are neither delivered nor dropped. */
  get pendingItems(): number {
    return this.#items;
  }

  /**
   * `onDelivered` is called when this payload and all payloads before it are delivered or dropped. If there is no room, that of the
   * last payload that is kept is replaced.
   */
  post(payload: P, onDelivered?: () => void): void {
    const last = this.#entries.at(-1);
    const isFull =
      this.#entries.length >= maxPendingCalls ||
      this.#bytes + payload.bytes.length > maxPendingBytes;
    if (last !== undefined && isFull) {
      this.#drop(payload, "outbox_full");
      last.onDelivered = onDelivered;
      return;
    }
    const entry: Entry<P> = { payload, onDelivered, number: this.#posted++, state: "waiting" };
    this.#entries.push(entry);
    this.#waiting.push(entry);
    this.#bytes += payload.bytes.length;
    this.#items += payload.items;
    this.#send();
  }

  /** Payloads that are neither delivered nor dropped, the oldest first. */
  pending(): readonly P[] {
    return this.#entries.flatMap(({ payload, state }) => (state === "settled" ? [] : [payload]));
  }

  /**
   * Passes on what waits, once, and resolves when the pipeline has answered; exporters may still keep it. From now on nothing is
   * sent again. Rejects when `deadline` aborts earlier.
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#send();
    if (!deadline.aborted) {
      await new Promise<void>((resolve) => {
        deadline.addEventListener("abort", () => resolve(), { once: true });
        void this.#sending.then(resolve); // never rejects, see #consume
      });
    }
    if (this.#isSending) {
      throw new Error("Derived data was not passed on before the deadline.");
    }
  }

  #send(): void {
    if (this.#cancelRetry === undefined && !this.#isSending) {
      this.#isSending = true;
      this.#sending = this.#sendWaiting();
    }
  }

  /** Ends when nothing waits, or when a payload is to be sent again later. */
  async #sendWaiting(): Promise<void> {
    this.#waiting.sort((a, b) => a.number - b.number);
    while (this.#isStopping || this.#cancelRetry === undefined) {
      const entry = this.#waiting.shift();
      if (entry === undefined) {
        break;
      }
      entry.state = "passed";
      await this.#pass(entry);
    }
    this.#isSending = false;
  }

  /** A payload that is sent again has the same watch, so that only the exporters that lost it get it again. */
  async #pass(entry: Entry<P>): Promise<void> {
    entry.watch ??= new DeliveryWatch((outcome) => this.#onSettled(entry, outcome));
    entry.watch.retain();
    entry.watch.release(await this.#consume({ ...entry.payload, delivery: entry.watch }));
  }

  async #consume(payload: Payload): Promise<DeliveryOutcome> {
    try {
      const { status } = await this.#options.next.consume(payload);
      return status === "accepted" ? "delivered" : status === "permanent" ? "refused" : "lost";
    } catch {
      return "refused";
    }
  }

  #onSettled(entry: Entry<P>, outcome: DeliveryOutcome): void {
    if (outcome === "lost" && !this.#isStopping) {
      entry.state = "waiting";
      this.#waiting.push(entry);
      this.#retryLater();
      return;
    }
    if (outcome === "lost" && this.#options.isStored) {
      // It stays pending in the journal.
      return;
    }
    if (outcome !== "lost") {
      this.#failures = 0;
    }
    if (outcome !== "delivered") {
      this.#drop(entry.payload, outcome === "refused" ? "refused" : "shutdown");
    }
    entry.state = "settled";
    this.#bytes -= entry.payload.bytes.length;
    this.#items -= entry.payload.items;
    this.#forgetSettled();
  }

  /** Removes the settled payloads before the first that is not, because deliveries are reported in order. */
  #forgetSettled(): void {
    const end = this.#entries.findIndex(({ state }) => state !== "settled");
    const settled = this.#entries.splice(0, end < 0 ? this.#entries.length : end);
    settled.at(-1)?.onDelivered?.();
  }

  #retryLater(): void {
    if (this.#cancelRetry === undefined) {
      const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures);
      this.#failures += 1;
      this.#cancelRetry = this.#options.clock.after(delayMs, () => {
        this.#cancelRetry = undefined;
        this.#send();
      });
    }
  }

  #drop({ signal, items }: Payload, reason: DropReason): void {
    this.#options.logger.error(sentences[reason], { signal, items });
    this.#options.onDropped(items, reason);
  }
}

const sentences = {
  outbox_full:
    "Derived data was dropped because too much of it waits for delivery. Check the exporters of its pipeline.",
  refused:
    "Derived data was dropped because its pipeline or a backend refused it for good. The exporter logs the reason.",
  shutdown:
    "Derived data was dropped because the collector stops before it was delivered. With storage of session_activity, events (but no closing spans) are sent after the next start.",
} as const satisfies Record<DropReason, string>;

import type { Clock } from "../component/clock.ts";
import type { Payload } from "../otlp/payload.ts";
import type { BatchRules } from "./delivery-config.ts";
import { type QueuedPayload, type SendingQueue, sizeOf } from "./sending-queue.ts";

/**
 * Takes payloads from a queue in batches, for several consumers, of which one collects at a time.
 *
 * Keeps the payloads of the one batch that is being collected. They count towards the bound of the queue.
 */
export class Batcher {
  readonly #queue: SendingQueue;
  readonly #config: BatchRules | undefined;
  readonly #clock: Clock;
  #collecting: Promise<unknown> = Promise.resolve();

  constructor(
    queue: SendingQueue,
    { config, clock }: { readonly config: BatchRules | undefined; readonly clock: Clock },
  ) {
    this.#queue = queue;
    this.#config = config;
    this.#clock = clock;
  }

  /** The next batch, which is one payload without `batch` in the config. Empty when the queue is closed and empty. */
  async take(): Promise<readonly QueuedPayload[]> {
    const config = this.#config;
    if (config === undefined) {
      const entry = await this.#queue.take();
      return entry === undefined ? [] : [entry];
    }
    const batch = this.#collecting.then(() => this.#collect(config));
    // Not the batch itself, which would stay in memory.
    this.#collecting = batch.then(() => {});
    return batch;
  }

  /** Ends when the batch is large enough, when the next payload would make it too large, or after `flush_timeout`. */
  async #collect(config: BatchRules): Promise<readonly QueuedPayload[]> {
    const { min_size, max_size, sizer, flush_timeout } = config;
    const first = await this.#queue.take();
    if (first === undefined) {
      return [];
    }
    const entries = [first];
    let size = sizeOf(first.payload, sizer);
    let isLate = false;
    let onLate = () => {};
    const cancelTimer = this.#clock.after(flush_timeout, () => {
      isLate = true;
      onLate();
    });
    const late = new Promise<void>((resolve) => {
      onLate = resolve;
    });
    while (size < min_size) {
      const next = this.#queue.peek();
      if (next === undefined) {
        if (isLate || this.#queue.isClosed) {
          break;
        }
        await Promise.race([this.#queue.arrival(), late]);
        continue;
      }
      const nextSize = sizeOf(next.payload, sizer);
      if (max_size > 0 && size + nextSize > max_size) {
        break;
      }
      this.#queue.takeNow();
      entries.push(next);
      size += nextSize;
    }
    cancelTimer();
    return entries;
  }
}

/**
 * The payloads of one signal as one. Requests of OTLP consist of one repeated field, so the bytes of several, one after the
 * other, are the request of all of them.
 */
export function mergedPayload(entries: readonly QueuedPayload[]): Payload | undefined {
  const [first] = entries;
  if (first === undefined || entries.length === 1) {
    return first?.payload;
  }
  return {
    signal: first.payload.signal,
    bytes: Buffer.concat(entries.map(({ payload }) => payload.bytes)),
    items: entries.reduce((sum, { payload }) => sum + payload.items, 0),
  };
}

import type { ExportCounts, Logger } from "../component/settings.ts";
import type { DeliveryOutcome, Payload } from "../otlp/payload.ts";
import { type Batcher, mergedPayload } from "./batcher.ts";
import type { DeliveryConfig } from "./delivery-config.ts";
import type { DeliveryReport } from "./delivery-report.ts";
import type { QueueJournal } from "./queue-journal.ts";
import type { RetryResult, SendWithRetries } from "./retry.ts";
import type { QueuedPayload, SendingQueue } from "./sending-queue.ts";

/** The queue of one signal. */
export interface SignalQueue {
  readonly queue: SendingQueue;
  readonly batcher: Batcher;
  readonly counts: ExportCounts;
}

export interface QueueConsumersOptions {
  readonly send: SendWithRetries;
  readonly report: DeliveryReport;
  readonly logger: Logger;
  readonly journal: QueueJournal | undefined;
  readonly config: DeliveryConfig;
  /** Whether what is not sent stays in the stored queue for the next start. */
  readonly isLeftStored: () => boolean;
}

/**
 * The consumers of the sending queues: each takes a batch, sends it, and ends its payloads. They end when their queue is closed and
 * empty.
 *
 * Keeps the batches that are being sent: at most `num_consumers` for each signal.
 */
export class QueueConsumers {
  readonly #options: QueueConsumersOptions;
  readonly #running: Promise<void>[] = [];
  #lostItems = 0;

  constructor(options: QueueConsumersOptions) {
    this.#options = options;
  }

  /** Starts the consumers of a queue. */
  start(at: SignalQueue): void {
    for (let index = 0; index < this.#options.config.sending_queue.num_consumers; index++) {
      this.#running.push(this.#run(at));
    }
  }

  /** Resolves when every queue is closed and empty. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  /** The items that were lost because the program stops, since the last call. */
  takeLostItems(): number {
    const items = this.#lostItems;
    this.#lostItems = 0;
    return items;
  }

  /** The rest of a stored queue, for the next start. It still counts as queued. */
  leaveStored(batch: readonly QueuedPayload[]): void {
    for (const { payload, onSettled } of batch) {
      payload.delivery?.release("delivered");
      onSettled?.({ status: "stored" });
    }
  }

  async #run(at: SignalQueue): Promise<void> {
    // Each step is a call of its own, because a suspended function keeps its last batch in memory.
    while (await this.#sendNext(at)) {}
  }

  /** Takes the next batch and sends it. Resolves to false when the queue is closed and empty. */
  async #sendNext(at: SignalQueue): Promise<boolean> {
    const batch = await at.batcher.take();
    if (this.#options.isLeftStored()) {
      this.leaveStored(batch);
    } else {
      await this.#sendBatch(batch, at);
    }
    return batch.length > 0;
  }

  /** A batch that is refused for good is sent again one by one, because one bad payload must not cost the others. */
  async #sendBatch(batch: readonly QueuedPayload[], at: SignalQueue): Promise<void> {
    const payload = mergedPayload(batch);
    if (payload === undefined) {
      return;
    }
    const isEndless = batch.some((entry) => entry.isEndless === true);
    const result = await this.#sendSafely(payload, isEndless);
    if (result.status === "permanent" && batch.length > 1) {
      for (const entry of batch) {
        await this.#sendBatch([entry], at);
      }
      return;
    }
    if (result.status === "retryable" && result.isInterrupted && this.#options.isLeftStored()) {
      this.leaveStored(batch);
      return;
    }
    this.#reportEnd(payload, result);
    for (const entry of batch) {
      this.#settle(entry, result, at);
    }
  }

  /** An exception is a bug of the exporter. It costs the payload, not the queue. */
  async #sendSafely(payload: Payload, isEndless: boolean): Promise<RetryResult> {
    try {
      return await this.#options.send(payload, { isEndless });
    } catch (error) {
      this.#options.logger.error(
        "An exporter threw an exception. This is a bug; please report it.",
        {
          "exception.type": error instanceof Error ? error.name : typeof error,
        },
      );
      return { status: "permanent", message: "The exporter failed because of a bug." };
    }
  }

  #reportEnd(payload: Payload, result: RetryResult): void {
    const { report, config } = this.#options;
    if (config.sending_queue.wait_for_result && result.status !== "sent") {
      report.rejected(payload, result);
    } else if (result.status === "permanent") {
      report.dropped(payload, "permanent", result.message);
    } else if (result.status === "retryable") {
      this.#lostItems += result.isInterrupted ? payload.items : 0;
      const givenUp = config.retry_on_failure.enabled ? "expired" : "not_retried";
      report.dropped(payload, result.isInterrupted ? "shutdown" : givenUp, result.message);
    }
  }

  #settle(
    { payload, storedId, onSettled }: QueuedPayload,
    result: RetryResult,
    { queue, counts }: SignalQueue,
  ): void {
    (result.status === "sent" ? counts.sent : counts.sendFailed).value += payload.items;
    queue.release(payload);
    if (storedId !== undefined) {
      this.#options.journal?.remove(storedId);
    }
    payload.delivery?.release(outcomes[result.status]);
    onSettled?.(result);
  }
}

const outcomes = {
  sent: "delivered",
  permanent: "refused",
  retryable: "lost",
} as const satisfies Record<RetryResult["status"], DeliveryOutcome>;

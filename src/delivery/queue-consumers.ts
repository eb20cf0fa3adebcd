import type { Clock } from "../component/clock.ts";
import type { ExportCounts, Logger } from "../component/settings.ts";
import type { DeliveryOutcome, Payload } from "../otlp/payload.ts";
import { type Batcher, mergedPayload } from "./batcher.ts";
import type { DeliveryConfig } from "./delivery-config.ts";
import type { DeliveryReport, ReportedItems } from "./delivery-report.ts";
import type { QueueJournal } from "./queue-journal.ts";
import {
  type RetryResult,
  type SendOptions,
  type SendWithRetries,
  senderLeft,
  waited,
} from "./retry.ts";
import type { QueuedPayload, SendingQueue } from "./sending-queue.ts";

type FailedResult = Extract<RetryResult, { readonly status: "retryable" }>;

/** The queue of one signal. */
export interface SignalQueue {
  readonly queue: SendingQueue;
  readonly batcher: Batcher;
  readonly counts: ExportCounts;
  /** Set when another exporter has taken the queue over: takes what was not sent yet. */
  heir?: (entry: QueuedPayload) => void;
}

export interface QueueConsumersOptions {
  readonly send: SendWithRetries;
  readonly report: DeliveryReport;
  readonly logger: Logger;
  readonly journal: () => QueueJournal | undefined;
  readonly config: DeliveryConfig;
  readonly clock: Clock;
  readonly isStopping: () => boolean;
}

/** The time between two rounds of attempts at the end, unless the backend asked for a longer one. */
const roundIntervalMs = 1_000;

/**
 * The consumers of the sending queues: each takes a batch, sends it, and ends its payloads. They end when their queue is closed and
 * empty.
 *
 * Keeps the batches that are being sent: at most `num_consumers` for each signal; at the end, all that could not be sent yet.
 */
export class QueueConsumers {
  readonly #options: QueueConsumersOptions;
  readonly #running: Promise<void>[] = [];
  /** What a stop has interrupted, and how it failed. */
  readonly #interrupted: { entry: QueuedPayload; at: SignalQueue; result: FailedResult }[] = [];
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

  /**
   * Resolves when every queue is closed and empty. What could not be sent meanwhile is tried again in rounds, so that one payload that
   * fails does not keep the others from their attempt, until nothing is left or `deadline` aborts. Then the rest is lost.
   */
  async ended(deadline: AbortSignal): Promise<void> {
    await Promise.allSettled(this.#running.splice(0));
    while (this.#interrupted.length > 0) {
      const round = this.#interrupted.splice(0);
      const waitMs = round.reduce(
        (longest, { result }) => Math.max(longest, result.retryAfterMs ?? 0),
        roundIntervalMs,
      );
      await waited(this.#options.clock, waitMs, deadline);
      if (deadline.aborted) {
        this.#lose(round);
        return;
      }
      for (const { entry, at } of round) {
        at.queue.push(entry);
      }
      for (const at of new Set(round.map((each) => each.at))) {
        this.start(at);
      }
      await Promise.allSettled(this.#running.splice(0));
    }
  }

  /** The items that were lost because the program stops, since the last call. */
  takeLostItems(): number {
    const items = this.#lostItems;
    this.#lostItems = 0;
    return items;
  }

  /** Leaves payloads of a stored queue for the next start. They still count as queued. */
  leaveStored(batch: readonly QueuedPayload[]): void {
    for (const { payload, onSettled } of batch) {
      payload.delivery?.release("delivered");
      onSettled?.({ status: "stored" });
    }
  }

  /** For a payload that comes when the queue has ended. */
  loseLate(entry: QueuedPayload, at: SignalQueue): void {
    const message = "This collector is shutting down and sends nothing more.";
    this.#end([entry], { status: "retryable", message, isInterrupted: true }, at);
  }

  async #run(at: SignalQueue): Promise<void> {
    // Each step is a call of its own, because a suspended function keeps its last batch in memory.
    while (await this.#sendNext(at)) {}
  }

  /** Takes the next batch and sends it. Resolves to false when the queue is closed and empty. */
  async #sendNext(at: SignalQueue): Promise<boolean> {
    const batch = await at.batcher.take();
    if (at.heir !== undefined) {
      this.#giveAway(batch, at, at.heir);
      return batch.length > 0;
    }
    await this.#sendBatch(this.#withoutLeft(this.#withoutStored(batch), at), at);
    return batch.length > 0;
  }

  #giveAway(
    batch: readonly QueuedPayload[],
    { queue }: SignalQueue,
    heir: (entry: QueuedPayload) => void,
  ): void {
    for (const entry of batch) {
      queue.release(entry.payload);
      heir(entry);
    }
  }

  /** Data whose sender no longer waits for the result is not sent: the sender will send it again. */
  #withoutLeft(batch: readonly QueuedPayload[], at: SignalQueue): readonly QueuedPayload[] {
    if (!this.#options.config.sending_queue.wait_for_result) {
      return batch;
    }
    const left = batch.filter(({ payload }) => payload.sender?.aborted === true);
    if (left.length > 0) {
      this.#end(left, { status: "retryable", message: senderLeft, isInterrupted: false }, at);
    }
    return batch.filter((entry) => !left.includes(entry));
  }

  /** What is not left for the next start. */
  #withoutStored(batch: readonly QueuedPayload[]): readonly QueuedPayload[] {
    if (!this.#options.isStopping()) {
      return batch;
    }
    this.leaveStored(batch.filter((entry) => this.#isStored(entry)));
    return batch.filter((entry) => !this.#isStored(entry));
  }

  #isStored({ storedId }: QueuedPayload): boolean {
    return storedId !== undefined && this.#options.journal()?.isStored(storedId) === true;
  }

  /**
   * A batch that is refused because of its content is sent again one by one, because one bad payload must not cost the others. After
   * another error the backend may have some of it.
   */
  async #sendBatch(batch: readonly QueuedPayload[], at: SignalQueue): Promise<void> {
    const payload = mergedPayload(batch);
    if (payload === undefined) {
      return;
    }
    const result = await this.#sendSafely(payload, {
      isEndless: batch.some(({ isEndless }) => isEndless === true),
      hasLastAttempt: () =>
        at.heir === undefined &&
        this.#isTriedAgain &&
        batch.some((entry) => !this.#isStored(entry)),
      sender: this.#options.config.sending_queue.wait_for_result ? payload.sender : undefined,
    });
    if (result.status === "permanent" && result.isContentRefused === true && batch.length > 1) {
      for (const entry of batch) {
        await this.#sendBatch([entry], at);
      }
      return;
    }
    if (result.status === "retryable" && result.isInterrupted && at.heir !== undefined) {
      this.#giveAway(batch, at, at.heir);
    } else if (result.status === "retryable" && result.isInterrupted) {
      this.#onInterrupted(this.#withoutStored(batch), result, at);
    } else {
      this.#end(batch, result, at);
    }
  }

  #onInterrupted(rest: readonly QueuedPayload[], result: FailedResult, at: SignalQueue): void {
    if (this.#isTriedAgain) {
      for (const entry of rest) {
        this.#interrupted.push({ entry, at, result });
      }
    } else {
      this.#end(rest, result, at);
    }
  }

  /** Whether what a stop has interrupted gets more attempts. A sender that waits for the result sends it again itself. */
  get #isTriedAgain(): boolean {
    const { sending_queue, retry_on_failure } = this.#options.config;
    return retry_on_failure.enabled && !sending_queue.wait_for_result;
  }

  #lose(round: readonly { entry: QueuedPayload; at: SignalQueue; result: FailedResult }[]): void {
    for (const { entry, at, result } of round) {
      this.#end([entry], result, at);
    }
  }

  #end(batch: readonly QueuedPayload[], result: RetryResult, at: SignalQueue): void {
    this.#reportEnd(batch, result);
    for (const entry of batch) {
      this.#settle(entry, result, at);
    }
  }

  /** An exception is a bug of the exporter. It costs the payload, not the queue. */
  async #sendSafely(payload: Payload, options: SendOptions): Promise<RetryResult> {
    try {
      return await this.#options.send(payload, options);
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

  #reportEnd(batch: readonly QueuedPayload[], result: RetryResult): void {
    const { report, config } = this.#options;
    if (result.status === "sent") {
      return;
    }
    if (config.sending_queue.wait_for_result) {
      report.rejected(summaryOf(batch), result);
    } else if (result.status === "permanent") {
      report.dropped(summaryOf(batch), "permanent", result.message);
    } else {
      // A payload whose creator follows its delivery is not lost: the creator sends it again, or reports its loss.
      const lost = summaryOf(batch.filter(({ payload }) => payload.delivery === undefined));
      this.#lostItems += result.isInterrupted ? lost.items : 0;
      const givenUp = config.retry_on_failure.enabled ? "expired" : "not_retried";
      report.dropped(lost, result.isInterrupted ? "shutdown" : givenUp, result.message);
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
      this.#options.journal()?.remove(storedId);
    }
    payload.delivery?.release(outcomes[result.status]);
    onSettled?.(result);
  }
}

function summaryOf(batch: readonly QueuedPayload[]): ReportedItems {
  return {
    signal: batch[0]?.payload.signal ?? "traces",
    items: batch.reduce((sum, { payload }) => sum + payload.items, 0),
  };
}

const outcomes = {
  sent: "delivered",
  permanent: "refused",
  retryable: "lost",
} as const satisfies Record<RetryResult["status"], DeliveryOutcome>;

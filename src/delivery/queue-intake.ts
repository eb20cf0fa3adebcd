import { accepted, type ConsumeResult, type Consumer } from "../component/consumer.ts";
import type { Settings } from "../component/settings.ts";
import type { Payload, Signal } from "../otlp/payload.ts";
import { Batcher } from "./batcher.ts";
import { toConsumeResult } from "./consume-result.ts";
import { batchRulesOf, type DeliveryConfig } from "./delivery-config.ts";
import type { DeliveryReport } from "./delivery-report.ts";
import type { QueueConsumers, SignalQueue } from "./queue-consumers.ts";
import { QueueJournal } from "./queue-journal.ts";
import { type QueuedPayload, SendingQueue } from "./sending-queue.ts";

export const stoppingMessage = "This collector is shutting down and sends nothing more.";

/**
 * What goes into the sending queues of an exporter, one per signal: payloads of senders, and at a reload those of its predecessor. With a
 * storage each is stored before it is accepted.
 */
export class QueueIntake {
  readonly queues = new Map<Signal, SignalQueue>();
  /** The consumers of the successor, which gets what still arrives here. */
  readonly heirs = new Map<Signal, Consumer>();
  /** The payloads that are being stored, for which their senders and a shutdown wait. */
  readonly inProgress = new Set<Promise<unknown>>();
  journal: QueueJournal | undefined;
  isStopping = false;
  /** Ends the waits for a disk that hangs. */
  readonly #waitsForDisk = new Set<() => void>();
  readonly #settings: Settings;
  readonly #config: DeliveryConfig["sending_queue"];
  readonly #report: DeliveryReport;
  readonly #consumers: QueueConsumers;

  constructor(
    settings: Settings,
    config: DeliveryConfig["sending_queue"],
    { report, consumers }: { readonly report: DeliveryReport; readonly consumers: QueueConsumers },
  ) {
    this.#settings = settings;
    this.#config = config;
    this.#report = report;
    this.#consumers = consumers;
    this.journal = settings.storage === undefined ? undefined : new QueueJournal();
  }

  /** Accepts a payload of a sender, or says why not. */
  async consume(payload: Payload, at: SignalQueue): Promise<ConsumeResult> {
    const { queue, counts } = at;
    const refuse = (message: string): ConsumeResult => {
      counts.enqueueFailed.value += payload.items;
      return { status: "retryable", message };
    };
    if (this.isStopping) {
      return refuse(stoppingMessage);
    }
    if (!queue.fits(payload)) {
      counts.enqueueFailed.value += payload.items;
      this.#report.tooLarge(payload);
      return {
        status: "permanent",
        message: "The request is larger than the whole sending queue.",
      };
    }
    const hasRoom = this.#config.block_on_overflow
      ? await queue.whenRoom(payload)
      : queue.reserve(payload);
    if (!hasRoom) {
      const heir = this.heirs.get(payload.signal);
      if (heir !== undefined) {
        counts.consumed.value -= payload.items; // The heir counts it.
        return heir.consume(payload);
      }
      if (this.isStopping || (this.#config.block_on_overflow && this.#settings.stopping.aborted)) {
        return refuse(stoppingMessage);
      }
      this.#report.full(payload, queue);
      return refuse("The sending queue is full.");
    }
    payload.delivery?.retain();
    if (this.#config.wait_for_result) {
      return new Promise((resolve) => {
        queue.push({ payload, onSettled: (result) => resolve(toConsumeResult(result)) });
      });
    }
    if (this.journal === undefined) {
      queue.push({ payload });
      return accepted;
    }
    return (await this.#store(payload, at, this.journal)) ? accepted : refuse(stoppingMessage);
  }

  /** Whether a payload that has its room in the queue is stored, and so accepted. */
  async #store(payload: Payload, at: SignalQueue, journal: QueueJournal): Promise<boolean> {
    const { queue } = at;
    const storing = this.#numberOfStored(journal, payload);
    this.inProgress.add(storing);
    const storedId = await storing;
    this.inProgress.delete(storing);
    const giveBack = (): false => {
      queue.release(payload);
      payload.delivery?.release("lost");
      return false;
    };
    if (storedId === undefined) {
      // The disk hangs. The payload may be stored or not, so its sender must send it again.
      return giveBack();
    }
    const entry = { payload, storedId };
    if (at.heir !== undefined) {
      queue.release(payload);
      at.heir(entry);
    } else if (!queue.isClosed) {
      queue.push(entry);
    } else if (journal.isStored(storedId)) {
      this.#consumers.leaveStored([entry]);
    } else {
      journal.remove(storedId);
      return giveBack();
    }
    return true;
  }

  /** The number of a payload once it is stored; `undefined` if the disk hangs until the deadline of a shutdown. */
  #numberOfStored(to: QueueJournal, payload: Payload): Promise<number | undefined> {
    return new Promise((resolve) => {
      const giveUp = () => resolve(undefined);
      this.#waitsForDisk.add(giveUp);
      void to.add(payload).then((id) => {
        this.#waitsForDisk.delete(giveUp);
        resolve(id);
      });
    });
  }

  createQueue(signal: Signal): SignalQueue {
    const { queue_size: capacity, sizer } = this.#config;
    const queue = new SendingQueue({ capacity, sizer });
    const batch = batchRulesOf(this.#config);
    const batcher = new Batcher(queue, { config: batch, clock: this.#settings.clock });
    const at: SignalQueue = { queue, counts: this.#settings.exportCounts(signal), batcher };
    this.queues.set(signal, at);
    return at;
  }

  /** Takes a payload over that another exporter has accepted. Without a queue in the config there is one for these. */
  async adopt(entry: QueuedPayload, from: QueueJournal | undefined): Promise<void> {
    const { payload } = entry;
    const known = this.queues.get(payload.signal);
    const at = known ?? this.createQueue(payload.signal);
    if (known === undefined) {
      this.#consumers.start(at);
    }
    let adopted = entry;
    if (from !== this.journal) {
      const { storedId: _, ...unstored } = entry;
      const storedId =
        this.journal === undefined ? undefined : await this.#numberOfStored(this.journal, payload);
      adopted = { ...unstored, ...(storedId === undefined ? {} : { storedId }) };
      if (entry.storedId !== undefined) {
        from?.remove(entry.storedId);
      }
    }
    if (!at.queue.isClosed) {
      at.queue.restore(adopted);
    } else if (
      adopted.storedId !== undefined &&
      this.journal?.isStored(adopted.storedId) === true
    ) {
      this.#consumers.leaveStored([adopted]);
    } else {
      at.queue.keep(payload);
      this.#consumers.loseLate(adopted, at);
    }
  }

  /** Ends the waits for a disk that hangs. What is being stored may be stored or not. */
  stopWaitingForDisk(): void {
    for (const giveUp of this.#waitsForDisk) {
      giveUp();
    }
  }
}

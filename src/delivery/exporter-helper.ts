import { ReportedFailure, type StateRole } from "../component/component.ts";
import { accepted, type ConsumeResult, type Consumer } from "../component/consumer.ts";
import { beforeDeadline } from "../component/deadline.ts";
import type { ExportCounts, Settings } from "../component/settings.ts";
import type { Payload, Signal } from "../otlp/payload.ts";
import { type Attempt, withTimeout } from "./attempt.ts";
import { Batcher } from "./batcher.ts";
import { toConsumeResult } from "./consume-result.ts";
import { batchRulesOf, type DeliveryConfig } from "./delivery-config.ts";
import { DeliveryReport } from "./delivery-report.ts";
import { DirectSender } from "./direct-sender.ts";
import { QueueConsumers, type SignalQueue } from "./queue-consumers.ts";
import { publishQueues } from "./queue-gauges.ts";
import { QueueHandover } from "./queue-handover.ts";
import { QueueJournal } from "./queue-journal.ts";
import { createRetry } from "./retry.ts";
import { type QueuedPayload, SendingQueue } from "./sending-queue.ts";
import {
  type JournalHandover,
  reportStoredQueue,
  withoutPipelineMessage,
} from "./stored-queue-report.ts";

/** An exporter's way to its backend. The exporter provides one attempt; this adds timeout, retries, the queue and the report. */
export interface Delivery {
  /** The consumer of a signal. Called before `start`, once per signal. */
  consumer(signal: Signal): Consumer;
  /** Recovers the persistent queue and begins to send. Rejects with an `Error` for an operator. */
  start(): Promise<void>;
  /**
   * Refuses new payloads and ends. A queue in memory is sent, with short waits between attempts; what is left at `deadline` is lost and
   * logged; then it rejects. A persistent queue keeps what is not being sent. Safe before `start` and twice.
   */
  shutdown(deadline: AbortSignal): Promise<void>;
  /**
   * At a reload the queue of each signal that the successor has, too, goes to it, and what is being sent follows if it fails. Other
   * signals are sent by the predecessor until its shutdown ends.
   */
  readonly state: StateRole;
}

const stoppingMessage = "This collector is shutting down and sends nothing more.";

/**
 * Composes `timeout`, `retry_on_failure`, `sending_queue` and its `storage`, as the exporters of the Collector do. `host` names the
 * destination of a signal in log lines.
 *
 * Keeps the payloads of one queue per signal, each bounded by `queue_size`, and with a full queue those whose senders wait for room.
 */
export function createDelivery(
  settings: Settings,
  config: DeliveryConfig,
  { attempt, host }: { readonly attempt: Attempt; readonly host: (signal: Signal) => string },
): Delivery {
  const { clock, random, storage, logger, stopping } = settings;
  const { sending_queue: queueConfig, timeout: timeoutMs } = config;
  const report = new DeliveryReport(settings, {
    host,
    isWaiting: (signal) => (queues.get(signal)?.queue.items ?? 0) > 0 || direct.isSending(signal),
  });
  let journal = storage === undefined ? undefined : new QueueJournal();
  let handover: JournalHandover = "none";
  /** Payloads on their way to the successor. */
  const moving = new Set<Promise<void>>();
  /** The consumers of the successor. */
  const heirs = new Map<Signal, Consumer>();
  const consumersOf = new Map<Signal, Consumer>();
  const queues = new Map<Signal, SignalQueue>();
  /** Whether senders wait for the retries. At a stop they are answered at once: they have the data and can send it again. */
  const hasWaitingSenders = !queueConfig.enabled || queueConfig.wait_for_result;
  const retriesStop = new AbortController();
  const attemptsStop = new AbortController();
  /** Ends the waits for a disk that hangs. */
  const waitsForDisk = new Set<() => void>();
  /** The payloads that are being stored, for which their senders and a shutdown wait. */
  const inProgress = new Set<Promise<unknown>>();
  let isStopping = false;
  let draining: Promise<void> | undefined;
  let hasEnded = false;

  const send = createRetry({
    attempt: withTimeout(attempt, { clock, timeoutMs }),
    config: config.retry_on_failure,
    clock,
    random,
    stops: {
      service: stopping,
      retries: retriesStop.signal,
      attempts: attemptsStop.signal,
    },
    onAttempt: (payload, result, delayMs) =>
      report.attempted(payload, result, { delayMs, queue: queues.get(payload.signal)?.queue }),
  });

  const direct = new DirectSender(send, report);
  const consumers = new QueueConsumers({
    send,
    report,
    logger,
    journal: () => journal,
    config,
    clock,
    isStopping: () => isStopping,
  });

  async function consumeQueued(payload: Payload, at: SignalQueue): Promise<ConsumeResult> {
    const { queue, counts } = at;
    const refuse = (message: string): ConsumeResult => {
      counts.enqueueFailed.value += payload.items;
      return { status: "retryable", message };
    };
    if (isStopping) {
      return refuse(stoppingMessage);
    }
    if (!queue.fits(payload)) {
      counts.enqueueFailed.value += payload.items;
      report.tooLarge(payload);
      return {
        status: "permanent",
        message: "The request is larger than the whole sending queue.",
      };
    }
    const hasRoom = queueConfig.block_on_overflow
      ? await queue.whenRoom(payload)
      : queue.reserve(payload);
    if (!hasRoom) {
      const heir = heirs.get(payload.signal);
      if (heir !== undefined) {
        counts.consumed.value -= payload.items; // The heir counts it.
        return heir.consume(payload);
      }
      if (isStopping || (queueConfig.block_on_overflow && stopping.aborted)) {
        return refuse(stoppingMessage);
      }
      report.full(payload, queue);
      return refuse("The sending queue is full.");
    }
    payload.delivery?.retain();
    if (queueConfig.wait_for_result) {
      return new Promise((resolve) => {
        queue.push({ payload, onSettled: (result) => resolve(toConsumeResult(result)) });
      });
    }
    if (journal === undefined) {
      queue.push({ payload });
      return accepted;
    }
    const storing = numberOfStored(journal, payload);
    inProgress.add(storing);
    const storedId = await storing;
    inProgress.delete(storing);
    if (storedId === undefined) {
      // The disk hangs. The payload may be stored or not, so its sender must send it again.
      queue.release(payload);
      payload.delivery?.release("lost");
      return refuse(stoppingMessage);
    }
    const entry = { payload, storedId };
    if (at.heir !== undefined) {
      queue.release(payload);
      at.heir(entry);
    } else if (!queue.isClosed) {
      queue.push(entry);
    } else if (journal.isStored(storedId)) {
      consumers.leaveStored([entry]);
    } else {
      journal.remove(storedId);
      queue.release(payload);
      payload.delivery?.release("lost");
      return refuse(stoppingMessage);
    }
    return accepted;
  }

  /** The number of a payload once it is stored; `undefined` if the disk hangs until the deadline of a shutdown. */
  function numberOfStored(to: QueueJournal, payload: Payload): Promise<number | undefined> {
    return new Promise((resolve) => {
      const giveUp = () => resolve(undefined);
      waitsForDisk.add(giveUp);
      void to.add(payload).then((id) => {
        waitsForDisk.delete(giveUp);
        resolve(id);
      });
    });
  }

  /** Without a queue the sender gets the result. */
  async function consumeDirectly(payload: Payload, counts: ExportCounts): Promise<ConsumeResult> {
    if (isStopping) {
      counts.enqueueFailed.value += payload.items;
      return { status: "retryable", message: stoppingMessage };
    }
    return direct.send(payload, counts);
  }

  function createQueue(signal: Signal): SignalQueue {
    const { queue_size: capacity, sizer } = queueConfig;
    const queue = new SendingQueue({ capacity, sizer });
    const batch = batchRulesOf(queueConfig);
    const batcher = new Batcher(queue, { config: batch, clock });
    const at: SignalQueue = { queue, counts: settings.exportCounts(signal), batcher };
    queues.set(signal, at);
    return at;
  }

  function createConsumer(signal: Signal): Consumer {
    const counts = settings.exportCounts(signal);
    const at = queueConfig.enabled ? createQueue(signal) : undefined;
    return {
      consume(payload) {
        const heir = heirs.get(signal);
        if (heir !== undefined) {
          return heir.consume(payload);
        }
        counts.consumed.value += payload.items;
        return at === undefined ? consumeDirectly(payload, counts) : consumeQueued(payload, at);
      },
    };
  }

  /** Takes a payload over that another exporter has accepted. Without a queue in the config there is one for these. */
  async function adopt(entry: QueuedPayload, from: QueueJournal | undefined): Promise<void> {
    const { payload } = entry;
    const known = queues.get(payload.signal);
    const at = known ?? createQueue(payload.signal);
    if (known === undefined) {
      consumers.start(at);
    }
    let adopted = entry;
    if (from !== journal) {
      const { storedId: _, ...unstored } = entry;
      const storedId = journal === undefined ? undefined : await numberOfStored(journal, payload);
      adopted = { ...unstored, ...(storedId === undefined ? {} : { storedId }) };
      if (entry.storedId !== undefined) {
        from?.remove(entry.storedId);
      }
    }
    if (!at.queue.isClosed) {
      at.queue.restore(adopted);
    } else if (adopted.storedId !== undefined && journal?.isStored(adopted.storedId) === true) {
      consumers.leaveStored([adopted]);
    } else {
      at.queue.keep(payload);
      consumers.loseLate(adopted, at);
    }
  }

  return {
    consumer(signal) {
      const consumer = createConsumer(signal);
      consumersOf.set(signal, consumer);
      return consumer;
    },

    state: {
      handOver: () =>
        new QueueHandover({
          journal,
          give(signal, heir, take) {
            heirs.set(signal, heir);
            const at = queues.get(signal);
            if (at !== undefined) {
              const move = (entry: QueuedPayload) => {
                const taking = take(entry).finally(() => moving.delete(taking));
                moving.add(taking);
              };
              at.heir = move;
              const waiting = at.queue.drain();
              at.queue.close();
              for (const entry of waiting) {
                move(entry);
              }
            }
          },
          end(isJournalShared) {
            handover = isJournalShared ? "shared" : "moved";
            retriesStop.abort();
          },
        }),
      takeOver(state) {
        if (!(state instanceof QueueHandover)) {
          return;
        }
        const from = state.journal;
        const isShared = settings.replaces?.sharesStorage === true && from !== undefined;
        if (isShared) {
          journal = from;
        }
        for (const [signal, consumer] of consumersOf) {
          state.give(signal, consumer, (entry) => {
            const adopting = adopt(entry, from).finally(() => inProgress.delete(adopting));
            inProgress.add(adopting);
            return adopting;
          });
        }
        state.end(isShared);
      },
    },

    async start() {
      stopping.addEventListener("abort", endWaits, { once: true });
      report.start();
      publishQueues(settings, queues);
      await restore();
      for (const at of queues.values()) {
        consumers.start(at);
      }
    },

    async shutdown(deadline) {
      isStopping = true;
      for (const { queue } of queues.values()) {
        queue.close();
      }
      retriesStop.abort();
      const cut = () => {
        attemptsStop.abort();
        for (const giveUp of waitsForDisk) {
          giveUp();
        }
      };
      if (deadline.aborted) {
        cut();
      }
      deadline.addEventListener("abort", cut, { once: true });
      draining ??= drain();
      await draining;
      deadline.removeEventListener("abort", cut);
      reportEnd();
    },
  };

  async function drain(): Promise<void> {
    await Promise.allSettled([consumers.ended(attemptsStop.signal), direct.ended(), ...inProgress]);
    while (moving.size > 0 && !attemptsStop.signal.aborted) {
      await beforeDeadline(attemptsStop.signal, Promise.all(moving));
    }
  }

  /** Once. Throws if data was lost. */
  function reportEnd(): void {
    report.stop();
    if (!hasEnded && journal !== undefined) {
      const isHandedOver = (signal: Signal) => heirs.has(signal);
      reportStoredQueue(journal, { logger, handover, isHandedOver });
    }
    hasEnded = true;
    const items = consumers.takeLostItems();
    if (items > 0) {
      report.lostAtShutdown(items);
      throw new ReportedFailure(`${items} items could not be sent before the end.`);
    }
  }

  /** The receivers stop before this exporter and wait for the answers to their senders. */
  function endWaits(): void {
    for (const { queue } of queues.values()) {
      queue.endWaits();
    }
    if (hasWaitingSenders) {
      retriesStop.abort();
    }
  }

  async function restore(): Promise<void> {
    // An open journal is handed over.
    if (
      journal === undefined ||
      storage === undefined ||
      settings.replaces?.sharesStorage === true
    ) {
      return;
    }
    const restored = await journal.open(storage);
    let withoutPipeline = 0;
    let items = 0;
    for (const { id, payload, isFollowed } of restored) {
      const at = queues.get(payload.signal);
      if (at === undefined) {
        withoutPipeline += 1;
        continue;
      }
      at.counts.restored.value += payload.items;
      items += payload.items;
      at.queue.restore({ payload, storedId: id, isEndless: isFollowed });
    }
    if (restored.length > 0) {
      logger.info("Sending the stored queue of an earlier run.", {
        requests: restored.length - withoutPipeline,
        items,
      });
    }
    if (withoutPipeline > 0) {
      logger.warn(withoutPipelineMessage, { requests: withoutPipeline });
    }
  }
}

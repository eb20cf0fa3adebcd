import { ReportedFailure, type StateRole } from "../component/component.ts";
import type { ConsumeResult, Consumer } from "../component/consumer.ts";
import { beforeDeadline } from "../component/deadline.ts";
import type { ExportCounts, Settings } from "../component/settings.ts";
import type { Payload, Signal } from "../otlp/payload.ts";
import { type Attempt, withTimeout } from "./attempt.ts";
import type { DeliveryConfig } from "./delivery-config.ts";
import { DeliveryReport } from "./delivery-report.ts";
import { DirectSender } from "./direct-sender.ts";
import { QueueConsumers } from "./queue-consumers.ts";
import { publishQueues } from "./queue-gauges.ts";
import { QueueHandover } from "./queue-handover.ts";
import { QueueIntake, stoppingMessage } from "./queue-intake.ts";
import { createRetry } from "./retry.ts";
import type { QueuedPayload } from "./sending-queue.ts";
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
  let handover: JournalHandover = "none";
  /** Payloads on their way to the successor. */
  const moving = new Set<Promise<void>>();
  const consumersOf = new Map<Signal, Consumer>();
  /** Whether senders wait for the retries. At a stop they are answered at once: they have the data and can send it again. */
  const hasWaitingSenders = !queueConfig.enabled || queueConfig.wait_for_result;
  const retriesStop = new AbortController();
  const attemptsStop = new AbortController();
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
    journal: () => intake.journal,
    config,
    clock,
    isStopping: () => intake.isStopping,
  });
  const intake = new QueueIntake(settings, queueConfig, { report, consumers });
  const { queues, heirs } = intake;

  /** Without a queue the sender gets the result. */
  async function consumeDirectly(payload: Payload, counts: ExportCounts): Promise<ConsumeResult> {
    if (intake.isStopping) {
      counts.enqueueFailed.value += payload.items;
      return { status: "retryable", message: stoppingMessage };
    }
    return direct.send(payload, counts);
  }

  function createConsumer(signal: Signal): Consumer {
    const counts = settings.exportCounts(signal);
    const at = queueConfig.enabled ? intake.createQueue(signal) : undefined;
    return {
      consume(payload) {
        const heir = heirs.get(signal);
        if (heir !== undefined) {
          return heir.consume(payload);
        }
        counts.consumed.value += payload.items;
        return at === undefined ? consumeDirectly(payload, counts) : intake.consume(payload, at);
      },
    };
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
          journal: intake.journal,
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
          intake.journal = from;
        }
        for (const [signal, consumer] of consumersOf) {
          state.give(signal, consumer, (entry) => {
            const adopting = intake
              .adopt(entry, from)
              .finally(() => intake.inProgress.delete(adopting));
            intake.inProgress.add(adopting);
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
      intake.isStopping = true;
      for (const { queue } of queues.values()) {
        queue.close();
      }
      retriesStop.abort();
      const cut = () => {
        attemptsStop.abort();
        intake.stopWaitingForDisk();
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
    await Promise.allSettled([
      consumers.ended(attemptsStop.signal),
      direct.ended(),
      ...intake.inProgress,
    ]);
    while (moving.size > 0 && !attemptsStop.signal.aborted) {
      await beforeDeadline(attemptsStop.signal, Promise.all(moving));
    }
  }

  /** Once. Throws if data was lost. */
  function reportEnd(): void {
    report.stop();
    const { journal } = intake;
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
    const { journal } = intake;
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

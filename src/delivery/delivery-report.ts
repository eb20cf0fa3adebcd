import type { Counter, Meter } from "@opentelemetry/api";
import type { Settings } from "../component/settings.ts";
import type { InstrumentSpec } from "../metrics/instrument.ts";
import type { Payload, Signal } from "../otlp/payload.ts";
import type { AttemptResult } from "./attempt.ts";
import { BackendHealth } from "./backend-health.ts";
import { invalidResponses, rejectedItems } from "./delivery-instruments.ts";
import { ItemThrottle, type LimitedLine } from "./item-throttle.ts";

/** The time between two log lines about the same kind of problem. */
const logIntervalMs = 10_000;

/** What a line is about. */
export type ReportedItems = Pick<Payload, "signal" | "items">;

/** Why data is lost, as the end of a log line. */
type LossReason = "permanent" | "expired" | "not_retried" | "shutdown";

const lossAdvice = {
  permanent: "The backend will never take it; check the reason.",
  expired:
    "The next attempt would be later than retry_on_failure.max_elapsed_time allows; raise it if outages last longer.",
  not_retried: "It is not retried, because retry_on_failure is disabled.",
  shutdown: "The collector stops.",
} as const satisfies Record<LossReason, string>;

/**
 * Logs and counts what happens to payloads on their way to a backend, and reports the status of the exporter.
 *
 * Keeps a few numbers. It logs each kind of problem of a signal at most every ten seconds, with the lines held back and their items; at
 * the end it sums up the losses that were held back.
 */
export class DeliveryReport {
  readonly #settings: Settings;
  readonly #host: (signal: Signal) => string;
  readonly #throttle: ItemThrottle;
  readonly #rejected;
  readonly #invalid;
  readonly #health: BackendHealth;

  /**
   * `host`: the destination of a signal, fit for log lines. `isWaiting`: whether data of a signal waits or is being sent.
   */
  constructor(
    settings: Settings,
    {
      host,
      isWaiting,
    }: {
      readonly host: (signal: Signal) => string;
      readonly isWaiting: (signal: Signal) => boolean;
    },
  ) {
    const { meter } = settings;
    this.#settings = settings;
    this.#host = host;
    this.#health = new BackendHealth(settings, isWaiting);
    this.#rejected = counterOf(meter, rejectedItems);
    this.#invalid = counterOf(meter, invalidResponses);
    this.#throttle = new ItemThrottle(settings, logIntervalMs);
  }

  /** A counter that is there from the start lets `rate()` see the first rejection. */
  start(): void {
    for (const signal of rejectedItems.attributes["otel.signal"]) {
      this.#rejected.add(0, { exporter: this.#settings.id, "otel.signal": signal });
      this.#invalid.add(0, { exporter: this.#settings.id, "otel.signal": signal });
    }
  }

  stop(): void {
    this.#health.stop();
    this.#throttle.flush();
  }

  /** An attempt has ended; `delayMs` is the wait before the next one, if there is one. */
  attempted(
    { signal, items }: Payload,
    result: AttemptResult,
    {
      delayMs,
      queue,
    }: { readonly delayMs?: number | undefined; readonly queue?: QueueSize | undefined } = {},
  ): void {
    if (result.status === "sent") {
      this.#onSuccess(signal);
      this.#onInvalidResponse({ signal, items }, result.invalidResponse);
      // A backend cannot reject more than there was.
      const rejected = Math.min(result.rejected?.items ?? 0, items);
      if (rejected > 0) {
        this.#rejected.add(rejected, { exporter: this.#settings.id, "otel.signal": signal });
        this.#limit("partial", signal, {
          level: "warn",
          message:
            "The backend accepted a request but rejected some of its items. They are lost; check the backend's log.",
          items: rejected,
          fields: (count) => ({ signal, host: this.#host(signal), rejected: count }),
          isLoss: true,
        });
      }
      return;
    }
    this.#health.failed(signal, result.message);
    if (delayMs !== undefined) {
      const size = queue === undefined ? {} : sizeFields(queue);
      this.#limit("retry", signal, {
        level: "warn",
        message: "Exporting failed. Will retry the request after interval.",
        items,
        fields: () => ({
          signal,
          items,
          reason: result.message,
          interval_ms: Math.round(delayMs),
          ...size,
        }),
        isLoss: false,
      });
    }
  }

  /** Data that the exporter had taken is lost. */
  dropped({ signal, items }: ReportedItems, reason: LossReason, message: string): void {
    if (items === 0) {
      return;
    }
    this.#limit(reason, signal, {
      level: "error",
      message: `Exporting failed. Dropping data. ${lossAdvice[reason]}`,
      items,
      fields: (count) => ({ signal, dropped_items: count, reason: message }),
      isLoss: true,
    });
  }

  /** All that a shutdown lost, which the lines about single requests may hold back. */
  lostAtShutdown(items: number): void {
    const advice =
      this.#settings.storage === undefined
        ? "Set sending_queue.storage to keep the queue, or raise service.shutdown_timeout."
        : "The disk of the stored queue had failed when it arrived; the log of file_storage says why.";
    this.#settings.logger.error(
      `Data was lost because the collector stopped before it was sent. ${advice}`,
      { lost_items: items },
    );
  }

  /** A payload that no queue of this size can hold. */
  tooLarge({ signal, items }: Payload): void {
    this.#limit("too_large", signal, {
      level: "error",
      message:
        "A request is larger than the whole sending queue, so it was refused. Raise sending_queue.queue_size.",
      items,
      fields: (count) => ({ signal, items: count }),
      isLoss: true,
    });
  }

  /** Data was not sent, and its sender, who has waited, gets the result. */
  rejected(
    { signal, items }: ReportedItems,
    { status, message }: { readonly status: "retryable" | "permanent"; readonly message: string },
  ): void {
    const fields = (count: number) => ({ signal, rejected_items: count, reason: message });
    if (status === "permanent") {
      this.#limit("rejected", signal, {
        level: "error",
        message:
          "Exporting failed. Rejecting data. The backend will never take it, and the sender gets the error unless another exporter took the data; check the reason.",
        items,
        fields,
        isLoss: true,
      });
    } else {
      this.#limit("rejected_for_now", signal, {
        level: "warn",
        message:
          "Exporting failed. Rejecting data. The sender is asked to retry unless another exporter took the data.",
        items,
        fields,
        isLoss: false,
      });
    }
  }

  /** A payload found no room in the queue. */
  full({ signal, items }: Payload, queue: QueueSize): void {
    const size = sizeFields(queue);
    this.#limit("full", signal, {
      level: "warn",
      message:
        "The sending queue is full, so a request was refused. Check the backend, or raise sending_queue.queue_size.",
      items,
      fields: (count) => ({ signal, items: count, ...size }),
      // The sender is asked to retry.
      isLoss: false,
    });
  }

  #onInvalidResponse({ signal, items }: ReportedItems, reason: string | undefined): void {
    if (reason === undefined) {
      return;
    }
    this.#invalid.add(1, { exporter: this.#settings.id, "otel.signal": signal });
    this.#limit("invalid", signal, {
      level: "error",
      message:
        "The backend answered with success, but not with a response of OTLP. The data counts as sent and may be lost; check that the endpoint is that of an OTLP backend.",
      items,
      fields: (count) => ({ signal, host: this.#host(signal), items: count, reason }),
      isLoss: true,
    });
  }

  /** Limits the lines of a kind for each signal: a backend that refuses logs must not hide that it refuses traces. */
  #limit(kind: string, signal: Signal, line: LimitedLine): void {
    this.#throttle.report(`${kind} ${signal}`, line);
  }

  #onSuccess(signal: Signal): void {
    const failedForMs = this.#health.succeeded(signal);
    if (failedForMs !== undefined) {
      this.#limit("recovered", signal, {
        level: "info",
        message: "Sending to the backend works again.",
        fields: () => ({
          signal,
          host: this.#host(signal),
          failed_for_ms: Math.round(failedForMs),
        }),
        isLoss: false,
      });
    }
  }
}

interface QueueSize {
  readonly size: number;
  readonly capacity: number;
}

function sizeFields({ size, capacity }: QueueSize) {
  return { queue_size: size, queue_capacity: capacity };
}

function counterOf(meter: Meter, { name, unit, description }: InstrumentSpec): Counter {
  return meter.createCounter(name, { unit, description });
}

import type { Counter, Meter } from "@opentelemetry/api";
import type { CancelTimer } from "../component/clock.ts";
import type { Settings } from "../component/settings.ts";
import type { InstrumentSpec } from "../metrics/instrument.ts";
import type { Payload, Signal } from "../otlp/payload.ts";
import type { AttemptResult } from "./attempt.ts";
import { invalidResponses, rejectedItems } from "./delivery-instruments.ts";
import { createThrottle } from "./throttle.ts";

/** The time between two log lines about the same kind of problem. */
const logIntervalMs = 10_000;
/** An exporter whose attempts have all failed for this long is not healthy. */
const unhealthyAfterMs = 60_000;

const failingMessage = "Nothing could be sent to the backend for more than a minute.";

/** Why data is lost, as the end of a log line. */
type LossReason = "permanent" | "expired" | "shutdown";

const lossAdvice = {
  permanent: "The backend will never take it; check the reason.",
  expired:
    "It was retried for max_elapsed_time; raise retry_on_failure.max_elapsed_time if outages last longer.",
  shutdown: "The collector stops; set sending_queue.storage to keep the queue.",
} as const satisfies Record<LossReason, string>;

/**
 * Logs and counts what happens to payloads on their way to a backend, and reports the status of the exporter.
 *
 * Keeps a few numbers. It logs each kind of problem at most every ten seconds, with the number of lines held back.
 */
export class DeliveryReport {
  readonly #settings: Settings;
  readonly #host: (signal: Signal) => string;
  readonly #limits;
  readonly #rejected;
  readonly #invalid;
  /** The signals whose attempts have failed since the last success, with the timer that makes that the exporter's status. */
  readonly #failing = new Map<Signal, CancelTimer>();
  /** The signals that make the exporter unhealthy, with the last failure of each. */
  readonly #unhealthy = new Map<Signal, string>();

  /** `host`: the destination of a signal, fit for log lines. */
  constructor(settings: Settings, host: (signal: Signal) => string) {
    const { clock, meter } = settings;
    this.#settings = settings;
    this.#host = host;
    this.#rejected = counterOf(meter, rejectedItems);
    this.#invalid = counterOf(meter, invalidResponses);
    this.#limits = {
      retry: createThrottle(clock, logIntervalMs),
      reject: createThrottle(clock, logIntervalMs),
      partial: createThrottle(clock, logIntervalMs),
      invalid: createThrottle(clock, logIntervalMs),
      full: createThrottle(clock, logIntervalMs),
      permanent: createThrottle(clock, logIntervalMs),
      expired: createThrottle(clock, logIntervalMs),
      shutdown: createThrottle(clock, logIntervalMs),
    };
  }

  /** A counter that is there from the start lets `rate()` see the first rejection. */
  start(): void {
    for (const signal of rejectedItems.attributes["otel.signal"]) {
      this.#rejected.add(0, { exporter: this.#settings.id, "otel.signal": signal });
      this.#invalid.add(0, { exporter: this.#settings.id, "otel.signal": signal });
    }
  }

  stop(): void {
    for (const cancelTimer of this.#failing.values()) {
      cancelTimer();
    }
  }

  /** An attempt has ended; `delayMs` is the wait before the next one, if there is one. */
  attempted({ signal, items }: Payload, result: AttemptResult, delayMs?: number): void {
    const { logger } = this.#settings;
    if (result.status === "sent") {
      this.#onSuccess(signal);
      this.#onInvalidResponse(signal, result.invalidResponse);
      // A backend cannot reject more than there was.
      const rejected = Math.min(result.rejected?.items ?? 0, items);
      if (rejected > 0) {
        this.#rejected.add(rejected, { exporter: this.#settings.id, "otel.signal": signal });
        this.#limits.partial((heldBack) =>
          logger.warn(
            "The backend accepted a request but rejected some of its items. They are lost; check the backend's log.",
            { signal, host: this.#host(signal), rejected, held_back: heldBack },
          ),
        );
      }
      return;
    }
    this.#onFailure(signal, result.message);
    if (delayMs !== undefined) {
      this.#limits.retry((heldBack) =>
        logger.warn("Exporting failed. Will retry the request after interval. Nothing is lost.", {
          signal,
          items,
          reason: result.message,
          interval_ms: Math.round(delayMs),
          held_back: heldBack,
        }),
      );
    }
  }

  /** Data that the exporter had taken is lost. */
  dropped({ signal, items }: Payload, reason: LossReason, message: string): void {
    this.#limits[reason]((heldBack) =>
      this.#settings.logger.error(`Exporting failed. Dropping data. ${lossAdvice[reason]}`, {
        signal,
        dropped_items: items,
        reason: message,
        held_back: heldBack,
      }),
    );
  }

  /** Data without a queue was not sent, and its sender gets the result. */
  rejected(
    { signal, items }: Payload,
    { status, message }: { readonly status: "retryable" | "permanent"; readonly message: string },
  ): void {
    const fields = { signal, rejected_items: items, reason: message };
    const { logger } = this.#settings;
    if (status === "permanent") {
      this.#limits.permanent((heldBack) =>
        logger.error(
          "Exporting failed. Rejecting data. The backend will never take it, and the sender is told so; check the reason.",
          { ...fields, held_back: heldBack },
        ),
      );
    } else {
      this.#limits.reject((heldBack) =>
        logger.warn(
          "Exporting failed. Rejecting data. The sender is asked to retry, so nothing is lost yet.",
          { ...fields, held_back: heldBack },
        ),
      );
    }
  }

  /** A payload found no room in the queue. */
  full(
    { signal, items }: Payload,
    queue: { readonly size: number; readonly capacity: number },
  ): void {
    this.#limits.full((heldBack) =>
      this.#settings.logger.warn(
        "The sending queue is full. Senders are asked to retry. Check the backend, or raise sending_queue.queue_size.",
        {
          signal,
          items,
          queue_size: queue.size,
          queue_capacity: queue.capacity,
          held_back: heldBack,
        },
      ),
    );
  }

  #onInvalidResponse(signal: Signal, reason: string | undefined): void {
    if (reason === undefined) {
      return;
    }
    this.#invalid.add(1, { exporter: this.#settings.id, "otel.signal": signal });
    this.#limits.invalid((heldBack) =>
      this.#settings.logger.error(
        "The backend answered with success, but not with a response of OTLP. The data counts as sent and may be lost; check that the endpoint is that of an OTLP backend.",
        { signal, host: this.#host(signal), reason, held_back: heldBack },
      ),
    );
  }

  #onSuccess(signal: Signal): void {
    this.#failing.get(signal)?.();
    this.#failing.delete(signal);
    if (this.#unhealthy.delete(signal)) {
      this.#reportStatus();
    }
  }

  #onFailure(signal: Signal, message: string): void {
    if (this.#unhealthy.has(signal)) {
      this.#onUnhealthy(signal, message);
    } else if (!this.#failing.has(signal)) {
      const cancelTimer = this.#settings.clock.after(unhealthyAfterMs, () =>
        this.#onUnhealthy(signal, message),
      );
      this.#failing.set(signal, cancelTimer);
    }
  }

  #onUnhealthy(signal: Signal, message: string): void {
    if (this.#unhealthy.get(signal) !== message) {
      this.#unhealthy.set(signal, message);
      this.#reportStatus();
    }
  }

  #reportStatus(): void {
    const [message] = this.#unhealthy.values();
    this.#settings.reportStatus(
      message === undefined
        ? { status: "ok" }
        : {
            status: "recoverable_error",
            message: `${failingMessage} ${message}`,
            lastedMs: unhealthyAfterMs,
          },
    );
  }
}

function counterOf(meter: Meter, { name, unit, description }: InstrumentSpec): Counter {
  return meter.createCounter(name, { unit, description });
}

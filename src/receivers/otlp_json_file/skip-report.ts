import type { Settings } from "../../component/settings.ts";
import { createThrottle } from "../../delivery/throttle.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import { malformedItems, type SkipReason, skippedLines } from "./file-instruments.ts";

/** The time between two log lines about the same kind of problem. */
const logIntervalMs = 10_000;

const sentences = {
  not_json: "A line is not valid JSON and was skipped.",
  not_otlp: "A line is not valid OTLP JSON and was skipped.",
  too_large:
    "A line is longer than max_log_size and was skipped. Raise max_log_size to read such lines.",
  no_pipeline: "A line has a signal for which this receiver is in no pipeline, and was skipped.",
} as const satisfies Record<SkipReason, string>;

/** Logs and counts lines that are not passed on, and logs what the pipelines refuse; each kind at most every ten seconds. */
export class SkipReport {
  readonly #settings: Settings;
  readonly #skipped;
  readonly #malformed;
  readonly #throttles;

  constructor(settings: Settings) {
    const { clock, meter } = settings;
    this.#settings = settings;
    this.#skipped = meter.createCounter(skippedLines.name, skippedLines);
    this.#malformed = meter.createCounter(malformedItems.name, malformedItems);
    const throttle = () => createThrottle(clock, logIntervalMs);
    this.#throttles = {
      not_json: throttle(),
      not_otlp: throttle(),
      too_large: throttle(),
      no_pipeline: throttle(),
      malformed: throttle(),
      retried: throttle(),
      refused: throttle(),
      fault: throttle(),
    };
  }

  /** A rate needs a zero to begin from. */
  start(): void {
    const receiver = this.#settings.id;
    for (const reason of skippedLines.attributes.reason) {
      this.#skipped.add(0, { receiver, reason });
    }
    for (const signal of malformedItems.attributes["otel.signal"]) {
      this.#malformed.add(0, { receiver, "otel.signal": signal });
    }
  }

  /** `detail` never quotes the line. */
  skipped(reason: SkipReason, path: string, detail?: string): void {
    this.#skipped.add(1, { receiver: this.#settings.id, reason });
    this.#throttles[reason]((heldBack) =>
      this.#settings.logger.warn(sentences[reason], {
        path,
        ...(detail === undefined ? {} : { detail }),
        held_back: heldBack,
      }),
    );
  }

  malformed(signal: Signal, items: number, path: string): void {
    this.#malformed.add(items, { receiver: this.#settings.id, "otel.signal": signal });
    this.#throttles.malformed((heldBack) =>
      this.#settings.logger.warn("Malformed items were left out of a line.", {
        path,
        signal,
        items,
        held_back: heldBack,
      }),
    );
  }

  retried({ signal, items }: Payload, message: string, delayMs: number): void {
    this.#throttles.retried((heldBack) =>
      this.#settings.logger.warn(
        "A pipeline cannot take a line at the moment. It is tried again, and reading waits. Nothing is lost.",
        { signal, items, reason: message, interval_ms: Math.round(delayMs), held_back: heldBack },
      ),
    );
  }

  refused({ signal, items }: Payload, message: string): void {
    this.#throttles.refused((heldBack) =>
      this.#settings.logger.error("A pipeline refused a line for good. Its data is lost.", {
        signal,
        items,
        reason: message,
        held_back: heldBack,
      }),
    );
  }

  fault(error: unknown): void {
    this.#throttles.fault((heldBack) =>
      this.#settings.logger.error("A line was lost because of a bug. Please report it.", {
        "exception.type": error instanceof Error ? error.name : typeof error,
        held_back: heldBack,
      }),
    );
  }
}

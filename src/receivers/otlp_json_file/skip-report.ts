import type { Settings } from "../../component/settings.ts";
import { createThrottle } from "../../component/throttle.ts";
import { ItemThrottle } from "../../delivery/item-throttle.ts";
import { RejectionReport } from "../../delivery/rejected-items.ts";
import type { ValidPart } from "../../otlp/check-request.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import { malformedItems, type SkipReason, skippedLines } from "./file-instruments.ts";

/** The time between two log lines about the same kind of problem. */
const logIntervalMs = 10_000;

const sentences = {
  not_json: "A line is not valid JSON and was skipped.",
  not_otlp: "A line, or its data of one signal, is not valid OTLP JSON and was skipped.",
  too_large:
    "A line is longer than max_log_size and was skipped. Raise max_log_size to read such lines.",
  too_many_values:
    "A line has more values than fit into the memory of the process and was skipped. Write shorter lines, or raise the memory limit and that of the JavaScript heap.",
  too_complex:
    "A line, or its data of one signal, holds more than one request may and was skipped. Write shorter lines without what is empty.",
  no_pipeline:
    "A line has data of a signal for which this receiver is in no pipeline. That data was skipped.",
} as const satisfies Record<SkipReason, string>;

/** Logs and counts lines, or their data of one signal, that are not passed on, and logs what the pipelines refuse; each kind at most every ten seconds. */
export class SkipReport {
  readonly #settings: Settings;
  readonly #skipped;
  readonly #malformed;
  readonly #rejections: RejectionReport;
  readonly #throttle: ItemThrottle;
  readonly #limitRetried;

  constructor(settings: Settings) {
    const { clock, meter } = settings;
    this.#settings = settings;
    this.#skipped = meter.createCounter(skippedLines.name, skippedLines);
    this.#malformed = meter.createCounter(malformedItems.name, malformedItems);
    this.#rejections = new RejectionReport(settings);
    this.#throttle = new ItemThrottle(settings, logIntervalMs);
    // Not repeated at the stop, as nothing is tried again then.
    this.#limitRetried = createThrottle(clock, logIntervalMs);
  }

  /** A rate needs a zero to begin from. */
  start(): void {
    const receiver = this.#settings.id;
    this.#rejections.start();
    for (const reason of skippedLines.attributes.reason) {
      this.#skipped.add(0, { receiver, reason });
    }
    for (const signal of malformedItems.attributes["otel.signal"]) {
      this.#malformed.add(0, { receiver, "otel.signal": signal });
    }
  }

  /** Logs what was held back. */
  stop(): void {
    this.#throttle.flush();
    this.#rejections.stop();
  }

  /** With a signal, the line may have other signals that are passed on. `detail` never quotes the line. */
  skipped(
    reason: SkipReason,
    path: string,
    about: { readonly signal?: Signal; readonly detail?: string } = {},
  ): void {
    this.#skipped.add(1, { receiver: this.#settings.id, reason });
    this.#throttle.report(reason, {
      level: "warn",
      message: sentences[reason],
      fields: () => ({ path, ...about }),
      isLoss: true,
    });
  }

  malformed(signal: Signal, checked: ValidPart, path: string): void {
    this.#malformed.add(checked.rejected, {
      receiver: this.#settings.id,
      "otel.signal": signal,
    });
    this.#rejections.report(signal, checked, { path });
  }

  retried({ signal, items }: Payload, message: string, delayMs: number): void {
    this.#limitRetried((heldBack) =>
      this.#settings.logger.warn(
        "A pipeline cannot take a line at the moment. It is tried again, and reading waits. Nothing is lost.",
        { signal, items, reason: message, interval_ms: Math.round(delayMs), held_back: heldBack },
      ),
    );
  }

  refused({ signal, items }: Payload, message: string): void {
    this.#throttle.report("refused", {
      level: "error",
      message: "A pipeline refused a line for good. Its data is lost.",
      items,
      fields: (count) => ({ signal, items: count, reason: message }),
      isLoss: true,
    });
  }

  fault(error: unknown): void {
    this.#throttle.report("fault", {
      level: "error",
      message: "A line was lost because of a bug. Please report it.",
      fields: () => ({ "exception.type": error instanceof Error ? error.name : typeof error }),
      isLoss: true,
    });
  }
}

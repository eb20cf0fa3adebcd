import type { Settings } from "../component/settings.ts";
import type { InstrumentSpec } from "../metrics/instrument.ts";
import type { ValidPart } from "../otlp/check-request.ts";
import type { Signal } from "../otlp/payload.ts";
import { rejectReasons, repairReasons } from "../otlp/rejections.ts";
import { ItemThrottle } from "./item-throttle.ts";

/** The time between two log lines about the same signal and reason. */
const logIntervalMs = 10_000;

const signals = ["traces", "metrics", "logs"] as const;
const receiver = "a component id of the config";

export const rejectedItems = {
  name: "otelcol_receiver_rejected_items",
  kind: "counter",
  unit: "{item}",
  description:
    "Number of spans, data points or log records that were left out of their request, because they are malformed. They count as refused, too.",
  attributes: { receiver, "otel.signal": signals, reason: rejectReasons },
} as const satisfies InstrumentSpec;

export const repairedFields = {
  name: "otelcol_receiver_repaired_fields",
  kind: "counter",
  unit: "{field}",
  description:
    "Number of malformed fields that were removed, or whose text was repaired, in accepted items, their resources and their scopes.",
  attributes: { receiver, "otel.signal": signals, reason: repairReasons },
} as const satisfies InstrumentSpec;

/** Counts what the check of received data leaves out or repairs, and logs it: each reason at once, then at most every ten seconds. */
export class RejectionReport {
  readonly #settings: Settings;
  readonly #rejected;
  readonly #repaired;
  readonly #throttle: ItemThrottle;

  constructor(settings: Settings) {
    const { meter } = settings;
    this.#settings = settings;
    this.#rejected = meter.createCounter(rejectedItems.name, rejectedItems);
    this.#repaired = meter.createCounter(repairedFields.name, repairedFields);
    this.#throttle = new ItemThrottle(settings, logIntervalMs);
  }

  /** A rate needs a zero to begin from. */
  start(): void {
    for (const signal of signals) {
      for (const reason of rejectReasons) {
        this.#rejected.add(0, this.#attributes(signal, reason));
      }
      for (const reason of repairReasons) {
        this.#repaired.add(0, this.#attributes(signal, reason));
      }
    }
  }

  /** Logs what was held back. */
  stop(): void {
    this.#throttle.flush();
  }

  /** `fields` say where the data came from, and never quote them. */
  report(
    signal: Signal,
    { rejectedBy, repairedBy }: ValidPart,
    fields: Readonly<Record<string, string>> = {},
  ): void {
    for (const [reason, items] of rejectedBy ?? []) {
      this.#rejected.add(items, this.#attributes(signal, reason));
      this.#throttle.report(`rejected ${signal} ${reason}`, {
        level: "warn",
        message: "Malformed items were left out.",
        items,
        fields: (count) => ({ signal, reason, items: count, ...fields }),
        isLoss: true,
      });
    }
    for (const [reason, count] of repairedBy ?? []) {
      this.#repaired.add(count, this.#attributes(signal, reason));
      this.#throttle.report(`repaired ${signal} ${reason}`, {
        level: "warn",
        message: "Malformed fields were removed or repaired. Their items were accepted.",
        items: count,
        unit: "fields",
        fields: (all) => ({ signal, reason, fields: all, ...fields }),
        isLoss: true,
      });
    }
  }

  #attributes(signal: Signal, reason: string) {
    return { receiver: this.#settings.id, "otel.signal": signal, reason };
  }
}

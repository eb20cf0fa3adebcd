import type { Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";
import { type DropReason, dropReasons } from "./outbox.ts";
import { passingInstruments } from "./passing-instruments.ts";

/** The signals that pass the processor. */
type PassingSignal = "traces" | "logs";

/**
 * Counts what the processor takes out of the data that passes it, and adds, and publishes it on `service.telemetry`. Keeps a number
 * for each series.
 */
export class PassingItems {
  readonly #consumed = { traces: 0, logs: 0 };
  readonly #refused = { traces: 0, logs: 0 };
  readonly #dropped = new Map<DropReason, number>(dropReasons.map((reason) => [reason, 0]));
  #added = 0;

  constructor({ id, meter }: Pick<Settings, "id" | "meter">) {
    const counter = ({ name, unit, description }: InstrumentSpec) =>
      meter.createObservableCounter(name, { unit, description });
    const processor = { processor: id };
    for (const [spec, items] of [
      [passingInstruments.consumed, this.#consumed],
      [passingInstruments.refused, this.#refused],
    ] as const) {
      counter(spec).addCallback((result) => {
        result.observe(items.traces, { ...processor, "otel.signal": "traces" });
        result.observe(items.logs, { ...processor, "otel.signal": "logs" });
      });
    }
    counter(passingInstruments.added).addCallback((result) => {
      result.observe(this.#added, processor);
    });
    counter(passingInstruments.dropped).addCallback((result) => {
      for (const [reason, items] of this.#dropped) {
        result.observe(items, { ...processor, reason });
      }
    });
  }

  consumed(signal: PassingSignal, items: number): void {
    this.#consumed[signal] += items;
  }

  refused(signal: PassingSignal, items: number): void {
    this.#refused[signal] += items;
  }

  dropped(items: number, reason: DropReason): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + items);
  }

  /** Counts what is passed to `next` as added. */
  adding(next: Consumer): Consumer {
    return {
      consume: (payload) => {
        this.#added += payload.items;
        return next.consume(payload);
      },
    };
  }
}

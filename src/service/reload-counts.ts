import type { Meter } from "@opentelemetry/api";
import type { Clock } from "../component/clock.ts";
import { reloadInstruments, reloadResults } from "./telemetry-instruments.ts";

export type CountedReload = (typeof reloadResults)[number];

/** Counts reloads by result, and keeps how the last one ended and when the last good one was. The start counts as good. */
export class ReloadCounts {
  readonly #clock: Clock;
  readonly #counts = new Map<CountedReload, number>(reloadResults.map((result) => [result, 0]));
  #isLastSuccessful = true;
  #lastSuccessUnixMs: number;

  constructor(clock: Clock, meter: Meter) {
    this.#clock = clock;
    this.#lastSuccessUnixMs = clock.unixMs();
    const { reloads, lastSuccessful, lastSuccessTime } = reloadInstruments;
    meter.createObservableCounter(reloads.name, reloads).addCallback((result) => {
      for (const [outcome, count] of this.#counts) {
        result.observe(count, { result: outcome });
      }
    });
    meter.createObservableGauge(lastSuccessful.name, lastSuccessful).addCallback((result) => {
      result.observe(this.#isLastSuccessful ? 1 : 0);
    });
    meter.createObservableGauge(lastSuccessTime.name, lastSuccessTime).addCallback((result) => {
      result.observe(this.#lastSuccessUnixMs / 1000);
    });
  }

  /** The config was put into effect by the start of the service. */
  started(): void {
    this.#lastSuccessUnixMs = this.#clock.unixMs();
  }

  count(result: CountedReload): void {
    this.#counts.set(result, (this.#counts.get(result) ?? 0) + 1);
    this.#isLastSuccessful = result !== "failed";
    if (this.#isLastSuccessful) {
      this.#lastSuccessUnixMs = this.#clock.unixMs();
    }
  }
}

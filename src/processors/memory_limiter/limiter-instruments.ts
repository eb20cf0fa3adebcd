import type { InstrumentSpec } from "../../metrics/instrument.ts";
import type { Signal } from "../../otlp/payload.ts";

const words = {
  traces: "spans",
  metrics: "metric_points",
  logs: "log_records",
} as const satisfies Record<Signal, string>;

const attributes = { processor: "a component id of the config" };

/** The counters of a signal, by the Collector's names. */
export function limiterInstruments(signal: Signal) {
  const word = words[signal];
  const items = word.replace("_", " ");
  return {
    accepted: {
      name: `otelcol_processor_memory_limiter_accepted_${word}`,
      kind: "counter",
      unit: "{item}",
      description: `Number of ${items} that the memory limiter passed on.`,
      attributes,
    },
    refused: {
      name: `otelcol_processor_memory_limiter_refused_${word}`,
      kind: "counter",
      unit: "{item}",
      description: `Number of ${items} that the memory limiter refused. Requests that a receiver refused before it read them are not in it; otelcol_receiver_refused_requests counts those.`,
      attributes,
    },
  } as const satisfies Record<string, InstrumentSpec>;
}

export const instruments: readonly InstrumentSpec[] = (
  ["traces", "metrics", "logs"] as const
).flatMap((signal) => Object.values(limiterInstruments(signal)));

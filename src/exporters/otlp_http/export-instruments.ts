import type { InstrumentSpec } from "../../metrics/instrument.ts";

/** What a backend took the request for, but not everything in it. The Collector only logs this. */
export const rejectedItems = {
  name: "otelcol_exporter_rejected_items",
  kind: "counter",
  unit: "{item}",
  description:
    "Spans, data points or log records that a backend refused out of requests it accepted.",
  attributes: {
    exporter: "The id of the component in the config.",
    "otel.signal": ["traces", "metrics", "logs"],
  },
} as const satisfies InstrumentSpec;

export const instruments: readonly InstrumentSpec[] = [rejectedItems];

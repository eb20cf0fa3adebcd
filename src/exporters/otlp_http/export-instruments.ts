import type { InstrumentSpec } from "../../metrics/instrument.ts";

/** Items that the backend rejected in a request that it accepted. The Collector only logs them. */
export const rejectedItems = {
  name: "otelcol_exporter_rejected_items",
  kind: "counter",
  unit: "{item}",
  description:
    "Number of spans, data points or log records that the backend rejected in requests that it accepted (partial success).",
  attributes: {
    exporter: "a component id of the config",
    "otel.signal": ["traces", "metrics", "logs"],
  },
} as const satisfies InstrumentSpec;

export const instruments: readonly InstrumentSpec[] = [rejectedItems];

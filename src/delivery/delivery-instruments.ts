import type { InstrumentSpec } from "../metrics/instrument.ts";

const exporter = "a component id of the config";
const signals = ["traces", "metrics", "logs"] as const;

/** The gauges of a sending queue, by the Collector's names. */
export const queueInstruments = {
  size: {
    name: "otelcol_exporter_queue_size",
    kind: "gauge",
    unit: "{request}",
    description:
      "What the sending queue holds, including what is being sent, in the unit of its sizer (requests, items or bytes).",
    attributes: { exporter, data_type: signals },
  },
  capacity: {
    name: "otelcol_exporter_queue_capacity",
    kind: "gauge",
    unit: "{request}",
    description: "The most that the sending queue holds, in the unit of its sizer.",
    attributes: { exporter, data_type: signals },
  },
  items: {
    name: "otelcol_exporter_queue_items",
    kind: "gauge",
    unit: "{item}",
    description:
      "Spans, data points or log records that the exporter has taken and not ended: in its queue or being sent.",
    attributes: { exporter, data_type: signals },
  },
} as const satisfies Record<string, InstrumentSpec>;

/** Items that the backend rejected in a request that it accepted. The Collector only logs them. */
export const rejectedItems = {
  name: "otelcol_exporter_rejected_items",
  kind: "counter",
  unit: "{item}",
  description:
    "Number of spans, data points or log records that the backend rejected in requests that it accepted (partial success).",
  attributes: { exporter, "otel.signal": signals },
} as const satisfies InstrumentSpec;

/** Answers to requests that the backend accepted that are not answers of OTLP. The Collector counts their items as `send_failed`. */
export const invalidResponses = {
  name: "otelcol_exporter_invalid_responses",
  kind: "counter",
  unit: "{response}",
  description:
    "Number of requests that were answered with success, but not with a response of OTLP. Their items count as sent.",
  attributes: { exporter, "otel.signal": signals },
} as const satisfies InstrumentSpec;

export const instruments: readonly InstrumentSpec[] = [
  ...Object.values(queueInstruments),
  rejectedItems,
  invalidResponses,
];

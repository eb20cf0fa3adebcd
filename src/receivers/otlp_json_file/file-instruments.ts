import { rejectedItems, repairedFields } from "../../delivery/rejected-items.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";

/** Why a line, or its data of one signal, was read and not passed on. */
const skipReasons = [
  "not_json",
  "not_otlp",
  "too_large",
  "too_many_values",
  "too_complex",
  "no_pipeline",
] as const;
export type SkipReason = (typeof skipReasons)[number];

const receiver = "a component id of the config";

export const skippedLines = {
  name: "otelcol_receiver_skipped_lines",
  kind: "counter",
  unit: "{line}",
  description:
    "Number of lines of files that reached no pipeline. Of a line with several signals, each one that reached none counts as a line.",
  attributes: { receiver, reason: skipReasons },
} as const satisfies InstrumentSpec;

export const malformedItems = {
  name: "otelcol_receiver_malformed_items",
  kind: "counter",
  unit: "{item}",
  description:
    "Number of spans, data points or log records that were left out of their line, because they are malformed.",
  attributes: { receiver, "otel.signal": ["traces", "metrics", "logs"] },
} as const satisfies InstrumentSpec;

export const openFiles = {
  name: "otelcol_fileconsumer_open_files",
  kind: "gauge",
  unit: "{file}",
  description: "Number of files that the receiver keeps open.",
  attributes: { receiver },
} as const satisfies InstrumentSpec;

export const instruments: readonly InstrumentSpec[] = [
  skippedLines,
  malformedItems,
  rejectedItems,
  repairedFields,
  openFiles,
];

import type { InstrumentSpec } from "../../metrics/instrument.ts";

/** Why a data point is not on the page. */
export const dropReasons = [
  "id_in_name",
  "invalid_name",
  "malformed",
  "too_large",
  "temporality",
  "invalid_value",
  "late",
  "out_of_order",
  "type_conflict",
  "name_conflict",
  "series_limit",
] as const;
export type DropReason = (typeof dropReasons)[number];

/** Why a label is not on the page. */
export const labelReasons = [
  "id_key",
  "id_value",
  "secret",
  "command_line",
  "not_scalar",
  "invalid_name",
  "too_long",
  "too_many",
] as const;

const exporter = "a component id of the config";

export const droppedPoints = {
  name: "otelcol_exporter_prometheus_dropped_points",
  kind: "counter",
  unit: "{datapoint}",
  description: "Number of data points that the exporter accepted and does not show.",
  attributes: { exporter, reason: dropReasons },
} as const satisfies InstrumentSpec;

export const droppedLabels = {
  name: "otelcol_exporter_prometheus_dropped_labels",
  kind: "counter",
  unit: "{label}",
  description:
    "Number of attributes that did not become labels, counted once for each stream of a sender, and once for each resource.",
  attributes: { exporter, reason: labelReasons },
} as const satisfies InstrumentSpec;

export const truncatedLabels = {
  name: "otelcol_exporter_prometheus_truncated_labels",
  kind: "counter",
  unit: "{label}",
  description: "Number of labels whose value was cut, because it was too long.",
  attributes: { exporter },
} as const satisfies InstrumentSpec;

export const overflowedPoints = {
  name: "otelcol_exporter_prometheus_overflowed_points",
  kind: "counter",
  unit: "{datapoint}",
  description:
    'Number of data points that are shown only in the series otel_metric_overflow="true" of their metric, because max_series was reached.',
  attributes: { exporter },
} as const satisfies InstrumentSpec;

export const shownSeries = {
  name: "otelcol_exporter_prometheus_series",
  kind: "gauge",
  unit: "{series}",
  description: "Number of series of senders on the page. A histogram counts as one.",
  attributes: { exporter },
} as const satisfies InstrumentSpec;

export const instruments: readonly InstrumentSpec[] = [
  droppedPoints,
  droppedLabels,
  truncatedLabels,
  overflowedPoints,
  shownSeries,
];

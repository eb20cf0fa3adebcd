import { otlp } from "../../otlp/proto/generated.js";
import { dataPointsOf } from "./data-points-text.ts";
import type { RecordText, ResourceGroup } from "./envelope-text.ts";
import { attributeLines, plainValue, printable, time } from "./values-text.ts";

type Metric = otlp.Metric.$Properties;

/** Throws on bytes that are not an `ExportMetricsServiceRequest`. */
export function metricsOf(bytes: Uint8Array): readonly ResourceGroup<Metric>[] {
  return otlp.ExportMetricsServiceRequest.decode(bytes).resourceMetrics.map((group) => ({
    resource: group.resource,
    schemaUrl: group.schemaUrl,
    scopes: (group.scopeMetrics ?? []).map(({ scope, schemaUrl, metrics }) => ({
      scope,
      schemaUrl,
      records: metrics,
    })),
  }));
}

export const metricText: RecordText<Metric> = {
  names: { resource: "ResourceMetrics", scope: "ScopeMetrics", record: "Metric" },
  normal: (metric) =>
    dataPointsOf(metric).points.map(
      ({ attributes, brief }) =>
        `${printable(metric.name ?? "")}{${(attributes ?? [])
          .map(({ key, value }) => `${printable(key ?? "")}=${plainValue(value)}`)
          .join(",")}} ${brief}`,
    ),
  detailed: (metric) => {
    const { type, facts, points } = dataPointsOf(metric);
    return [
      "Descriptor:",
      `     -> Name: ${printable(metric.name ?? "")}`,
      `     -> Description: ${printable(metric.description ?? "")}`,
      `     -> Unit: ${printable(metric.unit ?? "")}`,
      `     -> DataType: ${type}`,
      ...facts.map((fact) => `     -> ${fact}`),
      ...points.flatMap((point, n) => [
        `DataPoints #${n}`,
        ...attributeLines("Data point attributes", point.attributes),
        `StartTimestamp: ${time(point.startTimeUnixNano)}`,
        `Timestamp: ${time(point.timeUnixNano)}`,
        ...point.lines,
      ]),
    ];
  },
};

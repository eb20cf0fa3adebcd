import type { Attributes } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import {
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type MetricData,
} from "@opentelemetry/sdk-metrics";
import type { InstrumentSpec } from "./instrument.ts";
import {
  type Named,
  type NameOptions,
  prometheusLabel,
  prometheusName,
} from "./prometheus-names.ts";

/** The content type of `renderPrometheus`. */
export const prometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The page of a scrape, in the text format 0.0.4. The lines are written by OpenTelemetry's own
 * serializer. Its mistakes are corrected in its input: units become part of the name,
 * there are no `# UNIT` lines (they belong to OpenMetrics), and attributes that fold into one label
 * are joined by `;` as the specification asks, because a label twice costs Prometheus the whole scrape.
 *
 * Throws where the serializer would silently drop a metric: two metrics of one name and
 * different types, and exponential histograms. `result.errors` is for the caller to judge.
 */
export function renderPrometheus(result: CollectionResult, options: NameOptions = {}): string {
  const { resource, scopeMetrics } = result.resourceMetrics;
  const families = new Map<string, Named["kind"]>();
  const renamed = scopeMetrics.map(({ scope, metrics }) => ({
    scope,
    metrics: metrics.map((metric) => {
      const changed = toPrometheus(metric, options);
      checkFamily(changed, families);
      return changed;
    }),
  }));
  // No prefix, no timestamps, and neither `target_info` nor scopes.
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  const text = serializer.serialize({ resource, scopeMetrics: renamed });
  const page = text.endsWith("\n") ? text : `${text}\n`;
  return options.suffixes === false ? withoutTotals(page, families) : page;
}

/**
 * Problems that would make Prometheus refuse the page or silently mix series: two instruments under
 * one name, two attributes of an instrument under one label, labels Prometheus keeps for itself.
 * Empty when all is well. Meant for the start, when refusing is still cheap.
 */
export function foldedLabels(
  specs: readonly InstrumentSpec[],
  options: NameOptions = {},
): readonly string[] {
  const problems: string[] = [];
  const instrumentOf = new Map<string, string>();
  for (const spec of specs) {
    for (const name of seriesNames(spec, options)) {
      const other = instrumentOf.get(name);
      if (other !== undefined) {
        problems.push(
          `The instruments ${other} and ${spec.name} would both be ${name} in Prometheus. Rename one.`,
        );
      }
      instrumentOf.set(name, spec.name);
    }
    problems.push(...labelProblems(spec, options));
  }
  return problems;
}

function toPrometheus(metric: MetricData, options: NameOptions): MetricData {
  const { descriptor } = metric;
  const name = prometheusName(
    { name: descriptor.name, unit: descriptor.unit, kind: kindOf(metric) },
    options,
  );
  const renamed = { ...descriptor, name, unit: "" };
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return { ...metric, descriptor: renamed, dataPoints: withLabels(metric.dataPoints, options) };
    case DataPointType.GAUGE:
      return { ...metric, descriptor: renamed, dataPoints: withLabels(metric.dataPoints, options) };
    case DataPointType.HISTOGRAM:
      return { ...metric, descriptor: renamed, dataPoints: withLabels(metric.dataPoints, options) };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      throw new Error(
        `${descriptor.name} is an exponential histogram, which the Prometheus text format cannot carry. Use explicit buckets.`,
      );
    default: {
      const never: never = metric;
      return never;
    }
  }
}

function kindOf(metric: MetricData): Named["kind"] {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return metric.isMonotonic ? "counter" : "up_down_counter";
    case DataPointType.GAUGE:
      return "gauge";
    default:
      return "histogram";
  }
}

function withLabels<T>(dataPoints: readonly DataPoint<T>[], options: NameOptions): DataPoint<T>[] {
  return dataPoints.map((point) => ({ ...point, attributes: toLabels(point.attributes, options) }));
}

function toLabels(attributes: Attributes, options: NameOptions): Attributes {
  const labels = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const label = prometheusLabel(key, options);
    const value = attributes[key];
    const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
    const before = labels.get(label);
    labels.set(label, before === undefined ? text : `${before};${text}`);
  }
  return Object.fromEntries(labels);
}

/** Up-down counters and gauges are one type in Prometheus. */
function checkFamily(metric: MetricData, families: Map<string, Named["kind"]>): void {
  const kind = kindOf(metric) === "up_down_counter" ? "gauge" : kindOf(metric);
  const { name } = metric.descriptor;
  const before = families.get(name) ?? kind;
  if (before !== kind) {
    throw new Error(`${name} is both a ${before} and a ${kind}. Rename one of the instruments.`);
  }
  families.set(name, kind);
}

/** The serializer always adds `_total` to counters; this removes it again. */
function withoutTotals(page: string, families: ReadonlyMap<string, Named["kind"]>): string {
  return page.replaceAll(/^((?:# [A-Z]+ )?)([a-zA-Z0-9_]+)_total(?=[ {])/gm, (line, start, name) =>
    families.get(name) === "counter" ? `${start}${name}` : line,
  );
}

function seriesNames(spec: InstrumentSpec, options: NameOptions): readonly string[] {
  const name = prometheusName(spec, options);
  return spec.kind === "histogram"
    ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`]
    : [name];
}

function labelProblems(spec: InstrumentSpec, options: NameOptions): readonly string[] {
  const problems: string[] = [];
  const attributeOf = new Map<string, string>();
  for (const attribute of Object.keys(spec.attributes)) {
    const label = prometheusLabel(attribute, options);
    const other = attributeOf.get(label);
    if (other !== undefined) {
      problems.push(
        `The attributes ${other} and ${attribute} of ${spec.name} would both be the label ${label} in Prometheus. Rename one.`,
      );
    }
    attributeOf.set(label, attribute);
    if (label.startsWith("__") || (label === "le" && spec.kind === "histogram")) {
      problems.push(
        `The attribute ${attribute} of ${spec.name} would be the label ${label}, which Prometheus reserves. Rename it.`,
      );
    }
  }
  return problems;
}

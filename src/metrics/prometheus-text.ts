import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import {
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type MetricData,
  type ScopeMetrics,
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
 * Renders the page of a scrape in the text format 0.0.4, with the serializer of OpenTelemetry. Its mistakes are corrected in its
 * input: units become part of the name, no `# UNIT` lines are written (they belong to OpenMetrics), and the values of attributes
 * that become one label are joined by `;` as the specification asks, because Prometheus rejects a page that has a label twice.
 *
 * Throws for metrics that the serializer would silently drop: two metrics of one name and different types, and exponential
 * histograms. Ignores `result.errors`; the caller checks them.
 */
export function renderPrometheus(result: CollectionResult, options: NameOptions = {}): string {
  const { resource, scopeMetrics } = result.resourceMetrics;
  const families = new Map<string, Named["kind"]>();
  const renamed: ScopeMetrics[] = [];
  for (const { scope, metrics } of scopeMetrics) {
    const renamedMetrics: MetricData[] = [];
    for (const metric of metrics) {
      renamedMetrics.push(toPrometheus(metric, options, families));
    }
    renamed.push({ scope, metrics: renamedMetrics });
  }
  // No prefix, no timestamps, no `target_info`, no scopes.
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  const text = serializer.serialize({ resource, scopeMetrics: renamed });
  const page = text.endsWith("\n") ? text : `${text}\n`;
  return options.suffixes === false ? withoutTotals(page, families) : page;
}

/**
 * Problems for which Prometheus would reject the page or silently mix series: two instruments with one name, two attributes of an
 * instrument with one label, and labels that Prometheus reserves. Checked at the start, so that they stop the program and not a
 * scrape.
 */
export function foldedLabels(
  specs: readonly InstrumentSpec[],
  options: NameOptions = {},
): readonly string[] {
  const problems: string[] = [];
  const instrumentOf = new Map<string, string>();
  for (const spec of specs) {
    for (const name of lineNamesOf(spec, options)) {
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

/** Notes the kind of each family in `families`, and throws for a second one. */
function toPrometheus(
  metric: MetricData,
  options: NameOptions,
  families: Map<string, Named["kind"]>,
): MetricData {
  const { descriptor } = metric;
  const kind = kindOf(metric);
  const name = prometheusName({ name: descriptor.name, unit: descriptor.unit, kind }, options);
  // Prometheus has one type for up-down counters and gauges.
  const family = kind === "up_down_counter" ? "gauge" : kind;
  const before = families.get(name) ?? family;
  if (before !== family) {
    throw new Error(`${name} is both a ${before} and a ${family}. Rename one of the instruments.`);
  }
  families.set(name, family);
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

/** The names of all lines of a collection. */
export function lineNamesIn(result: CollectionResult, options: NameOptions = {}): Set<string> {
  const metrics = result.resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  return new Set(
    metrics.flatMap((metric) => {
      const { name, unit } = metric.descriptor;
      return lineNamesOf({ name, unit, kind: kindOf(metric) }, options);
    }),
  );
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
  const labelled: DataPoint<T>[] = [];
  for (const point of dataPoints) {
    const labels = new Map<string, string>();
    for (const key of Object.keys(point.attributes).sort()) {
      const label = prometheusLabel(key, options);
      const value = point.attributes[key];
      const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
      const before = labels.get(label);
      labels.set(label, before === undefined ? text : `${before};${text}`);
    }
    labelled.push({ ...point, attributes: Object.fromEntries(labels) });
  }
  return labelled;
}

/** Removes the `_total` that the serializer always adds to counters. */
function withoutTotals(page: string, families: ReadonlyMap<string, Named["kind"]>): string {
  return page.replaceAll(/^((?:# [A-Z]+ )?)([a-zA-Z0-9_]+)_total(?=[ {])/gm, (line, start, name) =>
    families.get(name) === "counter" ? `${start}${name}` : line,
  );
}

/** The names of the lines that a metric has on the page. */
export function lineNamesOf(metric: Named, options: NameOptions = {}): readonly string[] {
  const name = prometheusName(metric, options);
  return metric.kind === "histogram"
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

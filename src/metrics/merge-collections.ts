import { emptyResource } from "@opentelemetry/resources";
import {
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type HistogramMetricData,
  type MetricData,
  type ScopeMetrics,
} from "@opentelemetry/sdk-metrics";

/**
 * Makes one collection of several, so that they fit on one page: a metric that several of them have
 * under the same attributes becomes one data point, since Prometheus keeps only the first of equal series.
 * Sums and histograms are added; of gauges, which do not add up, the largest stays. Two histograms with
 * different buckets cannot be added and become an entry of `errors`. Resource and scopes are the first's.
 */
export function mergeCollections(results: readonly CollectionResult[]): CollectionResult {
  const [first, ...others] = results;
  if (first === undefined) {
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [] }, errors: [] };
  }
  if (others.length === 0) {
    return first;
  }
  const errors = results.flatMap((result) => result.errors);
  const merged = new Map<string, { scope: ScopeMetrics["scope"]; metric: MetricData }>();
  for (const { resourceMetrics } of results) {
    for (const { scope, metrics } of resourceMetrics.scopeMetrics) {
      for (const metric of metrics) {
        const key = keyOf(metric);
        const before = merged.get(key);
        merged.set(key, {
          scope: before?.scope ?? scope,
          metric: before === undefined ? metric : mergeMetrics(before.metric, metric, errors),
        });
      }
    }
  }
  const scopeMetrics = [...merged.values()].map(({ scope, metric }) => ({
    scope,
    metrics: [metric],
  }));
  return { resourceMetrics: { resource: first.resourceMetrics.resource, scopeMetrics }, errors };
}

/** Metrics with one name but different kinds stay separate; the renderer reports the conflict. */
function keyOf(metric: MetricData): string {
  const isCounter = metric.dataPointType === DataPointType.SUM && metric.isMonotonic;
  return `${metric.dataPointType} ${isCounter} ${metric.descriptor.name}`;
}

function mergeMetrics(a: MetricData, b: MetricData, errors: unknown[]): MetricData {
  if (a.dataPointType === DataPointType.SUM && b.dataPointType === DataPointType.SUM) {
    return { ...a, dataPoints: mergePoints(a.dataPoints, b.dataPoints, (x, y) => x + y) };
  }
  if (a.dataPointType === DataPointType.GAUGE && b.dataPointType === DataPointType.GAUGE) {
    return { ...a, dataPoints: mergePoints(a.dataPoints, b.dataPoints, Math.max) };
  }
  if (a.dataPointType === DataPointType.HISTOGRAM && b.dataPointType === DataPointType.HISTOGRAM) {
    return mergeHistograms(a, b, errors);
  }
  errors.push(new Error(`${a.descriptor.name} has a kind that cannot be merged.`));
  return a;
}

function mergeHistograms(
  a: HistogramMetricData,
  b: HistogramMetricData,
  errors: unknown[],
): HistogramMetricData {
  return {
    ...a,
    dataPoints: mergePoints(a.dataPoints, b.dataPoints, (x, y) => {
      const { boundaries } = x.buckets;
      if (boundaries.join() !== y.buckets.boundaries.join()) {
        errors.push(new Error(`${a.descriptor.name} has different buckets in two components.`));
        return x;
      }
      return addHistograms(x, y);
    }),
  };
}

function addHistograms(a: Histogram, b: Histogram): Histogram {
  const { boundaries, counts } = a.buckets;
  return {
    buckets: {
      boundaries,
      counts: counts.map((count, index) => count + (b.buckets.counts[index] ?? 0)),
    },
    count: a.count + b.count,
    ...(a.sum !== undefined && b.sum !== undefined && { sum: a.sum + b.sum }),
    ...(a.min !== undefined && b.min !== undefined && { min: Math.min(a.min, b.min) }),
    ...(a.max !== undefined && b.max !== undefined && { max: Math.max(a.max, b.max) }),
  };
}

function mergePoints<T>(
  a: readonly DataPoint<T>[],
  b: readonly DataPoint<T>[],
  add: (x: T, y: T) => T,
): DataPoint<T>[] {
  const points = new Map<string, DataPoint<T>>();
  for (const point of [...a, ...b]) {
    const key = JSON.stringify(Object.entries(point.attributes).sort());
    const before = points.get(key);
    points.set(
      key,
      before === undefined ? point : { ...before, value: add(before.value, point.value) },
    );
  }
  return [...points.values()];
}

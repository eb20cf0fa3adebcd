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
 * Merges collections for one page. Prometheus keeps only the first of equal series, so data points of one metric with the same
 * attributes become one point: sums and histograms are added, and the largest gauge wins. Histograms with different buckets cannot
 * be added; the first stays, with an entry in `errors`. Resource and scopes are those of the first collection.
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

/** Metrics of one name and different kinds stay separate. The renderer reports that conflict. */
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

import type { otlp } from "../../otlp/proto/generated.js";
import { attributeLines, hex, time } from "./values-text.ts";

type Wide = otlp.NumberDataPoint.$Properties["timeUnixNano"];

/** One data point of any type of metric, in words. */
export interface DataPointText {
  readonly attributes: otlp.NumberDataPoint.$Properties["attributes"];
  readonly startTimeUnixNano: Wide;
  readonly timeUnixNano: Wide;
  /** The value in one line. */
  readonly brief: string;
  /** Everything but attributes and times. */
  readonly lines: readonly string[];
}

export interface DataPointsText {
  readonly type: string;
  /** Facts about all points, e.g. the temporality. */
  readonly facts: readonly string[];
  readonly points: readonly DataPointText[];
}

export function dataPointsOf(metric: otlp.Metric.$Properties): DataPointsText {
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
  if (gauge) {
    return { type: "Gauge", facts: [], points: (gauge.dataPoints ?? []).map(numberText) };
  }
  if (sum) {
    return {
      type: "Sum",
      facts: [`IsMonotonic: ${sum.isMonotonic === true}`, temporality(sum.aggregationTemporality)],
      points: (sum.dataPoints ?? []).map(numberText),
    };
  }
  if (histogram) {
    return {
      type: "Histogram",
      facts: [temporality(histogram.aggregationTemporality)],
      points: (histogram.dataPoints ?? []).map(histogramText),
    };
  }
  if (exponentialHistogram) {
    return {
      type: "ExponentialHistogram",
      facts: [temporality(exponentialHistogram.aggregationTemporality)],
      points: (exponentialHistogram.dataPoints ?? []).map(exponentialText),
    };
  }
  if (summary) {
    return { type: "Summary", facts: [], points: (summary.dataPoints ?? []).map(summaryText) };
  }
  return { type: "Empty", facts: [], points: [] };
}

const temporalities = ["Unspecified", "Delta", "Cumulative"];

function temporality(value: number | null | undefined): string {
  return `AggregationTemporality: ${temporalities[value ?? 0] ?? value}`;
}

function numberText(point: otlp.NumberDataPoint.$Properties): DataPointText {
  const value = String(point.asInt ?? point.asDouble ?? "none");
  return { ...placeOf(point), brief: value, lines: [`Value: ${value}`, ...exemplars(point)] };
}

function histogramText(point: otlp.HistogramDataPoint.$Properties): DataPointText {
  const totals = totalsOf(point);
  const counts = point.bucketCounts ?? [];
  const bounds = point.explicitBounds ?? [];
  return {
    ...placeOf(point),
    brief: [
      ...totals.map(([name, value]) => `${name.toLowerCase()}=${value}`),
      ...counts.map((count, n) => `${n < bounds.length ? `le${bounds[n]}` : "leInf"}=${count}`),
    ].join(" "),
    lines: [
      ...totals.map(([name, value]) => `${name}: ${value}`),
      ...bounds.map((bound, n) => `ExplicitBounds #${n}: ${bound}`),
      ...counts.map((count, n) => `Buckets #${n}, Count: ${count}`),
      ...exemplars(point),
    ],
  };
}

function exponentialText(point: otlp.ExponentialHistogramDataPoint.$Properties): DataPointText {
  const totals = totalsOf(point);
  const buckets = (name: string, side: typeof point.positive) =>
    (side?.bucketCounts ?? []).map(
      (count, n) => `${name} bucket ${(side?.offset ?? 0) + n}, Count: ${count}`,
    );
  return {
    ...placeOf(point),
    brief: totals.map(([name, value]) => `${name.toLowerCase()}=${value}`).join(" "),
    lines: [
      ...totals.map(([name, value]) => `${name}: ${value}`),
      `Scale: ${point.scale ?? 0}`,
      `ZeroThreshold: ${point.zeroThreshold ?? 0}`,
      ...buckets("Negative", point.negative),
      `Zero bucket, Count: ${point.zeroCount ?? 0}`,
      ...buckets("Positive", point.positive),
      ...exemplars(point),
    ],
  };
}

function summaryText(point: otlp.SummaryDataPoint.$Properties): DataPointText {
  const quantiles = point.quantileValues ?? [];
  return {
    ...placeOf(point),
    brief: [
      `count=${point.count ?? 0} sum=${point.sum ?? 0}`,
      ...quantiles.map(({ quantile, value }) => `q${quantile ?? 0}=${value ?? 0}`),
    ].join(" "),
    lines: [
      `Count: ${point.count ?? 0}`,
      `Sum: ${point.sum ?? 0}`,
      ...quantiles.map(
        ({ quantile, value }, n) =>
          `QuantileValue #${n}: Quantile ${quantile ?? 0}, Value ${value ?? 0}`,
      ),
    ],
  };
}

function placeOf(point: {
  readonly attributes?: DataPointText["attributes"];
  readonly startTimeUnixNano?: Wide;
  readonly timeUnixNano?: Wide;
}): Pick<DataPointText, "attributes" | "startTimeUnixNano" | "timeUnixNano"> {
  return {
    attributes: point.attributes,
    startTimeUnixNano: point.startTimeUnixNano,
    timeUnixNano: point.timeUnixNano,
  };
}

/** Sum, minimum and maximum may be absent; a count is always there. */
function totalsOf(
  point: otlp.HistogramDataPoint.$Properties | otlp.ExponentialHistogramDataPoint.$Properties,
): readonly (readonly [string, string])[] {
  const optional = [
    ["Sum", point.sum],
    ["Min", point.min],
    ["Max", point.max],
  ] as const;
  return [
    ["Count", String(point.count ?? 0)],
    ...optional.flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, String(value)] as const],
    ),
  ];
}

function exemplars(point: {
  readonly exemplars?: readonly otlp.Exemplar.$Properties[] | null;
}): readonly string[] {
  return (point.exemplars ?? []).flatMap((exemplar, n) => [
    `Exemplar #${n}`,
    `     -> Trace ID: ${hex(exemplar.traceId)}`,
    `     -> Span ID: ${hex(exemplar.spanId)}`,
    `     -> Timestamp: ${time(exemplar.timeUnixNano)}`,
    `     -> Value: ${exemplar.asInt ?? exemplar.asDouble ?? "none"}`,
    ...attributeLines("-> FilteredAttributes", exemplar.filteredAttributes, "     "),
  ]);
}

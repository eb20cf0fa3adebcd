import Long from "long";
import type { otlp } from "../../src/otlp/proto/generated.js";
import { type RequestShape, range } from "./request-shape.ts";
import { keyValues, metricsOf, nanosOf } from "./wire.ts";

const cumulative = 2;
const count = Long.fromNumber(1, true);

const metrics = (...of: readonly otlp.Metric.$Properties[]) =>
  metricsOf({ process: 1, metrics: [...of] });
const gauge = (name: string, points: readonly otlp.NumberDataPoint.$Properties[]) => ({
  name,
  gauge: {
    dataPoints: points.map((point) => ({ timeUnixNano: nanosOf(1), asDouble: 1, ...point })),
  },
});

/** Points of an exponential histogram with so many buckets, of the wire's shortest counts. */
function exponential(
  title: string,
  buckets: number,
  more: otlp.ExponentialHistogramDataPoint.$Properties,
): RequestShape {
  const bucketCounts = range(buckets).map(() => count);
  return {
    title,
    request: (n) =>
      metrics({
        name: "h",
        exponentialHistogram: {
          aggregationTemporality: cumulative,
          dataPoints: range(Math.ceil(n / (1 + buckets / 50))).map((at) => ({
            ...{
              timeUnixNano: nanosOf(at),
              count: Long.fromNumber(buckets, true),
              sum: 1,
              scale: 20,
            },
            ...more,
            positive: { offset: 0, bucketCounts },
          })),
        },
      }),
  };
}

export const metricShapes: readonly RequestShape[] = [
  {
    title: "points of one gauge without attributes",
    request: (n) =>
      metrics(
        gauge(
          "g",
          range(n).map(() => ({})),
        ),
      ),
  },
  {
    title: "points of one gauge with an attribute each",
    request: (n) =>
      metrics(
        gauge(
          "g",
          range(n).map((at) => ({ attributes: keyValues({ k: `v${at}` }) })),
        ),
      ),
  },
  {
    title: "points with a hundred attributes",
    request: (n) =>
      metrics(
        gauge(
          "g",
          range(Math.ceil(n / 40)).map((at) => ({
            attributes: keyValues(Object.fromEntries(range(100).map((key) => [`k${key}`, at]))),
          })),
        ),
      ),
  },
  {
    title: "a metric for each point",
    request: (n) => metrics(...range(n).map((at) => gauge(`g${at}`, [{}]))),
  },
  {
    title: "metrics without points",
    request: (n) => metrics(...range(n).map((at) => gauge(`g${at}`, []))),
  },
  {
    title: "a resource for each point",
    request: (n) =>
      metricsOf(
        ...range(Math.ceil(n / 2)).map((process) => ({ process, metrics: [gauge("g", [{}])] })),
      ),
  },
  exponential("exponential histograms with 160 buckets", 160, {}),
  exponential("exponential histograms with 16 384 buckets", 16_384, {}),
  exponential("exponential histograms with buckets below zero", 2, {
    negative: { offset: 0, bucketCounts: range(16_000).map(() => count) },
  }),
  exponential("exponential histograms of one bucket", 1, {}),
  exponential("exponential histograms without buckets", 0, {}),
  {
    title: "exponential histograms without buckets, a stream each",
    request: (n) =>
      metrics({
        name: "h",
        exponentialHistogram: {
          aggregationTemporality: cumulative,
          dataPoints: range(n).map((at) => ({
            attributes: keyValues({ k: `v${at}` }),
            timeUnixNano: nanosOf(1),
          })),
        },
      }),
  },
  {
    title: "exponential histograms of a difference without buckets",
    request: (n) =>
      metrics({
        name: "h",
        exponentialHistogram: {
          aggregationTemporality: 1,
          dataPoints: range(n).map((at) => ({ timeUnixNano: nanosOf(at / 1_000), scale: 1 })),
        },
      }),
  },
  {
    title: "exponential histograms of a difference, as short as they may be",
    request: (n) =>
      metrics({
        name: "h",
        exponentialHistogram: {
          aggregationTemporality: 1,
          dataPoints: range(n).map(() => ({ scale: 1, flags: 2 })),
        },
      }),
  },
  {
    title: "histograms with 500 bounds",
    request: (n) =>
      metrics({
        name: "h",
        histogram: {
          aggregationTemporality: cumulative,
          dataPoints: range(Math.ceil(n / 200)).map((at) => ({
            ...{ timeUnixNano: nanosOf(at), count, sum: 1 },
            explicitBounds: [...range(500)],
            bucketCounts: range(501).map(() => count),
          })),
        },
      }),
  },
  {
    title: "summaries with 500 quantiles",
    request: (n) =>
      metrics({
        name: "h",
        summary: {
          dataPoints: range(Math.ceil(n / 200)).map((at) => ({
            ...{ timeUnixNano: nanosOf(at), count, sum: 1 },
            quantileValues: range(500).map((quantile) => ({ quantile: quantile / 500, value: 1 })),
          })),
        },
      }),
  },
];

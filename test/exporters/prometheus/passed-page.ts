import {
  PassedMetrics,
  type PassedOptions,
} from "../../../src/exporters/prometheus/passed-metrics.ts";
import { requestFromValue } from "../../../src/otlp/json.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A message in OTLP's JSON. */
export type Json = Readonly<Record<string, unknown>>;

export const attribute = (key: string, value: string | number | Json) => ({
  key,
  value:
    typeof value === "string"
      ? { stringValue: value }
      : typeof value === "number"
        ? { intValue: String(value) }
        : value,
});

/** Nanoseconds of a second after an arbitrary moment. */
export const at = (seconds: number) => `${1_700_000_000 + seconds}000000000`;

/** A request with these metrics of one resource and scope. */
export function requestOf(
  metrics: readonly Json[],
  around: { readonly resource?: Json; readonly scope?: Json; readonly schemaUrl?: string } = {},
): Uint8Array {
  const { resource = {}, scope = {}, schemaUrl = "" } = around;
  const read = requestFromValue("metrics", {
    resourceMetrics: [{ resource, scopeMetrics: [{ scope, schemaUrl, metrics }] }],
  });
  if (!read.ok) {
    throw new Error(read.message);
  }
  return read.bytes;
}

/** The store of passed metrics, with what it reports. */
export function passedPage(options: Partial<PassedOptions> = {}) {
  const clock = new FakeClock();
  const reported = new Map<string, number>();
  const count = (what: string) => reported.set(what, (reported.get(what) ?? 0) + 1);
  const passed = new PassedMetrics({
    clock,
    key: new Uint8Array(32),
    namespace: "",
    suffixes: true,
    maxSeries: 100,
    expirationMs: 300_000,
    constLabels: {},
    scopeLabels: true,
    resourceLabels: "none",
    reserved: new Set(),
    report: {
      dropped: (reason) => count(`label ${reason}`),
      truncated: () => count("truncated"),
      droppedPoint: (reason) => count(`point ${reason}`),
      overflowedPoint: () => count("overflowed"),
    },
    ...options,
  });
  return {
    passed,
    clock,
    reported: () => Object.fromEntries(reported),
    take: (metrics: readonly Json[], around: Parameters<typeof requestOf>[1] = {}) =>
      passed.take(requestOf(metrics, around)),
    /** Without comments. */
    lines: async () =>
      (await passed.page(new Set()))
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#")),
  };
}

export const cumulative = 2;
export const delta = 1;

export function sum(name: string, dataPoints: readonly Json[], more: Json = {}): Json {
  return {
    name,
    sum: { isMonotonic: true, aggregationTemporality: cumulative, dataPoints, ...more },
  };
}

export function gauge(name: string, ...dataPoints: readonly Json[]): Json {
  return { name, gauge: { dataPoints } };
}

export function histogram(
  name: string,
  dataPoints: readonly Json[],
  temporality = cumulative,
): Json {
  return { name, histogram: { aggregationTemporality: temporality, dataPoints } };
}

export function exponential(
  name: string,
  dataPoints: readonly Json[],
  temporality = cumulative,
): Json {
  return { name, exponentialHistogram: { aggregationTemporality: temporality, dataPoints } };
}

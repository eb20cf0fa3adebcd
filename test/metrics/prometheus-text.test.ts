import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  MeterProvider,
  type MetricData,
} from "@opentelemetry/sdk-metrics";
import { describe, expect, test } from "vitest";
import type { InstrumentSpec } from "../../src/metrics/instrument.ts";
import { ManualReader } from "../../src/metrics/manual-reader.ts";
import { foldedLabels, renderPrometheus } from "../../src/metrics/prometheus-text.ts";
import { sampleMetrics } from "./sample.ts";

function golden(name: string): string {
  return readFileSync(new URL(`../testdata/metrics/${name}`, import.meta.url), "utf8");
}

describe("the page of a scrape", () => {
  for (const [title, file, options] of [
    [
      "has Prometheus' names, without units and prefixes that do not belong there",
      "openclaw-names.prom",
      { stripPrefix: "openclaw." },
    ],
    ["keeps the names as they are when asked to", "collector-names.prom", { suffixes: false }],
  ] as const) {
    test(title, async () => {
      const result = await sampleMetrics().reader.collect();
      expect(renderPrometheus(result, options)).toBe(golden(file));
    });
  }

  const promtool = spawnSync("promtool", ["--version"]);
  const isMissing = promtool.error !== undefined;
  test.skipIf(isMissing && process.env["CI"] !== "true")(
    `passes promtool's lint${isMissing ? " (skipped: promtool is not installed; it comes with Debian's package prometheus)" : ""}`,
    async () => {
      const page = renderPrometheus(await sampleMetrics().reader.collect(), {
        stripPrefix: "openclaw.",
      });
      const checked = spawnSync("promtool", ["check", "metrics"], {
        input: page,
        encoding: "utf8",
      });
      expect(checked.error).toBeUndefined();
      expect({ output: checked.stdout + checked.stderr, status: checked.status }).toEqual({
        output: "",
        status: 0,
      });
    },
  );

  test("has no target_info", async () => {
    const result = await sampleMetrics().reader.collect();
    expect(renderPrometheus(result)).not.toContain("target_info");
  });

  test("is one comment line when nothing is collected yet", () => {
    expect(
      renderPrometheus({
        resourceMetrics: { resource: emptyResource(), scopeMetrics: [] },
        errors: [],
      }),
    ).toBe("# no registered metrics\n");
  });

  test("joins the values of attributes that become one label, so that Prometheus accepts the page", async () => {
    const { reader, meter } = sampleMetrics();
    meter
      .createCounter("folded")
      .add(1, { reason: "b", "openclaw.reason": "a", openclaw_reason: "c" });
    const page = renderPrometheus(await reader.collect(), { stripPrefix: "openclaw." });
    expect(page).toContain('folded_total{reason="a;b",openclaw_reason="c"} 1\n');
  });

  test("removes `_total` only where the serializer added it", async () => {
    const { reader, meter } = sampleMetrics();
    meter.createCounter("named_total").add(1, { note: "x_total 5" });
    meter.createCounter("plain").add(1);
    const page = renderPrometheus(await reader.collect(), { suffixes: false });
    expect(page).toContain('\nnamed_total{note="x_total 5"} 1\n');
    expect(page).toContain("\nplain 1\n");
  });

  test("throws for two metrics with one name and two types", async () => {
    const { reader, meter } = sampleMetrics();
    meter.createGauge("two.types").record(1);
    meter.createHistogram("two_types").record(1);
    const result = await reader.collect();
    expect(() => renderPrometheus(result)).toThrow(
      "two_types is both a gauge and a histogram. Rename one of the instruments.",
    );
  });

  test("throws for exponential histograms", async () => {
    const reader = new ManualReader();
    const provider = new MeterProvider({
      readers: [reader],
      views: [
        {
          instrumentName: "e",
          aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
        },
      ],
    });
    provider.getMeter("m").createHistogram("e").record(1);
    const result = await reader.collect();
    expect(() => renderPrometheus(result)).toThrow("e is an exponential histogram");
  });
});

describe("a manual reader", () => {
  test("adds metrics that its producers have aggregated", async () => {
    const metric: MetricData = {
      descriptor: { name: "kept", description: "Kept as numbers.", unit: "s", valueType: 1 },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [
        {
          startTime: [0, 0],
          endTime: [1, 0],
          attributes: {},
          value: { buckets: { boundaries: [1], counts: [2, 1] }, count: 3, sum: 4.5 },
        },
      ],
    };
    const resourceMetrics = {
      resource: emptyResource(),
      scopeMetrics: [{ scope: { name: "own" }, metrics: [metric] }],
    };
    const reader = new ManualReader({
      metricProducers: [{ collect: async () => ({ resourceMetrics, errors: [] }) }],
    });
    const provider = new MeterProvider({ readers: [reader] });
    provider.getMeter("m").createCounter("counted").add(1);
    const page = renderPrometheus(await reader.collect());
    expect(page).toContain("counted_total 1\n");
    expect(page).toContain('kept_seconds_bucket{le="1"} 2\nkept_seconds_bucket{le="+Inf"} 3\n');
  });

  test("is cumulative, however often it collects", async () => {
    const { reader, meter } = sampleMetrics();
    const counter = meter.createCounter("asked");
    counter.add(1);
    await reader.collect();
    counter.add(1);
    expect(renderPrometheus(await reader.collect())).toContain("\nasked_total 2\n");
  });
});

describe("names that collide in Prometheus", () => {
  const spec = (part: Partial<InstrumentSpec>): InstrumentSpec => ({
    name: "a.b",
    kind: "counter",
    unit: "{item}",
    description: "d",
    attributes: {},
    ...part,
  });

  for (const [title, specs, want] of [
    [
      "different ones are fine",
      [spec({}), spec({ name: "a.c", attributes: { x: "", y: "" } })],
      [],
    ],
    [
      "two attributes under one label",
      [spec({ attributes: { "openclaw.reason": "", reason: "" } })],
      [
        "The attributes openclaw.reason and reason of a.b would both be the label reason in Prometheus. Rename one.",
      ],
    ],
    [
      "attributes that differ only in signs",
      [spec({ attributes: { "otel.signal": "", otel_signal: "" } })],
      [
        "The attributes otel.signal and otel_signal of a.b would both be the label otel_signal in Prometheus. Rename one.",
      ],
    ],
    [
      "two instruments under one name",
      [spec({ name: "a.b", kind: "gauge" }), spec({ name: "a_b", kind: "up_down_counter" })],
      ["The instruments a.b and a_b would both be a_b in Prometheus. Rename one."],
    ],
    [
      "a unit that makes two names one",
      [spec({ name: "a", kind: "gauge", unit: "s" }), spec({ name: "a.seconds", kind: "gauge" })],
      ["The instruments a and a.seconds would both be a_seconds in Prometheus. Rename one."],
    ],
    [
      "a series of a histogram under the name of another instrument",
      [spec({ name: "a", kind: "histogram" }), spec({ name: "a.count", kind: "gauge" })],
      ["The instruments a and a.count would both be a_count in Prometheus. Rename one."],
    ],
    [
      "the label of the buckets",
      [spec({ kind: "histogram", attributes: { "openclaw.le": "" } })],
      [
        "The attribute openclaw.le of a.b would be the label le, which Prometheus reserves. Rename it.",
      ],
    ],
    ["a counter may have any label", [spec({ attributes: { le: "" } })], []],
  ] as const) {
    test(title, () => {
      expect(foldedLabels(specs, { stripPrefix: "openclaw." })).toEqual(want);
    });
  }
});

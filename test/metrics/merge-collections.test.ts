import { type CollectionResult, MeterProvider } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { ManualReader } from "../../src/metrics/manual-reader.ts";
import { mergeCollections } from "../../src/metrics/merge-collections.ts";
import { renderPrometheus } from "../../src/metrics/prometheus-text.ts";

/** The collection of one component. */
async function collectionOf(amounts: {
  readonly tool: number;
  readonly model: number;
  readonly boundaries?: number[];
}): Promise<CollectionResult> {
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("m");
  const counter = meter.createCounter("c");
  counter.add(amounts.tool, { kind: "tool", side: "a" });
  counter.add(amounts.model, { side: "a", kind: "model" });
  meter.createUpDownCounter("u").add(amounts.tool);
  meter.createGauge("g").record(amounts.model);
  meter
    .createHistogram("h", {
      advice: { explicitBucketBoundaries: amounts.boundaries ?? [5] },
    })
    .record(amounts.tool);
  return reader.collect();
}

test("a series of two sources becomes one: sums are added, the largest gauge stays", async () => {
  const merged = mergeCollections([
    await collectionOf({ tool: 1, model: 7 }),
    await collectionOf({ tool: 10, model: 3 }),
  ]);
  const lines = renderPrometheus(merged)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(merged.errors).toEqual([]);
  expect(lines).toEqual([
    'c_total{kind="tool",side="a"} 11',
    'c_total{kind="model",side="a"} 10',
    "u 11",
    "g 7",
    "h_count 2",
    "h_sum 11",
    'h_bucket{le="5"} 1',
    'h_bucket{le="+Inf"} 2',
  ]);
});

test("histograms with different buckets are an error, not a wrong sum", async () => {
  const merged = mergeCollections([
    await collectionOf({ tool: 1, model: 1 }),
    await collectionOf({ tool: 1, model: 1, boundaries: [6] }),
  ]);
  expect(merged.errors.map(String)).toEqual(["Error: h has different buckets in two components."]);
});

test("the errors of every source are kept", async () => {
  const good = await collectionOf({ tool: 1, model: 1 });
  const merged = mergeCollections([
    good,
    { ...good, errors: ["late"] },
    { ...good, errors: ["x"] },
  ]);
  expect(merged.errors).toEqual(["late", "x"]);
});

test("one source stays unchanged, and no source is an empty page", async () => {
  const one = await collectionOf({ tool: 1, model: 1 });
  expect(mergeCollections([one])).toBe(one);
  expect(renderPrometheus(mergeCollections([]))).toBe("# no registered metrics\n");
});

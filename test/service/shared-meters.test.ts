import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { ManualReader } from "../../src/metrics/manual-reader.ts";
import { renderPrometheus } from "../../src/metrics/prometheus-text.ts";
import { SharedMeters } from "../../src/service/shared-meters.ts";

function open() {
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader] });
  const meters = new SharedMeters((id) => provider.getMeter(id));
  const values = async () =>
    renderPrometheus(await reader.collect(), { suffixes: false })
      .split("\n")
      .filter((line) => line.startsWith("m"));
  /** An instance that measures `value.now`. */
  const instance = (kind: "counter" | "gauge", value: { now: number }) => {
    const own = meters.meterFor("a");
    const created =
      kind === "counter"
        ? own.meter.createObservableCounter("m")
        : own.meter.createObservableGauge("m");
    created.addCallback((result) => result.observe(value.now, { b: 1, a: 2 }));
    return own;
  };
  return { meters, values, instance };
}

test("an observed counter goes on where the instance before it has ended", async () => {
  const { values, instance } = open();
  const first = { now: 3 };
  const second = { now: 1 };
  const ending = instance("counter", first);
  instance("counter", second);
  expect(await values()).toEqual([expect.stringMatching(/ 4$/)]);
  first.now = 5;
  ending.end();
  first.now = 100;
  second.now = 2;
  expect(await values()).toEqual([expect.stringMatching(/ 7$/)]);
});

test("a gauge shows the newest instance, and 0 once all have ended", async () => {
  const { values, instance } = open();
  const first = instance("gauge", { now: 3 });
  const second = instance("gauge", { now: 1 });
  expect(await values()).toEqual([expect.stringMatching(/ 1$/)]);
  first.end();
  expect(await values()).toEqual([expect.stringMatching(/ 1$/)]);
  second.end();
  expect(await values()).toEqual([expect.stringMatching(/ 0$/)]);
});

test("a counter that is added to goes on by itself", async () => {
  const { meters, values } = open();
  for (const own of [meters.meterFor("a"), meters.meterFor("a")]) {
    own.meter.createCounter("m").add(2);
    own.end();
  }
  expect(await values()).toEqual([expect.stringMatching(/ 4$/)]);
});

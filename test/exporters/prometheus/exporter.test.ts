import { afterEach, describe, expect, test } from "vitest";
import type { Component } from "../../../src/component/component.ts";
import { factory } from "../../../src/exporters/prometheus/factory.ts";
import type { InstrumentSpec } from "../../../src/metrics/instrument.ts";
import { sampleMetrics } from "../../metrics/sample.ts";
import { noDeadline, testSettings } from "../settings.ts";
import { attribute, gauge, histogram, requestOf, sum } from "./passed-page.ts";

const started: Component[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((component) => component.shutdown(noDeadline())));
});

async function start(section: unknown, ...sources: ReturnType<typeof sampleMetrics>["reader"][]) {
  const test = testSettings("prometheus");
  const component = factory.create(test.settings, section);
  for (const source of sources) {
    component.exporter?.attach?.(source);
  }
  started.push(component);
  await component.start();
  const endpoint = test.log.find(({ message }) => message === "Serving metrics for Prometheus.")
    ?.fields?.["endpoint"];
  return { ...test, component, endpoint: String(endpoint) };
}

describe("the prometheus exporter", () => {
  test("serves what a source collects, under the labels OpenClaw uses, and logs where", async () => {
    const { endpoint, log } = await start({ endpoint: "127.0.0.1:0" }, sampleMetrics().reader);
    expect(log).toEqual([
      { level: "info", message: "Serving metrics for Prometheus.", fields: { endpoint } },
    ]);
    expect(endpoint).toMatch(/^127\.0\.0\.1:[1-9][0-9]*$/);
    const response = await fetch(`http://${endpoint}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await response.text()).toContain(
      'openclaw_session_activity_evicted_total{reason="orphaned_no_owner"} 3\n',
    );
  });

  test("puts several sources on one page; one that is attached twice counts once", async () => {
    const [a, b] = [sampleMetrics().reader, sampleMetrics().reader];
    const { endpoint } = await start({ endpoint: "127.0.0.1:0" }, a, b, a);
    const page = await (await fetch(`http://${endpoint}/metrics`)).text();
    expect(page.match(/^openclaw_session_activity_evicted_total\{.*$/gm)).toEqual([
      'openclaw_session_activity_evicted_total{reason="orphaned_no_owner"} 6',
      'openclaw_session_activity_evicted_total{reason="max_age"} 0',
    ]);
  });

  test("shows what is pushed below what it collects, on one page", async () => {
    const { endpoint, component } = await start(
      { endpoint: "127.0.0.1:0" },
      sampleMetrics().reader,
    );
    const bytes = requestOf([
      sum("openclaw.tokens", [{ asInt: "5" }]),
      // What the source has is not shown twice.
      sum("openclaw.session.activity.evicted", [{ asInt: "9" }]),
    ]);
    const answer = await component.exporter
      ?.consumer?.("metrics")
      .consume({ signal: "metrics", bytes, items: 2 });
    expect(answer).toEqual({ status: "accepted" });
    const page = await (await fetch(`http://${endpoint}/metrics`)).text();
    expect(page).toContain('\nopenclaw_session_activity_evicted_total{reason="max_age"} 0\n');
    expect(page).toMatch(/\n# TYPE openclaw_tokens_total counter\nopenclaw_tokens_total 5\n$/);
    expect(page.match(/evicted_total /g)?.length).toBe(2);
  });

  test("counts and logs what it does not show", async () => {
    const { component, log, ownMetrics, clock } = await start({
      endpoint: "127.0.0.1:0",
      max_series: 1,
    });
    const push = (...metrics: Parameters<typeof requestOf>[0]) =>
      component.exporter
        ?.consumer?.("metrics")
        .consume({ signal: "metrics", bytes: requestOf(metrics), items: 1 });
    const session = attribute("session.id", "x");
    await push(gauge("a", { asInt: "1", attributes: [session] }), histogram("a", [{ count: "1" }]));
    await push(
      histogram("a", [{ count: "1" }]),
      gauge("a", { asInt: "1", attributes: [attribute("x", "y")] }),
    );
    clock.advance(10_000);
    await push(histogram("a", [{ count: "1" }]));
    const page = await ownMetrics();
    const prefix = "otelcol_exporter_prometheus_";
    expect(page).toContain(
      `${prefix}dropped_points{exporter="prometheus",reason="type_conflict"} 3\n`,
    );
    expect(page).toContain(`${prefix}dropped_points{exporter="prometheus",reason="malformed"} 0\n`);
    expect(page).toContain(`${prefix}dropped_labels{exporter="prometheus",reason="id_key"} 1\n`);
    expect(page).toContain(`${prefix}overflowed_points{exporter="prometheus"} 1\n`);
    expect(page).toContain(`${prefix}series{exporter="prometheus"} 2\n`);
    expect(
      log
        .filter(({ level }) => level === "warn")
        .map(({ fields }) => [fields?.["reason"], fields?.["data_points"], fields?.["metric"]]),
    ).toEqual([
      ["type_conflict", 1, "a"],
      ["overflow", 1, "a"],
      ["type_conflict", 2, "a"],
    ]);
  });

  test("says what to write instead of keys that it does not have", () => {
    const problems = factory.schema.safeParse({
      enable_open_metrics: true,
      sending_queue: {},
      translation_strategy: "NoTranslation",
      const_labels: { le: "1", "a b": "2" },
    });
    expect(problems.error?.issues.length).toBe(5);
    expect(String(problems.error)).toContain("names in UTF-8 are not supported");
  });

  test("answers 500 when one of its sources fails, and logs why", async () => {
    const { reader, meter } = sampleMetrics();
    meter.createObservableGauge("broken").addCallback(() => {
      throw new Error("no numbers");
    });
    const { endpoint, log } = await start(
      { endpoint: "127.0.0.1:0" },
      sampleMetrics().reader,
      reader,
    );
    const response = await fetch(`http://${endpoint}/metrics`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("openclaw");
    expect(log.at(-1)).toEqual({
      level: "warn",
      message: "The metrics could not be collected, so a scrape got status 500.",
      fields: { reasons: ["no numbers"] },
    });
  });

  test("refuses to start when attributes of a source would fold into one label", async () => {
    const instrument: InstrumentSpec = {
      name: "a",
      kind: "counter",
      unit: "1",
      description: "d",
      attributes: { reason: "", "openclaw.reason": "" },
    };
    const component = factory.create(testSettings("prometheus").settings, {
      endpoint: "127.0.0.1:0",
    });
    const source = { collect: () => sampleMetrics().reader.collect(), instruments: [instrument] };
    component.exporter?.attach?.(source);
    await expect(component.start()).rejects.toThrow(
      "The attributes reason and openclaw.reason of a would both be the label reason in Prometheus. Rename one.",
    );
  });

  test("says that an address is taken", async () => {
    const { endpoint } = await start({ endpoint: "127.0.0.1:0" });
    await expect(start({ endpoint })).rejects.toThrow(
      `Cannot listen on ${endpoint}: the address is already in use.`,
    );
  });

  test("frees its port at shutdown, which is safe before start and twice", async () => {
    const { endpoint, component } = await start({ endpoint: "127.0.0.1:0" });
    await component.shutdown(noDeadline());
    await component.shutdown(noDeadline());
    await expect(fetch(`http://${endpoint}/metrics`)).rejects.toThrow();
    const neverStarted = factory.create(testSettings("prometheus").settings, {});
    await neverStarted.shutdown(noDeadline());
  });

  test("listens on this machine only unless told otherwise, and knows no other options", () => {
    expect(factory.schema.parse({})).toMatchObject({
      endpoint: { host: "127.0.0.1", port: 9464 },
      metric_expiration: 300_000,
      max_series: 10_000,
      transport: "tcp",
      allowed_hosts: [],
    });
    expect(factory.schema.safeParse({ endpont: "127.0.0.1:1" }).success).toBe(false);
  });
});

import { readFileSync } from "node:fs";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import {
  attribute,
  gauge,
  histogram,
  requestOf,
  sum,
} from "../exporters/prometheus/passed-page.ts";
import { externalTool } from "../support/external-tool.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { type RunningPrometheus, startPrometheus, until } from "../support/prometheus.ts";
import { pathOf } from "../support/repository.ts";
import { send } from "../support/send.ts";

const promtool = externalTool("promtool", "the Debian package prometheus");
const prometheusProgram = externalTool("prometheus", "the Debian package prometheus");

describe.skipIf(promtool.isSkipped || prometheusProgram.isSkipped)(
  "a real Prometheus that scrapes the metrics of senders",
  { timeout: 120_000 },
  () => {
    let collector: RunningCollector;
    let prometheus: RunningPrometheus;

    beforeAll(async () => {
      collector = await startCollector({ configs: ["deploy/config.yaml"] });
      const { prometheus: page, telemetry } = collector.endpoints;
      prometheus = await startPrometheus([new URL(page).host, new URL(telemetry).host]);
    }, 120_000);

    afterAll(async () => {
      await prometheus?.stop();
      await collector?.stop();
    }, 60_000);

    async function push(body: Uint8Array): Promise<void> {
      const { status } = await send(collector.endpoints.otlp, "metrics", body, {
        "content-type": "application/x-protobuf",
      });
      expect(status).toBe(200);
    }

    async function value(expr: string): Promise<number | undefined> {
      const [series] = await prometheus.instant(expr);
      return series === undefined ? undefined : Number(series.values[0]?.[1]);
    }

    /** Waits until Prometheus has it, and shows what it has if not. */
    async function becomes(expr: string, want: number): Promise<void> {
      await until(`${expr} is ${want}`, 15_000, async () => (await value(expr)) === want).catch(
        async () => expect({ [expr]: await value(expr) }).toEqual({ [expr]: want }),
      );
    }

    test("has the values that an OpenClaw gateway sent, added up where ids are left out", async () => {
      const folder = pathOf("test/testdata/openclaw/e2e-430");
      const last = new Map<string, { name: string; atNs: number; point: Point }>();
      for (const line of readFileSync(`${folder}/index.jsonl`, "utf8").trim().split("\n")) {
        const { id, signal } = JSON.parse(line) as { id: string; signal: string };
        if (signal === "metrics") {
          const body = readFileSync(`${folder}/${id}-metrics.bin`);
          await push(body);
          for (const [key, name, point] of pointsOf(body)) {
            const atNs = Number(point.timeUnixNano);
            if (atNs >= (last.get(key)?.atNs ?? 0)) {
              last.set(key, { name, atNs, point });
            }
          }
        }
      }
      const wanted = new Map<string, number>();
      const want = (expr: string, more: number) => wanted.set(expr, (wanted.get(expr) ?? 0) + more);
      for (const { name, point } of last.values()) {
        if (point.count === undefined || point.count === null) {
          want(`sum(${name}_total)`, Number(point.asInt ?? point.asDouble));
          continue;
        }
        want(`sum(${name}_count)`, Number(point.count));
        want(`sum(${name}_sum)`, point.sum ?? 0);
        const counts = (point.bucketCounts ?? []).map(Number);
        for (const [index, bound] of (point.explicitBounds ?? []).entries()) {
          const upTo = counts.slice(0, index + 1).reduce((all, each) => all + each, 0);
          if (bound < 1e6) {
            want(`sum(${name}_bucket{le="${bound}"})`, upTo);
          }
        }
      }
      expect(wanted.size).toBeGreaterThan(100);
      for (const [expr, number] of wanted) {
        await becomes(expr, number);
      }
      expect(await prometheus.instant('{__name__=~".+",openclaw_lane=~".*:.*"}')).toEqual([]);
    });

    for (const temporality of ["delta", "cumulative"] as const) {
      test(`has the ${temporality} values that an SDK sent, also of exponential histograms`, async () => {
        const provider = new MeterProvider({
          resource: resourceFromAttributes({ "service.name": `sdk-${temporality}` }),
          views: [
            {
              instrumentName: "exponential",
              aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
            },
          ],
          readers: [
            new PeriodicExportingMetricReader({
              exportIntervalMillis: 3_600_000,
              exporter: new OTLPMetricExporter({
                url: `${collector.endpoints.otlp}/v1/metrics`,
                temporalityPreference:
                  temporality === "delta"
                    ? AggregationTemporality.DELTA
                    : AggregationTemporality.CUMULATIVE,
              }),
            }),
          ],
        });
        const meter = provider.getMeter("test");
        const counter = meter.createCounter("requests", { unit: "{request}" });
        const active = meter.createUpDownCounter("active");
        const level = meter.createGauge("level", { unit: "1" });
        const latency = meter.createHistogram("latency", { unit: "ms" });
        const exponential = meter.createHistogram("exponential", { unit: "s" });
        const recorded: number[] = [];
        for (let round = 1; round <= 3; round++) {
          counter.add(round, { route: "/a" });
          active.add(round === 2 ? -1 : 2);
          level.record(round / 4);
          // The range grows by round, so the SDK lowers the scale meanwhile.
          for (let i = 1; i <= 200; i++) {
            const observed = (i / 100) * 10 ** (round * 2 - 4);
            recorded.push(observed);
            latency.record(observed);
            exponential.record(observed);
          }
          await provider.forceFlush();
        }
        const job = `exported_job="sdk-${temporality}"`;
        const total = recorded.reduce((all, each) => all + each, 0);
        await becomes(`requests_total{${job},route="/a"}`, 6);
        await becomes(`active{${job}}`, 3);
        await becomes(`level_ratio{${job}}`, 0.75);
        await becomes(`latency_milliseconds_count{${job}}`, 600);
        await becomes(`exponential_seconds_count{${job}}`, 600);
        for (const le of [0.03125, 0.5, 1, 16, 64, 128, 256]) {
          const upTo = recorded.filter((each) => each <= le).length;
          await becomes(`exponential_seconds_bucket{${job},le="${le}"}`, upTo);
        }
        expect(await value(`latency_milliseconds_sum{${job}}`)).toBeCloseTo(total, 6);
        expect(await value(`exponential_seconds_sum{${job}}`)).toBeCloseTo(total, 6);
        recorded.sort((a, b) => a - b);
        for (const quantile of [0.1, 0.5, 0.9, 0.99]) {
          const exact = recorded[Math.ceil(quantile * recorded.length) - 1] ?? 0;
          const estimate =
            (await value(`histogram_quantile(${quantile}, exponential_seconds_bucket{${job}})`)) ??
            0;
          expect(estimate / exact).toBeGreaterThan(0.5);
          expect(estimate / exact).toBeLessThan(2);
        }
        await provider.shutdown();
      });
    }

    test("reads every page, whatever names and labels are sent", async () => {
      const odd = [
        "",
        "le",
        "quantile",
        "__name__",
        "job",
        "instance",
        "a b",
        "日本",
        "0",
        "_",
        "otel_metric_overflow",
        'q"',
        "x\n",
        "x\0",
        "\\",
      ];
      const texts = ["v", 'a"b', "a\nb", "a\\", "a\0b", "é日😀", "#", "} 1", "\r", "\u2028"];
      const attributes = odd.flatMap((key, index) =>
        attribute(key, texts[index % texts.length] ?? ""),
      );
      const point = { asInt: "9007199254740993", attributes };
      await push(
        requestOf(
          [
            ...odd.flatMap((name) => [
              { ...gauge(name, point), description: texts.join(" "), unit: name },
              { ...sum(`${name}x`, [point]), unit: "a/b" },
              { ...histogram(`h.${name}`, [{ count: "1", attributes }]), description: "\n#" },
              {
                name: `s.${name}`,
                summary: {
                  dataPoints: [
                    { count: "1", quantileValues: [{ quantile: 0, value: "NaN" }], attributes },
                  ],
                },
              },
              gauge(`h.${name}.count`, point),
              gauge(`s.${name}`, point),
            ]),
            gauge("openclaw.session.activity.open", point),
            gauge("target_info", point),
            gauge("odd.end", { asDouble: "NaN" }, { asDouble: "-Infinity", attributes }),
          ],
          { resource: { attributes }, scope: { name: texts.join(""), attributes } },
        ),
      );
      const page = await (await fetch(collector.endpoints.prometheus)).text();
      // It has opinions about names; that it can read the page is what counts.
      const { output, errors } = promtool.run(["check", "metrics"], { input: page });
      expect(`${output}${errors}`).not.toMatch(/error/);
      await until(
        "the page was scraped",
        15_000,
        async () => (await prometheus.instant("odd_end")).length === 2,
      );
      const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      expect(await value('scrape_samples_scraped{endpoint="activity"}')).toBe(lines.length);
      expect(await value('scrape_samples_post_metric_relabeling{endpoint="activity"}')).toBe(
        lines.length,
      );
      expect(await value('up{endpoint="activity"}')).toBe(1);
      expect(new Set(lines.map((line) => line.slice(0, line.lastIndexOf(" ")))).size).toBe(
        lines.length,
      );
    });
  },
);

type Point = otlp.NumberDataPoint.$Properties & otlp.HistogramDataPoint.$Properties;

/** The data points of a request by stream, with the name that Prometheus gives their metric. */
function* pointsOf(
  body: Uint8Array,
): Generator<readonly [key: string, name: string, point: Point]> {
  for (const { scopeMetrics } of otlp.ExportMetricsServiceRequest.decode(body).resourceMetrics) {
    for (const metric of (scopeMetrics ?? []).flatMap(({ metrics }) => metrics ?? [])) {
      const suffix = { ms: "_milliseconds", s: "_seconds", By: "_bytes" }[metric.unit ?? ""] ?? "";
      const base = (metric.name ?? "").replaceAll(".", "_");
      const name = base.endsWith(suffix) ? base : `${base}${suffix}`;
      const points: readonly Point[] =
        metric.sum?.dataPoints ?? metric.gauge?.dataPoints ?? metric.histogram?.dataPoints ?? [];
      for (const point of points) {
        yield [`${name} ${JSON.stringify(point.attributes)}`, name, point];
      }
    }
  }
}

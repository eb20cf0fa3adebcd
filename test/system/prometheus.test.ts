import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { committedDashboard, interpolate, queriesOf } from "../support/dashboard.ts";
import { externalTool } from "../support/external-tool.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import {
  type RunningPrometheus,
  type Series,
  startPrometheus,
  until,
} from "../support/prometheus.ts";
import { pathOf } from "../support/repository.ts";

const promtool = externalTool("promtool", "the Debian package prometheus");
const prometheusProgram = externalTool("prometheus", "the Debian package prometheus");
const dashboard = committedDashboard("session-activity.json");
const evicted = `openclaw_session_activity_evicted_total{reason="orphaned_no_owner"}`;

describe.skipIf(promtool.isSkipped || prometheusProgram.isSkipped)(
  "a real Prometheus that scrapes the real collector",
  { timeout: 120_000 },
  () => {
    let collector: RunningCollector;
    let prometheus: RunningPrometheus;
    let backend: OtlpSink;

    beforeAll(async () => {
      backend = await openSink();
      collector = await startCollector({
        // With a backend, because without one there is no sending queue to show.
        configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
        env: { BACKEND_URL: backend.url },
        overrides: ["processors::session_activity::allowed_lateness: 1s"],
      });
      const { prometheus: activity, telemetry } = collector.endpoints;
      prometheus = await startPrometheus([new URL(activity).host, new URL(telemetry).host]);
      await scrapedTimes(3);

      // In several goes, with scrapes between them, so that there are rates to show.
      await replay("v610-orphan-tool");
      await until("the orphan is evicted", 20_000, async () =>
        (await pageOf(activity)).includes(`${evicted} 1\n`),
      );
      await scrapedTimes(3);
      await replay("v430-healthy");
      await scrapedTimes(3);
      await replay("v610-healthy");
      await scrapedTimes(3);
    }, 120_000);

    afterAll(async () => {
      await prometheus?.stop();
      await collector?.stop();
      await backend?.close();
    }, 60_000);

    /** Waits until Prometheus has stored `count` more scrapes of both pages. */
    async function scrapedTimes(count: number): Promise<void> {
      const since = Date.now() / 1_000;
      await until(`both pages were scraped ${count} times`, 30_000, async () => {
        const series = await prometheus.lastMinute(`timestamp(up == 1)`);
        const fresh = series.map(
          ({ values }) =>
            new Set(values.map(([, at]) => Number(at)).filter((at) => at > since)).size,
        );
        return fresh.length === 2 && fresh.every((scrapes) => scrapes >= count);
      });
    }

    async function replay(capture: string): Promise<void> {
      const folder = pathOf(`test/testdata/openclaw/${capture}`);
      const requests: { id: string; signal: string; contentType: string }[] = readFileSync(
        `${folder}/index.jsonl`,
        "utf8",
      )
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      for (const { id, signal, contentType } of requests) {
        const response = await fetch(`${collector.endpoints.otlp}/v1/${signal}`, {
          method: "POST",
          headers: { "content-type": contentType },
          body: readFileSync(`${folder}/${id}-${signal}.bin`),
        });
        expect(response.status).toBe(200);
      }
    }

    test("finds both pages up, as one instance of one job", async () => {
      const up = await prometheus.instant("up");
      expect(up.map(({ metric, values }) => [metric, values[0]?.[1]])).toEqual(
        ["activity", "telemetry"].map((endpoint) => [
          {
            __name__: "up",
            job: "openclaw-activity-collector",
            instance: "127.0.0.1",
            endpoint,
          },
          "1",
        ]),
      );
    });

    test("counts the one orphan of the captures, and nothing under any other reason", async () => {
      const series = await prometheus.instant("openclaw_session_activity_evicted_total");
      expect(
        Object.fromEntries(series.map(({ metric, values }) => [metric["reason"], values[0]?.[1]])),
      ).toMatchObject({ orphaned_no_owner: "1", max_age: "0" });
      expect(
        await prometheus.instant("sum(openclaw_session_activity_evicted_total)"),
      ).toMatchObject([{ values: [[expect.any(Number), "1"]] }]);
    });

    test("has no complaint about the derived metrics, and of the gateway's only about their names", async () => {
      const input = await pageOf(collector.endpoints.prometheus);
      const { output, errors } = promtool.run(["check", "metrics"], { input });
      const complaints = `${output}${errors}`.split("\n").filter((line) => line !== "");
      expect(complaints.length, "the gateway's metrics are on the page").toBeGreaterThan(0);
      expect(
        complaints.filter((line) => !/^openclaw_\w+_ms_milliseconds |snake_case/.test(line)),
      ).toEqual([]);
    });

    test("complains about the collector's own metrics only for the names they share with every Collector", async () => {
      const input = await pageOf(collector.endpoints.telemetry);
      const { output } = promtool.run(["check", "metrics"], { input });
      const complaints = output.split("\n").filter((line) => line !== "");
      expect(
        complaints.filter((line) => !/^otelcol_\w+ counter metrics should have/.test(line)),
      ).toEqual([]);
    });

    test("runs every alert rule without an error, and none of them fires", async () => {
      await until("every rule was evaluated", 10_000, async () =>
        (await rules()).every(({ health }) => health !== "unknown"),
      );
      const all = await rules();
      expect(all.length).toBeGreaterThan(5);
      expect(all.filter(({ health, state }) => health !== "ok" || state !== "inactive")).toEqual(
        [],
      );
    });

    async function rules() {
      const { groups } = (await prometheus.api("rules")) as {
        groups: { rules: { name: string; health: string; state: string; lastError?: string }[] }[];
      };
      return groups.flatMap((group) => group.rules);
    }

    describe("fills the dashboard", () => {
      const chosen: Record<string, string> = { __rate_interval: "4s", __range: "1m" };

      beforeAll(async () => {
        for (const { name, query } of dashboard.templating.list) {
          const call = /^label_values\((.*), (\w+)\)$/.exec(
            typeof query === "string" ? query : query.query,
          );
          if (call === null) {
            continue;
          }
          const [, selector = "", label = ""] = call;
          const series = (await prometheus.api("series", {
            "match[]": interpolate(selector, chosen),
          })) as Record<string, string>[];
          chosen[name] = [...new Set(series.map((labels) => labels[label]))].join("|");
        }
      });

      test("offers the job, the instance and the reasons to choose from", () => {
        expect(chosen).toMatchObject({
          job: "openclaw-activity-collector",
          instance: "127.0.0.1",
          reason: expect.stringContaining("orphaned_no_owner"),
        });
      });

      for (const { panel, target } of queriesOf(dashboard)) {
        test(`"${panel.title}" has data in query ${target.refId}`, async () => {
          const expr = interpolate(target.expr, chosen);
          const series = await (target.instant
            ? prometheus.instant(expr)
            : prometheus.lastMinute(expr));
          expect(numbersOf(series).length, expr).toBeGreaterThan(0);
          // A legend that names a label no series has would be drawn as an empty name.
          for (const [, label = ""] of target.legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
            expect(
              series.every(({ metric }) => metric[label] !== undefined),
              label,
            ).toBe(true);
          }
        });
      }

      test("shows the orphan", async () => {
        const shown = async (title: string) => {
          const { target } = queriesOf(dashboard).find(({ panel }) => panel.title === title)!;
          const expr = interpolate(target.expr, chosen);
          return numbersOf(
            await (target.instant ? prometheus.instant(expr) : prometheus.lastMinute(expr)),
          );
        };
        expect(Math.round((await shown("Evicted in range"))[0]!)).toBe(1);
        expect(Math.max(...(await shown("Evictions by reason")))).toBeGreaterThan(0);
        expect(await shown("Collectors answering")).toEqual([1]);
        expect(await shown("Open markers")).toEqual([0]);
      });
    });
  },
);

async function pageOf(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.text();
}

function numbersOf(series: readonly Series[]): readonly number[] {
  return series
    .flatMap(({ values }) => values.map(([, value]) => Number(value)))
    .filter((value) => Number.isFinite(value));
}

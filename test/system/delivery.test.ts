import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { chaosSectionIn } from "../chaos/page.ts";
import { scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { until } from "../support/prometheus.ts";
import { pathOf, textOf } from "../support/repository.ts";
import { balanceOf } from "./delivery/balance.ts";
import { CheckingSink } from "./delivery/checking-sink.ts";
import { Load } from "./delivery/load.ts";
import { type Figures, reliabilityTable } from "./delivery/reliability-table.ts";
import { type Scenario, scenarios } from "./delivery/scenarios.ts";

/** Seconds of load for each fault; `npm run test:delivery` takes 60 and writes docs/reliability.md. */
const seconds = Number(process.env["DELIVERY_SECONDS"] ?? 6);
const page = process.env["DELIVERY_PAGE"];

const figures: Figures[] = [];

afterAll(() => {
  if (page !== undefined && figures.length === scenarios.length) {
    const section = chaosSectionIn(textOf(page));
    writeFileSync(pathOf(page), `${reliabilityTable(figures, seconds)}\n${section}`);
  }
});

for (const scenario of scenarios) {
  test(`when ${scenario.title}, ${scenario.promise}`, {
    timeout: (seconds + 120) * 1000,
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "delivery-"));
    const sink = new CheckingSink();
    await sink.open();
    try {
      figures.push(await play(scenario, { sink, directory }));
    } finally {
      await sink.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    }
  });
}

async function play(
  scenario: Scenario,
  { sink, directory }: { readonly sink: CheckingSink; readonly directory: string },
): Promise<Figures> {
  const start = () =>
    startCollector({
      configs: ["test/system/delivery/collector.yaml"],
      overrides: scenario.config ?? [],
      env: { BACKEND_URL: sink.url, STATE_DIRECTORY: directory },
      freePorts: false,
    });
  let collector: RunningCollector = await start();
  const load = new Load(() => collector.endpoints.otlp);
  const beganMs = performance.now();
  const running = load.run(seconds);
  try {
    await scenario.act({
      sink,
      load,
      until: (part) => pause(Math.max(0, part * seconds * 1000 - (performance.now() - beganMs))),
      async restart() {
        expect((await collector.stop()).exitCode).toBe(0);
        collector = await start();
      },
      async kill() {
        collector.kill("SIGKILL");
        await collector.ended();
        collector = await start();
      },
      pid: () => collector.pid,
    });
    await running;
    const missing = () => [...load.spans].filter((id) => !sink.spans.has(id)).length;
    await until("every span and every event has arrived", 60_000, async () => {
      return missing() === 0 && sink.evictedTools >= load.orphans;
    }).catch(() => {});
    const repeatedOf = (ids: ReadonlyMap<string, number>) =>
      [...ids.values()].reduce((sum, times) => sum + times - 1, 0);
    const sentSpans = new Map([...sink.spans].filter(([id]) => load.spans.has(id)));
    const result: Figures = {
      title: scenario.title,
      promise: scenario.promise,
      spans: load.spans.size,
      missingSpans: missing(),
      repeatedSpans: repeatedOf(sentSpans),
      events: load.orphans,
      missingEvents: load.orphans - sink.evictedTools,
      repeatedEvents: repeatedOf(sink.events),
      resentRequests: load.resent,
      seconds: Math.round((performance.now() - beganMs) / 1000),
    };
    console.log(JSON.stringify(result));
    expect(result).toMatchObject({ missingSpans: 0, missingEvents: 0 });
    if (!scenario.mayRepeat) {
      expect(result).toMatchObject({ repeatedSpans: 0, repeatedEvents: 0 });
    }
    await expectBalance(collector, load, scenario);
    expect((await collector.stop()).exitCode).toBe(0);
    return result;
  } finally {
    collector.kill("SIGKILL");
    await running.catch(() => {});
  }
}

/** What went in is what came out, by the collector's own counters, and it agrees with what the sender knows. */
async function expectBalance(
  { endpoints }: RunningCollector,
  load: Load,
  { restarts, refusesUnread }: Scenario,
): Promise<void> {
  const traces = await balanceOf(endpoints.telemetry, "traces");
  const logs = await balanceOf(endpoints.telemetry, "logs");
  for (const balance of [traces, logs]) {
    const { consumed, restored, sent, sendFailed, enqueueFailed, queued, activity } = balance;
    expect(consumed + restored).toBe(sent + sendFailed + enqueueFailed + queued);
    expect(activity.incoming + activity.added).toBe(
      activity.outgoing + activity.consumed + activity.refused,
    );
  }
  if (restarts === undefined) {
    expect(traces.accepted).toBe(load.items.accepted);
    if (refusesUnread === undefined) {
      expect(traces.refused).toBe(load.items.refused);
    } else {
      const page = await scrape(endpoints.telemetry);
      const refusals = page.sum("otelcol_receiver_refused_requests", {
        reason: "pipeline_refused",
      });
      expect(refusals).toBeGreaterThan(0);
    }
    expect(traces.activity.incoming).toBe(traces.accepted + traces.refused - traces.limited);
    // Of each orphan the start of the run and of its tool.
    expect(traces.activity.consumed).toBe(2 * load.orphans);
    expect(traces.consumed).toBe(traces.activity.outgoing);
  }
}

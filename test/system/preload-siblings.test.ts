import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, startAgent } from "../preload/agent-process.ts";
import { evictionsIn } from "../support/derived-telemetry.ts";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";

/** A process that promised heartbeats every ten seconds is missed after thirty. */
const leaseMs = 30_000;
const busyMs = leaseMs + 4_000;

describe("two applications of one service on one host, both preloaded, with all defaults", () => {
  let backend: OtlpSink;
  let collector: RunningCollector;
  let worker: Agent;
  let sibling: Agent | undefined;

  beforeAll(async () => {
    backend = await openSink();
    collector = await startCollector({
      configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
      overrides: [
        "processors::session_activity::allowed_lateness: 1s",
        "processors::session_activity::export_interval: 1s",
      ],
      env: { BACKEND_URL: backend.url },
    });
    worker = startPreloaded();
  });

  afterAll(async () => {
    for (const agent of [worker, sibling]) {
      agent?.kill("SIGKILL");
      await agent?.ended();
    }
    await collector?.stop();
    await backend?.close();
  });

  const startPreloaded = () =>
    startAgent({
      commandTimeoutMs: 2 * busyMs,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoints.otlp,
        OTEL_SERVICE_NAME: "workers",
        OTEL_BSP_SCHEDULE_DELAY: "100",
        ACTIVITY_HEARTBEAT_INTERVAL: "", // As if it were not set.
      },
    });
  const page = () => scrape(collector.endpoints.prometheus);
  const metric = (of: MetricsPage, name: string, labels: Record<string, string> = {}) =>
    of.sum(`openclaw_session_activity_${name}`, labels);
  const until = (what: (of: MetricsPage) => boolean, timeoutMs: number) =>
    expect.poll(async () => what(await page()), { timeout: timeoutMs, interval: 200 }).toBe(true);

  test("one that starts, works and ends takes nothing from the other, whose tool keeps its event loop busy", async () => {
    await worker.command("run long", "tool busy long");
    await until((of) => metric(of, "open") === 2, 10_000);
    const fromMs = performance.now();
    const busy = worker.command(`block ${busyMs}`);
    sibling = startPreloaded();
    await sibling.command("run short", "tool works short", "end works", "end short", "quit");
    await sibling.ended();
    await until((of) => metric(of, "ended_total") === 2, 10_000);
    await busy;
    expect(performance.now() - fromMs).toBeGreaterThan(leaseMs);
    const after = await page();

    expect(evictionsIn(backend.requests)).toEqual([]);
    expect(metric(after, "evicted_total")).toBe(0);
    expect(metric(after, "reconciled_total")).toBe(0);
    expect(metric(after, "open", { kind: "tool" })).toBe(1);
  });

  test("the tool of the one that is killed goes when its heartbeats are missed, which proves nothing", async () => {
    sibling = startPreloaded();
    await sibling.command("run next");
    worker.kill("SIGKILL");
    await until((of) => metric(of, "evicted_total") === 1, 4 * leaseMs); // A busy machine moves deadlines.
    await expect
      .poll(() => evictionsIn(backend.requests).length, { timeout: 10_000, interval: 100 })
      .toBe(1);

    const [evicted] = evictionsIn(backend.requests);
    expect(evicted!.attributes).toMatchObject({
      "openclaw.confidence": "probable",
      "openclaw.evictedTools": 1,
    });
    expect(["lease_expired", "process_gone"]).toContain(evicted!.attributes["openclaw.reason"]);
    expect(metric(await page(), "reconciled_total")).toBe(0);
    expect(metric(await page(), "open", { kind: "run" })).toBe(1);
  });
});

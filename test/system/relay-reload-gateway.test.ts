import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { pathOf } from "../support/repository.ts";
import { type RunningGateway, startGateway } from "./gateway/gateway.ts";
import { installOpenClaw } from "./gateway/install.ts";
import { type ScriptedModel, startScriptedModel } from "./gateway/scripted-model.ts";
import { startTcpTap, type TcpTap } from "./gateway/tcp-tap.ts";

const latenessMs = 2_000;
/** A process that promised heartbeats every ten seconds is missed after thirty. */
const leaseMs = 30_000;

describe("a real gateway, 2026.9.6, whose relay is switched off while a tool is open", () => {
  let collector: RunningCollector;
  let wire: TcpTap;
  let model: ScriptedModel;
  let gateway: RunningGateway;
  let turn: Promise<string>;

  beforeAll(async () => {
    execFileSync(pathOf("node_modules/.bin/tsc"), [
      "-p",
      pathOf("openclaw-plugin/tsconfig.build.json"),
    ]);
    const openclaw = await installOpenClaw("2026.9.6");
    collector = await startCollector({
      configs: ["deploy/config.yaml"],
      overrides: [
        `processors::session_activity::allowed_lateness: ${latenessMs}ms`,
        "processors::session_activity::export_interval: 1s",
      ],
    });
    wire = await startTcpTap(collector.endpoints.otlp);
    model = await startScriptedModel();
    gateway = await startGateway({
      openclaw,
      modelUrl: model.url,
      relay: { path: pathOf("openclaw-plugin"), config: { endpoint: wire.url } },
    });
  }, 900_000);

  afterAll(async () => {
    await gateway?.kill();
    await collector?.stop();
    await wire?.close();
    await model?.close();
  });

  const page = () => scrape(collector.endpoints.prometheus);
  const metric = (of: MetricsPage, name: string, labels: Record<string, string> = {}) =>
    of.sum(`openclaw_session_activity_${name}`, labels);
  const until = (what: (of: MetricsPage) => boolean, timeoutMs = 60_000) =>
    expect.poll(async () => what(await page()), { timeout: timeoutMs, interval: 200 }).toBe(true);
  const tools = { kind: "tool" };
  let before: MetricsPage;
  let offMs: number;

  test("its work is untracked, and is not held to be the work of a dead process", async () => {
    turn = gateway.turn("reloaded", "Please do script:long now.");
    await until((of) => metric(of, "open", tools) > 0, 120_000);
    before = await page();
    gateway.switchPlugin("activity-relay", false);
    await until((of) => metric(of, "open") === 0, 30_000);
    offMs = performance.now();
    const after = await page();

    expect(metric(after, "untracked_total", tools)).toBe(metric(before, "open", tools));
    expect(metric(after, "untracked_total", { kind: "run" })).toBe(
      metric(before, "open", { kind: "run" }),
    );
    expect(metric(after, "evicted_total")).toBe(0);
    expect(wire.heard()).not.toContain("entity.delete");
  });

  test("its end counts nothing, and new work is tracked when the relay is on again", async () => {
    expect(await turn).toContain("The long tool came back.");
    gateway.switchPlugin("activity-relay", true);
    await expect
      .poll(() => wire.heard().split("entity.state").length, { timeout: 60_000, interval: 200 })
      .toBeGreaterThan(wire.heard().split("entity.state").length);
    expect(await gateway.turn("after", "Please do script:tools now.")).toContain(
      "Both tools answered.",
    );
    await until((of) => metric(of, "ended_total", tools) >= 2);
    await expect
      .poll(() => performance.now() - offMs, { timeout: leaseMs + latenessMs, interval: 500 })
      .toBeGreaterThan(leaseMs + latenessMs);
    const after = await page();
    const count = (of: MetricsPage, name: string) => metric(of, name, tools);

    expect(metric(after, "evicted_total")).toBe(0);
    expect(metric(after, "reconciled_total")).toBe(0);
    expect(metric(after, "open")).toBe(0);
    expect(count(after, "started_total")).toBe(
      count(after, "ended_total") + count(after, "untracked_total"),
    );
  });

  test("only the gateway's own end is reported as that", async () => {
    expect(wire.heard()).not.toContain("entity.delete");
    await gateway.stop();

    expect(wire.heard()).toContain("entity.delete");
  });
});

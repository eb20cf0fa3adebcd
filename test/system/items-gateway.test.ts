import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { type RunningGateway, startGateway } from "./gateway/gateway.ts";
import { installOpenClaw } from "./gateway/install.ts";
import { type ScriptedModel, startScriptedModel } from "./gateway/scripted-model.ts";

const latenessMs = 3_000;

/**
 * The last gateway that bundles an exporter, and nothing else that reports what it does. It counts the command of an aborted
 * `exec` as an open item beside the tool, in a trace that nothing links with that of the run, and exports each harness run twice.
 */
describe("a real gateway, 2026.4.30-beta.1, with its own exporter alone", () => {
  let collector: RunningCollector;
  let model: ScriptedModel;
  let gateway: RunningGateway;

  beforeAll(async () => {
    const openclaw = await installOpenClaw("2026.4.30-beta.1");
    collector = await startCollector({
      overrides: [`processors::session_activity::allowed_lateness: ${latenessMs}ms`],
    });
    model = await startScriptedModel();
    gateway = await startGateway({
      openclaw,
      modelUrl: model.url,
      exporterUrl: collector.endpoints.otlp,
    });
  }, 900_000);

  afterAll(async () => {
    await gateway?.kill();
    await collector?.stop();
    await model?.close();
  });

  const counted = async (name: string, labels: Record<string, string> = {}) =>
    (await scrape(collector.endpoints.prometheus)).sum(`openclaw_session_activity_${name}`, labels);
  const settled = () => new Promise((resolve) => setTimeout(resolve, latenessMs + 4_000));

  test("three tools at once of which one hangs until the turn times out are no orphans", async () => {
    await gateway.turn("items", "Please do script:parallel now.", { timeoutS: 60 });
    await expect
      .poll(() => counted("ended_total", { kind: "tool" }), { timeout: 60_000, interval: 500 })
      .toBe(3);
    await settled();

    expect(await counted("evicted_total")).toBe(0);
    expect(await counted("started_total", { kind: "tool" })).toBe(3);
  });

  test("a turn is one run, and stays so when the gateway stops and exports the harness run once more", async () => {
    expect(await counted("started_total", { kind: "run" })).toBe(1);
    await gateway.stop();
    await settled();

    expect(await counted("started_total", { kind: "run" })).toBe(1);
    expect(await counted("evicted_total")).toBe(0);
  });
});

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventsIn, evictionsIn } from "../support/derived-telemetry.ts";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { pathOf } from "../support/repository.ts";
import { type RunningGateway, startGateway } from "./gateway/gateway.ts";
import { installOpenClaw } from "./gateway/install.ts";
import { recordedIds } from "./gateway/recorded-ids.ts";
import { type ScriptedModel, startScriptedModel } from "./gateway/scripted-model.ts";
import { startTcpTap, type TcpTap } from "./gateway/tcp-tap.ts";

const latenessMs = 3_000;
/** The gateway says every thirty seconds that a model streams; a stream of three minutes is four times as long. */
const stalledAfterMs = 45_000;
const approveAfterMs = 75_000;

const session = (name: string) => `secret-session-${name}`;

/**
 * Four sessions of one gateway at the same time: a tool that turn 1 left behind while the model of turn 2 hangs, a command
 * that waits for a person, another that a plugin holds up before, and a model that streams.
 */
describe("a real gateway, 2026.9.6, whose sessions are held up in different ways", () => {
  let backend: OtlpSink;
  let collector: RunningCollector;
  let wire: TcpTap;
  let model: ScriptedModel;
  let gateway: RunningGateway;
  let folder: string;
  let streaming: Promise<string>;
  let approving: Promise<string>;
  /** Turn 2, after turn 1 ended at `firstTurnEndMs`. */
  let hanging: Promise<string>;
  let firstTurnEndMs: number;

  beforeAll(async () => {
    execFileSync(pathOf("node_modules/.bin/tsc"), [
      "-p",
      pathOf("openclaw-plugin/tsconfig.build.json"),
    ]);
    const openclaw = await installOpenClaw("2026.9.6");
    folder = mkdtempSync(join(tmpdir(), "verdicts-test-"));
    backend = await openSink();
    collector = await startCollector({
      configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
      overrides: [
        `processors::session_activity::allowed_lateness: ${latenessMs}ms`,
        `processors::session_activity::stalled_after: ${stalledAfterMs}ms`,
        "processors::session_activity::export_interval: 1s",
      ],
      env: { BACKEND_URL: backend.url },
    });
    wire = await startTcpTap(collector.endpoints.otlp);
    model = await startScriptedModel();
    gateway = await startGateway({
      openclaw,
      modelUrl: model.url,
      relay: {
        path: pathOf("openclaw-plugin"),
        config: { endpoint: wire.url, approvalClient: true },
      },
      plugins: {
        "event-recorder": pathOf("test/system/gateway/recorder"),
        "silent-tool": pathOf("test/system/gateway/silent-tool"),
        "slow-approver": pathOf("test/system/gateway/slow-approver"),
      },
      asksForApproval: true,
      env: {
        EVENT_RECORDING: join(folder, "recording.jsonl"),
        APPROVE_AFTER_MS: `${approveAfterMs}`,
        CHAT_SESSION_KEY: `agent:main:explicit:${session("hold")}`,
        CHAT_MESSAGE: "Please do script:hold now.",
      },
    });
    streaming = gateway.turn(session("stream"), "Please do script:stream now.");
    approving = gateway.turn(session("approve"), "Please do script:approve now.");
    await gateway.turn(session("next-turn"), "Please do script:orphan now.", { timeoutS: 15 });
    firstTurnEndMs = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    hanging = gateway.turn(session("next-turn"), "Please do script:silent now.", { timeoutS: 600 });
  }, 900_000);

  afterAll(async () => {
    await gateway?.kill();
    await collector?.stop();
    await wire?.close();
    await model?.close();
    await backend?.close();
    rmSync(folder, { recursive: true, force: true });
    await hanging;
  });

  const page = () => scrape(collector.endpoints.prometheus);
  const sessionsIn = (of: MetricsPage, labels: Record<string, string>) =>
    of.sum("openclaw_session_activity_sessions", labels);
  const until = (what: (of: MetricsPage) => boolean, timeoutMs: number) =>
    expect.poll(async () => what(await page()), { timeout: timeoutMs, interval: 250 }).toBe(true);

  test("the tool that turn 1 left is evicted after the lateness, though turn 2 is open", async () => {
    await expect
      .poll(() => evictionsIn(backend.requests).length, { timeout: 20_000, interval: 250 })
      .toBe(1);
    const [evicted] = evictionsIn(backend.requests);
    const after = await page();

    expect(evicted!.attributes).toMatchObject({
      "openclaw.reason": "orphaned_no_owner",
      "openclaw.evictedTools": 1,
      "gen_ai.tool.name": "wait_forever",
    });
    // The command line takes some seconds to say that the turn is over.
    expect(evicted!.timeUnixMs).toBeLessThan(firstTurnEndMs + latenessMs + 2_000);
    expect(after.sum("openclaw_session_activity_open", { kind: "run" })).toBeGreaterThan(0);
  });

  test("what waits for a person pauses its session for as long as it waits", async () => {
    await until((of) => sessionsIn(of, { state: "paused" }) === 2, 60_000);
    expect(await approving).toContain("The command was approved.");
    await until((of) => sessionsIn(of, { state: "paused" }) === 1, 10_000);
    // What the plugin held up waits for the approval of the command next.
    await until((of) => sessionsIn(of, { state: "paused" }) === 0, 2 * approveAfterMs + 30_000);

    expect(wire.heard()).toContain("gen_ai.agent.paused");
    expect(wire.heard()).toContain("gen_ai.agent.resumed");
  });

  test("turn 2 is stalled by its model call, not by the tool of turn 1", async () => {
    await until(
      (of) => sessionsIn(of, { state: "stalled", blocked_by: "model_call" }) === 1,
      stalledAfterMs + 30_000,
    );

    expect(sessionsIn(await page(), { state: "blocked_tool_call" })).toBe(0);
  });

  test("what the gateway claims of turn 2 is answered: the model call is silent", async () => {
    await until(
      (of) =>
        of.sum("openclaw_session_diagnosed_total", {
          claim: "long_running",
          verdict: "silent_model_call",
        }) >= 1,
      240_000,
    );

    expect(wire.heard()).toContain("session.long_running");
    expect(
      (await page()).sum("openclaw_session_diagnosed_total", { verdict: "stale_marker" }),
    ).toBe(0);
  });

  test("a stream of three minutes and an approval never stall a session", async () => {
    expect(await streaming).toContain("word word");

    expect(wire.heard()).toContain("openclaw.progress");
    expect(
      eventsIn(backend.requests, "session.stalled").map(
        ({ attributes }) => attributes["openclaw.blockedBy"],
      ),
    ).toEqual(["model_call"]);
  });

  test("no session key, run id, call id or approval id of all this is in anything that was sent or said", async () => {
    const ids = recordedIds(join(folder, "recording.jsonl"));
    const { text } = await page();
    const places = {
      wire: wire.heard(),
      metrics: text,
      log: collector.stdout() + collector.stderr(),
      events: JSON.stringify([
        ...evictionsIn(backend.requests),
        ...eventsIn(backend.requests, "session.diagnosed"),
      ]),
    };

    expect(ids.length).toBeGreaterThan(15);
    for (const [place, content] of Object.entries(places)) {
      expect({ place, found: ids.filter((id) => content.includes(id)) }).toEqual({
        place,
        found: [],
      });
    }
  });
});

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evictionsIn } from "../support/derived-telemetry.ts";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { pathOf } from "../support/repository.ts";
import { type RunningGateway, startGateway } from "./gateway/gateway.ts";
import { type InstalledOpenClaw, installOpenClaw } from "./gateway/install.ts";
import { recordedIds } from "./gateway/recorded-ids.ts";
import { type ScriptedModel, startScriptedModel } from "./gateway/scripted-model.ts";
import { startTcpTap, type TcpTap } from "./gateway/tcp-tap.ts";

const latenessMs = 3_000;

/** Sessions of the tests; their names must not be found in anything the relay or the collector says. */
const session = (name: string) => `secret-session-${name}`;

describe.each([
  { version: "2026.9.6", ownExporter: false, isSlow: false },
  // The last one that bundles an exporter: relay and exporter speak of the same work. It takes half a minute to a turn.
  { version: "2026.4.30-beta.1", ownExporter: true, isSlow: true },
])("a real gateway, $version, with the relay", ({ version, ownExporter, isSlow }) => {
  let openclaw: InstalledOpenClaw;
  let backend: OtlpSink;
  let collector: RunningCollector;
  let wire: TcpTap;
  let model: ScriptedModel;
  let gateway: RunningGateway | undefined;
  let folder: string;
  /** What collectors said that are no more. */
  let said = "";

  beforeAll(async () => {
    execFileSync(pathOf("node_modules/.bin/tsc"), [
      "-p",
      pathOf("openclaw-plugin/tsconfig.build.json"),
    ]);
    openclaw = await installOpenClaw(version);
    folder = mkdtempSync(join(tmpdir(), "gateway-test-"));
    backend = await openSink();
    collector = await openCollector();
    wire = await startTcpTap(collector.endpoints.otlp);
    model = await startScriptedModel();
    gateway = await openGateway();
  }, 900_000);

  afterAll(async () => {
    await gateway?.kill();
    await collector?.stop();
    await wire?.close();
    await model?.close();
    await backend?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const openCollector = () =>
    startCollector({
      configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
      overrides: [
        `processors::session_activity::allowed_lateness: ${latenessMs}ms`,
        "processors::session_activity::export_interval: 1s",
      ],
      env: { BACKEND_URL: backend.url },
    });

  const openGateway = () =>
    startGateway({
      openclaw,
      modelUrl: model.url,
      relay: { path: pathOf("openclaw-plugin"), config: { endpoint: wire.url } },
      plugins: {
        "event-recorder": pathOf("test/system/gateway/recorder"),
        "forgetful-harness": pathOf("test/system/gateway/forgetful-harness"),
      },
      env: { EVENT_RECORDING: join(folder, "recording.jsonl") },
      ...(ownExporter ? { exporterUrl: wire.url } : {}),
    });

  const page = () => scrape(collector.endpoints.prometheus);
  const metric = (of: MetricsPage, name: string, labels: Record<string, string> = {}) =>
    of.sum(`openclaw_session_activity_${name}`, labels);
  const tools = { kind: "tool" };

  /** Waits until nothing is open, and then as long as it takes to evict what was left behind. */
  async function settled(): Promise<MetricsPage> {
    await expect
      .poll(async () => metric(await page(), "open"), { timeout: 60_000, interval: 200 })
      .toBe(0);
    await new Promise((resolve) => setTimeout(resolve, latenessMs + 2_000));
    return page();
  }

  const untilOpenTools = (count: number) =>
    expect
      .poll(async () => metric(await page(), "open", tools), { timeout: 120_000, interval: 100 })
      .toBe(count);

  /** What was evicted since `before`, by reason. */
  function evictedSince(before: MetricsPage, after: MetricsPage): Record<string, number> {
    const reasons = [...after.text.matchAll(/evicted_total\{reason="(\w+)"\}/g)].map(([, r]) => r!);
    return Object.fromEntries(
      reasons
        .map((reason) => {
          const count = (of: MetricsPage) => metric(of, "evicted_total", { reason });
          return [reason, count(after) - count(before)] as const;
        })
        .filter(([, count]) => count > 0),
    );
  }

  test("a healthy turn starts and ends its tools, and evicts nothing", async () => {
    const before = await page();
    const answer = await gateway!.turn(session("healthy"), "Please do script:tools now.");
    const after = await settled();

    expect(answer).toContain("Both tools answered.");
    expect(metric(after, "started_total", tools) - metric(before, "started_total", tools)).toBe(2);
    expect(metric(after, "ended_total", tools) - metric(before, "ended_total", tools)).toBe(2);
    expect(metric(after, "started_total", { kind: "model_call" })).toBe(2);
    expect(metric(after, "started_total", { kind: "run" })).toBe(1);
    expect(evictedSince(before, after)).toEqual({});
  });

  test("a second turn of the same session does the same", async () => {
    const before = await page();
    await gateway!.turn(session("healthy"), "Please do script:tools now, once more.");
    const after = await settled();

    expect(metric(after, "ended_total", tools) - metric(before, "ended_total", tools)).toBe(2);
    expect(evictedSince(before, after)).toEqual({});
  });

  test("a sub-agent and the announcement of its result evict nothing", {
    timeout: isSlow ? 600_000 : 300_000,
  }, async () => {
    const before = await page();
    const asked = model.requests.length;
    const ended = (of: MetricsPage) => metric(of, "ended_total", { kind: "run" });
    await gateway!.turn(session("spawn"), "Please do script:spawn now.");
    // The turn, the sub-agent, and the announcement: each a harness run and the run in it, which are one.
    await expect
      .poll(async () => ended(await page()) - ended(before), {
        timeout: isSlow ? 480_000 : 180_000,
        interval: 500,
      })
      .toBe(3);
    const after = await settled();

    expect(model.requests.slice(asked).map(({ script }) => script)).toContain("child");
    expect(evictedSince(before, after)).toEqual({});
  });

  test("a tool that hangs until the turn times out is open that long, and evicts nothing", async () => {
    const before = await page();
    const turn = gateway!.turn(session("hang"), "Please do script:hang now.", {
      timeoutS: isSlow ? 60 : 12,
    });
    await untilOpenTools(1);
    await turn;
    const after = await settled();

    expect(evictedSince(before, after)).toEqual({});
    expect(metric(after, "ended_total", tools) - metric(before, "ended_total", tools)).toBe(1);
  });

  test("an aborted turn evicts nothing", async () => {
    const before = await page();
    const turn = gateway!.turn(session("abort"), "Please do script:hang now.");
    await untilOpenTools(1);
    const answer = await gateway!.call("chat.abort", {
      sessionKey: `agent:main:explicit:${session("abort")}`,
    });
    await turn;
    const after = await settled();

    expect(answer).toContain('"aborted": true');
    expect(evictedSince(before, after)).toEqual({});
  });

  test("a collector killed and replaced in the middle of a tool learns of it, and evicts nothing", async () => {
    const turn = gateway!.turn(session("restart"), "Please do script:slow now.");
    await untilOpenTools(1);
    collector.kill("SIGKILL");
    const { stdout, stderr } = await collector.ended();
    said += stdout + stderr;
    collector = await openCollector();
    wire.target = collector.endpoints.otlp;
    await untilOpenTools(1);
    const answer = await turn;
    const after = await settled();

    expect(answer).toContain("The slow tool came back.");
    // Counted from zero: it is another process.
    expect(metric(after, "ended_total", tools)).toBe(1);
    expect(metric(after, "evicted_total")).toBe(0);
  });

  test("a tool whose harness forgets to report its end is evicted, once, for want of an owner", async () => {
    const before = await page();
    const events = evictionsIn(backend.requests).length;
    await gateway!.turn(session("forget"), "Please do script:forget now.");
    const after = await settled();

    expect(evictedSince(before, after)).toEqual({ orphaned_no_owner: 1 });
    await expect.poll(() => evictionsIn(backend.requests).length).toBe(events + 1);
    expect(evictionsIn(backend.requests).at(-1)!.attributes).toMatchObject({
      "openclaw.reason": "orphaned_no_owner",
      "openclaw.evictedTools": 1,
      "openclaw.evictedModelCalls": 0,
      "gen_ai.tool.name": "bash",
    });
  });

  test("the session goes on afterwards as if nothing had been", async () => {
    const before = await page();
    await gateway!.turn(session("forget"), "Please do script:tools now.");
    const after = await settled();

    expect(metric(after, "ended_total", tools) - metric(before, "ended_total", tools)).toBe(2);
    expect(evictedSince(before, after)).toEqual({});
  });

  test("a gateway killed in the middle of a tool and started again leaves a tool of a process that is gone", async () => {
    const before = await page();
    const turn = gateway!.turn(session("killed"), "Please do script:hang now.");
    await untilOpenTools(1);
    await gateway!.kill();
    gateway = await openGateway();
    await turn;
    const after = await settled();

    // A gateway that takes longer to start than a lease lasts is missed before it is replaced.
    const reasons = ["process_gone", "lease_expired"];
    expect(reasons.map((reason) => ({ [reason]: 1 }))).toContainEqual(evictedSince(before, after));
  });

  test("a gateway killed and not started again is noticed by its silence", async () => {
    const before = await page();
    const turn = gateway!.turn(session("gone"), "Please do script:hang now.");
    await untilOpenTools(1);
    await gateway!.kill();
    await turn;
    gateway = undefined;
    const after = await settled();

    expect(evictedSince(before, after)).toEqual({ lease_expired: 1 });
  });

  test("what the gateway's own exporter sent reached the backend, and nothing of the relay did", () => {
    const passed = backend.requests
      .map(({ bytes }) => Buffer.from(bytes).toString("latin1"))
      .join("\n");

    expect(passed.includes("openclaw.tool.execution")).toBe(ownExporter);
    expect(wire.heard()).toContain("openclaw-activity-relay");
    expect(
      backend.requests.filter(
        ({ signal, bytes }) =>
          signal === "traces" && Buffer.from(bytes).includes("openclaw-activity-relay"),
      ),
    ).toEqual([]);
  });

  test("no session key, run id or call id of all this is in anything that was sent or said", async () => {
    const ids = recordedIds(join(folder, "recording.jsonl"));
    const { text } = await page();
    const own = await scrape(collector.endpoints.telemetry);
    const places = {
      // The exporter of the gateway says more than the relay; that is not ours to change.
      wire: ownExporter ? "" : wire.heard(),
      metrics: text,
      telemetry: own.text,
      log: said + collector.stdout() + collector.stderr(),
      events: JSON.stringify(evictionsIn(backend.requests)),
    };

    expect(ids.length).toBeGreaterThan(30);
    for (const [place, content] of Object.entries(places)) {
      expect({ place, found: ids.filter((id) => content.includes(id)) }).toEqual({
        place,
        found: [],
      });
    }
  });
});

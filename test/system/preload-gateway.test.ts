import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sink, startSink } from "../preload/sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { pathOf } from "../support/repository.ts";
import { type RunningGateway, startGateway } from "./gateway/gateway.ts";
import { type InstalledOpenClaw, installOpenClaw } from "./gateway/install.ts";
import { recordedIds } from "./gateway/recorded-ids.ts";
import { type ScriptedModel, startScriptedModel } from "./gateway/scripted-model.ts";

/** The last version that bundles an OTLP exporter, which uses a preload's SDK when it is told of one. */
const version = "2026.4.30-beta.1";

let backend: Sink;
let collector: RunningCollector;
let model: ScriptedModel;
let openclaw: InstalledOpenClaw;
let gateway: RunningGateway;
let folder: string;

beforeAll(async () => {
  openclaw = await installOpenClaw(version);
  backend = await startSink();
  collector = await startCollector({
    configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
    overrides: ["processors::session_activity::allowed_lateness: 2s"],
    env: { BACKEND_URL: backend.url },
  });
  model = await startScriptedModel();
  folder = mkdtempSync(join(tmpdir(), "preload-gateway-"));
  gateway = await openGateway();
}, 600_000);

const openGateway = () =>
  startGateway({
    openclaw,
    modelUrl: model.url,
    plugins: { "event-recorder": pathOf("test/system/gateway/recorder") },
    // Where the plugin would send to by itself. With a preload it must send nothing there.
    exporterUrl: "http://127.0.0.1:9",
    nodeFlags: ["--import", pathOf("src/preload/register.ts")],
    env: {
      OPENCLAW_OTEL_PRELOADED: "1",
      OTEL_SERVICE_NAME: "openclaw-gateway",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoints.otlp,
      OTEL_BSP_SCHEDULE_DELAY: "500",
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
      // OpenClaw says nothing when it believes that it is being tested itself.
      VITEST: "",
      NODE_ENV: "",
      EVENT_RECORDING: join(folder, "recording.jsonl"),
    },
  });

afterAll(async () => {
  await gateway?.kill();
  await model?.close();
  await collector?.stop();
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

const page = async () => (await fetch(collector.endpoints.prometheus)).text();
const untilMetric = (line: string, timeout = 30_000) =>
  expect.poll(page, { timeout, interval: 100 }).toContain(`${line}\n`);

const endedTools = async () =>
  Number(/ended_total\{kind="tool"\} (\d+)/.exec(await page())?.[1] ?? Number.NaN);

const evicted = (n: number) =>
  `openclaw_session_activity_evicted_total{reason="orphaned_no_owner"} ${n}`;

test("a healthy turn of a preloaded gateway starts and ends its tools, and evicts nothing", async () => {
  const said = await gateway.turn("s-healthy", "Please do script:tools now.");
  expect(said).toContain("Both tools answered.");
  await untilMetric('openclaw_session_activity_ended_total{kind="tool"} 2');
  await untilMetric('openclaw_session_activity_open{kind="tool"} 0');
  await untilMetric('openclaw_session_activity_open{kind="run"} 0');
  expect(await page()).toContain(`${evicted(0)}\n`);
});

test("finished spans and metrics of the gateway arrive at the backend, and no start does", async () => {
  await backend.until(
    ({ spans, paths }) =>
      spans.some(({ name }) => name === "openclaw.run") && paths.includes("/v1/metrics"),
  );
  expect(backend.spans.filter(({ end }) => end === "0")).toEqual([]);
  expect(new Set(backend.spans.map(({ name }) => name))).toContain("openclaw.tool.execution");
});

test("a tool that hangs is open while it hangs, and gone when the turn gave up", async () => {
  const turn = gateway.turn("s-hang", "Please do script:hang now.", { timeoutS: 15 });
  await untilMetric('openclaw_session_activity_open{kind="tool"} 1', 60_000);
  await turn;
  await untilMetric('openclaw_session_activity_open{kind="run"} 0', 60_000);
  await untilMetric('openclaw_session_activity_open{kind="tool"} 0', 60_000);
});

test("a second turn of a session evicts nothing either", async () => {
  const ended = await endedTools();
  await gateway.turn("s-healthy", "Please do script:tools now, once more.");
  await untilMetric(`openclaw_session_activity_ended_total{kind="tool"} ${ended + 2}`);
  await untilMetric('openclaw_session_activity_open{kind="run"} 0');
  expect(await page()).toContain(`${evicted(0)}\n`);
});

test("an aborted turn evicts nothing", async () => {
  const turn = gateway.turn("s-abort", "Please do script:hang now.");
  await untilMetric('openclaw_session_activity_open{kind="tool"} 1', 60_000);
  const answer = await gateway.call("chat.abort", { sessionKey: "agent:main:explicit:s-abort" });
  await turn;
  await untilMetric('openclaw_session_activity_open{kind="tool"} 0', 60_000);
  await untilMetric('openclaw_session_activity_open{kind="run"} 0', 60_000);
  expect(answer).toContain('"aborted": true');
  expect(await page()).toContain(`${evicted(0)}\n`);
});

test("nothing of ours disturbed the gateway", () => {
  expect(gateway.output()).not.toMatch(/ActivityPreloadWarning/);
});

test("a gateway killed in the middle of a tool and started again leaves a tool of a process that is gone", async () => {
  const turn = gateway.turn("s-killed", "Please do script:hang now.");
  await untilMetric('openclaw_session_activity_open{kind="tool"} 1', 60_000);
  await gateway.kill();
  gateway = await openGateway();
  await turn;
  // It is missed when a new one of its place speaks and it stays silent.
  await gateway.turn("s-after", "Please do script:text now.");
  await untilMetric('openclaw_session_activity_evicted_total{reason="process_gone"} 1', 60_000);
  expect(await page()).toContain(`${evicted(0)}\n`);
});

test("no session key, run id or call id is in anything that the collector said", async () => {
  const ids = recordedIds(join(folder, "recording.jsonl"));
  const own = await (await fetch(collector.endpoints.telemetry)).text();
  const places = { metrics: await page(), own, log: collector.stdout() + collector.stderr() };
  expect(ids.length).toBeGreaterThan(10);
  for (const [place, content] of Object.entries(places)) {
    const found = ids.filter((id) => content.includes(id));
    expect({ place, found }).toEqual({ place, found: [] });
  }
});

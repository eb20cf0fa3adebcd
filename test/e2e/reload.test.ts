import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { agentSpan, tracesRequest } from "../support/agent-spans.ts";
import { evictionsIn } from "../support/derived-telemetry.ts";
import { evictedOn, scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { launchCollector, type RunningCollector, startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

let folder = "";
const sinks: OtlpSink[] = [];
const collectors: RunningCollector[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reload-"));
});
afterEach(async () => {
  await Promise.all(collectors.splice(0).map((collector) => collector.stop()));
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  rmSync(folder, { recursive: true });
});

async function sink(): Promise<OtlpSink> {
  const opened = await openSink();
  sinks.push(opened);
  return opened;
}

interface Options {
  readonly url: string;
  readonly exporter?: string;
  readonly receiver?: string;
  readonly activity?: string;
  readonly extensions?: string;
  readonly metricsPort?: number;
  readonly level?: string;
  readonly logs?: string;
  readonly resource?: string;
  readonly service?: string;
}

/** Writes the config, in which `exporter` and the like are further options of a section. */
function write({
  url,
  exporter = "",
  receiver = "",
  activity = "",
  extensions = "",
  metricsPort = 0,
  level = "info",
  logs = "encoding: console",
  resource = "",
  service = "",
}: Options): string {
  const path = join(folder, "config.yaml");
  writeFileSync(
    path,
    `receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:0" ${receiver} } } }
processors:
  session_activity: { allowed_lateness: 300ms ${activity} }
exporters:
  otlp_http: { endpoint: "${url}" ${exporter} }
  prometheus: { endpoint: "127.0.0.1:${metricsPort}" }
${extensions === "" ? "" : `extensions: { ${extensions} }`}
service:
  extensions: [${extensions === "" ? "" : "file_storage"}]
  ${service}
  telemetry: { resource: { ${resource} }, logs: { level: ${level}, ${logs} }, metrics: { endpoint: "127.0.0.1:0" } }
  pipelines:
    traces: { receivers: [otlp], processors: [session_activity], exporters: [otlp_http] }
    logs: { receivers: [session_activity], exporters: [otlp_http] }
    metrics: { receivers: [session_activity], exporters: [prometheus] }
`,
  );
  return path;
}

async function start(options: Options): Promise<RunningCollector> {
  const collector = await startCollector({ configs: [write(options)], freePorts: false });
  collectors.push(collector);
  return collector;
}

/** How often `text` is on stderr. */
const times = (collector: RunningCollector, text: string) =>
  collector.stderr().split(text).length - 1;

/** Sends SIGHUP and waits until the log has one more line with `text`. */
async function reload(
  collector: RunningCollector,
  text = "The configuration was reloaded.",
): Promise<void> {
  const before = times(collector, text);
  collector.kill("SIGHUP");
  while (times(collector, text) === before) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const spanNames = (requests: OtlpSink["requests"]) =>
  requests
    .filter(({ signal }) => signal === "traces")
    .flatMap(({ bytes }) => otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans!.flatMap(({ spans }) => spans!))
    .map(({ name }) => name!);

const plainSpan = (name: string) =>
  tracesRequest("app", [{ span: agentSpan(name), endUnixMs: Date.now() }]);

/** Posts over one of the connections of `agent`. Rejects when the connection breaks. */
function post(base: string, body: Uint8Array, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${base}/v1/traces`,
      { method: "POST", agent, headers: { "content-type": "application/x-protobuf" } },
      (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

describe("SIGHUP under load", () => {
  test("loses no request, refuses none, and delivers each once, while every section changes back and forth", async () => {
    const [a, b] = [await sink(), await sink()];
    const collector = await start({ url: a.url });
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    let isLoading = true;
    let sent = 0;
    const statuses: number[] = [];
    const load = async () => {
      while (isLoading) {
        statuses.push(await post(collector.endpoints.otlp, plainSpan(`span ${sent++}`), agent));
      }
    };
    const loads = Array.from({ length: 8 }, load);
    for (let turn = 1; turn <= 20; turn++) {
      write({
        url: turn % 2 === 0 ? a.url : b.url,
        receiver: `, read_timeout: ${30 + turn}s`,
        activity: `, max_age: ${turn}h`,
      });
      await reload(collector);
    }
    isLoading = false;
    await Promise.all(loads);
    agent.destroy();
    const { exitCode } = await collector.stop();
    const names = [...spanNames(a.requests), ...spanNames(b.requests)];
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(sent).toBeGreaterThan(100);
    expect(names.length).toBe(sent);
    expect(new Set(names).size).toBe(sent);
    expect(spanNames(b.requests).length).toBeGreaterThan(0);
    expect(exitCode).toBe(0);
    expect(collector.stderr()).not.toContain("bug");
  }, 60_000);

  test("keeps the activity state, its counters and the ports", async () => {
    const backend = await sink();
    const collector = await start({ url: backend.url });
    const { otlp: base, prometheus, telemetry } = collector.endpoints;
    const run = agentSpan("openclaw.run", { "session.id": "s" });
    const tool = agentSpan("openclaw.tool.execution", {}, run);
    await send(base, "traces", tracesRequest("gateway", [{ span: run }, { span: tool }]));
    const started = 'openclaw_session_activity_started_total{kind="tool"} 1';
    const accepted = 'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 2';
    for (let turn = 1; turn <= 3; turn++) {
      write({
        url: backend.url,
        receiver: `, read_timeout: ${turn}s`,
        activity: `, max_age: ${turn}h`,
        exporter: `, headers: { a: "${turn}" }`,
      });
      await reload(collector);
      expect(await (await fetch(prometheus)).text()).toContain(started);
      expect(await (await fetch(telemetry)).text()).toContain(accepted);
    }
    await send(base, "traces", tracesRequest("gateway", [{ span: run, endUnixMs: Date.now() }]));
    await backend.until("the tool was evicted", (requests) => evictionsIn(requests).at(0));
    expect(evictedOn(await scrape(prometheus))).toBe(1);
    const page = await (await fetch(telemetry)).text();
    expect(page).toContain('otelcol_config_reloads{result="succeeded"} 3');
    expect(page).toContain("otelcol_config_last_reload_successful 1");
  });
});

test("a config that is wrong changes nothing, and the log has every problem with its place", async () => {
  const backend = await sink();
  const collector = await start({ url: backend.url });
  const path = write({ url: "nowhere", receiver: ", read_timeot: 1s", activity: ", max_age: 5" });
  await reload(collector, "The configuration is wrong");
  const line = collector
    .stderr()
    .split("\n")
    .find((each) => each.includes("is wrong"))!;
  for (const place of [`${path}:2:`, `${path}:4:`, `${path}:6:`]) {
    expect(line).toContain(place);
  }
  const status = await send(collector.endpoints.otlp, "traces", plainSpan("fine"));
  expect(status.status).toBe(200);
  await backend.until("it arrived", (requests) => spanNames(requests).at(0));
  const page = await (await fetch(collector.endpoints.telemetry)).text();
  expect(page).toContain('otelcol_config_reloads{result="failed"} 1');
  expect(page).toContain("otelcol_config_last_reload_successful 0");
  expect((await collector.stop()).exitCode).toBe(0);
});

test("a config that has not changed is reported as such", async () => {
  const collector = await start({ url: (await sink()).url });
  await reload(collector, "It has not changed.");
  expect(times(collector, "Receiving OTLP over HTTP.")).toBe(1);
});

test("a collector with the config for production, partly given inline, survives SIGHUP and stops cleanly", async () => {
  const collector = await startCollector();
  collectors.push(collector);
  await reload(collector, "It has not changed.");
  const { exitCode, stderr } = await collector.stop();
  expect(exitCode).toBe(0);
  expect(stderr).toContain("Shutdown complete.");
});

test("a change of service settings alone is named, and counts as a reload that succeeded", async () => {
  const { url } = await sink();
  const collector = await start({ url });
  const logs = "initial_fields: { team: a }, encoding: json";
  write({ url, logs, service: "shutdown_timeout: 9s", resource: "deployment.environment: x" });
  await reload(collector);
  const line = collector
    .stderr()
    .split("\n")
    .find((each) => each.includes("The configuration was reloaded."))!;
  expect(JSON.parse(line)).toMatchObject({
    team: "a",
    added: [],
    changed: [],
    removed: [],
    service_settings: [
      "service.shutdown_timeout",
      "service.telemetry.logs.encoding",
      "service.telemetry.logs.initial_fields",
      "service.telemetry.resource",
    ],
  });
  expect(times(collector, "service.telemetry.resource takes effect at the next start.")).toBe(1);
  await reload(collector, "It has not changed.");
  expect(times(collector, "service.telemetry.resource takes effect at the next start.")).toBe(2);
  write({ url });
  await reload(collector);
  expect(times(collector, "service.telemetry.resource takes effect at the next start.")).toBe(2);
  const page = await (await fetch(collector.endpoints.telemetry)).text();
  expect(page).toContain('otelcol_config_reloads{result="succeeded"} 2');
  expect(page).toContain('otelcol_config_reloads{result="unchanged"} 1');
});

test("a level of the log applies at once", async () => {
  const { url } = await sink();
  const collector = await start({ url });
  write({ url, level: "debug", exporter: ", timeout: 1s" });
  await reload(collector);
  write({ url, level: "error", exporter: ", timeout: 2s" });
  await reload(collector, "Reloading the configuration.");
  const page = async () => (await fetch(collector.endpoints.telemetry)).text();
  while (!(await page()).includes('otelcol_config_reloads{result="succeeded"} 2')) {}
  write({ url, level: "info", exporter: ", timeout: 3s" });
  collector.kill("SIGHUP");
  while (!(await page()).includes('otelcol_config_reloads{result="succeeded"} 3')) {}
  await collector.waitForLog("The configuration was reloaded.");
  // The lines of the reload at level error are missing: its end, and the beginning of the next one.
  expect(times(collector, "Reloading the configuration.")).toBe(2);
});

for (const [title, storage] of [
  ["in memory", ""],
  ["in a storage", ", sending_queue: { storage: file_storage }"],
] as const) {
  test(`a queue ${title} survives a changed endpoint, and is delivered to the new one`, async () => {
    const [dead, alive] = [await sink(), await sink()];
    dead.answer = { status: 503 };
    const extensions = storage === "" ? "" : `file_storage: { directory: "${folder}/state" }`;
    const collector = await start({ url: dead.url, exporter: storage, extensions });
    for (const name of ["a", "b", "c"]) {
      expect((await send(collector.endpoints.otlp, "traces", plainSpan(name))).status).toBe(200);
    }
    await dead.until("it is tried", (requests) => requests.at(0));
    write({ url: alive.url, exporter: storage, extensions });
    await reload(collector);
    await alive.until("all arrived", (requests) =>
      spanNames(requests).length === 3 ? true : undefined,
    );
    expect(spanNames(alive.requests).toSorted()).toEqual(["a", "b", "c"]);
  });
}

test("a backend that hangs does not keep a reload from taking effect", async () => {
  const [dead, alive] = [await sink(), await sink()];
  dead.silence();
  const collector = await start({ url: dead.url });
  await send(collector.endpoints.otlp, "traces", plainSpan("stuck"));
  await dead.until("it is tried", (requests) => requests.at(0));
  write({ url: alive.url });
  await reload(collector);
  const answer = await send(collector.endpoints.otlp, "traces", plainSpan("new"));
  expect(answer.status).toBe(200);
  await alive.until(
    "both arrived",
    (requests) => (spanNames(requests).length === 2 ? true : undefined),
    20_000,
  );
}, 30_000);

test("a new port that is in use rolls back to what ran before", async () => {
  const backend = await sink();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  const metricsPort = typeof address === "object" ? address!.port : 0;
  try {
    const collector = await start({ url: backend.url });
    write({ url: (await sink()).url, metricsPort });
    await reload(collector, "could not be put into effect");
    expect(collector.stderr()).toContain("the address is already in use");
    await send(collector.endpoints.otlp, "traces", plainSpan("fine"));
    await backend.until("it arrived", (requests) => spanNames(requests).at(0));
    expect((await fetch(collector.endpoints.prometheus)).status).toBe(200);
  } finally {
    taken.close();
  }
});

test("SIGTERM during a start that hangs ends it at once, with exit code 0", async () => {
  const extensions = `file_storage: { directory: "${folder}/state", timeout: 60s }`;
  const exporter = ", sending_queue: { storage: file_storage }";
  const { url } = await sink();
  await start({ url, extensions, exporter }); // It has the lock.
  const second = launchCollector({
    configs: [write({ url, extensions, exporter })],
    freePorts: false,
  });
  second.ready.catch(() => {});
  await second.waitForLog("Starting activity-collector.");
  await second.waitForLog("Serving the collector's own metrics.");
  const beforeMs = Date.now();
  second.kill("SIGTERM");
  const { exitCode, stderr } = await second.ended(15_000);
  expect(exitCode).toBe(0);
  expect(stderr).toContain("Shutdown complete.");
  expect(Date.now() - beforeMs).toBeLessThan(5_000);
});

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentSpan, tracesRequest } from "../support/agent-spans.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

let folder = "";
let backend: OtlpSink;
const collectors: RunningCollector[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "stored-queue-"));
  backend = await openSink();
  backend.answer = { status: 503 };
});
afterEach(async () => {
  for (const collector of collectors.splice(0)) {
    await collector.stop();
  }
  await backend.close();
  rmSync(folder, { recursive: true });
});

/** A collector with a stored queue. */
async function start(exporter = "otlp_http"): Promise<RunningCollector> {
  const config = join(folder, "config.yaml");
  writeFileSync(
    config,
    `receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } }
exporters:
  ${exporter}: { endpoint: ${backend.url}, sending_queue: { storage: file_storage } }
extensions:
  file_storage: { directory: ${folder}/state }
service:
  telemetry: { metrics: { endpoint: "127.0.0.1:0" } }
  extensions: [file_storage]
  pipelines:
    traces: { receivers: [otlp], exporters: [${exporter}] }
`,
  );
  const collector = await startCollector({ configs: [config], freePorts: false });
  collectors.push(collector);
  return collector;
}

async function post(collector: RunningCollector): Promise<void> {
  const body = tracesRequest("a", [{ span: agentSpan("openclaw.run") }]);
  expect((await send(collector.endpoints.otlp, "traces", body)).status).toBe(200);
}

const removeStorage = () => rmSync(join(folder, "state"), { recursive: true });
const restored = '"requests": 2';

test("what was queued before and after the directory of the storage was removed survives kill -9 some seconds later", async () => {
  const collector = await start();
  await post(collector);
  removeStorage();
  await post(collector);
  await collector.waitForLog("State is stored again, beginning with a new snapshot.", 15_000);
  expect(collector.stderr()).toContain("State is no longer stored.");
  collector.kill("SIGKILL");
  await collector.ended();
  expect((await start()).stderr()).toContain(restored);
});

test("what is queued survives a stop right after the directory of the storage was removed", async () => {
  const collector = await start();
  await post(collector);
  await post(collector);
  removeStorage();
  const { exitCode, stderr } = await collector.stop();
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining("State is no longer stored.")]);
  expect((await start()).stderr()).toContain(restored);
});

test("a queue that has sent everything leaves nothing, and nothing is said of it when its exporter has another name", async () => {
  backend.answer = { status: 200 };
  const collector = await start("otlp_http/old");
  await post(collector);
  await backend.until("it has arrived", (all) => all.length > 0 || undefined);
  expect((await collector.stop()).exitCode).toBe(0);
  expect(readdirSync(join(folder, "state"))).toEqual(["lock"]);
  const next = await start("otlp_http/new");
  expect(next.stderr()).not.toContain("Stored data belongs to");
});

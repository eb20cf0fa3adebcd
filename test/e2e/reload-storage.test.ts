import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentSpan, tracesRequest } from "../support/agent-spans.ts";
import { scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

let folder = "";
const collectors: RunningCollector[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reload-storage-"));
});
afterEach(async () => {
  await Promise.all(collectors.splice(0).map((collector) => collector.stop()));
  rmSync(folder, { recursive: true });
});

interface Options {
  /** The folder of `file_storage`. */
  readonly directory?: string;
  /** The option of `session_activity`. */
  readonly storage?: string;
  readonly metrics?: string;
  /** The folder of `file_storage/other`. */
  readonly other?: string;
}

function write({
  directory = "a",
  storage = "file_storage",
  metrics = "127.0.0.1:0",
  other = "other",
}: Options): string {
  const path = join(folder, "config.yaml");
  writeFileSync(
    path,
    `receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } }
processors:
  session_activity: { allowed_lateness: 300ms ${storage === "" ? "" : `, storage: ${storage}`} }
exporters:
  debug:
  prometheus: { endpoint: "${metrics}" }
extensions:
  file_storage: { directory: "${folder}/${directory}" }
  file_storage/other: { directory: "${folder}/${other}" }
service:
  extensions: [file_storage, file_storage/other]
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], processors: [session_activity], exporters: [debug] }
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

async function reload(collector: RunningCollector, text: string): Promise<void> {
  const lines = () => collector.stderr().split(text).length;
  const before = lines();
  collector.kill("SIGHUP");
  while (lines() === before) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const run = agentSpan("openclaw.run", { "session.id": "s" });
const tool = agentSpan("openclaw.tool.execution", {}, run);

async function begin(collector: RunningCollector): Promise<void> {
  const request = tracesRequest("gateway", [{ span: run }, { span: tool }]);
  expect((await send(collector.endpoints.otlp, "traces", request)).status).toBe(200);
}

async function end(collector: RunningCollector): Promise<void> {
  const endUnixMs = Date.now();
  const request = tracesRequest("gateway", [
    { span: tool, endUnixMs },
    { span: run, endUnixMs },
  ]);
  expect((await send(collector.endpoints.otlp, "traces", request)).status).toBe(200);
}

async function openOn(collector: RunningCollector): Promise<number> {
  return (await scrape(collector.endpoints.prometheus)).sum("openclaw_session_activity_open");
}

/** What is stored in a folder of the storage. */
const journalsIn = (directory: string) =>
  readdirSync(join(folder, directory)).filter((name) => name.startsWith("processor_"));

const first = {};
for (const [title, changed] of [
  ["moves to another directory", { directory: "b" }],
  ["moves to another storage", { storage: "file_storage/other" }],
  [
    "moves to another storage while the directory of the old one moves",
    { directory: "b", storage: "file_storage/other" },
  ],
  ["is not stored any more", { storage: "" }],
] as const) {
  test(`a start from where the state was finds no work that has ended since, when a reload says that it ${title}`, async () => {
    const collector = await start(first);
    await begin(collector);
    write(changed);
    await reload(collector, "The configuration was reloaded.");
    expect(await openOn(collector)).toBe(2);
    await end(collector);
    expect((await collector.stop()).exitCode).toBe(0);
    expect(journalsIn("a")).toEqual([]);
    const again = await start(first);
    expect(await openOn(again)).toBe(0);
    expect(again.stderr()).not.toContain("was recovered");
  });
}

test("state that has moved survives a crash right after the reload, in the new place only", async () => {
  const collector = await start(first);
  await begin(collector);
  write({ directory: "b" });
  await reload(collector, "The configuration was reloaded.");
  while (journalsIn("a").length > 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  collector.kill("SIGKILL");
  await collector.ended();
  expect(await openOn(await start({ directory: "b" }))).toBe(2);
});

test("state that moves there and back again is in one place at a time", async () => {
  const collector = await start(first);
  await begin(collector);
  for (const storage of [
    "file_storage/other",
    "file_storage",
    "file_storage/other",
    "file_storage",
  ]) {
    write({ storage });
    await reload(collector, "The configuration was reloaded.");
  }
  expect((await collector.stop()).exitCode).toBe(0);
  expect([journalsIn("a"), journalsIn("other")]).toEqual([["processor_session_activity"], []]);
  expect(await openOn(await start(first))).toBe(2);
});

describe("a reload that fails to start", () => {
  const taken = () => `127.0.0.1:${new URL(collectors[0]!.endpoints.otlp).port}`;

  test("leaves the state in the old place alone", async () => {
    await start({ directory: "holder", other: "holder-2", storage: "" });
    const collector = await start(first);
    await begin(collector);
    write({ directory: "b", metrics: taken() });
    await reload(collector, "could not be put into effect");
    expect((await collector.stop()).exitCode).toBe(0);
    expect(await openOn(await start(first))).toBe(2);
  });

  test("can be repeated with a storage that was there before", async () => {
    await start({ directory: "holder", other: "holder-2", storage: "" });
    const collector = await start(first);
    await begin(collector);
    write({ storage: "file_storage/other", metrics: taken() });
    await reload(collector, "could not be put into effect");
    write({ storage: "file_storage/other" });
    await reload(collector, "The configuration was reloaded.");
    expect(await openOn(collector)).toBe(2);
    expect((await collector.stop()).exitCode).toBe(0);
    expect([journalsIn("a"), journalsIn("other")]).toEqual([[], ["processor_session_activity"]]);
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningCollector, startCollector } from "../support/process.ts";

let folder = "";
const collectors: RunningCollector[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "extensions-"));
});
afterEach(async () => {
  for (const collector of collectors.splice(0)) {
    await collector.stop();
  }
  rmSync(folder, { recursive: true });
});

async function start(): Promise<RunningCollector> {
  const collector = await startCollector({
    overrides: [
      `extensions::file_storage::directory: ${folder}`,
      "extensions::file_storage::timeout: 100ms",
      "extensions::health_check::endpoint: 127.0.0.1:0",
      "extensions::health_check::component_health: {}",
      "service::extensions: [health_check, file_storage]",
    ],
  });
  collectors.push(collector);
  return collector;
}

async function probe(collector: RunningCollector, path = "/") {
  const [, endpoint] = /Serving health checks\.\t\{.*"endpoint": "([^"]+)"/.exec(
    collector.stderr(),
  )!;
  const response = await fetch(`http://${endpoint}${path}`);
  return { code: response.status, body: (await response.json()) as Record<string, object> };
}

test("a collector that is ready says so, and so does each of its components", async () => {
  const { code, body } = await probe(await start());
  expect(code).toBe(200);
  expect(body).toMatchObject({ healthy: true, status: "StatusOK" });
  const names = Object.keys(body["components"] ?? {});
  expect(names).toEqual(
    expect.arrayContaining([
      "receiver:otlp",
      "processor:session_activity",
      "exporter:prometheus",
      "extension:file_storage",
      "extension:health_check",
    ]),
  );
});

test("a collector that is ready shows each pipeline with its components, and is ready for traffic", async () => {
  const collector = await start();
  expect((await probe(collector, "/ready")).code).toBe(200);
  const { code, body } = await probe(collector, "/status");
  expect(code).toBe(200);
  const parts = Object.entries(body["components"] ?? {}).map(([part, { components }]) => [
    part,
    Object.keys(components),
  ]);
  expect(Object.fromEntries(parts)).toMatchObject({
    extensions: ["extension:health_check", "extension:file_storage"],
    "pipeline:traces": [
      "receiver:otlp",
      "processor:memory_limiter",
      "processor:session_activity",
      "exporter:debug",
    ],
    "pipeline:metrics/activity": ["processor:session_activity", "exporter:prometheus"],
  });
});

test("two collectors cannot store in one directory; after kill -9 the next one can at once", async () => {
  const first = await start();
  await expect(start()).rejects.toThrow(
    new RegExp(
      `Cannot start extension "file_storage": the directory ${folder} is in use by another process( \\(\\d+\\))?\\. Stop it, or give each a directory of its own\\.`,
    ),
  );
  first.kill("SIGKILL");
  await first.ended();
  expect((await probe(await start())).code).toBe(200);
});

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCollector } from "../support/process.ts";
import { pathOf } from "../support/repository.ts";

const config = `
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}}
exporters: {debug: {}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
`;

test("a collector under --permission that may read only itself and its config takes data", async () => {
  const directory = mkdtempSync(join(tmpdir(), "collector-permission-"));
  const path = join(directory, "config.yaml");
  writeFileSync(path, config);
  const readable = [pathOf("."), realpathSync(pathOf("node_modules")), directory];
  const collector = await startCollector({
    configs: [path],
    freePorts: false,
    env: {
      NODE_OPTIONS: ["--permission", ...readable.map((each) => `--allow-fs-read=${each}`)].join(
        " ",
      ),
    },
    readyTimeoutMs: 60_000,
  });
  const answer = await fetch(`${collector.endpoints.otlp}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"resourceSpans":[]}',
  });
  const { exitCode, stderr } = await collector.stop();
  rmSync(directory, { recursive: true, force: true });
  expect([answer.status, exitCode], stderr).toEqual([200, 0]);
  expect(stderr).not.toContain("restricted");
}, 120_000);

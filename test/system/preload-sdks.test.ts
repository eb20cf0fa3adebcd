import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startAgent } from "../preload/agent-process.ts";
import { type Sink, startSink, summary } from "../preload/sink.ts";
import { pathOf } from "../support/repository.ts";

/** Applications with the SDKs that people have, each with the copy of the API that it asks for. */
const applications = [
  ["the first stable SDK", ["@opentelemetry/sdk-trace-node@1.0.1", "@opentelemetry/api@1.0.4"]],
  ["the last SDK 1.x", ["@opentelemetry/sdk-trace-node@1.30.1", "@opentelemetry/api@1.9.0"]],
  ["SDK 2.x", ["@opentelemetry/sdk-trace-node@2.12.0", "@opentelemetry/api@1.9.0"]],
  ["NodeSDK of 2.x", ["@opentelemetry/sdk-node@0.220.0", "@opentelemetry/api@1.9.0"]],
  ["NodeSDK of 3.x", ["@opentelemetry/sdk-node@0.301.0", "@opentelemetry/api@1.10.0"]],
] as const;

let folder = "";
let sink: Sink;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "preload-sdks-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  sink = await startSink();
});
afterEach(() => sink.close());

/** A folder with the packages installed and one of our applications in it. */
function install(name: string, packages: readonly string[], app: string): string {
  const home = join(folder, name.replaceAll(/\W/g, "-"));
  mkdirSync(home);
  writeFileSync(join(home, "package.json"), '{ "private": true, "type": "module" }');
  const done = spawnSync("npm", ["install", "--no-audit", "--no-fund", ...packages], {
    cwd: home,
    encoding: "utf8",
    env: {
      ...process.env,
      PATH: [pathOf("node_modules/node/bin"), process.env["PATH"]].join(delimiter),
    },
  });
  expect(done.stderr).not.toMatch(/npm error/);
  cpSync(pathOf(`test/preload/apps/${app}`), join(home, app));
  return join(home, app);
}

describe("starts and ends are reported for an application with", () => {
  for (const [title, packages] of applications) {
    test(`${title}, and its ends are its own business`, async () => {
      const agent = startAgent({
        app: install(title, packages, "sdk-of-its-own.mjs"),
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_METRICS_EXPORTER: "none" },
      });
      const { exitCode, stdout, stderr } = await agent.ended();
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const [run, tool] = sink.spans;
      expect(summary(sink.spans)).toEqual([
        "start invoke_agent a",
        "start execute_tool b",
        "reported end execute_tool b",
        "reported end invoke_agent a",
      ]);
      expect(tool?.parentId).toBe(run?.spanId);
      expect(stdout).toBe(
        `ended execute_tool b ${tool?.spanId} below ${run?.spanId}\nended invoke_agent a ${run?.spanId} below nothing\n`,
      );
    });
  }
});

test("the AI SDK needs no more than its own registration", async () => {
  const app = install("ai", ["ai@7.0.173", "@ai-sdk/otel@1.0.173"], "ai-sdk.mjs");
  const agent = startAgent({ app, env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url } });
  expect(await agent.ended()).toMatchObject({ exitCode: 0, stdout: "found it\n", stderr: "" });
  const starts = sink.spans.filter(({ end }) => end === "0");
  expect(summary(starts)).toEqual([
    "start invoke_agent mock-model-id",
    "start step 1",
    "start execute_tool search",
  ]);
  const ends = sink.spans.filter(({ end }) => end !== "0");
  for (const { spanId, parentId } of starts) {
    expect(ends).toContainEqual(expect.objectContaining({ spanId, parentId }));
  }
});

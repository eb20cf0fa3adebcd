import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pathOf } from "../support/repository.ts";
import { type Agent, type AgentOptions, startAgent } from "./agent-process.ts";
import { exported, type Sink, startSink, summary } from "./sink.ts";

let sink: Sink;
let agents: Agent[];
let folders: string[];

beforeEach(async () => {
  sink = await startSink();
  agents = [];
  folders = [];
});

afterEach(async () => {
  for (const agent of agents) {
    agent.kill("SIGKILL");
    await agent.ended();
  }
  await sink.close();
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});

function start({ env, ...options }: AgentOptions = {}): Agent {
  const agent = startAgent({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_SERVICE_NAME: "agent-app",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      ...env,
    },
    ...options,
  });
  agents.push(agent);
  return agent;
}

const isStartOf = (name: string) => (each: Sink) =>
  each.spans.some((span) => span.name === name && span.end === "0");
const isEndOf = (name: string) => (each: Sink) =>
  exported(each.spans).some((span) => span.name === name);

/** An application that brings its own copy of the API, of an older version. */
function appWithOlderApi(packageName: string): string {
  const folder = mkdtempSync(join(tmpdir(), "preload-app-"));
  folders.push(folder);
  const packages = join(folder, "node_modules", "@opentelemetry");
  for (const name of [
    "api",
    "context-async-hooks",
    "core",
    "resources",
    "sdk-trace",
    "semantic-conventions",
  ]) {
    cpSync(pathOf(`node_modules/@opentelemetry/${name}`), join(packages, name), {
      recursive: true,
    });
  }
  const api = join(packages, "api");
  for (const file of readdirSync(join(api, "dist"), { recursive: true, encoding: "utf8" })) {
    if (/\.[cm]js$/.test(file)) {
      const path = join(api, "dist", file);
      writeFileSync(path, readFileSync(path, "utf8").replaceAll('"1.10.0"', '"1.9.0"'));
    }
  }
  const manifest = readFileSync(join(api, "package.json"), "utf8");
  writeFileSync(
    join(api, "package.json"),
    manifest
      .replace('"version": "1.10.0"', '"version": "1.9.0"')
      .replace('"name": "@opentelemetry/api"', `"name": "${packageName}"`),
  );
  cpSync(pathOf("test/preload/apps/agent.ts"), join(folder, "agent.ts"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  return join(folder, "agent.ts");
}

describe("an application without an SDK", () => {
  test("has its starts sent within a second, before their ends, and its ends exported", async () => {
    const agent = start();
    await agent.command("run r", "tool t r");
    const [run, tool] = await sink.until(isStartOf("t"));
    expect(sink.arrivedAtMs[1]! - Number(BigInt(tool!.start) / 1_000_000n)).toBeLessThan(1_000);
    expect(tool).toMatchObject({ parentId: run!.spanId, traceId: run!.traceId });

    await agent.command("end t", "end r");
    const spans = await sink.until((each) => isEndOf("t")(each) && isEndOf("r")(each));
    expect(summary(spans).slice(0, 2)).toEqual(["start r", "start t"]);
    expect(summary(exported(spans))).toEqual(["end t", "end r"]);
    const [end] = exported(spans);
    expect({ ...end, end: "0" }).toEqual(tool);
    await agent.command("quit");
    expect(await agent.ended()).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("is distinguished by its name, its host and its process, and shows no command line", async () => {
    const agent = start({ env: { OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test" } });
    await agent.command("run r");
    const [span] = await sink.until(isStartOf("r"));
    expect(span?.resource).toMatchObject({
      "service.name": "agent-app",
      "deployment.environment.name": "test",
      "process.pid": expect.any(Number),
      "host.name": expect.any(String),
      "service.instance.id": expect.any(String),
    });
    expect(Object.keys(span?.resource ?? {})).not.toContain("process.command_args");
  });

  test("sends the rest of its spans at its end, and ends", async () => {
    const agent = start({ env: { OTEL_BSP_SCHEDULE_DELAY: "60000" } });
    await agent.command("run r", "end r", "run hangs", "quit");
    expect(await agent.ended()).toMatchObject({ exitCode: 0, stderr: "" });
    expect([...summary(sink.spans)].sort()).toEqual(["end r", "start hangs"]);
  });

  test("does not export a phantom's start, a tool without parent and session", async () => {
    const agent = start();
    await agent.command("phantom p", "run r");
    await sink.until(isStartOf("r"));
    expect(summary(sink.spans)).toEqual(["start r"]);
  });

  test("sends nothing with OTEL_SDK_DISABLED", async () => {
    const agent = start({ env: { OTEL_SDK_DISABLED: "true" } });
    await agent.command("run r", "end r", "quit");
    expect(await agent.ended()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(sink.paths).toEqual([]);
  });

  test("sends no starts that its sampler leaves out", async () => {
    const agent = start({ env: { OTEL_TRACES_SAMPLER: "always_off" } });
    await agent.command("run r", "end r", "quit");
    expect(await agent.ended()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(sink.paths).toEqual([]);
  });

  test("may send starts to the collector and finished spans to a backend", async () => {
    const backend = await startSink();
    const agent = start({
      env: {
        ACTIVITY_COLLECTOR_ENDPOINT: sink.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: backend.url,
        OTEL_EXPORTER_OTLP_HEADERS: "api-key=secret",
      },
    });
    await agent.command("run r");
    await sink.until(isStartOf("r"));
    await agent.command("end r");
    await backend.until(isEndOf("r"));
    await sink.until(({ spans }) => spans.length === 2);
    expect([summary(sink.spans), summary(backend.spans)]).toEqual([
      ["start r", "reported end r"],
      ["end r"],
    ]);
    expect([sink.headers[0]?.["api-key"], backend.headers[0]?.["api-key"]]).toEqual([
      undefined,
      "secret",
    ]);
    await backend.close();
  });

  for (const [title, env, wanted] of [
    [
      "has metrics when it relies on a preload, as OpenClaw does",
      { OPENCLAW_OTEL_PRELOADED: "1" },
      1,
    ],
    ["has no metrics otherwise", {}, 0],
  ] as const) {
    test(title, async () => {
      const agent = start({ env });
      await agent.command("count turns", "run r", "quit");
      expect(await agent.ended()).toMatchObject({ exitCode: 0 });
      expect(sink.paths.filter((path) => path === "/v1/metrics").length).toBe(wanted);
    });
  }

  test("ends by a signal as it would have, but with its spans sent", async () => {
    const agent = start({ env: { OTEL_BSP_SCHEDULE_DELAY: "60000" } });
    await agent.command("run r", "end r");
    agent.kill("SIGTERM");
    expect(await agent.ended()).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    expect(summary(sink.spans)).toEqual(["end r"]);
  });

  test("decides alone about a signal that it handles itself", async () => {
    const agent = start();
    await agent.command("run r", "handle");
    agent.kill("SIGTERM");
    expect(await agent.ended()).toMatchObject({ exitCode: 7, signal: null });
    expect(summary(sink.spans)).toContain("start r");
  });
});

describe("an application with an SDK of its own", () => {
  for (const [title, env] of [
    ["that comes late", {}],
    ["that the preload is configured to expect", { ACTIVITY_PRELOAD_SDK: "app" }],
  ] as const) {
    test(`${title} keeps it, and has its starts sent`, async () => {
      const agent = start({ env });
      await agent.command("sdk", "run r", "tool t r");
      const [run, tool] = await sink.until(isStartOf("t"));
      expect(tool).toMatchObject({ parentId: run!.spanId });
      await agent.command("end t", "end r", "quit");
      const { stdout, stderr } = await agent.ended();
      expect(stdout).toContain("registered true true");
      expect(stdout.match(/^ended .*$/gm)).toEqual([
        `ended t below ${run!.spanId}`,
        "ended r below nothing",
      ]);
      expect([...summary(sink.spans)].sort()).toEqual([
        "reported end r",
        "reported end t",
        "start r",
        "start t",
      ]);
      expect(stderr).toBe("");
    });
  }

  test("that is registered after its first span takes over the existing tracers", async () => {
    const agent = start();
    await agent.command("run before", "end before", "sdk", "run r", "end r", "quit");
    const { stdout, stderr } = await agent.ended();
    expect(stdout.match(/^(registered|ended) .*$/gm)).toEqual([
      "registered true true",
      "ended r below nothing",
    ]);
    expect(stderr).toBe("");
    expect(summary(sink.spans)).toEqual(["end before"]);
  });

  test("without a context manager gets none, so that its traces stay as they were", async () => {
    const agent = start();
    await agent.command("provider", "run r", "tool t r", "end t", "end r", "quit");
    const { stdout } = await agent.ended();
    expect(stdout.match(/^(registered|ended) .*$/gm)).toEqual([
      "registered false true",
      "ended t below nothing",
      "ended r below nothing",
    ]);
  });

  test("by a copy of the API of another version registers all the same", async () => {
    const agent = start({ app: appWithOlderApi("@opentelemetry/api") });
    await agent.command("sdk", "run r", "tool t r");
    await sink.until(isStartOf("t"));
    await agent.command("end t", "end r", "quit");
    const { stdout, stderr } = await agent.ended();
    expect(stdout).toContain("registered true true");
    expect(stdout.match(/^ended .*$/gm)?.length).toBe(2);
    expect(stderr).toBe("");
  });

  test("whose API is hidden in a bundle gets a warning about what to set, and with that it works", async () => {
    const app = appWithOlderApi("a-bundle");
    const refused = start({ app });
    await refused.command("sdk", "quit");
    const { stdout, stderr } = await refused.ended();
    expect(stdout).toContain("registered false false");
    expect(stderr).toMatch(/Set ACTIVITY_PRELOAD_SDK=app and restart it\./);

    const agent = start({ app, env: { ACTIVITY_PRELOAD_SDK: "app" } });
    await agent.command("sdk", "run r");
    await sink.until(isStartOf("r"));
    expect(agent.stdout()).toContain("registered true true");
  });
});

describe("a collector that is away", () => {
  test("gets the open work when it starts, and the application is warned once", async () => {
    const { port } = sink;
    await sink.close();
    const agent = start({ env: { OTEL_TRACES_EXPORTER: "none" } });
    await agent.command("run r", "tool t r", "run done", "end done");
    await agent.stderrContains("does not accept live spans");
    sink = await startSink(port);
    await sink.until(isStartOf("t"));
    expect(summary(sink.spans)).toEqual(["start r", "start t"]);
    await agent.command("quit");
    const { stderr } = await agent.ended();
    expect(stderr.match(/ActivityPreloadWarning/g)?.length).toBe(1);
  });

  test("does not hold up the application's exit", async () => {
    await sink.close();
    const agent = start({ env: { OTEL_TRACES_EXPORTER: "none" } });
    await agent.command("run r", "tool t r");
    const atMs = performance.now();
    await agent.command("quit");
    expect(await agent.ended()).toMatchObject({ exitCode: 0 });
    expect(performance.now() - atMs).toBeLessThan(2_500);
    sink = await startSink();
  });
});

for (const [title, env, problem] of [
  [
    "a protocol that is not there",
    { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
    /=grpc is not supported/,
  ],
  [
    "a certificate that cannot be read",
    { OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere/ca.pem" },
    /A certificate file cannot be read/,
  ],
] as const) {
  test(`${title} is reported, and the application starts`, async () => {
    const agent = start({ env });
    await agent.command("quit");
    const { exitCode, stderr } = await agent.ended();
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(problem);
  });
}

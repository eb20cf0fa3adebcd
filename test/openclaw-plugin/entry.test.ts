import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import manifest from "../../openclaw-plugin/package.json" with { type: "json" };
import { pathOf } from "../support/repository.ts";
import { type OtlpSink, startSink } from "./otlp-sink.ts";

type Listener = (event: unknown, metadata: unknown) => void;

interface Plugin {
  readonly id: string;
  register(api: object): void;
}

/** What stands for OpenClaw: it remembers who listens to its events, and what for. */
const host: {
  listeners: Set<Listener>;
  agentListeners: Set<(event: unknown) => void>;
  include: readonly string[];
  approvalListeners: Set<(event: object) => void>;
} = { listeners: new Set(), agentListeners: new Set(), include: [], approvalListeners: new Set() };

/** The built plugin, where its imports from OpenClaw lead to `host`. */
let folder: string;
let sink: OtlpSink;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "relay-entry-"));
  execFileSync(pathOf("node_modules/.bin/tsc"), [
    ...["-p", pathOf("openclaw-plugin/tsconfig.build.json"), "--outDir", join(folder, "dist")],
  ]);
  const sdk = join(folder, "node_modules", "openclaw", "plugin-sdk");
  mkdirSync(sdk, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(
    join(sdk, "..", "package.json"),
    '{"name":"openclaw","type":"module","exports":{"./plugin-sdk/*":"./plugin-sdk/*.js"}}',
  );
  writeFileSync(join(sdk, "plugin-entry.js"), "export const definePluginEntry = (entry) => entry;");
  writeFileSync(
    join(sdk, "diagnostic-runtime.js"),
    `export function onInternalDiagnosticEvent(listener, interest) {
      const host = globalThis[Symbol.for("relay-entry-test")];
      host.listeners.add(listener);
      host.include = interest.include;
      return () => host.listeners.delete(listener);
    }`,
  );
  writeFileSync(
    join(sdk, "gateway-runtime.js"),
    `export async function createOperatorApprovalsGatewayClient({ onEvent }) {
      const { approvalListeners } = globalThis[Symbol.for("relay-entry-test")];
      return {
        start: () => approvalListeners.add(onEvent),
        stop: () => approvalListeners.delete(onEvent),
      };
    }`,
  );
  Reflect.set(globalThis, Symbol.for("relay-entry-test"), host);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  sink = await startSink();
});

afterEach(() => sink.close());

/** A fresh copy of the plugin, registered. */
async function load(pluginConfig: unknown) {
  const entry = `${pathToFileURL(join(folder, manifest.exports["."])).href}?copy=${Math.random()}`;
  const { default: plugin }: { default: Plugin } = await import(entry);
  const said: string[] = [];
  const hooks = new Map<string, (event: unknown, context: unknown) => void>();
  const services: { start(context: object): void; stop(): Promise<void> }[] = [];
  plugin.register({
    pluginConfig,
    runtime: {
      version: "2026.9.6",
      events: {
        onAgentEvent(listener: (event: unknown) => void) {
          host.agentListeners.add(listener);
          return () => host.agentListeners.delete(listener);
        },
      },
    },
    on: (name: string, handler: () => void) => hooks.set(name, handler),
    registerService: (service: (typeof services)[number]) => services.push(service),
  });
  const say = (message: string) => void said.push(message);
  return {
    plugin,
    said,
    hooks,
    start: () =>
      services[0]!.start({
        config: { diagnostics: { otel: { serviceName: "named" } } },
        logger: { info: say, warn: say },
      }),
    stop: () => services[0]!.stop(),
    /** What OpenClaw says before it stops the services of a gateway that ends. */
    stopGateway: (event: object = { reason: "gateway stopping" }) =>
      hooks.get("gateway_stop")!(event, {}),
  };
}

const emit = (event: object) => {
  for (const listener of host.listeners) {
    listener(event, { trusted: true });
  }
};

test("the plugin listens while its service runs, and says where it sends to", async () => {
  const { plugin, said, start, stop, stopGateway } = await load({ endpoint: sink.url });
  expect(host.listeners.size).toBe(0);
  start();
  emit({ type: "run.started", runId: "r", sessionKey: "s", seq: 1, ts: 1 });
  stopGateway();
  await stop();

  expect(plugin.id).toBe("activity-relay");
  expect(host.include).toContain("tool.execution.started");
  expect(host.listeners.size).toBe(0);
  expect(said).toEqual([`[activity-relay] Reporting runs and waits to ${sink.url}.`]);
  expect(sink.spans).toMatchObject([
    {
      name: "openclaw.run",
      resource: {
        "service.name": "named",
        "service.version": "2026.9.6",
        "process.pid": process.pid,
      },
    },
  ]);
  expect(sink.logs.at(-1)!.eventName).toBe("entity.delete");
});

test("the plugin listens to approvals while its service runs", async () => {
  const { start, stop } = await load({ endpoint: sink.url });
  start();
  emit({ type: "run.started", runId: "r", sessionKey: "s", seq: 1, ts: 1 });
  for (const listener of host.agentListeners) {
    const data = { phase: "waiting-approval", approvalId: "a" };
    listener({ stream: "lifecycle", runId: "r", sessionKey: "s", data, ts: 2 });
  }
  await stop();

  expect(host.agentListeners.size).toBe(0);
  expect(sink.logs.map(({ eventName }) => eventName)).toContain("gen_ai.agent.paused");
});

test("the plugin is a client of approvals while its service runs, if it is configured to be", async () => {
  const { start, stop } = await load({ endpoint: sink.url, approvalClient: true });
  start();
  emit({ type: "run.started", runId: "r", sessionKey: "s", seq: 1, ts: 1 });
  await expect.poll(() => host.approvalListeners.size).toBe(1);
  for (const listener of host.approvalListeners) {
    const payload = { id: "a", request: { runId: "r", sessionKey: "s", toolCallId: "c" } };
    listener({ event: "plugin.approval.requested", payload });
  }
  await stop();

  expect(host.approvalListeners.size).toBe(0);
  expect(sink.logs.map(({ eventName }) => eventName)).toContain("gen_ai.agent.paused");
});

test("a hook that is called on another copy of the plugin reaches the relay", async () => {
  const running = await load({ endpoint: sink.url });
  const other = await load({ endpoint: sink.url });
  running.start();
  other.hooks.get("session_end")!({ reason: "reset" }, { sessionKey: "s" });
  await running.stop();

  expect(sink.logs.map(({ eventName }) => eventName)).toContain("session.end");
});

test("a hook that is called where no relay runs does nothing", async () => {
  const { hooks } = await load({ endpoint: sink.url });

  expect(() => hooks.get("session_end")!({ reason: "reset" }, { sessionKey: "s" })).not.toThrow();
});

test("a wrong address does not keep the gateway from starting", async () => {
  const { said, start, stop } = await load({ endpoint: "nowhere" });
  start();
  await stop();

  expect(said).toEqual([
    expect.stringMatching(/^\[activity-relay\] Not started: endpoint must be/),
  ]);
  expect(host.listeners.size).toBe(0);
});

test("every start is another process to the collector: new names for the same session", async () => {
  const { start, stop } = await load({ endpoint: sink.url });
  for (const seq of [1, 2]) {
    start();
    emit({ type: "run.started", runId: "r", sessionKey: "s", seq, ts: seq });
    await stop();
  }
  const [first, second] = sink.spans;

  expect(first!.resource["service.instance.id"]).not.toBe(second!.resource["service.instance.id"]);
  expect(first!.attributes["session.id"]).not.toBe(second!.attributes["session.id"]);
  expect(first!.spanId).not.toBe(second!.spanId);
});

const lastWord = () => sink.logs.at(-1)!.eventName;

test("switched off while the gateway lives on, it says that it does not watch any more", async () => {
  const { start, stop } = await load({ endpoint: sink.url });
  start();
  emit({ type: "run.started", runId: "r", sessionKey: "s", seq: 1, ts: 1 });
  await stop();

  expect(lastWord()).toBe("openclaw.activity.unwatched");
  expect(sink.logs.map(({ eventName }) => eventName)).not.toContain("entity.delete");
});

for (const [event, wanted] of [
  [{ reason: "gateway stopping" }, "entity.delete"],
  [{}, "entity.delete"],
  [{ reason: "plugin replacement" }, "openclaw.activity.unwatched"],
  [{ reason: "gateway restarting" }, "openclaw.activity.unwatched"],
  [{ reason: "something new" }, "openclaw.activity.unwatched"],
] as const) {
  test(`stopped after a gateway_stop of ${JSON.stringify(event)}, it says ${wanted}`, async () => {
    const { start, stop, stopGateway } = await load({ endpoint: sink.url });
    start();
    stopGateway(event);
    await stop();

    expect(lastWord()).toBe(wanted);
  });
}

test("a gateway that stopped before in this process says nothing of the one that runs now", async () => {
  const { start, stop, stopGateway } = await load({ endpoint: sink.url });
  start();
  stopGateway();
  await stop();
  start();
  await stop();

  expect(lastWord()).toBe("openclaw.activity.unwatched");
});

test("a copy that starts while another one runs takes over, and outlives it", async () => {
  const first = await load({ endpoint: sink.url });
  const second = await load({ endpoint: sink.url });
  first.start();
  second.start();
  await sink.until("the first one's last word", () =>
    sink.logs.some(({ eventName }) => eventName === "openclaw.activity.unwatched"),
  );
  await first.stop();
  expect(host.listeners.size).toBe(1);
  emit({ type: "run.started", runId: "r", sessionKey: "s", seq: 1, ts: 1 });
  second.stopGateway();
  await second.stop();

  expect(host.listeners.size).toBe(0);
  expect(sink.spans.filter(({ name }) => name === "openclaw.run")).toHaveLength(1);
  expect(lastWord()).toBe("entity.delete");
});

test("switched on again, it leaves out the end of what it had reported before, and of nothing else", async () => {
  const { start, stop } = await load({ endpoint: sink.url });
  const work = { runId: "r", sessionKey: "s" } as const;
  const tool = (toolCallId: string) => ({ ...work, toolName: "exec", toolCallId });
  start();
  emit({ ...tool("a"), type: "tool.execution.started", seq: 1, ts: Date.now() });
  await stop();
  const offMs = Date.now();
  start();
  const end = { type: "tool.execution.completed", seq: 2, ts: offMs + 50 } as const;
  emit({ ...end, ...tool("a"), durationMs: 60_000 });
  emit({ ...end, ...work, type: "run.completed" });
  emit({ ...end, ...tool("b"), durationMs: 1 });
  emit({ ...end, ...tool("c"), type: "tool.execution.blocked" });
  await stop();

  expect(
    sink.spans.map(({ endMs, attributes }) => [endMs, attributes["openclaw.outcome"]]),
  ).toEqual([
    [undefined, undefined],
    [offMs + 50, "completed"],
    [offMs + 50, "blocked"],
  ]);
});

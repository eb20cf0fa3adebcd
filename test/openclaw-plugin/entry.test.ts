import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
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
  const entry = `${pathToFileURL(join(folder, "dist", "index.js")).href}?copy=${Math.random()}`;
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
  };
}

const emit = (event: object) => {
  for (const listener of host.listeners) {
    listener(event, { trusted: true });
  }
};

test("the plugin listens while its service runs, and says where it sends to", async () => {
  const { plugin, said, start, stop } = await load({ endpoint: sink.url });
  expect(host.listeners.size).toBe(0);
  start();
  emit({ type: "run.started", runId: "r", sessionKey: "s", seq: 1, ts: 1 });
  await stop();

  expect(plugin.id).toBe("activity-relay");
  expect(host.include).toContain("tool.execution.started");
  expect(host.listeners.size).toBe(0);
  expect(said).toEqual([`[activity-relay] Telling ${sink.url} about runs and what they wait for.`]);
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

test("the plugin is a client of approvals while its service runs, if it is told to be", async () => {
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

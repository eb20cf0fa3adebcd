import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InstalledOpenClaw } from "./install.ts";

export interface GatewayOptions {
  readonly openclaw: InstalledOpenClaw;
  /** Base address of the scripted model. */
  readonly modelUrl: string;
  /** Folder of the built relay plugin and its `config`; without it none is loaded. */
  readonly relay?: { readonly path: string; readonly config: Readonly<Record<string, unknown>> };
  /** Folders of further plugins, by id. */
  readonly plugins?: Readonly<Record<string, string>>;
  /** Address the gateway's own exporter, where its version bundles one, sends OTLP to. */
  readonly exporterUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Flags for Node itself, e.g. `["--import", file]`. */
  readonly nodeFlags?: readonly string[];
  readonly readyTimeoutMs?: number;
  /** Whether every command of the tool `exec` needs a person's approval; default false. */
  readonly asksForApproval?: boolean;
}

/** A real gateway that runs on loopback with a home of its own. */
export interface RunningGateway {
  readonly pid: number;
  /** Everything it said so far. */
  output(): string;
  /** One turn of session `session` through the command line; resolves with what that printed, also when the turn failed. */
  turn(session: string, message: string, options?: { readonly timeoutS?: number }): Promise<string>;
  /** Calls a method of the gateway, e.g. `chat.abort`. */
  call(method: string, params: Readonly<Record<string, unknown>>): Promise<string>;
  /** Switches a plugin on or off in the config file; newer gateways then reload it. */
  switchPlugin(id: string, enabled: boolean): void;
  /** Ends it the friendly way and waits. Returns how long it took. */
  stop(): Promise<number>;
  /** `kill -9` of the whole process group. */
  kill(): Promise<void>;
}

const token = "token-of-a-test";

/**
 * Starts `openclaw gateway run` and waits until it is ready.
 * Rejects with its output when it ends before or takes longer than `readyTimeoutMs` (default 400 s: the oldest
 * version tried installs its plugins' dependencies first, for each home anew).
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const home = mkdtempSync(join(tmpdir(), "openclaw-gateway-"));
  const port = await freePort();
  writeFileSync(
    join(home, "openclaw.json"),
    JSON.stringify(configOf(options, home, port), null, 2),
  );
  const env = {
    ...process.env,
    PATH: options.openclaw.path,
    HOME: home,
    OPENCLAW_STATE_DIR: home,
    OPENCLAW_CONFIG_PATH: join(home, "openclaw.json"),
    OPENCLAW_DISABLE_BONJOUR: "1",
    // It says nothing when it believes that it is being tested itself.
    VITEST: "",
    NODE_ENV: "",
    ...options.env,
  };
  const entry = join(options.openclaw.folder, "openclaw.mjs");
  const child = spawn(
    options.openclaw.node,
    [
      ...(options.nodeFlags ?? []),
      ...[entry, "gateway", "run", "--port", `${port}`, "--bind", "loopback", "--token", token],
    ],
    // A group of its own, so that ending it takes along what the gateway started.
    { env, cwd: home, detached: true, stdio: ["ignore", "pipe", "pipe"] },
  );
  const killGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid ?? Number.NaN), signal);
    } catch {
      // It has ended already.
    }
  };
  const killAtExit = () => killGroup("SIGKILL");
  process.once("exit", killAtExit);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const cleanUp = async () => {
    await ended;
    process.off("exit", killAtExit);
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  await ready(child, () => output, options.readyTimeoutMs ?? 400_000).catch(async (error) => {
    killGroup("SIGKILL");
    await cleanUp();
    throw error;
  });

  const cli = (args: readonly string[]) =>
    new Promise<string>((resolve) => {
      execFile(
        options.openclaw.node,
        [entry, ...args],
        { env, cwd: home, timeout: 420_000, maxBuffer: 64 << 20 },
        (_error, stdout, stderr) => resolve(stdout + stderr),
      );
    });
  return {
    pid: child.pid ?? Number.NaN,
    output: () => output,
    turn: (session, message, { timeoutS } = {}) =>
      cli([
        ...["agent", "--agent", "main", "--session-id", session, "--message", message, "--json"],
        ...(timeoutS === undefined ? [] : ["--timeout", `${timeoutS}`]),
      ]),
    call: (method, params) =>
      cli([
        ...["gateway", "call", method, "--params", JSON.stringify(params), "--json"],
        ...["--token", token, "--url", `ws://127.0.0.1:${port}`],
      ]),
    switchPlugin(id, enabled) {
      const path = join(home, "openclaw.json");
      const config = JSON.parse(readFileSync(path, "utf8"));
      config.plugins.entries[id].enabled = enabled;
      writeFileSync(path, JSON.stringify(config, null, 2));
    },
    async stop() {
      const from = performance.now();
      child.kill("SIGTERM");
      const timer = setTimeout(() => killGroup("SIGKILL"), 30_000);
      await ended;
      clearTimeout(timer);
      const tookMs = performance.now() - from;
      killGroup("SIGKILL");
      await cleanUp();
      return tookMs;
    },
    async kill() {
      killGroup("SIGKILL");
      await cleanUp();
    },
  };
}

function configOf(options: GatewayOptions, home: string, port: number): object {
  const workspace = join(home, "workspace");
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(workspace, "AGENTS.md"), "# A workspace for tests\n");
  const paths = {
    ...(options.relay === undefined ? {} : { "activity-relay": options.relay.path }),
    ...options.plugins,
  };
  const exporters = options.exporterUrl === undefined ? [] : ["diagnostics-otel"];
  const ids = [...Object.keys(paths), ...exporters];
  return {
    gateway: { mode: "local", bind: "loopback", port, auth: { mode: "token", token } },
    discovery: { mdns: { mode: "off" } },
    update: { checkOnStart: false },
    plugins: {
      allow: ids,
      load: { paths: Object.values(paths) },
      entries: Object.fromEntries(
        ids.map((id) => [
          id,
          {
            enabled: true,
            ...(id === "activity-relay" && options.relay !== undefined
              ? { config: options.relay.config }
              : {}),
          },
        ]),
      ),
    },
    diagnostics: {
      enabled: true,
      otel: {
        enabled: options.exporterUrl !== undefined,
        endpoint: options.exporterUrl ?? "http://127.0.0.1:9",
        protocol: "http/protobuf",
        serviceName: "openclaw-under-test",
        traces: true,
        metrics: true,
        logs: false,
        flushIntervalMs: 1_000,
      },
    },
    models: {
      mode: "replace",
      providers: {
        scripted: {
          baseUrl: options.modelUrl,
          apiKey: "not-a-key",
          api: "openai-completions",
          models: [
            {
              id: "scripted",
              name: "Scripted",
              reasoning: false,
              input: ["text"],
              cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
              contextWindow: 128_000,
              maxTokens: 4_096,
            },
          ],
        },
      },
    },
    agents: {
      defaults: {
        model: { primary: "scripted/scripted" },
        workspace,
        heartbeat: { every: "0m" },
      },
    },
    tools: { exec: { security: "full", ask: options.asksForApproval === true ? "always" : "off" } },
  };
}

async function ready(child: ChildProcess, output: () => string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  // The gateway listens long before it takes turns, and says so only in its log.
  while (!/\[gateway\]\S* \S*ready\b/.test(output())) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      throw new Error(`The gateway is not ready (exit ${child.exitCode}). It said:\n${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(),
      );
    });
  });
}

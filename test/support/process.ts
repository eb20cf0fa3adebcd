import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Every port any free one, so that tests can run side by side and beside a running collector. */
const freePorts = [
  "receivers::otlp::protocols::http::endpoint: 127.0.0.1:0",
  "exporters::prometheus::endpoint: 127.0.0.1:0",
  "service::telemetry::metrics::endpoint: 127.0.0.1:0",
];

export interface StartOptions {
  /** Values of `--config`; default `deploy/config.yaml`. Relative to the project. */
  readonly configs?: readonly string[];
  /** Config given inline, after the files: lines such as `processors::session_activity::allowed_lateness: 1s`. */
  readonly overrides?: readonly string[];
  /** Whether every port is replaced by a free one; default true. */
  readonly freePorts?: boolean;
  /** Where `deploy/config.yaml` stores; default a folder that is gone with the collector. */
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the program, with its own arguments, e.g. in a cgroup. */
  readonly runner?: readonly string[];
  /** How long a start may take; default 20 s. */
  readonly readyTimeoutMs?: number;
  /** A command that runs the collector, with its options, e.g. `record`; default `run`. */
  readonly command?: readonly string[];
  /** The checkout whose program runs, with its own packages; default this one. */
  readonly checkout?: string;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A collector that runs as a process of its own. */
export interface RunningCollector {
  readonly pid: number;
  /** Where it really listens. */
  readonly endpoints: {
    /** `http://127.0.0.1:port` of the OTLP receiver. */
    readonly otlp: string;
    /** `host:port` of OTLP/gRPC. Empty when it is not configured. */
    readonly otlpGrpc: string;
    /** The page of the `prometheus` exporter, with `/metrics`. Empty when none is configured. */
    readonly prometheus: string;
    /** The page of the collector's own metrics, with `/metrics`. Empty when switched off. */
    readonly telemetry: string;
  };
  stdout(): string;
  stderr(): string;
  /** Resolves when `text` has appeared on stderr. Rejects after `timeoutMs`, or when the process ends. */
  waitForLog(text: string, timeoutMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Sends SIGTERM and waits for the end; kills after 15 s. */
  stop(): Promise<Ended>;
  /** Resolves when the process has ended by itself. Kills it after `timeoutMs`. */
  ended(timeoutMs?: number): Promise<Ended>;
}

/** Runs the program to its end, e.g. `["validate", "--config", "x.yaml"]`. Killed after `timeoutMs`. */
export async function runCli(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
): Promise<Ended> {
  const output = launch(args, options.env);
  return output.ended(options.timeoutMs ?? 20_000);
}

/** A collector that is on its way. */
export interface StartingCollector {
  /** Rejects with all it said when it ends before. */
  readonly ready: Promise<RunningCollector>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended, however long that takes. */
  over(): Promise<void>;
  /** As for one that runs. */
  readonly waitForLog: RunningCollector["waitForLog"];
  readonly ended: RunningCollector["ended"];
}

/** Starts the collector and waits until it is ready. Rejects with all it said when it ends before. */
export function startCollector(options: StartOptions = {}): Promise<RunningCollector> {
  return launchCollector(options).ready;
}

/** Starts the collector without waiting for anything. */
export function launchCollector(options: StartOptions = {}): StartingCollector {
  const configs = options.configs ?? ["deploy/config.yaml"];
  const isDeployed = configs.includes("deploy/config.yaml");
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "collector-test-"));
  const inline = [
    ...(options.freePorts === false ? [] : freePorts),
    ...(isDeployed
      ? [
          "extensions::health_check::endpoint: 127.0.0.1:0",
          // An older checkout, to compare with, may not have gRPC.
          ...(options.freePorts === false || options.checkout !== undefined
            ? []
            : ["receivers::otlp::protocols::grpc::endpoint: 127.0.0.1:0"]),
          `extensions::file_storage::directory: ${directory}`,
        ]
      : []),
    ...(options.overrides ?? []),
  ];
  const sources = [...configs, ...inline.map((line) => `yaml:${line}`)];
  const output = launch(
    [...(options.command ?? []), ...sources.flatMap((source) => ["--config", source])],
    options.env,
    options.checkout,
    options.runner,
  );
  if (options.directory === undefined) {
    void output
      .over()
      .then(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  }
  return {
    ready: whenReady(output, options.readyTimeoutMs ?? 20_000),
    kill: output.kill,
    over: output.over,
    waitForLog: output.waitForLog,
    ended: output.ended,
  };
}

async function whenReady(
  output: ReturnType<typeof launch>,
  timeoutMs: number,
): Promise<RunningCollector> {
  await output.waitForLog("Everything is ready.", timeoutMs);
  const endpointAfter = (message: string) =>
    new RegExp(`${message}\\t\\{.*"endpoint": "([^"]+)"`).exec(output.stderr())?.[1];
  const page = (endpoint: string | undefined) =>
    endpoint === undefined ? "" : `http://${endpoint}/metrics`;
  return {
    pid: output.pid,
    endpoints: {
      otlp: `http://${endpointAfter("Receiving OTLP over HTTP\\.") ?? ""}`,
      otlpGrpc: endpointAfter("Receiving OTLP over gRPC\\.") ?? "",
      prometheus: page(endpointAfter("Serving metrics for Prometheus\\.")),
      telemetry: page(endpointAfter("Serving the collector's own metrics\\.")),
    },
    stdout: output.stdout,
    stderr: output.stderr,
    waitForLog: output.waitForLog,
    kill: output.kill,
    stop() {
      output.kill("SIGTERM");
      return output.ended(15_000);
    },
    ended: output.ended,
  };
}

const running = new Set<ChildProcess>();
/** The program that started collectors must not leave one behind. */
process.once("exit", () => {
  for (const child of running) {
    child.kill("SIGKILL");
  }
});

function launch(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  checkout: string = root,
  runner: readonly string[] = [],
) {
  const [command = "", ...rest] = [
    ...runner,
    join(checkout, "node_modules", ".bin", "node"),
    join(checkout, "src", "main.ts"),
    ...args,
  ];
  const child: ChildProcess = spawn(command, rest, {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of [...listeners]) {
      listener();
    }
  };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    notify();
  });
  let end: Ended | undefined;
  child.once("error", (error) => {
    stderr += String(error);
    end ??= { exitCode: null, signal: null, stdout, stderr };
    notify();
  });
  child.once("close", (exitCode, signal) => {
    end ??= { exitCode, signal, stdout, stderr };
    notify();
  });
  running.add(child);
  child.once("close", () => running.delete(child));

  const until = (isReached: () => boolean, timeoutMs: number, onTimeout: () => void) =>
    new Promise<void>((resolve) => {
      const finish = () => {
        if (isReached() || end !== undefined) {
          clearTimeout(timer);
          listeners.delete(finish);
          resolve();
        }
      };
      const timer = setTimeout(() => {
        listeners.delete(finish);
        onTimeout();
        resolve();
      }, timeoutMs);
      listeners.add(finish);
      finish();
    });

  return {
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
    /** Resolves when it has ended, however long that takes. */
    over: () =>
      new Promise<void>((resolve) => {
        if (end === undefined) {
          child.once("close", () => resolve());
        } else {
          resolve();
        }
      }),
    async waitForLog(text: string, timeoutMs = 10_000) {
      await until(
        () => stderr.includes(text),
        timeoutMs,
        () => {},
      );
      if (!stderr.includes(text)) {
        if (end === undefined) {
          child.kill("SIGKILL");
        }
        throw new Error(
          `The collector ${end === undefined ? `did not say "${text}" within ${timeoutMs} ms` : `ended with ${end.exitCode ?? end.signal}`}. It said:\n${stderr}${stdout}`,
        );
      }
    },
    async ended(timeoutMs = 10_000): Promise<Ended> {
      await until(
        () => end !== undefined,
        timeoutMs,
        () => child.kill("SIGKILL"),
      );
      await until(
        () => end !== undefined,
        5_000,
        () => {},
      );
      if (end === undefined) {
        throw new Error(`The collector ${child.pid} could not be ended.`);
      }
      return end;
    },
  };
}

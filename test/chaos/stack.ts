import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  launchCollector,
  type RunningCollector,
  type StartingCollector,
} from "../support/process.ts";
import type { AliveMs } from "./truth.ts";

/** Where the collector that runs now listens, as ports of 127.0.0.1. */
export interface Ports {
  readonly http: number;
  readonly passwordHttp: number;
  readonly guardedGrpc: number;
  readonly prometheus: number;
  readonly telemetry: number;
  readonly health: number;
}

/** One process from its start to its end. Times are those of `performance.now`. */
export interface Life {
  readonly startedMs: number;
  readyMs: number;
  endedMs: number;
  /** How it ended; undefined while it runs. */
  end: { readonly exitCode: number | null; readonly signal: string | null } | undefined;
  /** What ended it: a signal of ours. */
  readonly asked: ("SIGKILL" | "SIGTERM")[];
  stderr: string;
}

/** What the operating system says of a process. */
export interface Usage {
  readonly rssMiB: number;
  readonly peakRssMiB: number;
  readonly files: number;
}

const readyTimeoutMs = 120_000;
const stopTimeoutMs = 60_000;
const reloadTimeoutMs = 90_000;
const heapMiB = 180;

/** Changes of the config that cost nobody anything. */
export const variants = [
  "{}",
  "exporters: { otlp_http: { sending_queue: { num_consumers: 3 } } }",
  "processors: { session_activity: { export_interval: 1s } }",
  "receivers: { otlp: { protocols: { http: { read_timeout: 30s } } } }",
  "receivers: { otlp/guarded: { protocols: { grpc: { max_concurrent_streams: 50 } } } }",
  "service: { telemetry: { logs: { level: debug } } }",
  "exporters: { otlp_grpc: { sending_queue: { batch: { min_size: 50, flush_timeout: 100ms } } } }",
] as const;

/** Configs that are refused. */
export const brokenVariants = [
  "receivers: [",
  "processors: { session_activity: { allowed_latenes: 5s } }",
  "service: { pipelines: { traces: { exporters: [nobody] } } }",
  "exporters: { otlp_http: { timeout: 5 } }",
] as const;

/** The collector over many lives on one directory. */
export class Stack {
  readonly lives: Life[] = [];
  /** Spans in which it was stopped with SIGSTOP. */
  readonly stops: { readonly fromMs: number; toMs: number }[] = [];
  readonly #directory: string;
  readonly #env: Readonly<Record<string, string>>;
  #running: RunningCollector | undefined;
  #ports: Ports | undefined;

  constructor(directory: string, env: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.#env = { ...env, CHAOS_DIRECTORY: directory };
    this.#write("{}");
  }

  /** Undefined while no collector is ready. */
  get ports(): Ports | undefined {
    return this.#ports;
  }

  get life(): Life | undefined {
    return this.lives.at(-1);
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** How long the collector was there between two moments. */
  readonly aliveMs: AliveMs = (fromMs, toMs) => {
    if (toMs === Number.POSITIVE_INFINITY) {
      return toMs;
    }
    const overlap = (a: number, b: number) => Math.max(0, Math.min(b, toMs) - Math.max(a, fromMs));
    const gaps = this.lives
      .slice(1)
      .map(({ readyMs }, at) => overlap(this.lives[at]?.endedMs ?? 0, readyMs));
    const stops = this.stops.map((stop) => overlap(stop.fromMs, stop.toMs));
    return toMs - fromMs - [...gaps, ...stops].reduce((sum, ms) => sum + ms, 0);
  };

  /** The most that its clock can have gone on between two moments: all but the time in which there was no process. */
  readonly mostAliveMs: AliveMs = (fromMs, toMs) =>
    this.lives.slice(1).reduce((ms, { startedMs }, at) => {
      const goneMs = Math.max(this.lives[at]?.endedMs ?? 0, fromMs);
      return ms - Math.max(0, Math.min(startedMs, toMs) - goneMs);
    }, toMs - fromMs);

  async start(): Promise<void> {
    const life = this.#begin();
    const starting = this.#launch();
    const running = await starting.ready;
    life.readyMs = performance.now();
    this.#running = running;
    this.#ports = portsIn(running.stderr());
  }

  /** Starts it, and kills it when this part of an ordinary start has passed. */
  async startAndKill(part: number): Promise<void> {
    const life = this.#begin();
    const starting = this.#launch();
    const failed = starting.ready.then(
      () => {},
      () => {},
    );
    const last = this.lives.findLast(({ readyMs }) => Number.isFinite(readyMs));
    const startMs = last === undefined ? 1_000 : last.readyMs - last.startedMs;
    await new Promise((resolve) => setTimeout(resolve, startMs * part));
    life.asked.push("SIGKILL");
    starting.kill("SIGKILL");
    await Promise.all([starting.over(), failed]);
    const { exitCode, signal, stderr } = await starting.ended();
    Object.assign(life, { end: { exitCode, signal }, stderr });
    life.readyMs = performance.now();
    life.endedMs = life.readyMs;
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Writes another config and has it read. Resolves to true when it is in effect or refused, and to false when nothing is said about it. */
  async reload(variant: string): Promise<boolean> {
    this.#write(variant);
    const running = this.#running;
    if (running === undefined) {
      return true;
    }
    const before = running.stderr().length;
    running.kill("SIGHUP");
    const outcome = /\tThe configuration (was reloaded|is wrong|could not be put)/;
    const deadlineMs = performance.now() + reloadTimeoutMs;
    while (!outcome.test(running.stderr().slice(before))) {
      if (performance.now() > deadlineMs) {
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#ports = portsIn(running.stderr());
    return true;
  }

  /** Puts the plain config back without having it read. */
  restoreConfig(): void {
    this.#write("{}");
  }

  async stall(forMs: number): Promise<void> {
    const stop = { fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
    this.#running?.kill("SIGSTOP");
    this.stops.push(stop);
    await new Promise((resolve) => setTimeout(resolve, forMs));
    this.#running?.kill("SIGCONT");
    stop.toMs = performance.now();
  }

  usage(): Usage | undefined {
    const pid = this.#running?.pid;
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const mib = (name: string) =>
        Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024);
      return {
        rssMiB: mib("VmRSS"),
        peakRssMiB: mib("VmHWM"),
        files: readdirSync(`/proc/${pid}/fd`).length,
      };
    } catch {
      return undefined;
    }
  }

  /** What the process that runs, or ran last, has said. */
  get lastWords(): string {
    return this.#running?.stderr() ?? this.life?.stderr ?? "";
  }

  /** Whether the process has ended though nobody asked it to. */
  async crashed(): Promise<boolean> {
    const life = this.life;
    const running = this.#running;
    if (life === undefined || running === undefined || life.asked.length > 0) {
      return false;
    }
    try {
      process.kill(running.pid, 0);
      return false;
    } catch {
      const { exitCode, signal, stderr } = await running.ended();
      Object.assign(life, { end: { exitCode, signal }, stderr, endedMs: performance.now() });
      this.#running = undefined;
      this.#ports = undefined;
      return true;
    }
  }

  #begin(): Life {
    const life: Life = {
      startedMs: performance.now(),
      readyMs: Number.POSITIVE_INFINITY,
      endedMs: Number.POSITIVE_INFINITY,
      end: undefined,
      asked: [],
      stderr: "",
    };
    this.lives.push(life);
    return life;
  }

  #launch(): StartingCollector {
    return launchCollector({
      configs: ["test/chaos/collector.yaml", this.#variantPath],
      freePorts: false,
      directory: this.#directory,
      env: { ...this.#env, NODE_OPTIONS: `--max-old-space-size=${heapMiB}` },
      readyTimeoutMs,
    });
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const running = this.#running;
    const life = this.life;
    if (running === undefined || life === undefined) {
      return;
    }
    life.asked.push(signal);
    if (signal === "SIGKILL") {
      this.#ports = undefined;
    }
    running.kill(signal);
    const ended = await running.ended(stopTimeoutMs);
    this.#ports = undefined;
    this.#running = undefined;
    life.end = { exitCode: ended.exitCode, signal: ended.signal };
    life.stderr = ended.stderr;
    life.endedMs = performance.now();
  }

  get #variantPath(): string {
    return join(this.#directory, "variant.yaml");
  }

  #write(variant: string): void {
    writeFileSync(this.#variantPath, `${variant}\n`);
  }
}

/** The last endpoint that each listener has named. */
function portsIn(stderr: string): Ports {
  const found = new Map<string, number>();
  for (const line of stderr.split("\n")) {
    const [, message, fields] =
      /\tinfo\t((?:Receiving OTLP|Serving)[^\t]*)\t(\{.*\})/.exec(line) ?? [];
    if (message !== undefined && fields !== undefined) {
      const { endpoint, "otelcol.component.id": id = "" } = JSON.parse(fields);
      found.set(`${id} ${message}`, Number(/:(\d+)$/.exec(endpoint)?.[1]));
    }
  }
  const portOf = (key: string) => found.get(key) ?? 0;
  return {
    http: portOf("otlp Receiving OTLP over HTTP."),
    passwordHttp: portOf("otlp/password Receiving OTLP over HTTP."),
    guardedGrpc: portOf("otlp/guarded Receiving OTLP over gRPC."),
    prometheus: portOf("prometheus Serving metrics for Prometheus."),
    telemetry: portOf(" Serving the collector's own metrics."),
    health: portOf("health_check Serving health checks."),
  };
}

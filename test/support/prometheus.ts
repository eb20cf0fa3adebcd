import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { pathOf, textOf } from "./repository.ts";

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Unix time in seconds and the number as Prometheus writes it. */
  readonly values: readonly (readonly [number, string])[];
}

export interface RunningPrometheus {
  /** Answers of the HTTP API, `data` only. Rejects with what Prometheus says. */
  api(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  /** The newest value of every series. */
  instant(expr: string): Promise<readonly Series[]>;
  /** Every second of the last minute. */
  lastMinute(expr: string): Promise<readonly Series[]>;
  stop(): Promise<void>;
}

/**
 * Runs a real Prometheus with the config of `deploy/compose` and the alert rules, but every second and
 * with the targets given in their order. It listens on loopback only and keeps its data in a folder of its own.
 */
export async function startPrometheus(targets: readonly string[]): Promise<RunningPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), "activity-collector-prometheus-"));
  mkdirSync(join(folder, "rules"));
  cpSync(pathOf("monitoring/rules"), join(folder, "rules"), { recursive: true });
  writeFileSync(join(folder, "prometheus.yml"), stringify(configFor(targets)));

  const port = await freePort();
  const child = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const closed = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      said += String(error);
      resolve();
    });
    child.once("close", () => resolve());
  });
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);

  const base = `http://127.0.0.1:${port}`;
  const api: RunningPrometheus["api"] = async (path, parameters = {}) => {
    const response = await fetch(`${base}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as { status: string; data: unknown; error?: string };
    if (answer.status !== "success") {
      throw new Error(`Prometheus answered ${response.status}: ${answer.error}`);
    }
    return answer.data;
  };

  const running: RunningPrometheus = {
    api,
    async instant(expr) {
      const { result } = (await api("query", { query: expr })) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ metric, values: [value] }));
    },
    async lastMinute(expr) {
      const end = Date.now() / 1_000;
      const { result } = (await api("query_range", {
        query: expr,
        start: String(end - 60),
        end: String(end),
        step: "1s",
      })) as { result: Series[] };
      return result;
    },
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(killAtExit, 10_000);
      await closed;
      clearTimeout(timer);
      process.off("exit", killAtExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };

  try {
    await until("Prometheus is ready", 30_000, async () => {
      if (child.exitCode !== null) {
        throw new Error(`Prometheus ended with ${child.exitCode}. It said:\n${said}`);
      }
      return fetch(`${base}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}

/** Asks ten times a second until the answer is yes. Rejects after `timeoutMs`. */
export async function until(
  what: string,
  timeoutMs: number,
  isReached: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isReached())) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain until ${what}.`);
    }
    await wait(100);
  }
}

interface PrometheusConfig {
  readonly global: Record<string, string>;
  readonly scrape_configs: { readonly static_configs: { targets: string[] }[] }[];
}

function configFor(targets: readonly string[]): PrometheusConfig {
  const config: PrometheusConfig = parse(textOf("deploy/compose/prometheus/prometheus.yml"));
  const groups = config.scrape_configs.flatMap(({ static_configs }) => static_configs);
  if (groups.length !== targets.length) {
    throw new Error(`The config scrapes ${groups.length} targets, not ${targets.length}.`);
  }
  groups.forEach((group, index) => {
    group.targets = [targets[index]!];
  });
  const everySecond = { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" };
  return { ...config, global: { ...config.global, ...everySecond } };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

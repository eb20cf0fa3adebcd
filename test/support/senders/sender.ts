import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathOf } from "../repository.ts";

/** A real library that sends telemetry of agents, and a program in `test/senders` that uses it. */
export interface Sender {
  /** Its folder in `test/senders`. */
  readonly name: string;
  readonly title: string;
  readonly runtime: "node" | "python";
  /** What its program can play. */
  readonly scenarios: readonly string[];
  /** Names of spans that recordings keep; all when left out. For one that sends hundreds of its inner workings. */
  readonly keep?: readonly string[];
  /** Its packages take long to install: only `npm run test:senders` runs it live. */
  readonly isSlow: boolean;
  /** The packages it is made of, as pinned. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Every folder of `test/senders`. */
export function allSenders(): readonly Sender[] {
  return readdirSync(pathOf("test/senders"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => senderOf(name));
}

export function senderOf(name: string): Sender {
  const folder = pathOf(`test/senders/${name}`);
  const sender = JSON.parse(readFileSync(join(folder, "sender.json"), "utf8"));
  const { title, scenarios, keep, isSlow = false } = sender;
  const isPython = existsSync(join(folder, "requirements.txt"));
  const versions = isPython
    ? Object.fromEntries(
        readFileSync(join(folder, "requirements.txt"), "utf8")
          .split("\n")
          .filter((line) => line.includes("=="))
          .map((line) => line.split("==").map((part) => part.trim())),
      )
    : JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).dependencies;
  return {
    name,
    title,
    ...(keep === undefined ? {} : { keep }),
    runtime: isPython ? "python" : "node",
    scenarios,
    isSlow,
    versions,
  };
}

/**
 * Installs the packages of a sender into `.cache/senders`, unless they are there. Throws with what the
 * package manager said when it fails.
 */
export function install(sender: Sender): void {
  const home = homeOf(sender);
  mkdirSync(home, { recursive: true });
  cpSync(pathOf(`test/senders/${sender.name}`), home, { recursive: true });
  const stamp = join(home, ".installed");
  const wanted = createHash("sha256").update(JSON.stringify(sender.versions)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    return;
  }
  if (sender.runtime === "node") {
    run(
      "npm",
      ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
      home,
    );
  } else {
    run("python3", ["-m", "venv", "venv"], home);
    run(join(home, "venv/bin/pip"), ["install", "--quiet", "-r", "requirements.txt"], home);
  }
  writeFileSync(stamp, wanted);
}

/** Installs our package of live spans for Python beside the packages of a sender, as it is now. */
export function installLiveSpans(sender: Sender): void {
  const pip = join(homeOf(sender), "venv/bin/pip");
  const from = pathOf("python");
  run(pip, ["install", "--quiet", "--force-reinstall", "--no-deps", from], homeOf(sender));
}

/** Where a sender is installed and runs. */
export function homeOf(sender: Sender): string {
  return pathOf(`.cache/senders/${sender.name}`);
}

export interface Played {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** All it printed. */
  readonly output: string;
}

/**
 * Runs one scenario of an installed sender to its end, with nothing of our environment but the path.
 * Killed after `timeoutMs`.
 */
export function play(
  sender: Sender,
  scenario: string,
  where: {
    readonly otlp: string;
    readonly model: string;
    readonly timeoutMs?: number;
    /** Our preload runs in it. */
    readonly isPreloaded?: boolean;
  },
): Promise<Played> {
  const home = homeOf(sender);
  const [program, script] =
    sender.runtime === "node"
      ? [
          pathOf("node_modules/.bin/node"),
          existsSync(join(home, "play.cjs")) ? "play.cjs" : "play.mjs",
        ]
      : [join(home, "venv/bin/python"), "play.py"];
  const preload = where.isPreloaded === true ? ["--import", pathOf("src/preload/register.ts")] : [];
  const child = spawn(program, [...preload, script, scenario], {
    cwd: home,
    env: {
      PATH: [pathOf("node_modules/node/bin"), process.env["PATH"]].join(delimiter),
      HOME: home,
      LANG: "C.UTF-8",
      OPENAI_API_KEY: "none",
      OPENAI_BASE_URL: where.model,
      OTEL_EXPORTER_OTLP_ENDPOINT: where.otlp,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_SERVICE_NAME: sender.name,
      // Under the preload, finished spans of a vendor's SDK go to the vendor; any server will do.
      ...(where.isPreloaded === true ? { LANGFUSE_BASE_URL: where.model } : {}),
      OTEL_TRACES_EXPORTER: "otlp",
      // So that what is long under way arrives in a request of its own.
      OTEL_BSP_SCHEDULE_DELAY: "200",
      OTEL_BLRP_SCHEDULE_DELAY: "200",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), where.timeoutMs ?? 60_000);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => {
      clearTimeout(timer);
      resolve({ exitCode, signal, output });
    });
  });
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    timeout: 600_000,
    env: {
      ...process.env,
      PATH: [pathOf("node_modules/node/bin"), process.env["PATH"]].join(delimiter),
    },
  });
  if (status !== 0) {
    throw new Error(
      `"${program} ${args.join(" ")}" failed in ${cwd}:\n${stdout}${stderr}${error ?? ""}`,
    );
  }
}

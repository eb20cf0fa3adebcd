// The whole route of a request over HTTP: the real collector process against a naive server, under the same load
// from a third process. The result is the server's CPU time per span, which other work on the computer disturbs far less
// than wall time.
// Run: node bench/route.bench.ts [--rounds 5] [--profile] [--node-options "…"]
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startCollector } from "../test/support/process.ts";
import { hotSpotsOf } from "./hot-spots.ts";
import type { Delivery, Load, Order } from "./load.ts";
import { cpuSecondsOf, median, medianRatio, rssMiBOf } from "./measure.ts";
import { machineFacts, printTable, times } from "./report.ts";

const targetRatio = 10;

const loads: Readonly<Record<Load, string>> = {
  ended: "finished spans, as every SDK sends",
  gzip: "finished spans, gzip",
  live: "starts, then ends (live spans)",
};

interface Side {
  readonly name: "naive" | "collector";
  readonly pid: number;
  readonly url: string;
  /** Requests per round, enough to make a round long enough to measure. */
  readonly requests: number;
  /** The number of accepted spans that the server itself reports. */
  taken(): Promise<number>;
  stop(): Promise<void>;
}

interface Round {
  readonly cpuMsPerThousand: number;
  readonly spansPerSecond: number;
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    profile: { type: "boolean", default: false },
    "node-options": { type: "string", default: "" },
  },
});
const rounds = Number(options.rounds);
const profiles = options.profile ? mkdtempSync(join(tmpdir(), "collector-profile-")) : undefined;

console.log(machineFacts());
const generator = await startChild("./load.ts");
const naive = await startNaive();
const collector = await startOurs();
try {
  const sent = { naive: 0, collector: 0 };
  const rows = [];
  for (const load of ["ended", "gzip", "live"] as const) {
    rows.push(await compare(load, sent));
  }
  for (const side of [naive, collector]) {
    const taken = await side.taken();
    if (taken !== sent[side.name]) {
      throw new Error(`${side.name} took ${taken} spans of ${sent[side.name]}.`);
    }
  }
  printTable(
    `OTLP/HTTP → session activity, medians of ${rounds} rounds, target ≥ ${targetRatio}×`,
    rows,
    [
      "",
      "CPU: milliseconds of the server's CPU time (user and system) per 1000 spans; the ratio is of these.",
      `Resident memory at the end: naive ${rssMiBOf(naive.pid).toFixed(0)} MiB, collector ${rssMiBOf(collector.pid).toFixed(0)} MiB (it remembers ended spans).`,
    ],
  );
} finally {
  await Promise.all([naive.stop(), collector.stop()]);
  generator.disconnect();
}
if (profiles !== undefined) {
  printTable("Where the collector's CPU time went", hotSpotsOf(profiles));
  rmSync(profiles, { recursive: true });
}

async function compare(load: Load, sent: Record<Side["name"], number>) {
  const results: Record<Side["name"], Round[]> = { naive: [], collector: [] };
  for (let round = -1; round < rounds; round++) {
    for (const side of round % 2 === 0 ? [naive, collector] : [collector, naive]) {
      const result = await measure(side, load, sent);
      if (round >= 0) {
        results[side.name].push(result); // the first round warms up
      }
    }
  }
  const of = (name: Side["name"], value: (round: Round) => number) => results[name].map(value);
  const cpu = (round: Round) => round.cpuMsPerThousand;
  const rate = (round: Round) => round.spansPerSecond;
  return {
    load: loads[load],
    "naive CPU": median(of("naive", cpu)).toFixed(2),
    "collector CPU": median(of("collector", cpu)).toFixed(2),
    ratio: times(medianRatio(of("naive", cpu), of("collector", cpu))),
    "naive spans/s": Math.round(median(of("naive", rate))),
    "collector spans/s": Math.round(median(of("collector", rate))),
    "wall ratio": times(medianRatio(of("collector", rate), of("naive", rate))),
  };
}

async function measure(side: Side, load: Load, sent: Record<Side["name"], number>): Promise<Round> {
  const order: Order = {
    load,
    url: side.url,
    requests: load === "gzip" ? Math.min(side.requests, 256) : side.requests,
    serial: sent[side.name],
  };
  const answer = once(generator, "message");
  const before = cpuSecondsOf(side.pid);
  generator.send(order);
  const [{ spans, seconds }] = (await answer) as [Delivery];
  const cpuSeconds = cpuSecondsOf(side.pid) - before;
  sent[side.name] += spans;
  return { cpuMsPerThousand: (cpuSeconds * 1e6) / spans, spansPerSecond: spans / seconds };
}

async function startNaive(): Promise<Side> {
  const child = fork(fileURLToPath(new URL("./naive-server.ts", import.meta.url)));
  const [port] = (await once(child, "message")) as [number];
  const url = `http://127.0.0.1:${port}`;
  return {
    name: "naive",
    pid: child.pid ?? 0,
    url,
    requests: 128,
    taken: async () => Number(await (await fetch(url)).text()),
    async stop() {
      child.disconnect();
    },
  };
}

async function startOurs(): Promise<Side> {
  const running = await startCollector({
    configs: ["bench/collector.yaml"],
    env: {
      NODE_OPTIONS: [
        options["node-options"],
        ...(profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`]),
      ].join(" "),
    },
  });
  return {
    name: "collector",
    pid: running.pid,
    url: running.endpoints.otlp,
    requests: 768,
    async taken() {
      const page = await (await fetch(running.endpoints.telemetry)).text();
      return Number(
        /^otelcol_receiver_accepted_spans\{.*transport="http".*\} (\d+)/m.exec(page)?.[1],
      );
    },
    async stop() {
      await running.stop();
    },
  };
}

async function startChild(file: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)));
  await once(child, "message");
  return child;
}

// Counts the functions and files of the program that a finished tool span and an orphan cross in a real collector.
// npm run walk -- [CHECKOUT] [--verbose]: also counts the program of another checkout, e.g. the one before a change.
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type AgentSpan, agentSpan, tracesRequest } from "../test/support/agent-spans.ts";
import { startCollector } from "../test/support/process.ts";
import { send } from "../test/support/send.ts";
import { type CallCounter, countCalls } from "./coverage.ts";
import {
  byFile,
  byFolder,
  type Crossed,
  crossedFunctions,
  inEach,
  sizeOf,
} from "./crossed-functions.ts";
import { printTable } from "./report.ts";

/** Several rounds, because work beside a datum (a tick, a write that is due) does not happen in every one. */
const rounds = 3;
const lateness = { config: "1s", ms: 1_000 };
const overrides = [
  `processors::session_activity::allowed_lateness: ${lateness.config}`,
  "processors::session_activity::restart_grace: 0s",
  // Derived metrics are pushed at the end only.
  "processors::session_activity::export_interval: 1h",
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { verbose: { type: "boolean", short: "v", default: false } },
});
if (positionals.length > 1) {
  console.error("Usage: npm run walk -- [CHECKOUT] [--verbose]");
  process.exit(2);
}

/** The functions that each part of a datum's way crosses. */
interface Walk {
  /** From the socket to the answer. */
  readonly request: Crossed;
  /** Once the lateness has passed, without what every tick crosses. */
  readonly decision: Crossed;
  /** Until the page of Prometheus is sent. */
  readonly scrape: Crossed;
}

const parts = ["request", "decision", "scrape"] as const satisfies readonly (keyof Walk)[];

const collector = await startCollector({
  overrides,
  checkout: resolve(positionals[0] ?? `${import.meta.dirname}/..`),
  env: { NODE_OPTIONS: "--inspect=127.0.0.1:0" },
});
// An older program logs other messages; the fields of a log line are the same.
const page = /"otelcol\.component\.id": "prometheus".*"endpoint": "([^"]+)"/.exec(
  collector.stderr(),
)?.[1];
let counter: CallCounter | undefined;
try {
  counter = await countCalls(/ws:\S+/.exec(collector.stderr())?.[0] ?? "");
  // The first process, the first session and the first scrape cross more functions than later ones.
  await post({ span: newRun() });
  await scrape();
  await wait(2 * lateness.ms);
  await taken();
  await wait(lateness.ms);
  const tick = await taken();
  const finished: Walk[] = [];
  const orphans: Walk[] = [];
  for (let round = 0; round < rounds; round++) {
    finished.push(await walk(() => postFinishedTool(round), tick));
    orphans.push(await walk(() => postOrphan(round), tick));
  }
  report({ "finished tool span": finished, orphan: orphans });
} finally {
  counter?.close();
  await collector.stop();
}

async function walk(send: () => Promise<void>, tick: Crossed): Promise<Walk> {
  await taken();
  await send();
  // Some work of a request follows its answer.
  await wait(50);
  const request = await taken();
  await wait(2 * lateness.ms);
  const decision = await taken();
  await scrape();
  return {
    request,
    decision: new Set([...decision].filter((each) => !tick.has(each))),
    scrape: await taken(),
  };
}

async function taken(): Promise<Crossed> {
  return crossedFunctions((await counter?.take()) ?? []);
}

/** A tool that arrives finished; its run has not arrived. */
async function postFinishedTool(round: number): Promise<void> {
  const span = newTool(`finished${round}`, newRun());
  await post({ span, endUnixMs: span.startUnixMs + 5 });
}

/** A run and a tool arrive as they start; the run ends, the tool does not. */
async function postOrphan(round: number): Promise<void> {
  const run = newRun(`session${round}`);
  const tool = newTool(`orphan${round}`, run);
  await post({ span: run });
  await post({ span: tool });
  await post({ span: run, endUnixMs: run.startUnixMs + 9 });
}

function newRun(session = "first"): AgentSpan {
  return agentSpan("invoke_agent", {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.conversation.id": session,
  });
}

function newTool(name: string, run: AgentSpan): AgentSpan {
  return agentSpan(
    `execute_tool ${name}`,
    {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": name,
      "gen_ai.tool.call.id": `call of ${name}`,
    },
    run,
  );
}

async function post(span: {
  readonly span: AgentSpan;
  readonly endUnixMs?: number;
}): Promise<void> {
  const { status } = await send(collector.endpoints.otlp, "traces", tracesRequest("walk", [span]));
  if (status !== 200) {
    throw new Error(`The collector answered ${status}.`);
  }
}

async function scrape(): Promise<void> {
  await (await fetch(`http://${page}/metrics`)).text();
}

function report(walks: Readonly<Record<string, readonly Walk[]>>): void {
  const rows = Object.entries(walks).map(([name, each]) => {
    const crossed = parts.map((part) => [part, inEach(each.map((one) => one[part]))] as const);
    const all = new Set(crossed.flatMap(([, functions]) => [...functions]));
    return { name, crossed, all };
  });
  printTable(
    "Functions and files that a datum crosses",
    rows.map(({ name, crossed, all }) => ({
      datum: name,
      ...Object.fromEntries(crossed.map(([part, functions]) => [part, sizeOf(functions)])),
      all: sizeOf(all),
    })),
  );
  for (const { name, all } of values.verbose ? rows : []) {
    console.log(`\n${name}, by folder\n`);
    for (const [folder, count] of byFolder(all)) {
      console.log(`${String(count).padStart(4)}  ${folder}`);
    }
    console.log(`\n${name}, by file\n`);
    for (const [path, names] of byFile(all)) {
      console.log(`${String(names.length).padStart(4)}  ${path}: ${names.join(" ")}`);
    }
  }
}

// The cost of the persistent state of session_activity, and how long a start takes to restore it: the processor on real
// files, without HTTP. Run: node bench/durability.bench.ts [--rounds 9]
// [--directory DIR]
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Long from "long";
import type { Component } from "../src/component/component.ts";
import type { Consumer } from "../src/component/consumer.ts";
import type { Settings } from "../src/component/settings.ts";
import { schema as storageSchema } from "../src/extensions/file_storage/config.ts";
import { createFileStorage } from "../src/extensions/file_storage/extension.ts";
import { otlp } from "../src/otlp/proto/generated.js";
import { schema } from "../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../src/processors/session_activity/processor.ts";
import { keepProcessAlive, systemClock } from "../src/system-clock.ts";
import { testSettings } from "../test/exporters/settings.ts";
import { recordTurns, spansPerBody } from "./gateway-bodies.ts";
import { median, medianRatio } from "./measure.ts";
import { machineFacts, printTable } from "./report.ts";

const targetRatio = 1.25;
const connections = 4;
const requestsPerRound = 400;
const sessions = 100_000;
const markersPerSession = 10;
const sessionsPerRequest = 50;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    directory: { type: "string", default: tmpdir() },
  },
});
const rounds = Number(options.rounds);
const folder = mkdtempSync(join(options.directory, "durability-bench-"));
const letGo = keepProcessAlive();

interface Side {
  readonly traces: Consumer;
  stop(): Promise<void>;
}

/** A running processor; with a directory it stores its state there. */
async function start(directory: string | undefined, limits = {}): Promise<Side> {
  const settings: Settings = {
    ...testSettings("session_activity").settings,
    clock: systemClock,
    randomBytes,
  };
  const storage =
    directory === undefined
      ? undefined
      : createFileStorage(
          { ...settings, id: "file_storage" },
          storageSchema.parse({ directory: join(folder, directory), create_directory: true }),
        );
  await storage?.start();
  const owner = { kind: "processor", id: "session_activity" } as const;
  const journals = storage?.storage;
  const component: Component = createSessionActivity(
    {
      ...settings,
      ...(journals === undefined
        ? {}
        : { storage: { openJournal: (taker) => journals.openJournal(owner, taker) } }),
    },
    schema.parse({ ...limits, ...(directory === undefined ? {} : { storage: "file_storage" }) }),
  );
  const sink: Consumer = { consume: async () => ({ status: "accepted" }) };
  const traces = component.processor?.wrap("traces", sink) ?? sink;
  component.receiver?.connect("logs", sink);
  await component.start();
  return {
    traces,
    async stop() {
      await component.shutdown(AbortSignal.timeout(60_000));
      await storage?.shutdown(AbortSignal.timeout(60_000));
    },
  };
}

interface Cost {
  readonly cpuUs: number;
  readonly mainUs: number;
}

const turns = Array.from({ length: connections * 2 }, (_, index) => recordTurns(index));
let serial = 0;

/** A round of live spans, each turn's starts and then its ends, from a few senders that wait for their answers. */
async function round({ traces }: Side): Promise<Cost> {
  const send = async (bytes: Uint8Array) => {
    const result = await traces.consume({ signal: "traces", bytes, items: spansPerBody });
    if (result.status !== "accepted") {
      throw new Error(`A request was not accepted: ${result.message}`);
    }
  };
  const cpu = process.cpuUsage();
  const main = process.threadCpuUsage();
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let at = 0; at < requestsPerRound / connections / 2; at++) {
        const turn = turns[connection * 2 + (at % 2)];
        const number = serial++;
        turn?.starts.refresh(number);
        await send(turn?.starts.bytes ?? Buffer.alloc(0));
        turn?.ends.refresh(number);
        await send(turn?.ends.bytes ?? Buffer.alloc(0));
      }
    }),
  );
  const perSpan = ({ user, system }: NodeJS.CpuUsage) =>
    (user + system) / (requestsPerRound * spansPerBody);
  return { cpuUs: perSpan(process.cpuUsage(cpu)), mainUs: perSpan(process.threadCpuUsage(main)) };
}

const startNano = Long.fromString("1795000000000000000", true);
const id = (number: number, length: number) => {
  const bytes = Buffer.alloc(length, 1);
  bytes.writeUInt32BE(number + 1, length - 4);
  return bytes;
};

/** The number of open tools per run. */
function openSessions(from: number, count: number): Uint8Array {
  const spans = Array.from({ length: count }, (_, index) => {
    const traceId = id(from + index, 16);
    const span = (number: number, name: string, more = {}) => ({
      traceId,
      spanId: id(number, 8),
      name,
      startTimeUnixNano: startNano,
      ...more,
    });
    return [
      span(0, "openclaw.run", {
        attributes: [{ key: "session.id", value: { stringValue: `session-${from + index}` } }],
      }),
      ...Array.from({ length: markersPerSession }, (_, tool) =>
        span(1 + tool, "openclaw.tool.execution", { parentSpanId: id(0, 8) }),
      ),
    ];
  }).flat();
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ spans }] }],
  }).finish();
}

/** How long `act` took, and the longest time that it blocked the event loop, in ms. */
async function watched<T>(act: () => Promise<T>) {
  let longestMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  }, 1);
  const startMs = performance.now();
  const result = await act();
  const tookMs = performance.now() - startMs;
  clearInterval(timer);
  return { result, tookMs, longestMs: Math.max(longestMs, performance.now() - lastMs) };
}

function megabytesOf(directory: string): number {
  const path = join(folder, directory);
  return (
    readdirSync(path, { recursive: true, encoding: "utf8" })
      .map((name) => statSync(join(path, name)))
      .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0) / 1e6
  );
}

async function costs() {
  const without = await start(undefined);
  const stored = await start("cost");
  const rows: { without: Cost; stored: Cost }[] = [];
  for (let at = -2; at < rounds; at++) {
    const first = at % 2 === 0 ? without : stored;
    const one = await round(first);
    const other = await round(first === without ? stored : without);
    if (at >= 0) {
      rows.push(
        first === without ? { without: one, stored: other } : { without: other, stored: one },
      );
    }
  }
  await Promise.all([without.stop(), stored.stop()]);
  return rows;
}

async function recovery() {
  const spans = sessions * (markersPerSession + 1);
  const limits = { max_open_work: 2 * spans, max_sessions: 2 * sessions };
  const fill = async ({ traces }: Side) => {
    for (let from = 0; from < sessions; from += sessionsPerRequest) {
      const bytes = openSessions(from, sessionsPerRequest);
      const items = sessionsPerRequest * (markersPerSession + 1);
      await traces.consume({ signal: "traces", bytes, items });
    }
  };
  const filling = await start("state", limits);
  const filled = await watched(() => fill(filling));
  await filling.stop();
  const stored = megabytesOf("state");
  const again = await watched(() => start("state", limits));
  await again.result.stop();
  return { spans, filled, stored, again };
}

try {
  console.log(machineFacts());
  const rows = await costs();
  const cpu = (side: "without" | "stored") => rows.map((row) => row[side].cpuUs);
  const main = (side: "without" | "stored") => rows.map((row) => row[side].mainUs);
  printTable(
    `Decoding and state of live spans, medians of ${rounds} rounds, target ≤ ${targetRatio}×`,
    [
      { "µs per span": "CPU of all threads", of: cpu },
      { "µs per span": "CPU of the main thread", of: main },
    ].map(({ of, ...row }) => ({
      ...row,
      "in memory": median(of("without")).toFixed(2),
      "in files": median(of("stored")).toFixed(2),
      ratio: `${medianRatio(of("stored"), of("without")).toFixed(2)}×`,
    })),
  );
  const { spans, filled, stored, again } = await recovery();
  printTable(
    `${spans.toLocaleString("en")} open spans of ${sessions.toLocaleString("en")} sessions`,
    [
      { what: "sent and written, with snapshots", ...filled },
      { what: "recovered at a start", ...again },
    ].map(({ what, tookMs, longestMs }) => ({
      what,
      "on disk": `${stored.toFixed(0)} MB`,
      "took ms": Math.round(tookMs),
      "longest stall ms": Math.round(longestMs),
    })),
  );
} finally {
  rmSync(folder, { recursive: true });
  letGo();
}

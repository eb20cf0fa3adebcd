// The worst requests that a sender can make, beside the state of a large installation: how much CPU time each kind costs, as a multiple of that of a good
// request of the same inflated size, and how long others wait for it.
// Run: node bench/requests.bench.ts [--size BYTES] [--rounds 1] [--only TEXT] [--open 100000]
import { parseArgs } from "node:util";
import { recordTurns } from "./gateway-bodies.ts";
import { median } from "./measure.ts";
import { machineFacts, printTable, times } from "./report.ts";
import { type MeasuredCollector, type RequestCost, startMeasured } from "./request-cost.ts";
import { workNames } from "./shapes/agent-work.ts";
import { finishedShapes } from "./shapes/finished-shapes.ts";
import { jsonShapes } from "./shapes/json-shapes.ts";
import { logShapes } from "./shapes/log-shapes.ts";
import { metricShapes } from "./shapes/metric-shapes.ts";
import { openShapes } from "./shapes/open-shapes.ts";
import { type ArrivingRequest, type RequestShape, range } from "./shapes/request-shape.ts";
import { tracesOf } from "./shapes/wire.ts";

const targetRatio = 20;
/** What a request causes is decided by then. */
const afterMs = 31_000;
const processes = 5_000;

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "1048576" },
    rounds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    open: { type: "string", default: "100000" },
  },
});
const sizeBytes = Number(values.size);
const rounds = Number(values.rounds);
const openPerProcess = Math.round(Number(values.open) / processes);

const section = {
  max_open_work: 1_000_000,
  max_tombstones: 1_000_000,
  max_sessions: 100_000,
  stalled_after: "40s",
  work_spans: [{ kind: "tool", match: { name: workNames.detached }, detached: true }],
};
const good = range(Math.max(1, Math.round(sizeBytes / 300_000))).map(
  (index) => recordTurns(index).ends,
);
let serial = 1;

/** A collector with the open work of 5000 processes. */
async function startLarge(): Promise<MeasuredCollector> {
  const collector = await startMeasured(section);
  for (const from of range(processes / 100)) {
    await collector.take(
      tracesOf(
        ...range(100, 100_000 + from * 100).map((process) => ({
          process,
          items: [
            { name: workNames.run, trace: process, id: 1 },
            ...range(openPerProcess - 1, 2).map((id) => ({
              ...{ name: workNames.tool, trace: process, id, parent: 1 },
            })),
          ],
        })),
      ),
    );
  }
  return collector;
}

/** A good request, as an SDK sends it: its cost for each byte. */
async function goodCost(collector: MeasuredCollector): Promise<number> {
  let [cpuMs, bytes] = [0, 0];
  for (const body of good) {
    body.refresh(serial++);
    cpuMs += (await collector.measure({ signal: "traces", bytes: body.bytes }, 0)).cpuMs;
    bytes += body.bytes.length;
  }
  cpuMs += await idleMs(collector);
  return cpuMs / bytes;
}

/** What the time after a request costs in any case, and the decisions that are due in it. */
async function idleMs(collector: MeasuredCollector): Promise<number> {
  const nothing: ArrivingRequest = { signal: "traces", bytes: new Uint8Array(0) };
  return (await collector.measure(nothing, afterMs)).cpuMs;
}

/** How many items make a request of about the size. */
function countFor(shape: RequestShape): number {
  let n = 1_000;
  for (let step = 0; step < 3; step++) {
    n = Math.max(1, Math.round((n * sizeBytes) / shape.request(n).bytes.length));
  }
  return n;
}

interface Result extends RequestCost {
  readonly ratio: number;
  readonly bytes: number;
  readonly items: number;
}

async function measure(shape: RequestShape): Promise<Result> {
  const collector = await startLarge();
  const n = countFor(shape);
  await goodCost(collector);
  const perByte = await goodCost(collector);
  for (const request of shape.before?.(n) ?? []) {
    await collector.take(request);
  }
  collector.wait(shape.waitMs ?? 0);
  const request = shape.request(n);
  globalThis.gc?.();
  const cost = await collector.measure(request, afterMs);
  await collector.stop();
  const bytes = request.bytes.length;
  return { ...cost, bytes, items: n, ratio: cost.cpuMs / bytes / perByte };
}

console.log(machineFacts());
const shapes = [
  ...finishedShapes,
  ...openShapes,
  ...logShapes,
  ...metricShapes,
  ...jsonShapes,
].filter(({ title }) => title.includes(values.only));
const rows = [];
for (const shape of shapes) {
  const results: Result[] = [];
  for (let round = 0; round < rounds; round++) {
    results.push(await measure(shape));
  }
  const ratio = median(results.map((each) => each.ratio));
  rows.push({
    request: `${shape.title}${results[0]?.isRefused === true ? " (refused)" : ""}`,
    ratio: `${times(ratio)}${ratio > targetRatio ? " (!)" : ""}`,
    "longest wait, ms": median(results.map((each) => each.longestMs)).toFixed(0),
    "CPU, ms": median(results.map((each) => each.cpuMs)).toFixed(0),
    items: results[0]?.items ?? 0,
    KiB: Math.round((results[0]?.bytes ?? 0) / 1024),
  });
  console.error(Object.values(rows.at(-1) ?? {}).join("  "));
}
printTable(
  `CPU time of one request against a good one of its size, beside ${processes * openPerProcess} open spans of ${processes} processes; the aim is at most ${targetRatio}×`,
  rows,
);

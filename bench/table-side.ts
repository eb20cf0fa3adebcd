// One contender of the table benchmark in a process of its own, so that the garbage of the other does not disturb it. Opens
// the given number of spans, measures the memory, then repeatedly ends the oldest and starts a new one.
// Run: node --expose-gc bench/table-side.ts engine|map <open spans>
import { SignalBatch, signalTypes } from "../src/activity/model/signal-batch.ts";
import { type ContenderName, createContender, heldBytes, writeSignal } from "./open-work.ts";

export interface TableResult {
  readonly bytesPerSpan: number;
  readonly nsPerPair: number;
  readonly longestBatchMs: number;
}

const toolsPerRun = 9;
const signalsPerBatch = 512;
const pairs = 400_000;
const tombstones = 100_000;

function run(name: ContenderName, open: number): TableResult {
  const runs = Math.ceil(open / (toolsPerRun + 1));
  const tools = runs * toolsPerRun;
  const batch = new SignalBatch();
  let nowMs = 0;
  let longestBatchMs = 0;
  const before = heldBytes();
  const contender = createContender(name, { limit: 2 * open, tombstones });
  const flush = () => {
    const start = performance.now();
    contender.apply(batch, nowMs);
    longestBatchMs = Math.max(longestBatchMs, performance.now() - start);
    batch.clear();
    nowMs += 0.2;
  };
  for (let at = 0; at < runs; at++) {
    writeSignal(batch, { type: signalTypes.start, run: at }, nowMs);
    for (let tool = 0; tool < toolsPerRun; tool++) {
      const span = at * toolsPerRun + tool;
      writeSignal(batch, { type: signalTypes.start, run: at, span }, nowMs);
    }
    if (batch.count >= signalsPerBatch) {
      flush();
    }
  }
  flush();
  const spans = contender.open();
  if (spans !== runs + tools) {
    throw new Error(`${name} holds ${spans} open spans of ${runs + tools}.`);
  }
  const bytesPerSpan = (heldBytes() - before) / spans;

  const turnOver = (from: number, count: number): number => {
    let elapsedMs = 0;
    for (let pair = from; pair < from + count; pair++) {
      const at = Math.floor((pair % tools) / toolsPerRun);
      writeSignal(batch, { type: signalTypes.end, run: at, span: pair }, nowMs);
      writeSignal(batch, { type: signalTypes.start, run: at, span: pair + tools }, nowMs);
      if (batch.count >= signalsPerBatch) {
        const start = performance.now();
        flush();
        elapsedMs += performance.now() - start;
      }
    }
    return elapsedMs;
  };
  // Warm up, and fill the tombstones.
  turnOver(0, tombstones * 2);
  longestBatchMs = 0;
  const elapsedMs = turnOver(tombstones * 2, pairs);
  if (contender.open() < spans - signalsPerBatch) {
    throw new Error(`${name} lost open spans.`);
  }
  return { bytesPerSpan, nsPerPair: (elapsedMs * 1e6) / pairs, longestBatchMs };
}

const [name, open = ""] = process.argv.slice(2);
console.log(JSON.stringify(run(name === "engine" ? "engine" : "map", Number(open))));

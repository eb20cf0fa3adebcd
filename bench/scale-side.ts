// One contender of the scale benchmark in a process of its own: opens a hundred thousand sessions with ten markers
// each, advances the time while nothing is due, ends every run at once, and waits until their markers are evicted and forgotten.
// Run: node --expose-gc bench/scale-side.ts engine|map <sessions>
import { SignalBatch, signalTypes } from "../src/activity/model/signal-batch.ts";
import {
  type ContenderName,
  createContender,
  heldBytes,
  maxAgeMs,
  writeSignal,
} from "./open-work.ts";

export interface ScaleResult {
  readonly openNsPerSpan: number;
  /** The longest call with 512 starts. */
  readonly longestOpenMs: number;
  readonly bytesPerSpan: number;
  readonly idleTickUs: number;
  /** The longest call while the markers were evicted. */
  readonly longestStallMs: number;
  /** All such calls that took longer than 50 ms. */
  readonly longStalls: number;
  readonly evictNsPerMarker: number;
  /** The longest call while the tombstones of the evicted markers were forgotten. */
  readonly longestForgetMs: number;
}

const markersPerSession = 10;
const signalsPerBatch = 512;
const tickMs = 200;
const longMs = 50;

/** CPU time of this thread in ms, so that other work on the computer does not look like a stall. */
function timed(act: () => void): number {
  const before = process.threadCpuUsage();
  act();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1e3;
}

function run(name: ContenderName, sessions: number): ScaleResult {
  const spans = sessions * (markersPerSession + 1);
  const batch = new SignalBatch();
  let nowMs = 0;
  const before = heldBytes();
  const contender = createContender(name, { limit: 2 * spans, tombstones: 1_000_000 });
  const flush = (): number => {
    const tookMs = timed(() => contender.apply(batch, nowMs));
    batch.clear();
    nowMs += 0.5;
    return tookMs;
  };
  const batches: number[] = [];
  for (let session = 0; session < sessions; session++) {
    writeSignal(batch, { type: signalTypes.start, run: session }, nowMs);
    for (let marker = 0; marker < markersPerSession; marker++) {
      const span = session * markersPerSession + marker;
      writeSignal(batch, { type: signalTypes.start, run: session, span }, nowMs);
    }
    if (batch.count >= signalsPerBatch) {
      batches.push(flush());
    }
  }
  batches.push(flush());
  const bytesPerSpan = (heldBytes() - before) / spans;
  const idleTicks = name === "engine" ? 10_000 : 20;
  const idleMs = timed(() => {
    for (let tick = 0; tick < idleTicks; tick++) {
      nowMs += 0.01;
      contender.tick(nowMs);
    }
  });

  for (let session = 0; session < sessions; session++) {
    writeSignal(batch, { type: signalTypes.end, run: session }, nowMs);
    if (batch.count >= signalsPerBatch) {
      flush();
    }
  }
  flush();
  const stalls: number[] = [];
  let evicted = 0;
  const pass = (ms: number) => {
    for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += tickMs) {
      do {
        stalls.push(
          timed(() => {
            evicted += contender.tick(nowMs);
          }),
        );
      } while (contender.isBehind());
    }
  };
  // One lateness, another one for which the circuit breaker holds the evictions back, and some margin.
  pass(30_000);
  if (evicted !== sessions * markersPerSession || contender.open() !== 0) {
    throw new Error(`${name} evicted ${evicted} markers and left ${contender.open()} open.`);
  }
  const evicting = stalls.splice(0);
  // The tombstones of the evicted markers are kept for a long time, in which nothing happens, and then forgotten.
  nowMs += maxAgeMs - 60_000;
  pass(90_000);
  const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
  return {
    openNsPerSpan: (sum(batches) * 1e6) / spans,
    longestOpenMs: Math.max(...batches),
    bytesPerSpan,
    idleTickUs: (idleMs * 1e3) / idleTicks,
    longestStallMs: Math.max(...evicting),
    longStalls: evicting.filter((each) => each > longMs).length,
    evictNsPerMarker: (sum(evicting) * 1e6) / evicted,
    longestForgetMs: Math.max(...stalls),
  };
}

const [name, sessions = ""] = process.argv.slice(2);
console.log(JSON.stringify(run(name === "engine" ? "engine" : "map", Number(sessions))));

// One contender of the table benchmark in a process of its own, so that no other's garbage is in its way. Opens so
// many spans, measures the memory, then ends the oldest and starts a new one again and again.
// Run: node --expose-gc bench/table-side.ts machine|map <open spans>
import { workKinds } from "../src/processors/session_activity/kinds.ts";
import { SessionActivity } from "../src/processors/session_activity/machine/session-activity.ts";
import {
  SignalBatch,
  signalTypes,
} from "../src/processors/session_activity/signals/signal-batch.ts";

export interface TableResult {
  readonly bytesPerSpan: number;
  readonly nsPerPair: number;
  readonly longestBatchMs: number;
}

const toolsPerRun = 9;
const signalsPerBatch = 512;
const pairs = 400_000;
const epochMs = 1_795_000_000_000;
const tombstones = 100_000;

interface Contender {
  apply(batch: SignalBatch, nowMs: number): void;
  open(): number;
}

function createMachine(limit: number): Contender {
  const activity = new SessionActivity(
    {
      allowedLatenessMs: 10_000,
      maxAgeMs: 43_200_000,
      tombstoneTtlMs: 900_000,
      maxSessions: limit,
      maxOpenWork: limit,
      maxTombstones: tombstones,
      stalledAfterMs: 120_000,
      longRunningAfterMs: 300_000,
      maxPauseMs: 604_800_000,
      stepsPerCall: 4_096,
      tellsMarkers: false,
    },
    1,
  );
  return {
    apply: (batch, nowMs) => void activity.apply(batch, nowMs),
    open: () => activity.sizes().openWork,
  };
}

interface Work {
  readonly kind: number;
  readonly session: { open: number; lastSeenMs: number };
  readonly parent: string;
  readonly startMs: number;
  seenAtMs: number;
}

/** Objects by hex id. It forgets what ends, so it does less than the machine and keeps less. */
function createMap(): Contender {
  const open = new Map<string, Work>();
  const sessions = new Map<string, Work["session"]>();
  const scratch = Buffer.alloc(24);
  const hex = (batch: SignalBatch, row: number, word0: number, word1: number) => {
    scratch.writeInt32BE(batch.trace0.get(row), 0);
    scratch.writeInt32BE(batch.trace1.get(row), 4);
    scratch.writeInt32BE(batch.trace2.get(row), 8);
    scratch.writeInt32BE(batch.trace3.get(row), 12);
    scratch.writeInt32BE(word0, 16);
    scratch.writeInt32BE(word1, 20);
    return scratch.toString("hex");
  };
  return {
    apply(batch, nowMs) {
      for (let row = 0; row < batch.count; row++) {
        const key = hex(batch, row, batch.span0.get(row), batch.span1.get(row));
        if (batch.type.get(row) === signalTypes.end) {
          const work = open.get(key);
          if (work !== undefined) {
            work.session.open -= 1;
            open.delete(key);
          }
          continue;
        }
        const name = hex(batch, row, 0, 0).slice(0, 32);
        let session = sessions.get(name);
        if (session === undefined) {
          session = { open: 0, lastSeenMs: nowMs };
          sessions.set(name, session);
        }
        session.open += 1;
        session.lastSeenMs = nowMs;
        open.set(key, {
          kind: batch.kind.get(row),
          session,
          parent: hex(batch, row, batch.parent0.get(row), batch.parent1.get(row)).slice(32),
          startMs: batch.startMs.get(row),
          seenAtMs: nowMs,
        });
      }
    },
    open: () => open.size,
  };
}

/** A well spread word, as random ids are; the multiplier is odd, so that none comes twice. */
function word(number: number): number {
  const mixed = Math.imul(number + 1, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function write(
  batch: SignalBatch,
  signal: { readonly type: 0 | 1; readonly run: number; readonly span: number },
  nowMs: number,
): void {
  const { type, run, span } = signal;
  const isRun = span < 0;
  const written = {
    type,
    kind: isRun ? workKinds.run : workKinds.tool,
    flags: 0,
    process: 1,
    place: 0,
    dialect: 0,
    startMs: epochMs + nowMs,
    endMs: epochMs + nowMs,
  } as const;
  const row = batch.add(written);
  batch.setTrace(row, word(run), word(run + 7), word(run + 77), word(run + 777));
  const [span0, parent0] = isRun ? [1, 0] : [2, 1];
  batch.setSpan(row, span0, isRun ? word(run) : word(span), parent0, isRun ? 0 : word(run));
  if (isRun) {
    batch.addReference(word(run), run);
  }
}

function heldBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function run(name: string, open: number): TableResult {
  const runs = Math.ceil(open / (toolsPerRun + 1));
  const tools = runs * toolsPerRun;
  const batch = new SignalBatch();
  let nowMs = 0;
  let longestBatchMs = 0;
  const before = heldBytes();
  const contender = name === "machine" ? createMachine(2 * open) : createMap();
  const flush = () => {
    const start = performance.now();
    contender.apply(batch, nowMs);
    longestBatchMs = Math.max(longestBatchMs, performance.now() - start);
    batch.clear();
    nowMs += 0.2;
  };
  for (let at = 0; at < runs; at++) {
    write(batch, { type: signalTypes.start, run: at, span: -1 }, nowMs);
    for (let tool = 0; tool < toolsPerRun; tool++) {
      write(batch, { type: signalTypes.start, run: at, span: at * toolsPerRun + tool }, nowMs);
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
      write(batch, { type: signalTypes.end, run: at, span: pair }, nowMs);
      write(batch, { type: signalTypes.start, run: at, span: pair + tools }, nowMs);
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

const [name = "", open = ""] = process.argv.slice(2);
console.log(JSON.stringify(run(name, Number(open))));

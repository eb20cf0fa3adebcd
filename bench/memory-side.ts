// One state of the memory benchmark in a process of its own. Fills an engine to its bounds, lets finished work pass for a while, so that
// rows are released and taken again, and measures the physical memory; then with a snapshot, or loads that snapshot again.
// Run: node --expose-gc bench/memory-side.ts <shape> <rows> fill|recover <file>
import { readFileSync, writeFileSync } from "node:fs";
import { ActivityEngine } from "../src/activity/engine/activity-engine.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../src/activity/engine/store/snapshot.ts";
import type { ActivityLimits } from "../src/activity/model/limits.ts";
import { SignalBatch, signalTypes } from "../src/activity/model/signal-batch.ts";
import { createProcessMemory } from "../src/memory/process-memory.ts";
import { maxAgeMs, writeSignal } from "./open-work.ts";

/** `lonely`: runs, each in a trace and a session of its own. `turns`: runs with nine tools each. */
export type Shape = "lonely" | "turns";

export interface MemoryResult {
  readonly rows: number;
  readonly emptyBytes: number;
  readonly fullBytes: number;
  readonly snapshotBytes: number;
  /** With the tables and a snapshot of them. */
  readonly peakBytes: number;
}

const signalsPerBatch = 512;
/** Finished work that passes by, as a multiple of the bound. */
const turnovers = 3;

const [shapeName, rowsText, mode, file = ""] = process.argv.slice(2);
const shape: Shape = shapeName === "turns" ? "turns" : "lonely";
const toolsPerRun = shape === "turns" ? 9 : 0;
const rows = Number(rowsText);
const openWork = Math.floor(rows / 3);
const limits: ActivityLimits = {
  allowedLatenessMs: 10_000,
  maxAgeMs,
  tombstoneTtlMs: 900_000,
  maxSessions: openWork,
  maxOpenWork: openWork,
  maxTombstones: rows - openWork,
  stalledAfterMs: 120_000,
  longRunningAfterMs: 300_000,
  maxPauseMs: 604_800_000,
  stepsPerCall: 2_048,
  includesMarkers: false,
  holdsAcrossProcesses: true,
  boundsSearches: true,
  correctsKinds: true,
  presumesElsewhere: true,
};
const memory = createProcessMemory();

function usedBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return memory.usage().rssBytes;
}

/** An engine with so much open work, after so much finished work has passed. */
function fill(to: ActivityLimits, openRows: number, finishedRows: number): ActivityEngine {
  const engine = new ActivityEngine(to);
  const batch = new SignalBatch();
  let nowMs = 0;
  const flush = () => {
    engine.apply(batch, nowMs);
    while (engine.isBehind) {
      engine.tick(nowMs);
    }
    batch.clear();
    nowMs += 10;
  };
  const emit = (signal: Parameters<typeof writeSignal>[1]) => {
    writeSignal(batch, signal, nowMs);
    if (batch.count >= signalsPerBatch) {
      flush();
    }
  };
  const perRun = toolsPerRun + 1;
  const runs = (from: number, count: number, types: readonly (0 | 1)[]) => {
    for (let run = from; run < from + count; run++) {
      for (const type of types) {
        for (let tool = 0; tool < toolsPerRun; tool++) {
          if (type === signalTypes.end) {
            emit({ type, run, span: run * toolsPerRun + tool });
          }
        }
        emit({ type, run });
        for (let tool = 0; tool < toolsPerRun; tool++) {
          if (type === signalTypes.start) {
            emit({ type, run, span: run * toolsPerRun + tool });
          }
        }
      }
    }
  };
  const openRuns = Math.floor(openRows / perRun);
  runs(0, openRuns, [signalTypes.start]);
  runs(openRuns, Math.ceil(finishedRows / perRun), [signalTypes.start, signalTypes.end]);
  flush();
  return engine;
}

function piecesOf(engine: ActivityEngine): Uint8Array[] {
  const writer = new EngineSnapshotWriter();
  engine.snapshot(writer);
  return writer.pieces;
}

// With hardly any rows, but as many signals, so that code and heap are not counted as rows.
const small = { ...limits, maxSessions: 100, maxOpenWork: 100, maxTombstones: 100 };
fill(small, 100, rows * turnovers);
const emptyBytes = usedBytes();
let result: MemoryResult;
if (mode === "recover") {
  const bytes = readFileSync(file);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1 << 20) {
    pieces.push(new Uint8Array(bytes.subarray(at, at + (1 << 20))));
  }
  const engine = new ActivityEngine(limits);
  engine.snapshot(new EngineSnapshotReader(pieces));
  const peakBytes = memory.usage().rssBytes - bytes.length; // The file itself is only here in memory.
  const fullBytes = usedBytes() - bytes.length;
  result = { rows, emptyBytes, fullBytes, snapshotBytes: bytes.length, peakBytes };
  if (engine.view.sizes().spans < rows * 0.95) {
    throw new Error("The snapshot was not loaded.");
  }
} else {
  const engine = fill(limits, openWork, rows * turnovers);
  const { spans } = engine.view.sizes();
  if (spans < rows * 0.95) {
    throw new Error(`The engine holds ${spans} rows of ${rows}.`);
  }
  const fullBytes = usedBytes();
  const pieces = piecesOf(engine);
  const peakBytes = memory.usage().rssBytes;
  const snapshotBytes = pieces.reduce((sum, { length }) => sum + length, 0);
  writeFileSync(file, Buffer.concat(pieces));
  result = { rows: spans, emptyBytes, fullBytes, snapshotBytes, peakBytes };
}
console.log(JSON.stringify(result));

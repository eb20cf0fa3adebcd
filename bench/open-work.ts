// Shared by the benchmarks of open work: the engine and a Map of objects behind one interface, and their signals.

import { ActivityEngine } from "../src/activity/engine/activity-engine.ts";
import { type SignalBatch, signalTypes } from "../src/activity/model/signal-batch.ts";
import { workKinds } from "../src/activity/model/work.ts";

export type ContenderName = "engine" | "map";

const allowedLatenessMs = 10_000;
/** How long the engine keeps the tombstones of evicted work. */
export const maxAgeMs = 43_200_000;
const epochMs = 1_795_000_000_000;

/** Something that keeps open work. Times are milliseconds of one clock. */
export interface Contender {
  apply(batch: SignalBatch, nowMs: number): void;
  /** Advances the time to `nowMs`. Returns how many markers were evicted. */
  tick(nowMs: number): number;
  /** Whether `tick` has left work for its next call. */
  isBehind(): boolean;
  open(): number;
}

/** `limit`: of open spans and of sessions. */
export function createContender(
  name: ContenderName,
  { limit, tombstones }: { readonly limit: number; readonly tombstones: number },
): Contender {
  return name === "engine" ? createEngine(limit, tombstones) : createMap();
}

function createEngine(limit: number, tombstones: number): Contender {
  const activity = new ActivityEngine({
    allowedLatenessMs,
    maxAgeMs,
    tombstoneTtlMs: 900_000,
    maxSessions: limit,
    maxOpenWork: limit,
    maxTombstones: tombstones,
    stalledAfterMs: 120_000,
    longRunningAfterMs: 300_000,
    maxPauseMs: 604_800_000,
    stepsPerCall: 2_048,
    includesMarkers: false,
    holdsAcrossProcesses: true,
    boundsSearches: true,
    correctsKinds: true,
    presumesElsewhere: true,
  });
  return {
    apply: (batch, nowMs) => void activity.apply(batch, nowMs),
    tick: (nowMs) =>
      activity
        .tick(nowMs)
        .reduce(
          (sum, event) => sum + (event.type === "evicted" ? event.tools + event.modelCalls : 0),
          0,
        ),
    isBehind: () => activity.isBehind,
    open: () => activity.view.sizes().openWork,
  };
}

interface Session {
  readonly open: Set<string>;
  owners: number;
  lastSeenMs: number;
  /** Set while the open work has no owner. */
  dueMs: number | undefined;
}

interface Work {
  readonly kind: number;
  readonly session: Session;
  readonly parent: string;
  readonly startMs: number;
  seenAtMs: number;
}

/**
 * Objects by hex id, and a sweep over all sessions. It forgets ended work, identifies a session by its trace and has no circuit
 * breaker, so it does less than the engine and keeps less.
 */
function createMap(): Contender {
  const open = new Map<string, Work>();
  const sessions = new Map<string, Session>();
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
  const start = (batch: SignalBatch, row: number, key: string, nowMs: number) => {
    const name = key.slice(0, 32);
    let session = sessions.get(name);
    if (session === undefined) {
      session = { open: new Set(), owners: 0, lastSeenMs: nowMs, dueMs: undefined };
      sessions.set(name, session);
    }
    const kind = batch.kind.get(row);
    session.owners += kind === workKinds.run ? 1 : 0;
    session.lastSeenMs = nowMs;
    session.dueMs = undefined;
    session.open.add(key);
    open.set(key, {
      kind,
      session,
      parent: hex(batch, row, batch.parent0.get(row), batch.parent1.get(row)).slice(32),
      startMs: batch.startMs.get(row),
      seenAtMs: nowMs,
    });
  };
  const end = (key: string, nowMs: number) => {
    const work = open.get(key);
    if (work === undefined) {
      return;
    }
    const { session, kind } = work;
    open.delete(key);
    session.open.delete(key);
    if (kind === workKinds.run && --session.owners === 0) {
      session.dueMs = nowMs + allowedLatenessMs;
    }
  };
  return {
    apply(batch, nowMs) {
      for (let row = 0; row < batch.count; row++) {
        const key = hex(batch, row, batch.span0.get(row), batch.span1.get(row));
        if (batch.type.get(row) === signalTypes.end) {
          end(key, nowMs);
        } else {
          start(batch, row, key, nowMs);
        }
      }
    },
    tick(nowMs) {
      let evicted = 0;
      for (const [name, session] of sessions) {
        if (session.dueMs !== undefined && session.dueMs <= nowMs) {
          evicted += session.open.size;
          for (const key of session.open) {
            open.delete(key);
          }
          sessions.delete(name);
        }
      }
      return evicted;
    },
    isBehind: () => false,
    open: () => open.size,
  };
}

/** A well distributed word, as in random ids; the multiplier is odd, so that no word repeats. */
function word(number: number): number {
  const mixed = Math.imul(number + 1, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** The start or the end of the tool number `span` of the run number `run`; of the run itself without `span`. */
export function writeSignal(
  batch: SignalBatch,
  signal: { readonly type: 0 | 1; readonly run: number; readonly span?: number },
  nowMs: number,
): void {
  const { type, run, span } = signal;
  const row = batch.add({
    type,
    kind: span === undefined ? workKinds.run : workKinds.tool,
    flags: 0,
    process: 1,
    serviceHost: 0,
    dialect: 0,
    startMs: epochMs + nowMs,
    endMs: epochMs + nowMs,
  });
  batch.setTrace(row, word(run), word(run + 7), word(run + 77), word(run + 777));
  if (span === undefined) {
    batch.setSpan(row, 1, word(run), 0, 0);
    batch.addReference(word(run), run);
  } else {
    batch.setSpan(row, 2, word(span), 1, word(run));
  }
}

/** Bytes of heap and buffers after a collection. Needs `--expose-gc`. */
export function heldBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

import { beforeEach, expect, test } from "vitest";
import { ActivityEngine } from "../../../src/activity/engine/activity-engine.ts";
import { EngineSnapshotWriter } from "../../../src/activity/engine/store/snapshot.ts";
import { DurableActivity } from "../../../src/activity/journal/durable-activity.ts";
import { Replay } from "../../../src/activity/journal/replay.ts";
import { dialects } from "../../../src/activity/model/dialects.ts";
import { SignalBatch, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import { maxRecordBytes } from "../../../src/component/storage.ts";
import { testSettings } from "../../exporters/settings.ts";
import { limits } from "../engine/history.ts";
import { MemoryStorage } from "./memory-journal.ts";
import { createPersistedParts } from "./persisted-parts.ts";

const roomy = { ...limits, maxOpenWork: 1_000_000, maxTombstones: 1_000_000 };
let storage: MemoryStorage;

beforeEach(() => {
  storage = new MemoryStorage();
});

/** A durable engine on the storage, as a start of the program opens it. */
async function open() {
  const { settings, clock } = testSettings("session_activity");
  const { engine: _engine, evictions, ...persisted } = createPersistedParts();
  let calls = 0;
  const durable = new DurableActivity({
    persisted,
    limits: roomy,
    maxStateBytes: Number.POSITIVE_INFINITY,
    createEngine: (of) => new ActivityEngine(of),
    emitter: {
      get calls() {
        return calls;
      },
      pending: [],
      evictions,
      resume: (from) => {
        calls = from;
      },
      logEviction() {},
    },
    clock,
    logger: settings.logger,
    hashKey: new Uint8Array(16),
    refKey: new Uint8Array(32),
    instanceId: "one",
    restartGraceMs: 0,
    tickMs: 200,
  });
  await durable.open(storage);
  return {
    durable,
    processes: persisted.processes,
    clock,
    apply(batch: SignalBatch) {
      const events = durable.apply(batch);
      calls += events.filter(({ length }) => length > 0).length;
      return events;
    },
  };
}

/** The state that the records describe. */
function replayed(): Buffer {
  const { engine: _engine, ...into } = createPersistedParts();
  const replay = new Replay({
    into,
    createEngine: (of) => new ActivityEngine(of),
    limits: roomy,
    newKeys: { hashKey: "0".repeat(32), refKey: "0".repeat(64), unixMs: 0, formerForMs: 0 },
    maxStateBytes: Number.POSITIVE_INFINITY,
    onEvent() {},
  });
  for (const record of storage.records) {
    replay.take(record);
  }
  return stateOf(replay.finish()!.engine);
}

/** All that an engine knows, as bytes. */
function stateOf(engine: ActivityEngine): Buffer {
  const writer = new EngineSnapshotWriter();
  engine.snapshot(writer);
  return Buffer.concat(writer.pieces);
}

function addRow(
  batch: SignalBatch,
  type: (typeof signalTypes)[keyof typeof signalTypes],
  span: number,
  { kind = workKinds.tool, process = 1 }: { kind?: 1 | 2 | 3; process?: number } = {},
): number {
  const row = batch.add({
    ...{ type, dialect: dialects.liveSpan.storedId, kind, flags: 0 },
    ...{ process, serviceHost: process, startMs: 1_000, endMs: 2_000 },
  });
  batch.setTrace(row, 1, 2, 3, 4);
  batch.setSpan(row, 0, span, 0, kind === workKinds.run ? 0 : 1);
  return row;
}

function emptyBatch(): SignalBatch {
  const batch = new SignalBatch();
  batch.clear();
  return batch;
}

/** The requests of a hostile sender. */
const requests: readonly (readonly [title: string, batches: () => readonly SignalBatch[]])[] = [
  [
    "more signals than a record has room for",
    () => {
      const batch = emptyBatch();
      addRow(batch, signalTypes.start, 1, { kind: workKinds.run });
      for (let call = 2; batch.count < 500_000; call++) {
        addRow(batch, signalTypes.end, call, { kind: workKinds.modelCall });
        for (let key = 0; key < 256; key++) {
          const type = key < 128 ? signalTypes.request : signalTypes.answer;
          const row = batch.addAbout(batch.count - 1, {
            type,
            dialect: dialects.requestedTool.storedId,
          });
          batch.setKey(row, call, key);
        }
      }
      return [batch];
    },
  ],
  [
    "runs with more references than are kept, in one request and in another order in the next",
    () =>
      [1, -1].map((step) => {
        const batch = emptyBatch();
        for (let run = 1; run <= 40; run++) {
          addRow(batch, signalTypes.start, run, { kind: workKinds.run });
          for (let at = 0; at < 600; at++) {
            batch.addReference(run + step * at, at % 3);
          }
        }
        return batch;
      }),
  ],
  [
    "ends, then starts, then ends again of the same 40 000 spans",
    () =>
      [signalTypes.end, signalTypes.start, signalTypes.end].map((type) => {
        const batch = emptyBatch();
        for (let span = 1; span <= 40_000; span++) {
          addRow(batch, type, span, { kind: span === 1 ? workKinds.run : workKinds.tool });
        }
        return batch;
      }),
  ],
];

for (const [title, batches] of requests) {
  test(`after ${title}, a restart finds what the collector that goes on has`, async () => {
    const live = await open();
    for (const batch of batches()) {
      live.apply(batch);
      live.clock.advance(1_000);
    }
    live.durable.close();
    expect(Math.max(...storage.records.map(({ length }) => length))).toBeLessThan(maxRecordBytes);
    expect(replayed().equals(stateOf(live.durable.engine))).toBe(true);
  });
}

test("a request of a call's parts that have events is as many calls, in the order of the rows", async () => {
  const { apply, durable } = await open();
  const start = emptyBatch();
  addRow(start, signalTypes.start, 1, { kind: workKinds.run });
  for (let span = 2; span <= 20_000; span++) {
    addRow(start, signalTypes.start, span);
  }
  expect(apply(start).map(({ length }) => length)).toEqual([0, 0]);
  const ends = emptyBatch();
  for (let span = 2; span <= 20_000; span++) {
    const row = addRow(ends, signalTypes.end, span);
    ends.flags.set(row, 8); // Closed by its run: an eviction at once.
  }
  const events = apply(ends);
  expect(events.map(({ length }) => length)).toEqual([16_384, 19_999 - 16_384]);
  expect(durable.engine.counters.evicted.get("orphaned_no_owner")?.[workKinds.tool]).toBe(19_999);
});

test("senders whose names are longer than a record find room in records, and are known after a restart", async () => {
  const first = await open();
  const identityOf = (process: number) =>
    Array.from({ length: 5 }, (_, at) => `${process} ${at} `.padEnd(256, "\u0001"));
  for (let process = 1; process <= 2_500; process++) {
    first.processes.numberOf(identityOf(process));
  }
  const batch = emptyBatch();
  addRow(batch, signalTypes.start, 1, { kind: workKinds.run, process: 2_500 });
  first.apply(batch);
  const ofLog = storage.records;
  storage.owner!.onSnapshotNeeded();
  first.apply(batch);
  await new Promise(setImmediate);
  const ofSnapshot = storage.records;
  expect(ofSnapshot).not.toBe(ofLog);
  for (const records of [ofLog, ofSnapshot]) {
    expect(Math.max(...records.map(({ length }) => length))).toBeLessThan(maxRecordBytes);
    storage.records = records;
    const { processes } = await open();
    expect(processes.numberOf(identityOf(2_500)).process).toBe(2_500);
    expect(processes.numberOf(identityOf(1)).process).toBe(1);
  }
});

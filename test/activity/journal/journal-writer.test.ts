import { describe, expect, test } from "vitest";
import { EngineSnapshotWriter } from "../../../src/activity/engine/store/snapshot.ts";
import {
  type Header,
  journalVersion,
  recordTypes,
} from "../../../src/activity/journal/journal-records.ts";
import { JournalWriter } from "../../../src/activity/journal/journal-writer.ts";
import { type ActivityLimits, toStoredLimits } from "../../../src/activity/model/limits.ts";
import type { Journal } from "../../../src/component/storage.ts";
import { limits } from "../engine/history.ts";
import { MemoryStorage } from "./memory-journal.ts";
import { batchOf, createPersistedParts, numberOf } from "./persisted-parts.ts";

const header: Header = {
  version: journalVersion,
  hashKey: "0".repeat(32),
  instanceId: "one",
  sinceUnixMs: 5,
  limits,
  atMs: 10,
  unixMs: 1_000,
};
const storedHeader = { ...header, limits: toStoredLimits(limits) };
const run = { type: "start", kind: "run", span: 1, start: 0 } as const;
const tool = { type: "start", kind: "tool", span: 2, parent: 1, start: 0 } as const;
const mebibyte = 1 << 20;

async function createWriter(
  changed: Partial<Journal> = {},
  { isNew = true, limits = {} }: { isNew?: boolean; limits?: Partial<ActivityLimits> } = {},
) {
  const storage = new MemoryStorage();
  const owner = { take: () => {}, onSnapshotNeeded: () => {} };
  const journal = { ...(await storage.openJournal(owner)), ...changed };
  const parts = createPersistedParts(limits);
  const writer = new JournalWriter(journal, parts, { header, isNew });
  return { storage, parts, writer, types: () => storage.records.map(([type]) => type) };
}

function jsonOf(record: Uint8Array | undefined): unknown {
  return JSON.parse(Buffer.from(record!.subarray(1)).toString());
}

describe("a journal", () => {
  test("begins with its header when it is new", async () => {
    const { storage } = await createWriter();
    expect(storage.records.map((record) => [record[0], jsonOf(record)])).toEqual([
      [recordTypes.header, storedHeader],
    ]);
  });

  test("continues without a header when records were recovered", async () => {
    const { types } = await createWriter({}, { isNew: false });
    expect(types()).toEqual([]);
  });

  for (const [title, signals, type] of [
    ["a call with signals", batchOf(run), recordTypes.signals],
    ["a call without signals", undefined, recordTypes.tick],
  ] as const) {
    test(`${title} is written at once only when it had events`, async () => {
      const { storage, writer, types } = await createWriter();
      const call = { nowMs: 100, ...(signals === undefined ? {} : { signals }) };
      writer.call({ ...call, hasEvents: false });
      expect(storage.certain).toBe(0);
      writer.call({ ...call, hasEvents: true });
      expect(storage.certain).toBe(3);
      expect(types()).toEqual([recordTypes.header, type, type]);
    });
  }

  test("contains a name before the first batch that uses its number, and only once", async () => {
    const { storage, parts, writer, types } = await createWriter();
    const number = numberOf(parts.tools, "exec");
    writer.call({ nowMs: 100, signals: batchOf({ ...tool, name: number }), hasEvents: false });
    writer.call({ nowMs: 101, signals: batchOf({ ...tool, name: number }), hasEvents: false });
    const { names, signals } = recordTypes;
    expect(types()).toEqual([recordTypes.header, names, signals, signals]);
    expect(jsonOf(storage.records[1])).toEqual({
      senders: [],
      toolNames: [[number, "exec"]],
      channelNames: [],
      forgottenTools: [],
      forgottenChannels: [],
    });
  });

  test("learns at once that events are delivered", async () => {
    const { storage, writer, types } = await createWriter();
    writer.delivered(7);
    expect(types()).toEqual([recordTypes.header, recordTypes.delivered]);
    expect(storage.certain).toBe(2);
  });

  for (const [title, logBytes, snapshotBytes, want] of [
    ["16 MiB without a snapshot is not long", 16 * mebibyte, 0, false],
    ["more than 16 MiB is long", 16 * mebibyte + 1, 0, true],
    ["twice a snapshot of 10 MiB is not long", 20 * mebibyte, 10 * mebibyte, false],
    ["more than twice that snapshot is long", 20 * mebibyte + 1, 10 * mebibyte, true],
  ] as const) {
    test(title, async () => {
      const { writer } = await createWriter({ logBytes, snapshotBytes });
      expect(writer.isLong).toBe(want);
    });
  }
});

describe("a snapshot", () => {
  const options = { calls: 9, pending: [], anchor: { atMs: 50, unixMs: 2_000 } };

  test("is a header, all names, the engine, its end and the pending events", async () => {
    const { storage, parts, writer } = await createWriter();
    numberOf(parts.tools, "exec");
    numberOf(parts.channels, "slack");
    parts.evictions.restore([{ tools: 1 }]);
    parts.engine.apply(batchOf(run, tool), 100);
    const pending = [{ call: 8, bytes: Uint8Array.of(1, 2, 3) }];
    expect(await writer.snapshot({ ...options, pending })).toBe(true);

    const [first, names, state, end, event, ...rest] = storage.records;
    expect([first, names, state, end, event].map((record) => record?.[0])).toEqual([
      recordTypes.header,
      recordTypes.names,
      recordTypes.state,
      recordTypes.stateEnd,
      recordTypes.pending,
    ]);
    expect(rest).toEqual([]);
    expect(jsonOf(first)).toEqual({ ...storedHeader, ...options.anchor });
    expect(jsonOf(names)).toEqual({
      senders: [],
      toolNames: [[1, "exec"]],
      channelNames: [[1, "slack"]],
    });
    const engine = new EngineSnapshotWriter();
    parts.engine.snapshot(engine);
    expect(Buffer.from(state!.subarray(1))).toEqual(Buffer.concat(engine.pieces));
    expect(jsonOf(end)).toEqual({ told: 9, evictions: [{ tools: 1 }] });
    expect(Buffer.from(event!)).toEqual(
      Buffer.concat([
        Uint8Array.of(recordTypes.pending),
        new Uint8Array(Float64Array.of(8).buffer),
        Uint8Array.of(1, 2, 3),
      ]),
    );
  });

  test("divides a large engine into records of 1 MiB at most", async () => {
    const many = { maxSessions: 20_000, maxOpenWork: 20_000 };
    const { storage, parts, writer } = await createWriter({}, { limits: many });
    for (let trace = 1; trace <= 10_000; trace++) {
      parts.engine.apply(batchOf({ ...run, trace }), 100);
    }
    await writer.snapshot(options);
    const states = storage.records.filter(([type]) => type === recordTypes.state);
    expect(states.length).toBeGreaterThan(1);
    expect(Math.max(...states.map(({ length }) => length))).toBeLessThanOrEqual(mebibyte + 1);
    const engine = new EngineSnapshotWriter();
    parts.engine.snapshot(engine);
    const stored = Buffer.concat(states.map((record) => record.subarray(1)));
    expect(stored.equals(Buffer.concat(engine.pieces))).toBe(true);
  });

  test("is the state of its moment, however late the storage takes the records", async () => {
    const stored: Uint8Array[] = [];
    let take = () => {};
    const { parts, writer } = await createWriter({
      snapshot: async (records) => {
        await new Promise<void>((resolve) => {
          take = resolve;
        });
        stored.push(...Array.from(records, (record) => record.slice()));
        return { status: "done" };
      },
    });
    const engine = new EngineSnapshotWriter();
    parts.engine.snapshot(engine);
    const done = writer.snapshot(options);
    parts.engine.apply(batchOf(run), 100);
    numberOf(parts.tools, "later");
    take();
    await done;
    const state = stored.find(([type]) => type === recordTypes.state)!;
    expect(Buffer.from(state.subarray(1))).toEqual(Buffer.concat(engine.pieces));
    expect(jsonOf(stored[1])).toMatchObject({ toolNames: [] });
  });

  test("contains the new names, so that the log behind it does not repeat them", async () => {
    const { parts, writer, types } = await createWriter();
    const number = numberOf(parts.tools, "exec");
    await writer.snapshot(options);
    writer.call({ nowMs: 100, signals: batchOf({ ...tool, name: number }), hasEvents: false });
    expect(types().filter((type) => type === recordTypes.names)).toHaveLength(1);
    expect(types().at(-1)).toBe(recordTypes.signals);
  });

  for (const [title, outcome] of [
    ["that another one delays", { status: "busy" }],
    ["that does not fit on the disk", { status: "failed", reason: "no_space" }],
  ] as const) {
    test(`${title} is not done`, async () => {
      const { writer } = await createWriter({ snapshot: async () => outcome });
      expect(await writer.snapshot(options)).toBe(false);
    });
  }
});

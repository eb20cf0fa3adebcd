import { describe, expect, test } from "vitest";
import { ActivityEngine } from "../../../src/activity/engine/activity-engine.ts";
import {
  journalVersion,
  jsonRecord,
  numberRecord,
  recordTypes,
} from "../../../src/activity/journal/journal-records.ts";
import { JournalWriter } from "../../../src/activity/journal/journal-writer.ts";
import { maxPendingCalls } from "../../../src/activity/journal/persisted-state.ts";
import { Replay } from "../../../src/activity/journal/replay.ts";
import { SignalEncoder } from "../../../src/activity/journal/signal-codec.ts";
import type { ActivityLimits } from "../../../src/activity/model/limits.ts";
import { HalfSipHash } from "../../../src/activity/recognition/half-sip-hash.ts";
import { SipHash } from "../../../src/activity/recognition/sip-hash.ts";
import { limits, type Signal } from "../engine/history.ts";
import { MemoryStorage } from "./memory-journal.ts";
import { batchOf, createPersistedParts, numberOf } from "./persisted-parts.ts";

const unixMs = 1_795_000_000_000;
const startMs = 1_000;
const newKey = "00112233445566778899aabbccddeeff";
const refKey = "a".repeat(64);

const run = (trace: number) => ({ type: "start", kind: "run", span: 1, trace, start: 0 }) as const;
const tool = (trace: number) =>
  ({ type: "start", kind: "tool", span: 2, parent: 1, trace, start: 0 }) as const;
const runEnd = (trace: number) => ({ ...run(trace), type: "end", end: 1 }) as const;
/** A run that leaves a tool: it is evicted a lateness later. */
const orphanIn = (trace: number) => [run(trace), tool(trace), runEnd(trace)];

function header(changed: object = {}): Uint8Array {
  const hashKey = "0".repeat(32);
  const stored = { version: journalVersion, hashKey, instanceId: "one", limits };
  return jsonRecord(recordTypes.header, { ...stored, atMs: startMs, unixMs, ...changed });
}

const signalsAt = (nowMs: number, ...signals: readonly Signal[]) =>
  new SignalEncoder().encode(batchOf(...signals), nowMs).slice();
const tickAt = (nowMs: number) => numberRecord(recordTypes.tick, nowMs);
const delivered = (call: number) => numberRecord(recordTypes.delivered, call);

function replayed(
  records: readonly Uint8Array[],
  configured: ActivityLimits = limits,
  maxStateBytes = Number.POSITIVE_INFINITY,
) {
  const into = createPersistedParts();
  const events: { readonly type: string; readonly unixMs: number }[] = [];
  const replay = new Replay({
    into,
    limits: configured,
    newKeys: { hashKey: newKey, refKey, unixMs: unixMs + 1000, formerForMs: 5000 },
    maxStateBytes,
    createEngine: (each) => new ActivityEngine(each),
    onEvent: ({ type }, anchor) => events.push({ type, unixMs: anchor.unixMs }),
  });
  for (const record of records) {
    replay.take(record);
  }
  const state = replay.finish();
  return { state, into, events, ignored: replay.ignored };
}

const callsOf = ({ state }: ReturnType<typeof replayed>) => state!.pending.map(({ call }) => call);

const session = Buffer.from("agent:main:telegram:direct:4711");
function hashed({ hash }: ReturnType<typeof createPersistedParts>, bytes: Uint8Array = session) {
  hash.update(bytes, 0, bytes.length);
  return [hash.hi, hash.lo];
}

describe("the records of a journal", () => {
  test("are nothing when there are none", () => {
    expect(replayed([])).toMatchObject({ state: undefined, ignored: undefined });
  });

  test("are ignored when an unknown version wrote them", () => {
    const records = [header({ version: 99 }), Uint8Array.of(77, 1), tickAt(5)];
    expect(replayed(records)).toMatchObject({ state: undefined, ignored: "unknown_version" });
  });

  for (const [title, records] of [
    ["that do not begin with a header", [tickAt(5)]],
    ["of an unknown type", [header(), Uint8Array.of(77, 1)]],
    ["with a header without a key", [header({ hashKey: "" })]],
    ["with a restart without a time", [header(), jsonRecord(recordTypes.restart, {})]],
    ["that are cut off", [header(), signalsAt(2_000, run(1)).subarray(0, 20)]],
    [
      "with half an engine",
      [header(), jsonRecord(recordTypes.stateEnd, { told: 0, evictions: [] })],
    ],
  ] as const) {
    test(`${title} are refused`, () => {
      expect(() => replayed(records)).toThrow();
    });
  }
});

describe("a replay", () => {
  test("repeats the calls and decides the same at the same times", () => {
    const result = replayed([
      header(),
      signalsAt(2_000, ...orphanIn(1)),
      signalsAt(3_000, run(2), tool(2)),
      tickAt(12_000),
    ]);
    expect(result.events).toEqual([{ type: "evicted", unixMs: unixMs + 11_000 }]);
    expect(result.state?.engine.view.sizes()).toMatchObject({ openWork: 2 });
    expect(result.state?.engine.nowMs).toBe(12_000);
    expect(result.state).toMatchObject({ calls: 1, isOfOldVersion: false });
    expect(callsOf(result)).toEqual([1]);
  });

  test("computes Unix time from the last pause on, and adds the pause to ages", () => {
    const { state, events } = replayed([
      header(),
      signalsAt(2_000, ...orphanIn(1)),
      jsonRecord(recordTypes.anchor, { atMs: 5_000, unixMs: unixMs + 64_000, awayMs: 60_000 }),
      tickAt(12_000),
    ]);
    expect(events).toEqual([{ type: "evicted", unixMs: unixMs + 71_000 }]);
    expect(state?.anchor).toEqual({ atMs: 5_000, unixMs: unixMs + 64_000 });
    const [call] = state!.pending;
    const [event] = "events" in call! ? call.events : [];
    expect(event).toMatchObject({ oldestAgeMs: 70_000 });
  });

  test("evicts nothing before the grace of a restart is over", () => {
    const restart = { atMs: 4_000, unixMs: unixMs + 100_000, downtimeMs: 0, graceMs: 30_000 };
    const records = [
      header(),
      signalsAt(2_000, ...orphanIn(1)),
      jsonRecord(recordTypes.restart, { ...restart, awayMs: 97_000 }),
    ];
    expect(replayed([...records, tickAt(33_900)]).events).toEqual([]);
    expect(replayed([...records, tickAt(34_000)]).events).toEqual([
      { type: "evicted", unixMs: unixMs + 130_000 },
    ]);
  });

  test("of a journal from before runs held work across processes decides as then, and by today's rule from its end on", () => {
    const { holdsAcrossProcesses: _, ...before } = limits;
    /** A run 1, and in another process a run 3 below it that ends and leaves the tool 4. */
    const acrossIn = (trace: number) => {
      const below = { ...run(trace), span: 3, parent: 1, process: 2 };
      const left = { ...tool(trace), span: 4, parent: 3, process: 2 };
      return [run(trace), below, left, { ...below, type: "end", end: 1 } as const];
    };
    const records = [
      header({ limits: before }),
      signalsAt(2_000, ...acrossIn(1)),
      tickAt(12_000),
      signalsAt(13_000, ...acrossIn(2)),
    ];
    const { events, state } = replayed(records);
    expect(events).toEqual([{ type: "evicted", unixMs: unixMs + 11_000 }]);
    expect(state?.engine.tick(100_000)).toEqual([]);
    const restart = { atMs: 13_000, unixMs, downtimeMs: 0, graceMs: 0, limits };
    const again = replayed([...records, jsonRecord(recordTypes.restart, restart), tickAt(100_000)]);
    expect(again.events).toEqual(events);
  });

  for (const [title, records, want] of [
    ["none is delivered", [], [1, 2, 3]],
    ["the first one is delivered", [delivered(1)], [2, 3]],
    ["all are delivered", [delivered(3)], []],
  ] as const) {
    test(`leaves the events of the calls that are not delivered: ${title}`, () => {
      const calls = [1, 2, 3].flatMap((trace) => [
        signalsAt(trace * 20_000, ...orphanIn(trace)),
        tickAt(trace * 20_000 + 15_000),
      ]);
      const result = replayed([header(), ...calls, ...records]);
      expect(callsOf(result)).toEqual(want);
      expect(result.state?.calls).toBe(3);
    });
  }

  test("counts calls whose records are lost but whose delivery is recorded", () => {
    expect(replayed([header(), delivered(41)]).state?.calls).toBe(41);
  });

  test("keeps the events of 10 000 calls, as many as the outbox", () => {
    const calls = Array.from({ length: maxPendingCalls + 4 }, (_, at) => [
      signalsAt((at + 1) * 20_000, ...orphanIn(at + 1)),
      tickAt((at + 1) * 20_000 + 15_000),
    ]);
    const result = replayed([header(), ...calls.flat()]);
    expect(result.state?.calls).toBe(maxPendingCalls + 4);
    expect(callsOf(result)).toEqual(Array.from({ length: maxPendingCalls }, (_, at) => at + 1));
  });

  for (const version of [1, 2, 3]) {
    test(`of version ${version} leaves stored requests${version < 3 ? "" : " and what it decided again"}`, () => {
      const stored = numberRecord(recordTypes.pending, 1, Uint8Array.of(7));
      const result = replayed([
        header({ version }),
        stored,
        delivered(1),
        numberRecord(recordTypes.pending, 2, Uint8Array.of(8)),
        signalsAt(2_000, ...orphanIn(1)),
        tickAt(12_000),
      ]);
      expect(callsOf(result)).toEqual(version < 3 ? [2] : [2, 2]);
      expect(result.state?.isOfOldVersion).toBe(version !== journalVersion);
      expect(result.events).toHaveLength(1);
    });
  }
});

describe("the limits of a replay", () => {
  const longer = { ...limits, allowedLatenessMs: 60_000 };
  const orphan = signalsAt(2_000, ...orphanIn(1));
  const restartWith = (changed: object) =>
    jsonRecord(recordTypes.restart, {
      ...{ atMs: 2_000, unixMs, downtimeMs: 0, graceMs: 0, awayMs: 0 },
      ...changed,
    });

  for (const [title, configured, records, want] of [
    ["are those of the header", limits, [header({ limits: longer }), orphan], 62_000],
    [
      "are the configured ones without a header's",
      longer,
      [header({ limits: undefined }), orphan],
      62_000,
    ],
    ["change with a restart", longer, [header(), restartWith({ limits: longer }), orphan], 62_000],
    ["stay at a restart without limits", longer, [header(), restartWith({}), orphan], 12_000],
  ] as const) {
    test(title, () => {
      expect(replayed([...records, tickAt(want - 100)], configured).events).toEqual([]);
      expect(replayed([...records, tickAt(want)], configured).events).toHaveLength(1);
    });
  }

  test("are the configured ones when it is finished, and the state is the same", () => {
    const records = [header(), signalsAt(2_000, run(1), tool(1)), signalsAt(3_000, runEnd(1))];
    const { state, events } = replayed(records, longer);
    expect(events).toEqual([]);
    expect(state?.engine.view.sizes()).toMatchObject({ openWork: 1 });
    expect(state?.engine.apply(batchOf({ ...tool(1), type: "end", end: 9 }), 50_000)).toEqual([]);
    expect(state?.engine.counters.ended).toEqual([0, 1, 1, 0]);
  });
});

describe("the names of a replay", () => {
  const valuesOf = ({ into }: ReturnType<typeof replayed>) =>
    [1, 2, 3].map((number) => [into.tools.valueOf(number), into.channels.valueOf(number)]);

  test("have the numbers that are stored, and a later name replaces an earlier one", () => {
    const result = replayed([
      header(),
      jsonRecord(recordTypes.names, { toolNames: [[2, "read"]], channelNames: [[1, "slack"]] }),
      jsonRecord(recordTypes.names, {
        toolNames: [
          [2, "write"],
          [1, "exec"],
        ],
      }),
    ]);
    expect(valuesOf(result)).toEqual([
      ["exec", "slack"],
      ["write", undefined],
      [undefined, undefined],
    ]);
  });

  test("of versions 1 and 2 are numbered in the order of the journal", () => {
    const result = replayed([
      header({ version: 2 }),
      jsonRecord(recordTypes.names, { tools: ["exec"], channels: ["slack"] }),
      jsonRecord(recordTypes.names, { tools: ["read", "write"], channels: [] }),
    ]);
    expect(valuesOf(result)).toEqual([
      ["exec", "slack"],
      ["read", undefined],
      ["write", undefined],
    ]);
  });

  test("are hashed with the key of the journal", () => {
    const hashKey = "0102030405060708090a0b0c0d0e0f10";
    const { into, state } = replayed([header({ hashKey })]);
    const hash = new SipHash(Buffer.from(hashKey, "hex"));
    hash.hash64(session, 0, session.length);
    expect(hashed(into)).toEqual([hash.word0, hash.word1]);
    expect(state?.keys).toEqual({ hashKey, refKey });
  });
});

describe("a journal with the short key of version 3", () => {
  const former = "0102030405060708";
  const header3 = header({ version: 3, hashKey: former });
  const short = new HalfSipHash(Buffer.from(former, "hex"));
  short.update(session, 0, session.length);
  const long = new SipHash(Buffer.from(newKey, "hex"));
  long.hash64(session, 0, session.length);
  /** A session that was open when the program was replaced. */
  const open = () => {
    const batch = batchOf(run(1));
    batch.addReference(short.hi, short.lo);
    return new SignalEncoder().encode(batch, 1_001).slice();
  };

  test("gets a new key, under which sessions that it has keep their hash", () => {
    const { into, state } = replayed([header3, open()]);
    expect(hashed(into)).toEqual([short.hi, short.lo]);
    expect(hashed(into, Buffer.from("another"))).not.toEqual([short.hi, short.lo]);
    const untilUnixMs = unixMs + 6000;
    expect(state).toMatchObject({
      hasNewKeys: true,
      keys: { hashKey: newKey, refKey, former: { hashKey: former, untilUnixMs } },
    });
  });

  test("has no values that are not in it", () => {
    expect(hashed(replayed([header3]).into)).toEqual([long.word0, long.word1]);
  });

  test("keeps the key that a program continued it with", () => {
    const keys = {
      hashKey: "f".repeat(32),
      refKey: "b".repeat(64),
      former: { hashKey: former, untilUnixMs: unixMs + 9e9 },
    };
    const restart = { atMs: 1_002, unixMs, downtimeMs: 0, graceMs: 0, keys };
    const { into, state } = replayed([header3, open(), jsonRecord(recordTypes.restart, restart)]);
    expect(state).toMatchObject({ hasNewKeys: false, keys });
    expect(hashed(into)).toEqual([short.hi, short.lo]);
  });

  test("is not recognized any more when all that it had is forgotten", () => {
    const former4 = { hashKey: former, untilUnixMs: unixMs + 1000 };
    const { into, state } = replayed([header({ hashKey: newKey, former: former4 }), open()]);
    expect(hashed(into)).toEqual([long.word0, long.word1]);
    expect(state?.keys).toEqual({ hashKey: newKey, refKey });
  });
});

describe("a snapshot", () => {
  test("is replayed as the log that it replaced", async () => {
    const storage = new MemoryStorage();
    const owner = { take: () => {}, onSnapshotNeeded: () => {} };
    const parts = createPersistedParts();
    const options = {
      header: {
        ...{ version: journalVersion, hashKey: "0".repeat(32), instanceId: "one" },
        ...{ limits, atMs: startMs, unixMs },
      },
      isNew: true,
    };
    const writer = new JournalWriter(await storage.openJournal(owner), parts, options);
    const exec = numberOf(parts.tools, "exec");
    const signals = batchOf(run(1), { ...tool(1), name: exec }, runEnd(1), run(2), tool(2));
    const hasEvents = parts.engine.apply(signals, 2_000).length > 0;
    writer.call({ nowMs: 2_000, signals, hasEvents });
    parts.evictions.restore([{ tools: 3 }]);
    const log = [...storage.records];
    const anchor = { atMs: 2_000, unixMs: unixMs + 1_000 };
    await writer.snapshot({ calls: 0, pending: [], anchor });

    const [fromLog, fromSnapshot] = [log, storage.records].map((records) =>
      replayed([...records, tickAt(12_000)]),
    );
    expect(fromSnapshot?.events).toEqual([{ type: "evicted", unixMs: unixMs + 11_000 }]);
    expect(fromSnapshot?.events).toEqual(fromLog?.events);
    expect(fromSnapshot?.state?.engine.view.sizes()).toEqual(fromLog?.state?.engine.view.sizes());
    expect(fromSnapshot?.into.tools.valueOf(exec)).toBe("exec");
    expect(fromSnapshot?.into.evictions.entries()).toEqual([{ tools: 3 }]);
    expect(fromSnapshot?.state?.calls).toBe(1);
  });
});

describe("a state that was stored under higher bounds", () => {
  const finishedRun = (trace: number) => [run(trace), runEnd(trace)];
  const few = { ...limits, maxTombstones: 10 };
  const records = [header({ limits: { ...limits, maxTombstones: 1_000 } })];
  for (const [at, signals] of Array.from({ length: 50 }, (_, index) =>
    finishedRun(index + 1),
  ).entries()) {
    records.push(signalsAt(2_000 + at * 20_000, ...signals));
  }

  test("is replayed with no more tombstones than are allowed now", () => {
    const sizes = (configured: ActivityLimits) =>
      replayed(records, configured).state?.engine.view.sizes().tombstones;
    expect(sizes({ ...limits, maxTombstones: 1_000 })).toBe(50);
    expect(sizes(few)).toBeLessThanOrEqual(10);
  });

  test("is ignored when its snapshot is longer than the bounds of now allow", () => {
    const state = (length: number) =>
      Buffer.concat([Buffer.from([recordTypes.state]), Buffer.alloc(length)]);
    const end = jsonRecord(recordTypes.stateEnd, { told: 3, evictions: [] });
    const stored = [header(), state(600), state(600), end, signalsAt(2_000, run(1))];
    expect(replayed(stored, limits, 1_199)).toMatchObject({
      state: undefined,
      ignored: "too_large",
    });
    // Zeros are no snapshot, so one that is not too long is read, and fails.
    expect(() => replayed(stored, limits, 1_200)).toThrow();
  });
});

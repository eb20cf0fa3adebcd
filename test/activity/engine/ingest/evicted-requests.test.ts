import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { EvictedRequests } from "../../../../src/activity/engine/ingest/evicted-requests.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { limits } from "../history.ts";

const process = 7;

/** Evicted calls of one run, and the evictions of its owner that have no name. */
function evictedOf(most: number, ttlMs = 1_000) {
  const { store } = new EngineParts(limits);
  const run = store.spans.add(store.traces.findOrAdd(process, 1, 2, 3, 4), 5, 6);
  return { evicted: new EvictedRequests(store, { ttlMs, most }), run, store };
}

describe("evicted requests", () => {
  test("of more than the bound the oldest is forgotten", () => {
    const { evicted, run } = evictedOf(3);
    for (const call of [1, 2, 3, 4]) {
      evicted.add(run, 0, call, call);
    }
    expect([1, 2, 3, 4].map((call) => evicted.has(process, 0, call))).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  test("a call whose tool came leaves its room to another one", () => {
    const { evicted, run } = evictedOf(3);
    for (const call of [1, 2, 3]) {
      evicted.add(run, 0, call, call);
    }
    expect(evicted.take(process, 0, 2, 10)).toBe(8);
    expect(evicted.take(process, 0, 2, 10)).toBeUndefined();
    evicted.add(run, 0, 4, 11);
    expect([1, 2, 3, 4].map((call) => evicted.has(process, 0, call))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  test("a call that is evicted once more counts as the newest", () => {
    const { evicted, run } = evictedOf(2);
    for (const call of [1, 2, 1, 3]) {
      evicted.add(run, 0, call, 10 + call);
    }
    expect([1, 2, 3].map((call) => evicted.has(process, 0, call))).toEqual([true, false, true]);
  });

  test("a call that is evicted once more is one call", () => {
    const { evicted, run } = evictedOf(5);
    evicted.add(run, 0, 1, 11);
    evicted.add(run, 0, 1, 12);
    expect(evicted.take(process, 0, 1, 20)).toBe(8);
    expect(evicted.has(process, 0, 1)).toBe(false);
  });

  test("each is forgotten at its time, the oldest first", () => {
    const { evicted, run } = evictedOf(10, 100);
    for (const call of [1, 2, 3]) {
      evicted.add(run, 0, call, call * 10);
    }
    for (const [atMs, want] of [
      [109, [true, true, true]],
      [110, [false, true, true]],
      [130, [false, false, false]],
    ] as const) {
      evicted.dropExpired(atMs);
      expect([1, 2, 3].map((call) => evicted.has(process, 0, call))).toEqual(want);
    }
  });

  test("those of a process go with its number", () => {
    const { evicted, run, store } = evictedOf(10);
    const other = store.spans.add(store.traces.findOrAdd(8, 1, 2, 3, 4), 5, 6);
    evicted.add(run, 0, 1, 1);
    evicted.add(other, 0, 1, 1);
    evicted.forgetProcesses(new Set([process]));
    expect([evicted.has(process, 0, 1), evicted.has(8, 0, 1)]).toEqual([false, true]);
  });

  test("the tool that came takes one eviction without a name off its owner", () => {
    const { evicted, run, store } = evictedOf(10);
    const [process, trace, group] = [7, store.spans.trace.get(run), -1];
    const owner = store.owners.add({ process, trace, top: run, group, isUnresolved: false });
    store.spans.owner.set(run, owner);
    store.owners.unnamed.set(owner, 2);
    evicted.add(run, 0, 1, 1);
    evicted.take(process, 0, 1, 5);
    evicted.take(process, 0, 1, 5);
    expect(store.owners.unnamed.get(owner)).toBe(1);
  });

  test("order and content outlast a restart", () => {
    const { evicted, run, store } = evictedOf(3);
    for (const call of [1, 2, 3]) {
      evicted.add(run, 0, call, call);
    }
    evicted.take(process, 0, 2, 10);
    evicted.lateByMs.set(run, 8);
    const writer = new EngineSnapshotWriter();
    evicted.snapshot(writer);
    const again = new EvictedRequests(store, { ttlMs: 1_000, most: 3 });
    again.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
    const rewritten = new EngineSnapshotWriter();
    again.snapshot(rewritten);
    expect(Buffer.concat(rewritten.pieces)).toEqual(Buffer.concat(writer.pieces));
    for (const call of [4, 5]) {
      again.add(run, 0, call, call);
    }
    expect([1, 3, 4, 5].map((call) => again.has(process, 0, call))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect([...again.lateByMs]).toEqual([[run, 8]]);
  });
});

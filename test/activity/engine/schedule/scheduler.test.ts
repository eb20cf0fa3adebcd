import { describe, expect, test } from "vitest";
import { ActivityEngine } from "../../../../src/activity/engine/activity-engine.ts";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import { History, limits } from "../history.ts";
import { batchOf, ended, ingest, rowOf, run, tool } from "../ingest/ingested.ts";

/** An engine with so many orphans, each of a session of its own, that are due at second 15. */
function engineWith(orphans: number, changed: Partial<ActivityLimits> = {}) {
  const parts = new EngineParts({ ...limits, ...changed });
  parts.scheduler.advance(0);
  for (let trace = 1; trace <= orphans; trace++) {
    ingest(parts, 5, { ...run, trace }, { ...tool, trace }, ended({ ...run, trace }, 5));
  }
  return parts;
}

describe("the scheduler", () => {
  test("decides at the deadline, not before", () => {
    const parts = engineWith(1);
    expect(parts.scheduler.advance(14_999)).toBe(false);
    expect(parts.events).toEqual([]);
    expect(parts.scheduler.advance(15_000)).toBe(true);
    expect(parts.events).toMatchObject([{ type: "evicted", atMs: 15_000 }]);
    expect(parts.scheduler.advance(15_000)).toBe(false);
  });

  test("decides as of the deadline, however late it is called", () => {
    const parts = engineWith(1);
    parts.scheduler.advance(1_000_000);
    expect(parts.events).toMatchObject([{ type: "evicted", atMs: 15_000 }]);
  });

  test("leaves what is too much for one call to the next, and says so", () => {
    const parts = engineWith(20, { stepsPerCall: 8 });
    const evicted: number[] = [];
    do {
      parts.scheduler.advance(20_000);
      evicted.push(parts.counters.evictedOf(2));
    } while (parts.scheduler.unfinishedMs !== undefined);
    expect(evicted.at(-1)).toBe(20);
    expect(evicted.length).toBeGreaterThan(4);
    expect(evicted[0]).toBeLessThanOrEqual(8);
  });

  test("finishes what was left before it decides later deadlines", () => {
    const parts = engineWith(6, { stepsPerCall: 2 });
    const late = { ...run, trace: 99 };
    ingest(parts, 6, late, { ...tool, trace: 99 }, ended(late, 6));
    do {
      parts.scheduler.advance(20_000);
    } while (parts.scheduler.unfinishedMs !== undefined);
    const at = parts.events.map((event) => (event.type === "evicted" ? event.atMs : 0));
    expect(at).toEqual([15_000, 15_000, 15_000, 15_000, 15_000, 15_000, 16_000]);
  });

  test("goes on in the middle of a mass after a restart", () => {
    const limited = { ...limits, stepsPerCall: 3 };
    const engine = new ActivityEngine(limited);
    const signals = Array.from({ length: 9 }, (_, at) => [
      { ...run, trace: at + 1 },
      { ...tool, trace: at + 1 },
      ended({ ...run, trace: at + 1 }, 5),
    ]).flat();
    engine.apply(batchOf(...signals), 5_000);
    engine.tick(15_000);
    expect(engine.isBehind).toBe(true);
    const writer = new EngineSnapshotWriter();
    engine.snapshot(writer);
    const again = new ActivityEngine(limited);
    again.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
    expect(again.isBehind).toBe(true);
    while (again.isBehind) {
      expect(again.tick(15_000)).toEqual(engine.tick(15_000));
    }
    expect([engine.isBehind, again.counters.evictedOf(2)]).toEqual([false, 9]);
  });
});

describe("after a restart", () => {
  test("nothing is evicted in the time of grace, and then what was due in it", () => {
    const parts = engineWith(1);
    parts.scheduler.restart(10_000, 0, 20_000);
    parts.scheduler.advance(29_999);
    expect(parts.events).toEqual([]);
    parts.scheduler.advance(30_000);
    expect(parts.events).toMatchObject([{ type: "evicted", atMs: 30_000 }]);
  });

  test("leases are longer by the time that the program was down", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 0, { ...run, interval: 20 });
    const row = rowOf(parts, 1);
    expect(parts.openWork.expiry.dueMsOf(row)).toBe(60_000);
    parts.scheduler.restart(50_000, 45_000, 0);
    expect(parts.openWork.expiry.dueMsOf(row)).toBe(105_000);
  });
});

test("a wait for a person that lasts too long is over at its time, and what waited counts from then", () => {
  const history = new History({ maxPauseMs: 50_000, maxAgeMs: 60_000 });
  history.arrive(0, { ...run, sessions: [1] }, tool);
  history.arrive(10, { type: "pause", kind: "other", span: 2, start: 10, key: 1 });
  history.tick(119);
  expect(history.evictions).toEqual([]);
  history.tick(121);
  expect(history.evictions).toEqual([["max_age", 120, 1, 0]]);
});

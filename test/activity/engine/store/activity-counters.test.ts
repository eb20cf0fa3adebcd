import { describe, expect, test } from "vitest";
import {
  ActivityCounters,
  add,
  durationBoundsS,
  outcomes,
} from "../../../../src/activity/engine/store/activity-counters.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { claimNames } from "../../../../src/activity/model/diagnosis.ts";
import { dialects } from "../../../../src/activity/model/dialects.ts";
import { workKinds } from "../../../../src/activity/model/work.ts";
import { transfer } from "./small-engine.ts";

const { run, tool } = workKinds;

describe("counters", () => {
  test("of evictions are apart by reason and kind, and add up over reasons", () => {
    const counters = new ActivityCounters();
    add(counters.evicted.get("orphaned_no_owner"), tool, 2);
    add(counters.evicted.get("max_age"), tool, 3);
    add(counters.evicted.get("max_age"), run, 4);
    expect([
      counters.evicted.get("orphaned_no_owner")?.[tool],
      counters.evicted.get("max_age")?.[tool],
      counters.evicted.get("orphaned_no_owner")?.[run],
      counters.evictedOf(tool),
    ]).toEqual([2, 3, 0, 5]);
  });

  test("of diagnoses are apart by verdict and claim", () => {
    const counters = new ActivityCounters();
    counters.addDiagnosed("stale_marker", "stuck");
    expect([
      counters.diagnosed.get("stale_marker")?.[claimNames.indexOf("stuck")],
      counters.diagnosed.get("stale_marker")?.[claimNames.indexOf("none")],
    ]).toEqual([1, 0]);
  });

  test("of signals are apart by result and dialect", () => {
    const counters = new ActivityCounters();
    add(counters.signals.get("forgotten"), dialects.impliedParent.storedId, 1);
    expect([
      counters.signals.get("forgotten")?.[dialects.impliedParent.storedId],
      counters.signals.get("forgotten")?.[dialects.relay.storedId],
      counters.signals.get("unmatched")?.[dialects.impliedParent.storedId],
    ]).toEqual([1, 0, 0]);
  });

  for (const [what, durationMs, bucket] of [
    ["below the first bound", 0, 0],
    ["at a bound", 5, 0],
    ["above a bound", 5.001, 1],
    ["above the last bound", 43_200_001, durationBoundsS.length],
  ] as const) {
    test(`of durations put one ${what} into bucket ${bucket}`, () => {
      const counters = new ActivityCounters();
      counters.addDuration(tool, 0, durationMs);
      const cells = counters.durations[tool]?.[outcomes.indexOf("completed")];
      expect(cells?.buckets.indexOf(1)).toBe(bucket);
      expect(cells).toMatchObject({
        sum: durationMs / 1000,
        count: 1,
        min: durationMs / 1000,
        max: durationMs / 1000,
      });
      expect(counters.durations[tool]?.[outcomes.indexOf("error")]?.count).toBe(0);
    });
  }

  test("of durations ignore one that is negative or no number", () => {
    const counters = new ActivityCounters();
    counters.addDuration(tool, 2, -1);
    counters.addDuration(tool, 2, Number.NaN);
    expect(counters.durations[tool]?.[outcomes.indexOf("evicted")]?.count).toBe(0);
  });
});

describe("counters that were saved and loaded", () => {
  test("are the same", () => {
    const counters = new ActivityCounters();
    add(counters.started, tool, 3);
    add(counters.lateStarts, run, 2);
    add(counters.evicted.get("max_age"), run, 4);
    counters.addDiagnosed("stale_marker", "stuck");
    add(counters.signals.get("forgotten"), dialects.relay.storedId, 1);
    counters.addDuration(tool, 1, 70);
    const read = (of: ActivityCounters) => [
      of.started,
      of.lateStarts,
      of.evicted.get("max_age")?.[run],
      of.diagnosed.get("stale_marker")?.[claimNames.indexOf("stuck")],
      of.signals.get("forgotten")?.[dialects.relay.storedId],
      of.durations[tool]?.[outcomes.indexOf("error")],
      of.durations[tool]?.[outcomes.indexOf("completed")],
    ];
    expect(read(transfer(counters, new ActivityCounters()))).toEqual(read(counters));
  });

  test("ignore names that this version does not have, and keep the others", () => {
    class Renamed extends EngineSnapshotWriter {
      override texts(values: readonly string[]): string[] {
        super.texts(values.map((value) => (value === "started" ? "of another version" : value)));
        return [...values];
      }
    }
    const counters = new ActivityCounters();
    add(counters.started, tool, 3);
    add(counters.ended, tool, 2);
    const writer = new Renamed();
    counters.snapshot(writer);
    const loaded = new ActivityCounters();
    loaded.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
    expect([loaded.started[tool], loaded.ended[tool]]).toEqual([0, 2]);
  });
});

import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { SplitTraces } from "../../../../src/activity/engine/ingest/split-traces.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { limits, type Signal } from "../history.ts";
import { ended, ingest, rowOf, run } from "./ingested.ts";

const harness: Signal = ended({ ...run, kind: "harness" }, 10);
const inner: Signal = ended({ ...run, span: 2, trace: 2 }, 10);

/** The span of the harness run, of those that were added before in order, that a run is paired with; 0 for none. */
function pairOf(one: Signal, harnessRuns: readonly Signal[], isRestarted = false): number {
  const parts = new EngineParts(limits);
  ingest(parts, 10, ...harnessRuns, one);
  let split = new SplitTraces(parts.store, 10_000);
  const rows = harnessRuns.map(({ span, trace }) => rowOf(parts, span, trace));
  for (const row of rows) {
    split.addHarnessRun(row);
  }
  if (isRestarted) {
    const writer = new EngineSnapshotWriter();
    split.snapshot(writer);
    split = new SplitTraces(parts.store, 10_000);
    split.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
  }
  const row = rowOf(parts, one.span, one.trace);
  const pair = split.addRun(row);
  return harnessRuns[rows.indexOf(pair)]?.span ?? 0;
}

describe("a run is paired with a harness run of another trace", () => {
  for (const [what, one, harnessRuns, want] of [
    ["that has its times", inner, [harness], 1],
    ["that differs by up to a second", { ...inner, start: 1, end: 11 }, [harness], 1],
    ["not one that began longer before", { ...inner, start: 1.1 }, [harness], 0],
    ["not one that ended longer before", { ...inner, end: 11.1 }, [harness], 0],
    [
      "that differs least",
      inner,
      [
        { ...harness, start: 0.5 },
        { ...harness, span: 3, trace: 3 },
      ],
      3,
    ],
    ["not of another session", { ...inner, sessions: [1] }, [{ ...harness, sessions: [2] }], 0],
    ["of a session, when its own has no name", { ...inner, sessions: [1] }, [harness], 1],
    ["not without times", { ...inner, unset: true }, [harness], 0],
    ["not when neither has times", { ...inner, unset: true }, [{ ...harness, unset: true }], 0],
    ["in one trace, when both have no parent", { ...inner, trace: 1, start: 5 }, [harness], 1],
    ["not in one trace below another span", { ...inner, trace: 1, parent: 9 }, [harness], 0],
    ["not of the relay, which reports one trace", { ...inner, isRelayed: true }, [harness], 0],
  ] as const) {
    test(what, () => {
      expect(pairOf(one, harnessRuns)).toBe(want);
      expect(pairOf(one, harnessRuns, true)).toBe(want);
    });
  }

  test("each at most once, and the reverse", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 10, harness, inner, { ...inner, span: 3, trace: 3 });
    const split = new SplitTraces(parts.store, 1_000);
    const [outer, first, second] = [rowOf(parts, 1), rowOf(parts, 2, 2), rowOf(parts, 3, 3)];
    expect([split.addRun(first), split.addRun(first)]).toEqual([-1, -1]);
    expect(split.addHarnessRun(outer)).toBe(first);
    expect(split.addHarnessRun(outer)).toBe(-1);
    expect(split.addRun(second)).toBe(outer);
    expect(split.addRun(first)).toBe(-1);
  });

  test("not where the run of a harness run, or the harness run of a run, is known", () => {
    const parts = new EngineParts(limits);
    const known = ended({ ...run, kind: "inner", span: 8, parent: 1 }, 10);
    const below = { ...inner, trace: 3, parent: 9 };
    ingest(parts, 10, harness, known, inner, below, { ...harness, trace: 4 });
    const split = new SplitTraces(parts.store, 1_000);
    split.addHarnessRun(rowOf(parts, 1));
    expect(split.addRun(rowOf(parts, 2, 2))).toBe(-1);
    split.forget(rowOf(parts, 2, 2));
    split.addRun(rowOf(parts, 2, 3));
    expect(split.addHarnessRun(rowOf(parts, 1, 4))).toBe(-1);
  });

  test("not when its row was removed, or when 64 others came after it", () => {
    const parts = new EngineParts(limits);
    const others = Array.from({ length: 64 }, (_, at) => ({ ...inner, trace: 10 + at, start: 5 }));
    ingest(parts, 10, harness, inner, ...others);
    const split = new SplitTraces(parts.store, 1_000);
    const [outer, one] = [rowOf(parts, 1), rowOf(parts, 2, 2)];
    split.addRun(one);
    split.forget(one);
    expect(split.addHarnessRun(outer)).toBe(-1);
    split.forget(outer);
    for (const trace of [2, ...others.map((other) => other.trace)]) {
      split.addRun(rowOf(parts, 2, trace));
    }
    expect(split.addHarnessRun(outer)).toBe(-1);
  });
});

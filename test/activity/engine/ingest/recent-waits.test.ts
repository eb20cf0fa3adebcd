import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { RecentWaits } from "../../../../src/activity/engine/ingest/recent-waits.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { limits, type Signal } from "../history.ts";
import { batchOf, ingest, rowOf, run } from "./ingested.ts";

const ofSpan: Signal = { type: "pause", kind: "other", span: 2, start: 0 };
const ofSession: Signal = { ...ofSpan, span: 0, sessions: [3] };

/** Whether waits concern a run of session 3, from a moment on. The waits are reported at 10, 11, … ms. */
function concernedBy(waits: readonly Signal[], sinceMs: number, isRestarted = false): boolean {
  const parts = new EngineParts(limits);
  ingest(parts, 0, { ...run, sessions: [3] }, { ...run, span: 8, trace: 9, sessions: [4] });
  let recent = new RecentWaits(parts.store);
  const batch = batchOf(...waits);
  for (const row of waits.keys()) {
    recent.add(batch, row, 10 + row);
  }
  if (isRestarted) {
    const writer = new EngineSnapshotWriter();
    recent.snapshot(writer);
    recent = new RecentWaits(parts.store);
    recent.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
  }
  return recent.concerns(rowOf(parts, 1), sinceMs);
}

describe("a wait concerns a run", () => {
  for (const [what, waits, sinceMs, want] of [
    ["when it is of a span of its trace", [ofSpan], 10, true],
    ["not when it was reported before", [ofSpan], 11, false],
    ["when it was reported again since", [ofSpan, ofSpan], 11, true],
    ["not when it is of another trace", [{ ...ofSpan, trace: 2 }], 10, false],
    ["not when it is of another process", [{ ...ofSpan, process: 2 }], 10, false],
    ["when it is of its session", [ofSession], 10, true],
    ["not when that was reported before", [ofSession], 11, false],
    ["not when it is of another session", [{ ...ofSession, sessions: [4] }], 10, false],
  ] as const) {
    test(what, () => {
      expect(concernedBy(waits, sinceMs)).toBe(want);
      expect(concernedBy(waits, sinceMs, true)).toBe(want);
    });
  }
});

test("beyond 1000 traces the oldest is forgotten, and may have concerned any run since", () => {
  const others = Array.from({ length: 1001 }, (_, at) => ({ ...ofSpan, trace: 20 + at }));
  expect(concernedBy(others.slice(1), 0)).toBe(false);
  expect(concernedBy(others, 10)).toBe(true);
  expect(concernedBy(others, 11)).toBe(false);
  const [first, ...rest] = others;
  expect(concernedBy([first!, ...rest.slice(1), first!, rest[0]!], 12)).toBe(false);
  expect(concernedBy(others, 10, true)).toBe(true);
});

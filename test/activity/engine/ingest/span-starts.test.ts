import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { spanStates } from "../../../../src/activity/engine/store/span-lifecycle.ts";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { progressNames } from "../../../../src/activity/model/work.ts";
import { limits, type Signal } from "../history.ts";
import { ended, ingest, modelCall, rowOf, run, tool } from "./ingested.ts";

/** What became of the last signal, each a second after the one before. */
function resultOf(...signals: readonly Signal[]) {
  const parts = new EngineParts(limits);
  const results = signals.map((signal, at) => ingest(parts, at, signal)[0]);
  return results.at(-1);
}

describe("a start", () => {
  const { parent: _, ...root } = tool;
  const link: Signal = { ...tool, kind: "other" };
  for (const [what, signals, want] of [
    ["opens work", [run], "started"],
    ["opens a marker before its run arrives", [tool], "started"],
    ["of a span that was named as a parent opens it", [tool, run], "started"],
    ["of no work makes a link", [link], "link"],
    ["of a link that turns out to be work opens it", [link, tool], "started"],
    ["of open work is a heartbeat", [run, run], "heartbeat"],
    ["of ended work is stale", [run, ended(run, 1), run], "stale"],
    ["of a marker that no run can own is untracked", [root], "untracked"],
  ] as const) {
    test(what, () => expect(resultOf(...signals)).toBe(want));
  }

  test("that is late is counted, and tracks nothing", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 5, run, ended(run, 5, { seq: 2 }));
    expect(ingest(parts, 16, { ...tool, seq: 1 })).toEqual(["late_start"]);
    expect(parts.counters.lateStarts).toEqual([0, 0, 1, 0]);
    expect(rowOf(parts, 2)).toBe(-1);
  });

  test("without room is untracked", () => {
    const parts = new EngineParts({ ...limits, maxOpenWork: 1, maxTombstones: 0 });
    expect(ingest(parts, 0, run, { ...run, span: 9, trace: 2 })).toEqual(["started", "untracked"]);
    expect(parts.counters.untracked[1]).toBe(1);
  });

  for (const [what, more, want] of [
    ["of a live span", {}, true],
    ["of a relay", { isRelayed: true }, true],
    ["of a partial span", { dialect: "datadogPartial" }, false],
  ] as const) {
    test(`${what} is reported at the start: ${want}`, () => {
      const parts = new EngineParts(limits);
      ingest(parts, 0, { ...run, ...more });
      const flag = spanFlags.reportedAtStart;
      expect(parts.store.spans.hasFlag(rowOf(parts, 1), flag)).toBe(want);
    });
  }

  test("makes progress in the run around it", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 0, run);
    const { owners, spans } = parts.store;
    const owner = spans.owner.get(rowOf(parts, 1));
    const before = owners.lastProgress.get(owner);
    ingest(parts, 0, tool);
    expect([before, owners.lastProgress.get(owner)].map((at) => progressNames[at])).toEqual([
      "run.start",
      "tool.start",
    ]);
  });

  test("of a marker of an ended run is decided a lateness later", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 0, run, ended(run, 5));
    const owner = parts.store.spans.owner.get(rowOf(parts, 1));
    parts.ownerTimers.cancel(owner);
    ingest(parts, 4, { ...tool, start: 4 });
    expect(parts.ownerTimers.currentOf(owner)).toBe(14_000);
  });

  test("does not reopen evicted work beyond the bounds, but keeps it from being forgotten", () => {
    const parts = new EngineParts({ ...limits, maxOpenWork: 2 });
    const beat = { ...run, dialect: "partialLog", interval: 5 } as const;
    ingest(parts, 0, { ...beat, sent: 0 }, { ...run, span: 8, trace: 2 });
    parts.openWork.evict(rowOf(parts, 1), "lease_expired", 40_000);
    ingest(parts, 41, { ...run, span: 9, trace: 3 });
    expect(ingest(parts, 50, { ...beat, sent: 50 })).toEqual(["stale"]);
    const row = rowOf(parts, 1);
    expect([parts.store.spans.seenAtMs.get(row), parts.retention.evictedAtMs(row)]).toEqual([
      50_000, 40_000,
    ]);
  });

  test("takes back that the run around it is idle, unless it came before that", () => {
    for (const [start, want] of [
      [7, Number.NEGATIVE_INFINITY],
      [3, 6_000],
    ] as const) {
      const parts = new EngineParts(limits);
      const { owners, spans } = parts.store;
      ingest(parts, 0, { ...run, sessions: [1] });
      const idle: Signal = { type: "idle", kind: "other", span: 0, sessions: [1], start: 5 };
      ingest(parts, 6, idle);
      ingest(parts, 7, { ...tool, start });
      expect(owners.idleAtMs.get(spans.owner.get(rowOf(parts, 1)))).toBe(want);
    }
  });

  test("of a tool that was requested and evicted corrects the eviction, once", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 0, run);
    parts.requests.evicted.add(rowOf(parts, 1), 0, 77, 0);
    const late = { ...tool, key: 77 };
    expect(ingest(parts, 3, { ...modelCall, span: 8, key: 77 })).toEqual(["started"]);
    expect(ingest(parts, 3, late, { ...late, span: 9 })).toEqual(["revived", "started"]);
    expect(parts.events).toEqual([{ type: "reconciled", kind: 2, lateByMs: 3_000 }]);
  });

  test("reopens work that was evicted for its silence", () => {
    const parts = new EngineParts(limits);
    const beat = { ...run, dialect: "partialLog", interval: 5 } as const;
    ingest(parts, 0, { ...run, interval: 5 });
    const row = rowOf(parts, 1);
    parts.openWork.evict(row, "lease_expired", 40_000);
    expect(ingest(parts, 50, { ...beat, sent: 30 })).toEqual(["stale"]);
    expect(ingest(parts, 50, { ...beat, sent: 50, interval: 0 })).toEqual(["revived"]);
    const { spans } = parts.store;
    expect([spans.state.get(row), spans.leaseMs.get(row)]).toEqual([spanStates.open, 30_000]);
    expect(spans.hasFlag(row, spanFlags.reportedAtStart)).toBe(false);
    const { started, open, reconciled } = parts.counters;
    expect([started[1], open[1], reconciled[1]]).toEqual([2, 1, 1]);
  });
});

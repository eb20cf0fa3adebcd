import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { ownerFlags } from "../../../../src/activity/engine/store/owner-table.ts";
import { spanStates } from "../../../../src/activity/engine/store/span-lifecycle.ts";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { limits, type Signal, senderEpochMs } from "../history.ts";
import { ended, ingest, modelCall, rowOf, run, tool } from "./ingested.ts";

describe("an end", () => {
  for (const [what, signals, want] of [
    ["ends open work", [run, ended(run, 1)], ["started", "ended"]],
    ["of what has no start is finished work", [ended(run, 1)], ["finished"]],
    ["of what a child named is finished work", [tool, ended(run, 1)], ["started", "finished"]],
    ["of ended work is a duplicate", [ended(run, 1), ended(run, 1)], ["finished", "duplicate"]],
    ["of no work makes a link", [ended({ ...tool, kind: "other" }, 1)], ["link"]],
  ] as const) {
    test(what, () => {
      expect(ingest(new EngineParts(limits), 2, ...signals)).toEqual(want);
    });
  }

  test("of evicted work corrects the eviction, once", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 0, run, tool);
    parts.openWork.evict(rowOf(parts, 2), "max_age", 4_000);
    expect(ingest(parts, 9, ended(tool, 9), ended(tool, 9))).toEqual(["reconciled", "duplicate"]);
    expect(parts.events).toEqual([{ type: "reconciled", kind: 2, lateByMs: 5_000 }]);
  });

  test("of an implied tool that was counted as evicted counts it no more", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 0, { ...tool, kind: "other", span: 3, parent: 2 });
    parts.implied.markEvicted(rowOf(parts, 2), 0);
    expect(ingest(parts, 5, ended(tool, 5))).toEqual(["reconciled"]);
    expect(parts.store.spans.state.get(rowOf(parts, 2))).toBe(spanStates.evicted);
    expect([parts.counters.started[2], parts.counters.reconciled[2]]).toEqual([0, 1]);
  });

  test("that says that its run closed it evicts an open marker, unless that may outlive the run", () => {
    for (const [isDetached, evicted] of [
      [false, 1],
      [true, 0],
    ] as const) {
      const parts = new EngineParts(limits);
      ingest(parts, 0, run, { ...tool, isDetached });
      ingest(parts, 1, ended(tool, 1, { closedByRun: true }));
      expect(parts.counters.evictedOf(2)).toBe(evicted);
      expect(parts.counters.ended[2]).toBe(1 - evicted);
    }
  });

  for (const [what, more, flag] of [
    ["failed", { failed: true }, spanFlags.failed],
    ["aborted", { brokenOff: true }, spanFlags.aborted],
    ["closed by its run", { closedByRun: true }, spanFlags.closedByRun],
  ] as const) {
    test(`records that work was ${what}`, () => {
      const parts = new EngineParts(limits);
      ingest(parts, 1, ended(tool, 1, more), ended({ ...tool, span: 3 }, 1));
      const { spans } = parts.store;
      expect([2, 3].map((span) => spans.hasFlag(rowOf(parts, span), flag))).toEqual([true, false]);
    });
  }

  test("of a model call tells whether the last one of its run failed", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 0, run, modelCall, { ...modelCall, span: 3 });
    const owner = parts.store.spans.owner.get(rowOf(parts, 1));
    const hasFailed = () => parts.store.owners.hasFlag(owner, ownerFlags.modelFailed);
    ingest(parts, 1, ended(modelCall, 1, { failed: true }));
    expect(hasFailed()).toBe(true);
    ingest(parts, 1, ended({ ...modelCall, span: 3 }, 1));
    expect(hasFailed()).toBe(false);
  });

  test("of a run adds up the items that its harness runs report", () => {
    const parts = new EngineParts(limits);
    const inner: Signal = { ...run, kind: "inner", span: 2, parent: 1 };
    ingest(parts, 0, { ...run, kind: "harness" }, inner);
    ingest(parts, 1, ended(inner, 1, { claimed: 1, completed: 2 }));
    ingest(parts, 1, ended({ ...run, kind: "harness" }, 1, { claimed: 3, completed: 4 }));
    const { owners, spans } = parts.store;
    const owner = spans.owner.get(rowOf(parts, 1));
    expect([owners.reportedOpen.get(owner), owners.reportedCompleted.get(owner)]).toEqual([4, 6]);
  });
});

describe("the end of open work", () => {
  test("names the session of a run, and the parent of a span, that were not known", () => {
    const parts = new EngineParts(limits);
    const { parent: _, ...root } = tool;
    ingest(parts, 0, run, { ...root, sessions: [4] });
    ingest(parts, 1, ended(tool, 1), ended(run, 1, { sessions: [3] }));
    const { spans, references } = parts.store;
    expect(spans.parentOf(rowOf(parts, 2))).toBe(rowOf(parts, 1));
    expect(references.groupOf(1, 9, 3)).not.toBe(-1);
  });

  test("counts a tool as one that ended in time, or that outlived its owner", () => {
    const parts = new EngineParts(limits);
    ingest(parts, 0, run, tool, { ...tool, span: 3 });
    ingest(parts, 5, ended(tool, 4), ended(run, 5), ended({ ...tool, span: 3 }, 6));
    const { owners, spans } = parts.store;
    const owner = spans.owner.get(rowOf(parts, 1));
    expect([owners.finishedTools.get(owner), owners.matched.get(owner)]).toEqual([1, 1]);
  });

  test("keeps when the last model call started", () => {
    const parts = new EngineParts(limits);
    const [late, early] = [
      { ...modelCall, start: 4 },
      { ...modelCall, span: 3, start: 2 },
    ];
    ingest(parts, 0, run, late, early);
    ingest(parts, 5, ended(late, 5), ended(early, 5));
    const { owners, spans } = parts.store;
    const owner = spans.owner.get(rowOf(parts, 1));
    expect(owners.lastModelMs.get(owner)).toBe(senderEpochMs + 4_000);
  });
});

describe("a harness run that arrives finished", () => {
  const harness = ended({ ...run, kind: "harness" }, 1_000);
  for (const [what, signals, want] of [
    ["waits for its run", [harness], [0, true]],
    [
      "waits for its run where its exporter ended it soon",
      [{ ...harness, end: 899, noOutcome: true }],
      [0, true],
    ],
    [
      "is counted with its run",
      [harness, ended({ ...run, kind: "inner", span: 2, parent: 1 }, 9)],
      [1, true],
    ],
    [
      "is not counted where its exporter ended it long after",
      [{ ...harness, noOutcome: true }],
      [0, false],
    ],
  ] as const) {
    test(what, () => {
      const parts = new EngineParts(limits);
      ingest(parts, 1_000, ...signals);
      const isUndecided = parts.store.spans.hasFlag(rowOf(parts, 1), spanFlags.undecided);
      expect([parts.counters.ended[1], isUndecided]).toEqual(want);
    });
  }
});

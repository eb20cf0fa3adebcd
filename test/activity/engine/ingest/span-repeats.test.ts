import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { evictionHolds, spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import type { EvictionReason } from "../../../../src/activity/model/reasons.ts";
import { limits, type Signal } from "../history.ts";
import { batchOf, ingest, modelCall, rowOf, run, tool } from "./ingested.ts";

/** An engine with a run, a tool and a model call, and the row of the tool. */
function opened(more: Partial<Signal> = {}) {
  const parts = new EngineParts(limits);
  ingest(parts, 0, run, { ...tool, ...more }, { ...modelCall, span: 3 });
  return { parts, spans: parts.store.spans, row: rowOf(parts, 2) };
}

describe("a repeated start", () => {
  test("renews the lease and ends a hold", () => {
    const { parts, spans, row } = opened({ interval: 20 });
    spans.held.set(row, evictionHolds.untilInput);
    ingest(parts, 50, { ...tool, interval: 20 });
    expect([spans.seenAtMs.get(row), spans.held.get(row)]).toEqual([50_000, evictionHolds.none]);
    expect(parts.openWork.expiry.dueMsOf(row)).toBe(110_000);
  });

  for (const [what, first, more, want] of [
    ["takes a new lease of three intervals", 20, { interval: 30 }, 90_000],
    ["keeps the lease when it promises nothing", 20, {}, 60_000],
  ] as const) {
    test(what, () => {
      const { parts, spans, row } = opened({ interval: first });
      ingest(parts, 50, { ...tool, ...more });
      expect(spans.leaseMs.get(row)).toBe(want);
    });
  }

  /** The lease after snapshots of a tool that arrive at these seconds and were taken at those. */
  function leaseAfter(...snapshots: readonly (readonly [at: number, sent: number])[]): number {
    const parts = new EngineParts(limits);
    ingest(parts, 0, run);
    for (const [at, sent] of snapshots) {
      ingest(parts, at, { ...tool, dialect: "datadogPartial", sent });
    }
    return parts.store.spans.leaseMs.get(rowOf(parts, 2));
  }

  for (const [what, snapshots, want] of [
    [
      "a lease of three gaps",
      [
        [20, 20],
        [70, 70],
      ],
      150_000,
    ],
    [
      "a lease of three gaps, whatever the sender's clock says",
      [
        [20, 1],
        [70, 3],
      ],
      150_000,
    ],
    [
      "the lease of the longest gap",
      [
        [20, 20],
        [140, 140],
        [160, 160],
      ],
      360_000,
    ],
    [
      "a lease of half a minute at least",
      [
        [20, 20],
        [21, 21],
      ],
      30_000,
    ],
    [
      "a lease of a quarter of an hour at most",
      [
        [20, 20],
        [5_000, 5_000],
      ],
      900_000,
    ],
    [
      "no lease when the same one is delivered again",
      [
        [20, 20],
        [21, 20],
        [50, 20],
      ],
      0,
    ],
    [
      "no lease when an earlier one is delivered later",
      [
        [20, 20],
        [25, 10],
      ],
      0,
    ],
  ] as const) {
    test(`that is a snapshot of Datadog gives ${what}`, () => {
      expect(leaseAfter(...snapshots)).toBe(want);
    });
  }

  test("makes a tool detached that was not before", () => {
    const { parts, spans, row } = opened();
    ingest(parts, 1, { ...tool, isDetached: true });
    expect(spans.hasFlag(row, spanFlags.detached)).toBe(true);
  });

  test("names the session of a run, and the parent of a span, that were not known", () => {
    const parts = new EngineParts(limits);
    const { parent: _, ...root } = tool;
    ingest(parts, 0, run, { ...root, sessions: [3] });
    const { spans, references } = parts.store;
    const session = () => references.groupOf(1, 9, 3);
    expect(session()).not.toBe(parts.store.groupOf(rowOf(parts, 1)));
    ingest(parts, 0, { ...run, sessions: [3] }, tool);
    expect(session()).toBe(parts.store.groupOf(rowOf(parts, 1)));
    expect(spans.parentOf(rowOf(parts, 2))).toBe(rowOf(parts, 1));
    ingest(parts, 0, { ...run, sessions: [4] });
    expect(references.groupOf(1, 9, 4)).not.toBe(-1);
  });

  test("says that there was progress in a run and in its open model calls, if it does", () => {
    for (const progress of [false, true]) {
      const { parts, spans, row } = opened();
      const call = rowOf(parts, 3);
      for (const each of [row, call]) {
        spans.progressAtMs.set(each, -1);
      }
      ingest(parts, 5, { ...run, progress });
      expect(spans.progressAtMs.get(call) !== -1).toBe(progress);
      expect(spans.progressAtMs.get(row)).toBe(-1);
    }
  });

  test("after its process was deleted is remembered", () => {
    const { parts, spans, row } = opened();
    ingest(parts, 5, { type: "gone", kind: "other", span: 0, start: 5 });
    ingest(parts, 5.5, tool);
    expect(spans.hasFlag(row, spanFlags.reportedAfterDelete)).toBe(false);
    ingest(parts, 7, tool);
    expect(spans.hasFlag(row, spanFlags.reportedAfterDelete)).toBe(true);
  });

  for (const [what, sent, at, want] of [
    ["that was sent after its process was deleted is remembered", 6.5, 7, true],
    ["that was sent before, and was delivered again, is not", 4, 7, false],
    ["that would have been on the way for longer than the lateness is", 4, 17, true],
  ] as const) {
    test(what, () => {
      const { parts, spans, row } = opened();
      ingest(parts, 5, { type: "gone", kind: "other", span: 0, start: 5 });
      ingest(parts, at, { ...tool, dialect: "partialLog", sent });
      expect(spans.hasFlag(row, spanFlags.reportedAfterDelete)).toBe(want);
    });
  }
});

describe("evicted work is still open", () => {
  const beat = { dialect: "partialLog", interval: 5 } as const;
  /** The tool started at 1 by a clock that shows what ours does, and was evicted at 40. */
  for (const [what, reason, signal, want] of [
    ["when a heartbeat was sent later", "lease_expired", { ...beat, sent: 41 }, true],
    ["not when it was sent before", "lease_expired", { ...beat, sent: 39 }, false],
    [
      "when it would have been on the way for too long",
      "lease_expired",
      { ...beat, sent: 39, at: 1_000 },
      true,
    ],
    ["not when it does not show when it was sent", "lease_expired", beat, false],
    ["not when a live span is repeated", "lease_expired", { dialect: "liveSpan" }, false],
    ["when a relay reports it", "lease_expired", { isRelayed: true }, true],
    ["not when a relay reports it after max_age", "max_age", { isRelayed: true }, false],
    ["when a heartbeat comes after max_age", "max_age", { ...beat, sent: 41 }, true],
    ["not as an orphan", "orphaned_no_owner", { ...beat, sent: 41 }, false],
    ["not when it is of another kind", "lease_expired", { ...beat, sent: 41, kind: "run" }, false],
    ["not when its end has arrived", "lease_expired", { ...beat, sent: 41, isEnded: true }, false],
  ] as const satisfies readonly (readonly [string, EvictionReason, object, boolean])[]) {
    test(what, () => {
      const { at = 42, isEnded = false, ...more } = { at: 42, isEnded: false, ...signal };
      const { parts, spans, row } = opened({ start: 0 });
      parts.openWork.evict(row, reason, 40_000);
      if (isEnded) {
        spans.setFlag(row, spanFlags.endReported);
      }
      const batch = batchOf({ ...tool, ...more });
      expect(parts.repeats.isAfterEviction(row, batch, 0, at * 1000)).toBe(want);
    });
  }

  test("not when it was not evicted", () => {
    const { parts, row } = opened();
    const batch = batchOf({ ...tool, ...beat, sent: 41 });
    expect(parts.repeats.isAfterEviction(row, batch, 0, 42_000)).toBe(false);
  });
});

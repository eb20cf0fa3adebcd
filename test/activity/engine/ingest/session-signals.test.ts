import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { limits, type Signal } from "../history.ts";
import { ended, ingest, modelCall, rowOf, run, tool } from "./ingested.ts";

const of = { kind: "other", span: 0, sessions: [1], start: 5 } as const;
const session: Signal = { ...run, sessions: [1] };

/** An engine with a session of an open run, and what is known of it. */
function engineWith(...signals: readonly Signal[]) {
  const parts = new EngineParts(limits);
  ingest(parts, 0, session, ...signals);
  const { spans, owners, groups } = parts.store;
  const owner = spans.owner.get(rowOf(parts, 1));
  return { parts, spans, owners, owner, groups, group: owners.group.get(owner) };
}

describe("the end of a session", () => {
  const end: Signal = { ...of, type: "sessionEnd", end: 5 };

  test("is decided a lateness later; a repeat does not delay that", () => {
    const { parts, group } = engineWith();
    expect(ingest(parts, 5, end)).toEqual(["session_ended"]);
    expect(parts.sessionTimers.currentOf(group)).toBe(15_000);
    parts.sessionTimers.cancel(group);
    expect(ingest(parts, 8, end)).toEqual(["session_ended"]);
    expect(parts.sessionTimers.currentOf(group)).toBeUndefined();
  });

  test("is the last one that was reported", () => {
    const { parts, groups, group } = engineWith();
    ingest(parts, 5, { ...end, seq: 3 }, { ...end, end: 6, seq: 2 });
    expect(groups.sessionEndSeq.get(group)).toBe(3);
    ingest(parts, 5, { ...end, end: 6, seq: 4 });
    expect(groups.sessionEndSeq.get(group)).toBe(4);
  });
});

describe("an idle session", () => {
  const idle: Signal = { ...of, type: "idle" };
  for (const [what, signals, want] of [
    ["has runs that ended a lateness later", [], 16_000],
    ["not those that began after it", [{ ...run, start: 6 }], undefined],
    ["not those in which work began after it", [{ ...tool, start: 6 }], undefined],
  ] as const) {
    test(what, () => {
      const [changed] = signals;
      const parts = new EngineParts(limits);
      ingest(parts, 6, { ...session, start: changed?.kind === "run" ? 6 : 0 });
      ingest(parts, 6, ...signals, { ...idle, start: 5 });
      const owner = parts.store.spans.owner.get(rowOf(parts, 1));
      expect(parts.ownerTimers.currentOf(owner)).toBe(want);
    });
  }

  test("has no queue any more", () => {
    const { parts, groups, group } = engineWith();
    ingest(parts, 1, { ...of, type: "queued", completed: 4 });
    expect(groups.queued.get(group)).toBe(3);
    ingest(parts, 2, { ...of, type: "queued" });
    expect(groups.queued.get(group)).toBe(3);
    ingest(parts, 6, idle);
    expect(groups.queued.get(group)).toBe(0);
  });
});

describe("a wait for a person", () => {
  const pause: Signal = { type: "pause", kind: "other", span: 2, start: 5, key: 1 };
  const resume: Signal = { ...pause, type: "resume" };
  for (const [what, signals, want] of [
    ["of open work", [tool, pause, resume], ["started", "paused", "resumed"]],
    ["of a span that arrives later", [pause, resume], ["paused", "resumed"]],
    ["of ended work is none", [ended(tool, 2), pause], ["finished", "unmatched"]],
    ["of a session", [{ ...of, type: "pause", key: 1 }, resume], ["paused", "resumed"]],
    [
      "of no known session is none",
      [{ ...of, type: "pause", sessions: [9], key: 1 }],
      ["unmatched"],
    ],
    ["is a repeat while it is open", [tool, pause, pause], ["started", "paused", "repeated"]],
    ["ends by its key", [tool, pause, { ...resume, key: 2 }], ["started", "paused", "unmatched"]],
    ["ends without a key", [tool, pause, { ...resume, key: 0 }], ["started", "paused", "resumed"]],
  ] as const) {
    test(what, () => {
      const { parts } = engineWith();
      expect(ingest(parts, 5, ...signals)).toEqual(want);
    });
  }

  test("stops the age of what waited, what is above it, and what is inside", () => {
    const { parts, spans } = engineWith(tool, { ...tool, span: 3 });
    const rows = [1, 2, 3].map((span) => rowOf(parts, span));
    parts.sessionSignals.onResumed([rows[1]!], 7_000);
    expect(rows.map((row) => spans.seenAtMs.get(row))).toEqual([7_000, 7_000, 0]);
    parts.sessionSignals.onResumed([rows[0]!], 9_000);
    expect(rows.map((row) => spans.seenAtMs.get(row))).toEqual([9_000, 9_000, 9_000]);
    const dueMs = 9_000 + limits.maxAgeMs;
    expect(rows.map((row) => parts.openWork.expiry.dueMsOf(row))).toEqual([dueMs, dueMs, dueMs]);
  });

  test("does not renew a lease", () => {
    const { parts, spans } = engineWith({ ...tool, interval: 20 });
    parts.sessionSignals.onResumed([rowOf(parts, 2)], 7_000);
    expect(spans.seenAtMs.get(rowOf(parts, 2))).toBe(0);
  });
});

describe("markers that the gateway evicted itself", () => {
  const second: Signal = { ...tool, span: 3 };
  const call: Signal = { ...modelCall, span: 4 };
  const end = ended(session, 4);
  for (const [what, signals, reported, want] of [
    ["are evicted when their run has ended", [tool, second, end], { claimed: 1 }, [1, 0]],
    ["not while their run is open", [tool, second], { claimed: 1 }, [0, 0]],
    ["are evicted when they are all that is open", [tool, second], { claimed: 2 }, [2, 0]],
    ["by kind", [tool, call], { claimed: 0, completed: 1 }, [0, 1]],
    ["not those that began later", [{ ...tool, start: 9 }], { claimed: 1 }, [0, 0]],
    [
      "not those that may outlive their run",
      [{ ...tool, isDetached: true }, { ...second, isDetached: true }, end],
      { claimed: 1 },
      [0, 0],
    ],
  ] as const) {
    test(what, () => {
      const { parts } = engineWith(...signals);
      const [result] = ingest(parts, 5, { ...of, type: "evictedBySender", ...reported });
      expect([parts.counters.evictedOf(2), parts.counters.evictedOf(3)]).toEqual(want);
      expect(result).toBe(want[0] + want[1] === 0 ? "unmatched" : "evicted");
    });
  }
});

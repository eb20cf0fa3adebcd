import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { limits, type Signal } from "../history.ts";
import { batchOf, ended, ingest, rowOf, run, tool } from "./ingested.ts";

/** Why the start of a signal is refused, after others were ingested at second 0 and, at second 5, the end of the run. */
function refusalOf(
  signal: typeof tool,
  {
    before = [run, ended(run, 5, { seq: 2 })],
    at = 16,
    ...changed
  }: {
    readonly before?: readonly (typeof tool)[];
    readonly at?: number;
    readonly maxOpenWork?: number;
    readonly maxSessions?: number;
  } = {},
) {
  const parts = new EngineParts({ ...limits, ...changed });
  ingest(parts, 5, ...before);
  const known = rowOf(parts, signal.span, signal.trace);
  return parts.admission.refusalOf(known, batchOf(signal), 0, at * 1000);
}

describe("a start is late", () => {
  for (const [what, signal, options, want] of [
    [
      "when its run is decided and ended after it, in the order of the sender",
      { ...tool, seq: 1 },
      {},
      "late_start",
    ],
    ["not when it comes from after the end of its run", { ...tool, seq: 3 }, {}, undefined],
    ["not while its run is not decided", { ...tool, seq: 1 }, { at: 14 }, undefined],
    ["not while its run is open", { ...tool, seq: 1 }, { before: [run] }, undefined],
    ["not when it may outlive its run", { ...tool, seq: 1, isDetached: true }, {}, undefined],
    ["not when ended work is remembered no longer", { ...tool, seq: 1 }, { at: 906 }, undefined],
    ["not when it is a run", { ...tool, kind: "run", seq: 1 }, {}, undefined],
  ] as const) {
    test(what, () => expect(refusalOf(signal, options)).toBe(want));
  }
});

describe("a marker without a parent", () => {
  const { parent: _, ...alone } = tool;
  test("is not tracked, because no run can own it", () => {
    expect(refusalOf(alone)).toBe("untracked");
  });

  test("is tracked when it names a session", () => {
    expect(refusalOf({ ...alone, sessions: [1] })).toBeUndefined();
  });
});

describe("at the bounds", () => {
  const session = { ...run, sessions: [1] };
  const other = { ...run, span: 8, trace: 2 };
  for (const [what, signal, options, want] of [
    ["work beyond max_open_work is untracked", tool, { maxOpenWork: 1 }, "untracked"],
    [
      "a new session beyond max_sessions is",
      { ...other, sessions: [2] },
      { maxSessions: 1 },
      "untracked",
    ],
    [
      "one more run of an active session is not",
      { ...other, sessions: [1] },
      { maxSessions: 1 },
      undefined,
    ],
    ["a marker in an active session is not", tool, { maxSessions: 1 }, undefined],
    [
      "a marker that names a new session is",
      { ...tool, sessions: [2] },
      { maxSessions: 1 },
      "untracked",
    ],
    [
      "a run below a run of a named session is not",
      { ...run, span: 8, parent: 1 },
      { maxSessions: 1 },
      undefined,
    ],
  ] as const) {
    test(what, () => expect(refusalOf(signal, { before: [session], ...options })).toBe(want));
  }

  test("a run below a run without a session of its own needs another session", () => {
    const options = { before: [run], maxSessions: 1 };
    expect(refusalOf({ ...run, span: 8, parent: 1 }, options)).toBe("untracked");
    expect(refusalOf({ ...run, span: 8, parent: 1, kind: "inner" }, options)).toBe("untracked");
    const harness = { before: [{ ...run, kind: "harness" }], maxSessions: 1 } as const;
    expect(refusalOf({ ...run, span: 8, parent: 1, kind: "inner" }, harness)).toBeUndefined();
  });

  for (const [what, signal, before, want] of [
    ["refused work counts as started and untracked", tool, [run], [1, 1]],
    [
      "a run in a harness run is counted with that one",
      { ...run, kind: "inner", parent: 9 },
      [],
      [0, 0],
    ],
    ["an inner run without a parent is counted", { ...run, kind: "inner" }, [], [1, 1]],
    [
      "an inner run below a run is counted",
      { ...run, kind: "inner", span: 8, parent: 1 },
      [run],
      [1, 1],
    ],
  ] as const) {
    test(what, () => {
      const parts = new EngineParts(limits);
      ingest(parts, 5, ...before);
      const { started, untracked } = parts.counters;
      const kind = signal.kind === "tool" ? 2 : 1;
      const startedBefore = started[kind] ?? 0;
      expect(parts.admission.refuse(-1, batchOf(signal), 0)).toBe("untracked");
      expect([(started[kind] ?? 0) - startedBefore, untracked[kind]]).toEqual(want);
    });
  }

  test("nothing is remembered of refused work: its end is work that arrives finished", () => {
    const parts = new EngineParts(limits);
    const lone: Signal = { type: "start", kind: "tool", span: 2, start: 1 };
    expect(ingest(parts, 5, lone)).toEqual(["untracked"]);
    expect(ingest(parts, 6, { ...lone, type: "end", end: 6 })).toEqual(["finished"]);
    expect(parts.counters.started[2]).toBe(1);
    parts.finished.decideNext();
    const { started, ended, untracked } = parts.counters;
    expect([started[2], ended[2], untracked[2]]).toEqual([2, 1, 1]);
  });

  test("of a process beyond the bound only work is counted", () => {
    const { admission, counters } = new EngineParts(limits);
    const signals = [
      tool,
      ended(tool, 3),
      { ...tool, type: "pause" },
      { ...tool, kind: "other" },
    ] as const;
    const batch = batchOf(...signals);
    for (const row of signals.keys()) {
      expect(admission.refuseProcess(batch, row)).toBe("untracked");
    }
    expect(counters.untracked).toEqual([0, 0, 2, 0]);
  });
});

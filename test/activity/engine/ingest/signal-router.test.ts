import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { limits, type Signal } from "../history.ts";
import { ended, ingest, rowOf, run, tool } from "./ingested.ts";

const about = { kind: "other", span: 0, start: 0 } as const;

function resultsOf(...signals: readonly Signal[]) {
  return ingest(new EngineParts(limits), 1, ...signals);
}

describe("each type of signal reaches its handler", () => {
  const session = { ...run, sessions: [1] };
  const of = { ...about, sessions: [1] };
  for (const [signal, want] of [
    [{ ...about, type: "alive", interval: 5 }, "heartbeat"],
    [{ ...about, type: "gone" }, "gone"],
    [{ ...of, type: "sessionEnd", end: 1 }, "session_ended"],
    [{ ...of, type: "pause", key: 1 }, "paused"],
    [{ ...of, type: "claim", claimed: 1 }, "claimed"],
    [{ ...of, type: "recovered" }, "recovered"],
    [{ ...of, type: "idle" }, "idle"],
    [{ ...of, type: "queued", completed: 2 }, "queued"],
    [{ ...of, type: "evictedBySender", claimed: 1 }, "unmatched"],
    [{ ...about, type: "unwatched" }, "unwatched"],
    [{ ...about, type: "request", span: 1, key: 1 }, "superseded"],
    [{ ...about, type: "answer", span: 1, key: 1 }, "superseded"],
    [{ ...about, type: "start", span: 9, dialect: "impliedParent" }, "duplicate"],
  ] as const) {
    test(`${signal.type}${"dialect" in signal ? " of a part of a tool" : ""}: ${want}`, () => {
      expect(resultsOf(session, signal)).toEqual(["started", want]);
    });
  }

  test("resume after pause", () => {
    const pause: Signal = { ...of, type: "pause", key: 1 };
    expect(resultsOf(session, pause, { ...pause, type: "resume" }).at(-1)).toBe("resumed");
  });

  test("requests and answers where only finished spans are reported", () => {
    const call = ended({ ...tool, kind: "model_call" }, 1);
    const request: Signal = { ...about, type: "request", span: 2, key: 1 };
    const answer: Signal = { ...request, type: "answer" };
    expect(resultsOf(call, request, answer)).toEqual(["finished", "requested", "answered"]);
  });
});

describe("a relay", () => {
  test("supersedes the other sources of its process, and takes over their open work", () => {
    const parts = new EngineParts(limits);
    const relayed = { ...run, span: 5, trace: 2, isRelayed: true };
    expect(ingest(parts, 0, run, relayed)).toEqual(["started", "started"]);
    expect([parts.counters.open[1], parts.counters.ended[1]]).toEqual([1, 1]);
    expect(ingest(parts, 1, ended({ ...run, span: 9 }, 1))).toEqual(["superseded"]);
    expect(ingest(parts, 1, ended(relayed, 1))).toEqual(["ended"]);
  });

  test("does not supersede other processes", () => {
    expect(resultsOf({ ...run, isRelayed: true }, { ...run, process: 2 })).toEqual([
      "started",
      "started",
    ]);
  });
});

test("what was not believed only counts, and its sender is not known by it", () => {
  const parts = new EngineParts(limits, undefined);
  const signals = [
    { ...about, type: "foreign", process: 3 },
    { ...about, type: "overlong", process: 3 },
  ] as const;
  expect(ingest(parts, 0, ...signals)).toEqual(["foreign", "overlong"]);
  expect([...parts.processes.remembered()]).toEqual([]);
});

test("of a process beyond the bound nothing is tracked", () => {
  const parts = new EngineParts(limits);
  const signals = [
    { ...run, process: 0 },
    { ...about, type: "unwatched", process: 0 },
  ] as const;
  expect(ingest(parts, 0, ...signals)).toEqual(["untracked", "untracked"]);
  expect(parts.counters.untracked).toEqual([0, 1, 0, 0]);
});

test("a wait is remembered for the tools that a model asked for", () => {
  const parts = new EngineParts(limits);
  ingest(parts, 0, run);
  expect(parts.requests.waits.concerns(rowOf(parts, 1), 1_000)).toBe(false);
  ingest(parts, 1, { ...about, span: 1, type: "resume", key: 4 });
  expect(parts.requests.waits.concerns(rowOf(parts, 1), 1_000)).toBe(true);
});

import { describe, expect, test } from "vitest";
import type { EvictedEvent } from "../../src/activity/model/events.ts";
import { History, type Signal } from "../activity/engine/history.ts";

// Plays the examples of docs/concepts.md, so that every time on that page is the engine's.

/** Seconds of the engine's clock at a time of the page: 10:00:00 is second 1000. */
function at(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.split(":").map(Number);
  return (hours - 10) * 3600 + minutes * 60 + seconds + 1000;
}

const start = (kind: Signal["kind"], span: number, time: string, more: Partial<Signal> = {}) => ({
  type: "start" as const,
  kind,
  span,
  start: at(time),
  ...more,
});
const end = (signal: Signal, time: string): Signal => ({ ...signal, type: "end", end: at(time) });
const arrive = (history: History, time: string, signal: Signal) => {
  history.arrive(at(time), signal);
};
const evictionsOf = (history: History) =>
  history.events.filter((event): event is EvictedEvent => event.type === "evicted");

describe("one turn", () => {
  const run1 = start("run", 1, "9:59:40", { sessions: [3], seq: 1 });
  const exec = start("tool", 2, "9:59:42", { parent: 1, seq: 2 });
  const run2 = start("run", 3, "10:00:04", { sessions: [3], trace: 2, seq: 5 });

  /** Up to the start of turn 2. */
  function played(): History {
    const history = new History();
    arrive(history, "9:59:40", run1);
    arrive(history, "9:59:42", exec);
    arrive(history, "10:00:00", end({ ...run1, seq: 4 }, "10:00:00"));
    arrive(history, "10:00:04", run2);
    return history;
  }

  test("exec is evicted at 10:00:10, 28 s old, although turn 2 runs", () => {
    const history = played();
    history.tick(at("10:00:09"));
    expect(history.evicted).toBe(0);
    history.tick(at("10:00:30"));
    expect(evictionsOf(history)).toMatchObject([
      {
        reason: "orphaned_no_owner",
        confidence: "confirmed",
        atMs: at("10:00:10") * 1000,
        oldestAgeMs: 28_000,
        tools: 1,
      },
    ]);
    expect(history.activity.counters.open).toEqual([0, 1, 0, 0]);
  });

  test("an end that arrives at 10:00:09 is in time", () => {
    const history = played();
    arrive(history, "10:00:09", end(exec, "10:00:09"));
    history.tick(at("10:00:30"));
    expect(history.evicted).toBe(0);
  });

  test("an end that arrives at 10:00:12 is reconciled, 2 s late", () => {
    const history = played();
    arrive(history, "10:00:12", end(exec, "10:00:12"));
    expect(history.events.find(({ type }) => type === "reconciled")).toMatchObject({
      lateByMs: 2_000,
    });
  });

  test("a start of turn 1 that arrives at 10:00:15 is a late start", () => {
    const history = played();
    arrive(history, "10:00:15", start("tool", 9, "9:59:50", { parent: 1, seq: 3 }));
    history.tick(at("10:00:30"));
    expect(history.evicted).toBe(1);
    expect(history.totals()["lateStarts"]).toEqual([0, 0, 1, 0]);
  });
});

describe("a retry and a sub-agent", () => {
  const run = start("run", 1, "9:59:40", { sessions: [3] });
  const exec = start("tool", 2, "9:59:42", { parent: 1 });

  test("the retry holds exec until 10:00:30, so it is evicted at 10:00:40", () => {
    const history = new History();
    arrive(history, "9:59:40", run);
    arrive(history, "9:59:42", exec);
    const retry = start("run", 3, "9:59:55", { sessions: [3], trace: 2 });
    arrive(history, "9:59:55", retry);
    arrive(history, "10:00:00", end(run, "10:00:00"));
    arrive(history, "10:00:30", end(retry, "10:00:30"));
    history.tick(at("10:01:00"));
    expect(history.evictions).toEqual([["orphaned_no_owner", at("10:00:40"), 1, 0]]);
  });

  test("the sub-agent holds task until 10:00:20, and neither exec nor its own read", () => {
    const history = new History();
    arrive(history, "9:59:40", run);
    arrive(history, "9:59:42", exec);
    arrive(history, "9:59:45", start("tool", 4, "9:59:45", { parent: 1 }));
    const agent = start("run", 5, "9:59:46", { parent: 4, sessions: [4] });
    arrive(history, "9:59:46", agent);
    arrive(history, "9:59:50", start("tool", 6, "9:59:50", { parent: 5 }));
    arrive(history, "10:00:00", end(run, "10:00:00"));
    arrive(history, "10:00:20", end(agent, "10:00:20"));
    history.tick(at("10:01:00"));
    expect(history.evictions).toEqual([
      ["orphaned_no_owner", at("10:00:10"), 1, 0],
      ["orphaned_no_owner", at("10:00:30"), 1, 0],
      ["orphaned_no_owner", at("10:00:30"), 1, 0],
    ]);
  });
});

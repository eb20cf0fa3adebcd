import { describe, expect, test } from "vitest";
import { History, type Signal } from "./history.ts";

const run = (span: number, start: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "run",
  span,
  start,
  ...more,
});
const tool = (span: number, parent: number, start: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "tool",
  span,
  parent,
  start,
  ...more,
});
const ended = (signal: Signal, end: number, more: Partial<Signal> = {}): Signal => ({
  ...signal,
  type: "end",
  end,
  ...more,
});

describe("live spans", () => {
  test("a tool that stays open is evicted when its run has been over for the lateness", () => {
    const history = new History();
    history.arrive(0, run(1, 0));
    history.arrive(1, tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(14.9);
    expect(history.evictions).toEqual([]);
    history.tick(60);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });

  test("an orphan whose span its process closes hours later is reconciled and not counted again", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.arrive(9000, ended(tool(2, 1, 1), 9000));
    history.tick(10_000);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.activity.counters.reconciled[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("an orphan that goes on sending heartbeats is evicted once", () => {
    const history = new History({ maxAgeMs: 100_000, tombstoneTtlMs: 40_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 1, { interval: 10 }));
    history.arrive(5, ended(run(1, 0), 5));
    for (let at = 10; at < 500; at += 10) {
      history.arrive(at, tool(2, 1, 1, { interval: 10 }));
    }
    history.tick(1000);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.activity.view.sizes().tombstones).toBe(0);
  });

  test("what began after the last run ended, below a run that has not arrived, waits for the end of that", () => {
    for (const [first, second] of [
      [
        { sessions: [3], trace: 1 },
        { sessions: [3], trace: 2 },
      ],
      [{}, {}],
    ] as const) {
      const history = new History();
      history.arrive(0, run(1, 0, first));
      history.arrive(10, ended(run(1, 0, first), 10));
      history.arrive(12, tool(4, 2, 11, second));
      history.tick(100);
      expect(history.evictions).toEqual([]);
      history.arrive(110, ended(run(2, 10.5, second), 109));
      history.tick(200);
      expect(history.evictions).toEqual([["orphaned_no_owner", 120, 1, 0]]);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("so it does by the order of a relay, whatever its clock shows", () => {
    const history = new History();
    const of = (trace: number, seq: number) => ({ isRelayed: true, sessions: [3], trace, seq });
    history.arrive(0, run(1, 0, of(1, 1)));
    history.arrive(10, ended(run(1, 0, of(1, 2)), 10, of(1, 2)));
    history.arrive(12, tool(4, 2, 9, of(2, 4)));
    history.tick(100);
    expect(history.evictions).toEqual([]);
  });

  test("an end within the lateness is never an eviction", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.arrive(14.999, ended(tool(2, 1, 1), 5.04));
    history.tick(100);
    expect(history.evicted).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });

  test("an end within the lateness does not put off the eviction of the others", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), tool(3, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.arrive(12, ended(tool(3, 1, 1), 5));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
  });

  test("an inner run that is still draining keeps the markers of the outer one", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), run(3, 1, { parent: 1 }));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(100);
    expect(history.evicted).toBe(0);
    history.arrive(200, ended(run(3, 1, { parent: 1 }), 200));
    history.tick(300);
    expect(history.evictions).toEqual([["orphaned_no_owner", 210, 1, 0]]);
  });

  test("the run above a tool does not keep what a sub-agent below that tool left behind", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), run(3, 1, { parent: 2 }), tool(4, 3, 2));
    history.arrive(5, ended(run(3, 1, { parent: 2 }), 5));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.activity.view.sizes().openWork).toBe(2);
  });

  test("a tool that spawned a run stays while that run is open, and goes a lateness after it", () => {
    const history = new History();
    const child = run(3, 1, { parent: 2, sessions: [8] });
    history.arrive(0, run(1, 0), tool(2, 1, 1), child);
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(100);
    expect(history.evicted).toBe(0);
    history.arrive(100, ended(child, 100));
    history.tick(200);
    expect(history.evictions).toEqual([["orphaned_no_owner", 110, 1, 0]]);
  });

  test("a tool inside a tool goes with it", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), tool(3, 2, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 2, 0]]);
  });

  test("a run of the same session that overlapped with the marker's own holds it, in whatever trace it runs", () => {
    const history = new History();
    const first = run(1, 0, { sessions: [3], trace: 1 });
    const second = run(2, 3, { sessions: [3], trace: 2 });
    history.arrive(0, first, tool(4, 1, 1, { trace: 1 }));
    history.arrive(3, second);
    history.arrive(5, ended(first, 5));
    history.tick(50);
    expect(history.evicted).toBe(0);
    history.arrive(60, ended(second, 60));
    history.tick(70);
    expect(history.evictions).toEqual([["orphaned_no_owner", 70, 1, 0]]);
  });

  test("a later turn of the session does not keep the markers of one that has ended", () => {
    const history = new History();
    const of = (trace: number) => ({ sessions: [3], trace });
    history.arrive(0, run(1, 0, of(1)), tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0, of(1)), 5));
    history.arrive(6, run(3, 6, of(2)), tool(4, 3, 7, { trace: 2 }));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.activity.view.sizes().openWork).toBe(2);
  });

  test("references that meet on one span are one session", () => {
    const history = new History();
    const a = run(1, 0, { sessions: [3], trace: 1 });
    const b = run(2, 0, { sessions: [4], trace: 2 });
    history.arrive(0, a, b, tool(5, 1, 1));
    history.arrive(1, run(6, 1, { sessions: [3, 4], trace: 3 }));
    history.arrive(2, ended(a, 2), ended(run(6, 1, { sessions: [3, 4], trace: 3 }), 2));
    history.tick(100);
    expect(history.evicted).toBe(0);
    history.arrive(100, ended(b, 100));
    history.tick(110);
    expect(history.evicted).toBe(1);
  });

  test("a start from before the end of its run that arrives after the deadline of that is ignored and counted", () => {
    const history = new History();
    const of = (seq: number) => ({ sessions: [3], seq });
    history.arrive(0, run(1, 0, of(1)), tool(2, 1, 1, { seq: 2 }));
    history.arrive(5, ended(run(1, 0), 5, of(4)));
    history.tick(20);
    history.arrive(21, tool(3, 1, 4, { seq: 3 }));
    expect(history.activity.counters.lateStarts[2]).toBe(1);
    expect(history.activity.view.sizes().openWork).toBe(0);
    history.arrive(30, run(4, 29, { sessions: [3], trace: 2 }), tool(5, 4, 30, { trace: 2 }));
    expect(history.activity.view.sizes().openWork).toBe(2);
    expect(history.imbalance()).toEqual([]);
  });

  test("a start that arrives more than the lateness after the end of its run is from after it, and an orphan of its own", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.arrive(21, tool(3, 1, 4));
    history.tick(100);
    expect(history.activity.counters.lateStarts[2]).toBe(0);
    expect(history.evictions).toEqual([
      ["orphaned_no_owner", 15, 1, 0],
      ["orphaned_no_owner", 31, 1, 0],
    ]);
  });

  test("a start whose run is not known is never late, and no orphan while its run may come", () => {
    const history = new History();
    const sessions = [run(1, 0, { sessions: [3] }), run(2, 0, { sessions: [4], trace: 2 })];
    history.arrive(0, ...sessions, tool(5, 2, 1, { trace: 2 }), tool(6, 99, 1));
    history.arrive(5, ...sessions.map((each) => ended(each, 5)));
    history.tick(20);
    expect(history.evicted).toBe(2);
    history.arrive(21, tool(7, 98, 4, { sessions: [3, 4], trace: 3 }), tool(8, 99, 4));
    history.tick(100);
    expect(history.activity.counters.lateStarts[2]).toBe(0);
    expect(history.evicted).toBe(2);
    expect(history.activity.view.sizes().openWork).toBe(2);
  });

  test("the real end of an evicted marker is reconciled once, with how late it was", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(20);
    history.arrive(45, ended(tool(2, 1, 1), 44));
    history.arrive(46, ended(tool(2, 1, 1), 44));
    expect(history.events.slice(1)).toEqual([{ type: "reconciled", kind: 2, lateByMs: 30_000 }]);
    expect(history.activity.counters.reconciled[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a start for a span that has ended is stale, a repeat is a heartbeat", () => {
    const history = new History();
    history.arrive(0, run(1, 0), ended(tool(2, 1, 1), 2), tool(2, 1, 1), run(1, 0));
    expect(history.activity.counters.signals.get("stale")?.[1]).toBe(1);
    expect(history.activity.counters.signals.get("heartbeat")?.[1]).toBe(1);
    expect(history.activity.view.sizes().openWork).toBe(1);
  });

  test("a tool without parent and session is untracked: some senders never end those", () => {
    const history = new History();
    history.arrive(0, { type: "start", kind: "tool", span: 2, start: 0 });
    history.tick(100_000);
    expect(history.activity.counters.untracked[2]).toBe(1);
    expect(history.evicted).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });

  test("a marker whose way to its run never arrives waits for every run of its trace", () => {
    const history = new History();
    history.arrive(0, run(1, 0), run(2, 0), tool(3, 99, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(50);
    expect(history.evicted).toBe(0);
    history.arrive(60, ended(run(2, 0), 60));
    history.tick(70);
    expect(history.evictions).toEqual([["orphaned_no_owner", 70, 1, 0]]);
  });

  test("an owner that turns out to be part of a session does not shorten the lateness of that", () => {
    for (const ticks of [[], [10, 10.5]]) {
      const history = new History();
      history.arrive(0, ended(run(2, 0, { parent: 1 }), 0));
      history.arrive(1, ended(run(1, 0, { sessions: [3], claimed: 1 }), 1));
      for (const at of [...ticks, 100]) {
        history.tick(at);
      }
      expect(history.evictions).toEqual([["orphaned_no_owner", 11, 1, 0]]);
    }
  });

  test("an owner that turns out to be part of another leaves that its time, whenever the engine ticks", () => {
    for (const ticks of [[], [10]]) {
      const history = new History();
      const harness: Signal = { ...run(1, 0), kind: "harness" };
      const nested = run(3, 0, { parent: 1 });
      history.arrive(0, { ...ended(run(2, 0, { parent: 1 }), 0), kind: "inner" });
      history.arrive(0.5, harness, nested, tool(5, 1, 0), ended(harness, 0.5));
      history.arrive(5, ended(nested, 5));
      for (const at of [...ticks, 100]) {
        history.tick(at);
      }
      expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    }
  });

  test("a link that arrives late puts the marker under its run", () => {
    const history = new History();
    history.arrive(0, run(1, 0), run(2, 0), tool(3, 99, 1));
    history.arrive(5, { type: "end", kind: "other", span: 99, parent: 1, start: 0, end: 5 });
    history.arrive(6, ended(run(1, 0), 6));
    history.tick(16);
    expect(history.evictions).toEqual([["orphaned_no_owner", 16, 1, 0]]);
  });

  test("a tool whose run is in another process of its trace is presumed to be an orphan when that has ended", () => {
    const history = new History();
    history.arrive(0, run(1, 0, { process: 1 }), tool(2, 1, 1, { process: 2 }));
    history.arrive(5, ended(run(1, 0, { process: 1 }), 5));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.events).toMatchObject([{ confidence: "presumed" }]);
  });

  test("nothing else crosses a process: a run of another trace there holds no tool of its session", () => {
    const history = new History();
    const there = run(1, 0, { process: 1, sessions: [3] });
    history.arrive(0, there, tool(2, 1, 1, { process: 2, trace: 2, sessions: [3] }));
    history.arrive(5, ended(there, 5));
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("work that is silent for max_age is given up, run and marker alike", () => {
    const history = new History({ maxAgeMs: 100_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(50, tool(2, 1, 1));
    history.tick(1000);
    expect(history.evictions).toEqual([["orphaned_no_owner", 110, 1, 0]]);
    expect(history.activity.counters.evicted.get("max_age")?.[1]).toBe(1);
    const lone = new History({ maxAgeMs: 100_000 });
    lone.arrive(0, tool(2, 1, 1));
    lone.arrive(50, tool(2, 1, 1));
    lone.tick(1000);
    expect(lone.evictions).toEqual([["max_age", 150, 1, 0]]);
  });

  test("the oldest marker gives the event its age and its trace", () => {
    const history = new History();
    history.arrive(0, run(1, 0));
    history.arrive(2, tool(2, 1, 1), { ...tool(3, 1, 1), kind: "model_call" });
    history.arrive(1, tool(4, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(100);
    expect(history.events).toMatchObject([
      { type: "evicted", tools: 2, modelCalls: 1, oldestAgeMs: 13_000 },
    ]);
  });
});

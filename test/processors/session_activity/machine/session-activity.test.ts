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
    expect(history.activity.counts.reconciled[2]).toBe(1);
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
    expect(history.activity.sizes().tombstones).toBe(0);
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

  test("so it does by the order of a relay, whatever its clock says", () => {
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

  test("the outer run does not keep the markers of an inner one", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), run(3, 1, { parent: 2 }), tool(4, 3, 2));
    history.arrive(5, ended(run(3, 1, { parent: 2 }), 5));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.activity.sizes().openWork).toBe(2);
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

  test("while any run of the session is open its markers stay, in whatever trace it runs", () => {
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

  test("a start from before the eviction that arrives after it is ignored and counted", () => {
    const history = new History();
    history.arrive(0, run(1, 0, { sessions: [3] }), tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0, { sessions: [3] }), 5));
    history.tick(20);
    history.arrive(21, tool(3, 1, 4));
    expect(history.activity.counts.lateStarts[2]).toBe(1);
    expect(history.activity.sizes().openWork).toBe(0);
    history.arrive(30, run(4, 29, { sessions: [3], trace: 2 }), tool(5, 4, 30, { trace: 2 }));
    expect(history.activity.sizes().openWork).toBe(2);
    expect(history.imbalance()).toEqual([]);
  });

  test("a start is late for each of its references, and for what waits with it for its run", () => {
    const history = new History();
    const sessions = [run(1, 0, { sessions: [3] }), run(2, 0, { sessions: [4], trace: 2 })];
    history.arrive(0, ...sessions, tool(5, 2, 1, { trace: 2 }), tool(6, 99, 1));
    history.arrive(5, ...sessions.map((each) => ended(each, 5)));
    history.tick(20);
    expect(history.evicted).toBe(2);
    history.arrive(21, { ...tool(7, 0, 4, { sessions: [3, 4] }), trace: 3 });
    history.arrive(21, tool(8, 99, 4));
    history.arrive(21, tool(99, 98, 1));
    expect(history.activity.counts.lateStarts[2]).toBe(3);
    history.tick(100);
    expect(history.evicted).toBe(2);
  });

  test("the real end of an evicted marker is reconciled once, with how late it was", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(20);
    history.arrive(45, ended(tool(2, 1, 1), 44));
    history.arrive(46, ended(tool(2, 1, 1), 44));
    expect(history.events.slice(1)).toEqual([{ type: "reconciled", kind: 2, lateByMs: 30_000 }]);
    expect(history.activity.counts.reconciled[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a start for a span that has ended is stale, a repeat is a heartbeat", () => {
    const history = new History();
    history.arrive(0, run(1, 0), ended(tool(2, 1, 1), 2), tool(2, 1, 1), run(1, 0));
    expect(history.activity.counts.signals("stale", 1)).toBe(1);
    expect(history.activity.counts.signals("heartbeat", 1)).toBe(1);
    expect(history.activity.sizes().openWork).toBe(1);
  });

  test("a tool without parent and session is untracked: some senders never end those", () => {
    const history = new History();
    history.arrive(0, { type: "start", kind: "tool", span: 2, start: 0 });
    history.tick(100_000);
    expect(history.activity.counts.untracked[2]).toBe(1);
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

  test("an owner that turns out to be part of another leaves that the time it has, whenever time is told", () => {
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

  test("nothing crosses a process", () => {
    const history = new History();
    history.arrive(0, run(1, 0, { process: 1 }), tool(2, 1, 1, { process: 2 }));
    history.arrive(5, ended(run(1, 0, { process: 1 }), 5));
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("work that is silent for max_age is given up, run and marker alike", () => {
    const history = new History({ maxAgeMs: 100_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(50, tool(2, 1, 1));
    history.tick(1000);
    expect(history.evictions).toEqual([["orphaned_no_owner", 110, 1, 0]]);
    expect(history.activity.counts.evicted("max_age", 1)).toBe(1);
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

describe("finished spans", () => {
  const harness: Signal = { type: "end", kind: "harness", span: 1, start: 0, end: 10 };
  const inner: Signal = { type: "end", kind: "inner", span: 2, parent: 1, start: 0, end: 9.9 };

  test("a tool that ended later than its owner by more than the lateness was an orphan", () => {
    const history = new History();
    history.arrive(10, inner, harness);
    history.arrive(30, ended(tool(3, 2, 1), 25));
    history.tick(100);
    expect(history.evicted).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a tool that ended shortly after its owner was not", () => {
    const history = new History();
    history.arrive(10, inner, harness);
    history.arrive(11, ended(tool(3, 2, 1), 10.05));
    history.tick(100);
    expect(history.evicted).toBe(0);
    expect(history.activity.counts.ended[2]).toBe(1);
  });

  test("items that a harness run left open are evicted, once", () => {
    const history = new History();
    history.arrive(10, inner, { ...harness, claimed: 1, completed: 1 });
    history.tick(30);
    expect(history.evictions).toEqual([["orphaned_no_owner", 20, 1, 0]]);
    // Hours later the exporter stops and its span comes.
    history.arrive(9000, ended(tool(3, 2, 1), 8990));
    history.tick(10_000);
    expect(history.evicted).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a start from before that of what was evicted by number is late", () => {
    const history = new History();
    history.arrive(10, inner, { ...harness, claimed: 1, completed: 1 });
    history.tick(30);
    history.arrive(31, tool(3, 2, 1));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 20, 1, 0]]);
    expect(history.activity.counts.lateStarts[2]).toBe(1);
  });

  test("a tool of a later turn is none of those that were evicted by number", () => {
    const history = new History();
    const of = (trace: number) => ({ sessions: [3], trace });
    history.arrive(10, { ...inner, ...of(1) }, { ...harness, ...of(1), claimed: 1, completed: 1 });
    const second = ended(run(5, 30, of(2)), 40);
    history.arrive(41, second, ended(tool(6, 5, 35, { trace: 2 }), 40.05));
    history.arrive(9000, ended(tool(3, 2, 1, { trace: 1 }), 8990));
    history.tick(10_000);
    expect(history.evictions).toEqual([["orphaned_no_owner", 20, 1, 0]]);
    expect(history.activity.counts.reconciled[2]).toBe(0);
  });

  test("what a finished span identifies first is taken off the count", () => {
    const history = new History();
    history.arrive(10, inner, { ...harness, claimed: 1, completed: 1 }, ended(tool(3, 2, 1), 22));
    history.tick(100);
    expect(history.evicted).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("a tool that ended after its harness run within the lateness was active then and is no orphan", () => {
    for (const arrival of [12, 25]) {
      const history = new History();
      history.arrive(10, inner, { ...harness, claimed: 1, completed: 1 });
      history.arrive(arrival, ended(tool(3, 2, 1), 10.5));
      history.tick(100);
      expect(history.evicted - (history.activity.counts.reconciled[2] ?? 0)).toBe(0);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("a harness run that comes after its run is one owner with it, whatever came between", () => {
    const history = new History();
    // Sessions that turn out to be one free the place of a group that is older than the run's.
    const other = (span: number, ...sessions: number[]) =>
      ended(run(span, 0, { trace: span, sessions }), 1);
    history.arrive(10, other(20, 5), inner, ...[21, 22, 23].map((span) => other(span, 6)));
    history.arrive(10, other(24, 5, 6));
    history.arrive(10, { ...harness, claimed: 1, completed: 0 }, ended(tool(3, 2, 1), 10.05));
    history.tick(100);
    expect(history.events).toEqual([]);
  });

  test("a harness run that lost track of finished tools counts for nothing", () => {
    const history = new History();
    history.arrive(10, ended(tool(3, 2, 1), 9.8), inner, { ...harness, claimed: 2, completed: 0 });
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("a run and its harness run in two traces are one owner, whichever comes first", () => {
    for (const order of [0, 1]) {
      const history = new History();
      const elsewhere: Signal = { ...harness, trace: 2, claimed: 1, completed: 0 };
      const root: Signal = { type: "end", kind: "inner", span: 2, start: 0.01, end: 9.9 };
      history.arrive(10, order === 0 ? elsewhere : root);
      history.arrive(order === 0 ? 40 : 11, order === 0 ? root : elsewhere);
      history.arrive(50, ended(tool(3, 2, 1), 45));
      history.tick(100);
      expect(history.evicted).toBe(1);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("a tool of a run that has not arrived has not outlived another run of its session", () => {
    for (const [first, second, end] of [
      ["an earlier one", 45, 55],
      ["one beside it", 5, 40],
    ] as const) {
      const history = new History();
      const of = (trace: number) => ({ sessions: [3], trace });
      history.arrive(10, ended(run(1, 0, of(1)), 10));
      history.arrive(60, ended(tool(3, 2, second + 1, of(2)), end));
      history.tick(100);
      history.arrive(200, ended(run(2, second, of(2)), 200));
      history.tick(300);
      expect([first, history.evicted]).toEqual([first, 0]);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("a tool of a run that was evicted for silence has not outlived an earlier run of its session", () => {
    const history = new History();
    const relayed = { isRelayed: true, sessions: [3], place: 1 };
    const alive: Signal = {
      type: "alive",
      kind: "other",
      span: 0,
      start: 0,
      interval: 10,
      place: 1,
    };
    history.arrive(0, alive, run(1, 0, { ...relayed, trace: 1 }));
    history.arrive(10, ended(run(1, 0, { ...relayed, trace: 1 }), 10));
    history.arrive(10, run(2, 10, { ...relayed, trace: 2 }));
    for (let at = 15; at < 90; at += 5) {
      history.arrive(at, { ...alive, process: 2, place: 2 });
    }
    expect(history.activity.sizes().openWork).toBe(0);
    history.arrive(90, ended(tool(4, 2, 25, { ...relayed, trace: 2 }), 31));
    history.tick(120);
    expect(history.evictions).toEqual([]);
  });

  test("a tool whose span its run closed was an orphan", () => {
    const history = new History();
    history.arrive(10, ended(tool(3, 2, 1), 9.9, { closedByRun: true }), inner, harness);
    history.tick(100);
    expect(history.evicted).toBe(1);
    const live = new History();
    live.arrive(1, tool(3, 2, 1));
    live.arrive(10, ended(tool(3, 2, 1), 9.9, { closedByRun: true }), inner, harness);
    live.tick(100);
    expect(live.evicted).toBe(1);
    expect(live.imbalance()).toEqual([]);
  });

  test("duplicates of a span count once", () => {
    const history = new History();
    const call = ended(tool(3, 2, 1), 5);
    history.arrive(10, call, call, inner, inner, harness, harness);
    history.tick(100);
    expect(history.activity.counts.started).toEqual([0, 2, 1, 0]);
    expect(history.activity.counts.signals("duplicate", 0)).toBe(3);
  });
});

describe("bounds", () => {
  test("beyond max_open_work work is untracked and never an orphan", () => {
    const history = new History({ maxOpenWork: 3 });
    history.arrive(0, run(1, 0), tool(2, 1, 1), tool(3, 1, 1), tool(4, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(100);
    expect(history.evicted).toBe(2);
    expect(history.activity.counts.untracked[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("beyond max_sessions new sessions are untracked, known ones go on", () => {
    const history = new History({ maxSessions: 2 });
    for (const session of [1, 2, 3]) {
      history.arrive(session, run(session, 0, { trace: session, sessions: [session] }));
    }
    history.arrive(4, tool(9, 1, 4, { trace: 1 }));
    expect(history.activity.counts.untracked).toEqual([0, 1, 0, 0]);
    expect(history.activity.sizes()).toMatchObject({ sessions: 2, openWork: 3 });
  });

  test("tombstones are bounded and forgotten in time", () => {
    const history = new History({ maxTombstones: 10 });
    for (let span = 1; span <= 100; span++) {
      history.arrive(span, ended(run(span, 0, { trace: span }), span));
    }
    expect(history.activity.sizes().tombstones).toBeLessThanOrEqual(11);
    history.tick(1_000_000);
    expect(history.activity.sizes()).toEqual({
      implied: 0,
      openWork: 0,
      tombstones: 0,
      spans: 0,
      groups: 0,
      sessions: 0,
      references: 0,
      traces: 0,
    });
  });

  test("a parent that is remembered for its child's sake is forgotten at its time, whenever time is told", () => {
    for (const ticks of [[], [80]]) {
      const history = new History({ maxAgeMs: 90_000, tombstoneTtlMs: 40_000 });
      history.arrive(0, run(1, 0, { parent: 2 }));
      history.arrive(71, ended(tool(3, 1, 70), 71));
      for (const at of [...ticks, 90, 119.9]) {
        history.tick(at);
        expect(history.activity.sizes().implied).toBe(1);
      }
      history.tick(120);
      expect(history.activity.sizes().implied).toBe(0);
    }
  });

  test("a chain of parents of any length, or a ring, costs no more than it should", () => {
    const history = new History();
    for (let span = 1; span < 3000; span++) {
      history.arrive(span, tool(span, span + 1, 0));
    }
    history.arrive(4000, tool(8000, 8001, 0), tool(8001, 8000, 0));
    history.tick(100_000_000);
    expect(history.imbalance()).toEqual([]);
  });
});

describe("processes", () => {
  const at = (process: number, signal: Signal): Signal => ({ ...signal, process, place: 1 });
  const alive = (process: number): Signal =>
    at(process, { type: "alive", kind: "other", span: 0, start: 0, interval: 10 });
  const gone = (process: number): Signal =>
    at(process, { type: "gone", kind: "other", span: 0, start: 0 });

  test("a process that says it ends takes its open work with it after the lateness", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)), alive(1));
    history.arrive(5, gone(1));
    history.arrive(9, at(1, ended(run(1, 0), 5)));
    history.tick(100);
    expect(history.evictions).toEqual([["process_gone", 15, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });

  test("a heartbeat after the end revives", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)), gone(1));
    for (let second = 5; second < 100; second += 10) {
      history.arrive(second, alive(1));
    }
    expect(history.evicted).toBe(0);
  });

  test("a process that misses the heartbeats it promised loses its lease", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)));
    history.arrive(1, alive(1));
    history.tick(100);
    // Nothing else is heard either, so it is given a lateness more.
    expect(history.evictions).toEqual([["lease_expired", 41, 1, 0]]);
    expect(history.activity.sizes().openWork).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });

  test("a successor of the same service on the same host ends its silent predecessor", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)), alive(1));
    history.arrive(4, at(2, run(3, 4, { trace: 2 })));
    history.tick(100);
    expect(history.evictions).toEqual([["process_gone", 15, 1, 0]]);
    expect(history.activity.sizes().openWork).toBe(1);
  });

  test("workers that live side by side are not successors", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 1)));
    history.arrive(4, at(2, run(3, 4, { trace: 2 })));
    history.arrive(20, at(1, run(1, 0)));
    history.arrive(30, at(3, run(5, 4, { trace: 3 })));
    history.tick(1000);
    expect(history.evicted).toBe(0);
  });

  test("a start of a dead process that comes after its eviction is late", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 3)), gone(1));
    history.tick(50);
    history.arrive(60, at(1, tool(5, 1, 2)));
    expect(history.activity.counts.lateStarts[2]).toBe(1);
  });

  test("what others say of a process that has a relay is not tracked twice", () => {
    const history = new History();
    const relayed = { isRelayed: true, trace: 5, sessions: [4] };
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(1, run(11, 0, relayed), tool(12, 11, 1, relayed));
    history.arrive(9, ended(tool(2, 1, 1), 40), ended(run(1, 0), 9, { claimed: 2 }));
    history.arrive(9, ended(run(11, 0, relayed), 9));
    history.tick(100);
    expect(history.evicted).toBe(1);
    expect(history.activity.counts.signals("superseded", 0)).toBe(2);
    expect(history.imbalance()).toEqual([]);
  });

  test("what an exporter told before its relay was heard is accounted for in the end", () => {
    const history = new History();
    history.arrive(0, run(1, 0), ended(tool(2, 1, 0), 1));
    history.arrive(1, run(11, 0, { isRelayed: true, trace: 5, sessions: [4] }));
    history.tick(100);
    expect(history.activity.counts.ended).toEqual([0, 1, 1, 0]);
    expect(history.evicted).toBe(0);
  });

  test("what an exporter told before its relay was heard evicts nothing afterwards", () => {
    const history = new History();
    const harness: Signal = { type: "end", kind: "harness", span: 1, start: 0, end: 1, claimed: 1 };
    history.arrive(0, harness, ended(tool(2, 1, 0), 30));
    history.arrive(1, run(11, 0, { isRelayed: true, trace: 5, sessions: [4] }));
    history.tick(100);
    expect(history.evicted).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });
});

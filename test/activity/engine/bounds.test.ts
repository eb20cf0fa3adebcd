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

describe("bounds", () => {
  test("beyond max_open_work work is untracked and never an orphan", () => {
    const history = new History({ maxOpenWork: 3 });
    history.arrive(0, run(1, 0), tool(2, 1, 1), tool(3, 1, 1), tool(4, 1, 1));
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(100);
    expect(history.evicted).toBe(2);
    expect(history.activity.counters.untracked[2]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("beyond max_sessions new sessions are untracked, known ones go on", () => {
    const history = new History({ maxSessions: 2 });
    for (const session of [1, 2, 3]) {
      history.arrive(session, run(session, 0, { trace: session, sessions: [session] }));
    }
    history.arrive(4, tool(9, 1, 4, { trace: 1 }));
    expect(history.activity.counters.untracked).toEqual([0, 1, 0, 0]);
    expect(history.activity.view.sizes()).toMatchObject({ sessions: 2, openWork: 3 });
  });

  test("tombstones are bounded and forgotten in time", () => {
    const history = new History({ maxTombstones: 10 });
    for (let span = 1; span <= 100; span++) {
      history.arrive(span, ended(run(span, 0, { trace: span }), span));
    }
    expect(history.activity.view.sizes().tombstones).toBeLessThanOrEqual(11);
    history.tick(1_000_000);
    expect(history.activity.view.sizes()).toEqual({
      implied: 0,
      openWork: 0,
      tombstones: 0,
      spans: 0,
      groups: 0,
      sessions: 0,
      references: 0,
      traces: 0,
      endsUnknown: 0,
    });
  });

  test("a parent that is remembered for its child's sake is forgotten at its time, whenever the engine ticks", () => {
    for (const ticks of [[], [80]]) {
      const history = new History({ maxAgeMs: 90_000, tombstoneTtlMs: 40_000 });
      history.arrive(0, run(1, 0, { parent: 2 }));
      history.arrive(71, ended(tool(3, 1, 70), 71));
      for (const at of [...ticks, 90, 119.9]) {
        history.tick(at);
        expect(history.activity.view.sizes().implied).toBe(1);
      }
      history.tick(120);
      expect(history.activity.view.sizes().implied).toBe(0);
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

import { describe, expect, test } from "vitest";
import { History, type Signal } from "./history.ts";

const run = (span: number, start: number, more: Partial<Signal> = {}): Signal => ({
  type: "start",
  kind: "run",
  span,
  start,
  sessions: [3],
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
const ended = (signal: Signal, end: number): Signal => ({ ...signal, type: "end", end });
const sessionEnd = (end: number, more: Partial<Signal> = {}): Signal => ({
  type: "sessionEnd",
  kind: "other",
  span: 0,
  start: end,
  end,
  sessions: [3],
  ...more,
});

describe("the end of a session", () => {
  test("evicts what is open a lateness later, markers and runs", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), tool(3, 1, 1, { kind: "model_call" }));
    history.arrive(5, sessionEnd(5));
    history.tick(14.9);
    expect(history.evicted).toBe(0);
    history.tick(60);
    expect(history.evictions).toEqual([["session_ended", 15, 1, 1]]);
    expect(history.activity.view.sizes().openWork).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });

  test("an end of the marker within the lateness is in time", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, sessionEnd(5));
    history.arrive(14, ended(tool(2, 1, 1), 5));
    history.tick(60);
    expect(history.evicted).toBe(0);
  });

  test("what begins after it in the same session goes on", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, sessionEnd(5));
    history.arrive(6, run(4, 6, { trace: 2 }), tool(5, 4, 6, { trace: 2 }));
    history.tick(60);
    expect(history.evictions).toEqual([["session_ended", 15, 1, 0]]);
    expect(history.activity.view.sizes().openWork).toBe(2);
  });

  test("the sender's order decides where its clock does not", () => {
    const history = new History();
    history.arrive(0, run(1, 5, { seq: 1 }), tool(2, 1, 5, { seq: 2 }));
    history.arrive(5, sessionEnd(5, { seq: 2 }));
    history.arrive(6, run(4, 5, { trace: 2, seq: 3 }), tool(5, 4, 5, { trace: 2, seq: 4 }));
    history.tick(60);
    expect(history.evictions).toEqual([["session_ended", 15, 1, 0]]);
    expect(history.activity.view.sizes().openWork).toBe(2);
  });

  test("a start that comes after the eviction is an orphan of its own", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, sessionEnd(5));
    history.arrive(21, tool(6, 1, 4));
    history.tick(60);
    expect(history.evictions).toEqual([
      ["session_ended", 15, 1, 0],
      ["orphaned_no_owner", 31, 1, 0],
    ]);
    expect(history.activity.counters.lateStarts[2]).toBe(0);
    expect(history.imbalance()).toEqual([]);
  });

  test("comes at its own deadline, though a run ends meanwhile", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, sessionEnd(5));
    history.arrive(9, ended(run(1, 0), 9));
    history.tick(60);
    expect(history.evictions).toEqual([["session_ended", 15, 1, 0]]);
    expect(history.activity.counters.ended[1]).toBe(1);
    expect(history.imbalance()).toEqual([]);
  });

  test("want of an owner is the better reason when both are due", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, sessionEnd(5), ended(run(1, 0), 5));
    history.tick(60);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
  });

  test("a tool that started the run of another session stays until that ends", () => {
    const history = new History();
    const child = run(4, 2, { parent: 2, sessions: [8] });
    history.arrive(0, run(1, 0), tool(2, 1, 1), tool(3, 1, 1));
    history.arrive(2, child);
    history.arrive(5, sessionEnd(5));
    history.tick(60);
    expect(history.evictions).toEqual([["session_ended", 15, 1, 0]]);
    history.arrive(60, ended(child, 60));
    history.tick(100);
    expect(history.evictions[1]).toEqual(["session_ended", 70, 1, 0]);
    expect(history.activity.view.sizes().openWork).toBe(0);
  });

  test("of an unknown session changes nothing", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, sessionEnd(5, { sessions: [9] }));
    history.tick(100);
    expect(history.evicted).toBe(0);
    expect(history.activity.counters.signals.get("unmatched")?.[8]).toBe(1);
  });
});

describe("the sender's order of events", () => {
  test("a start of the same millisecond as the end of its run is late by its order, or not", () => {
    const history = new History();
    const first = run(1, 0, { seq: 1 });
    history.arrive(0, first, tool(2, 1, 1, { seq: 2 }));
    history.arrive(5, { ...ended(first, 5), seq: 4 });
    history.tick(20);
    expect(history.evicted).toBe(1);
    history.arrive(21, tool(3, 1, 5, { seq: 3 }));
    expect(history.activity.counters.lateStarts[2]).toBe(1);
    // Of two moments with the same number in the order the end comes first.
    history.arrive(22, tool(5, 1, 5, { seq: 4 }), tool(6, 1, 5, { seq: 5 }));
    expect(history.activity.counters.lateStarts[2]).toBe(1);
    expect(history.activity.view.sizes().openWork).toBe(2);
  });
});

test("a parent that a child names is implied to be open until it arrives", () => {
  const history = new History();
  history.arrive(0, ended(tool(2, 1, 0), 1));
  expect(history.activity.view.sizes().implied).toBe(1);
  expect(history.activity.counters.signals.get("implied")?.[10]).toBe(1);
  history.arrive(5, ended(run(1, 0), 5));
  expect(history.activity.view.sizes().implied).toBe(0);
});

describe("sessions that turn out to be one", () => {
  test("are each decided at the deadline of their own runs: no other turn postpones it", () => {
    const history = new History();
    const inner = (trace: number): Signal => ({
      ...run(1, 0, { trace, kind: "inner", parent: 2, type: "end", end: 0 }),
    });
    const harness = (trace: number): Signal =>
      ended(run(2, 0, { trace, kind: "harness", sessions: [] }), 0);
    const below = (span: number, parent: number, trace: number): Signal =>
      tool(span, parent, 0, { trace });
    history.arrive(0, inner(1), inner(2), harness(1), harness(2));
    history.arrive(0, below(3, 2, 2), below(4, 2, 2), below(5, 2, 2));
    history.arrive(0, below(3, 2, 1), below(4, 3, 1));
    history.arrive(5, ended(below(4, 3, 1), 5));
    history.tick(1000);
    expect(history.evictions).toEqual([
      ["orphaned_no_owner", 10, 3, 0],
      ["orphaned_no_owner", 10, 1, 0],
    ]);
  });
});

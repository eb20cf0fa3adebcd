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

  test("a start of a dead process that comes after its eviction is an orphan of its own", () => {
    const history = new History();
    history.arrive(0, at(1, run(1, 0)), at(1, tool(2, 1, 3)), gone(1));
    history.tick(50);
    history.arrive(60, at(1, tool(5, 1, 2)));
    history.tick(100);
    expect(history.evictions).toEqual([
      ["process_gone", 10, 1, 0],
      ["orphaned_no_owner", 70, 1, 0],
    ]);
    expect(history.imbalance()).toEqual([]);
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

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

describe("tools that a model asked for (I2)", () => {
  const harness = ended(run(1, 0, { sessions: [] }), 9);
  const failed: Signal = { ...harness, failed: true };
  const modelCall = (span: number, end: number): Signal =>
    ended({ ...tool(span, 1, end - 1), kind: "model_call" }, end);
  const request = (modelCallSpan: number, key: number, name: number): Signal => ({
    type: "request",
    kind: "other",
    span: modelCallSpan,
    start: 0,
    key,
    name,
  });
  /** A turn in another trace whose tool 5 reports the call that was asked for. */
  const known = [
    { ...modelCall(2, 1), trace: 2 },
    { ...request(2, 100, 5), trace: 2 },
    { ...ended(tool(3, 1, 1, { key: 100, name: 5 }), 2), trace: 2 },
    { ...harness, trace: 2 },
  ];

  /** A response that asks for two tools, of which one ran. */
  const half = [
    modelCall(2, 5),
    request(2, 101, 5),
    request(2, 102, 5),
    ended(tool(3, 1, 5, { key: 102, name: 5 }), 6),
  ];

  test("one that never came is an orphan, if another call of its response ran and the run went on or failed", () => {
    for (const [last, want] of [
      [[harness, modelCall(8, 8)], 1],
      [[failed], 1],
      [[harness], 0],
    ] as const) {
      const history = new History();
      history.arrive(0, ...known);
      history.arrive(6, ...half);
      history.arrive(9, ...last);
      history.tick(100);
      expect(history.evictions).toEqual(want === 0 ? [] : [["orphaned_no_owner", 19, 1, 0]]);
      expect(history.events).toMatchObject(want === 0 ? [] : [{ confidence: "presumed" }]);
      expect(history.imbalance()).toEqual([]);
    }
  });

  test("so it is when the model call that shows that the run went on arrived before the run", () => {
    const history = new History();
    history.arrive(0, ...known);
    history.arrive(6, ...half);
    history.arrive(9, modelCall(8, 8), harness);
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 19, 1, 0]]);
  });

  test("one of a response of which nothing ran proves nothing: it may have been thrown away", () => {
    const history = new History();
    history.arrive(0, ...known);
    history.arrive(5, modelCall(2, 5), request(2, 101, 5), modelCall(8, 8));
    history.arrive(9, failed);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("one that came is none, in whatever order", () => {
    const call = ended(tool(7, 1, 5, { key: 101, name: 5 }), 6);
    for (const signals of [
      [...half, call],
      [call, ...half],
    ]) {
      const history = new History();
      history.arrive(0, ...known);
      history.arrive(6, ...signals);
      history.arrive(9, failed);
      history.tick(100);
      expect(history.evicted).toBe(0);
    }
  });

  test("one whose result a model was handed is none", () => {
    const history = new History();
    history.arrive(0, ...known);
    history.arrive(6, ...half, { ...request(4, 101, 0), type: "answer" });
    history.arrive(9, failed);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("one for a tool that never reports calls says nothing", () => {
    const history = new History();
    history.arrive(0, ...known);
    const [call, , other, met] = half;
    history.arrive(6, call!, request(2, 101, 6), other!, met!);
    history.arrive(9, failed);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("one of another run in the same trace is that run's", () => {
    const history = new History();
    history.arrive(0, ...known);
    const inner: Signal = { ...run(8, 3, { sessions: [], parent: 1 }) };
    const ofInner = half.map((signal) => (signal.parent === 1 ? { ...signal, parent: 8 } : signal));
    history.arrive(6, ...ofInner, inner);
    history.arrive(9, failed);
    history.tick(100);
    expect(history.evicted).toBe(0);
    history.arrive(101, ended({ ...inner, failed: true }, 101));
    history.tick(200);
    expect(history.evictions).toEqual([["orphaned_no_owner", 111, 1, 0]]);
  });

  test("where starts are reported nothing is inferred", () => {
    const history = new History();
    history.arrive(0, ...known, tool(20, 1, 0, { trace: 7 }));
    history.arrive(6, ...half);
    history.arrive(9, failed);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });
});

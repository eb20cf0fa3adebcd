import { describe, expect, test } from "vitest";
import type { ActivityLimits } from "../../../../src/processors/session_activity/machine/activity-limits.ts";
import type { SessionState } from "../../../../src/processors/session_activity/machine/session-states.ts";
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
    expect(history.activity.sizes().openWork).toBe(0);
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
    expect(history.activity.sizes().openWork).toBe(2);
  });

  test("the sender's order decides where its clock does not", () => {
    const history = new History();
    history.arrive(0, run(1, 5, { seq: 1 }), tool(2, 1, 5, { seq: 2 }));
    history.arrive(5, sessionEnd(5, { seq: 2 }));
    history.arrive(6, run(4, 5, { trace: 2, seq: 3 }), tool(5, 4, 5, { trace: 2, seq: 4 }));
    history.tick(60);
    expect(history.evictions).toEqual([["session_ended", 15, 1, 0]]);
    expect(history.activity.sizes().openWork).toBe(2);
  });

  test("a start from before it that comes after the eviction is late", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, sessionEnd(5));
    history.tick(20);
    history.arrive(21, tool(6, 1, 4));
    expect(history.activity.counts.lateStarts[2]).toBe(1);
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
    expect(history.activity.sizes().openWork).toBe(0);
  });

  test("of a session that nobody knows changes nothing", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(5, sessionEnd(5, { sessions: [9] }));
    history.tick(100);
    expect(history.evicted).toBe(0);
    expect(history.activity.counts.signals("unmatched", 8)).toBe(1);
  });
});

describe("a wait for a person", () => {
  const pause = (more: Partial<Signal> = {}): Signal => ({
    type: "pause",
    kind: "other",
    span: 0,
    start: 0,
    sessions: [3],
    key: 7,
    ...more,
  });
  const resume = (more: Partial<Signal> = {}): Signal => ({ ...pause(more), type: "resume" });

  test("an agent that lets its run end while it waits keeps its markers, and has a lateness after it", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause());
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(10_000);
    expect(history.evicted).toBe(0);
    history.arrive(10_000, resume());
    history.tick(10_009.9);
    expect(history.evicted).toBe(0);
    history.tick(10_011);
    expect(history.evictions).toEqual([["orphaned_no_owner", 10_010, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });

  test("a wait that is forgotten with its session ends no other", () => {
    const history = new History({ maxAgeMs: 90_000, tombstoneTtlMs: 40_000, maxPauseMs: 91_000 });
    const first = run(1, 0, { trace: 2, sessions: [4] });
    history.arrive(0, ended(first, 0), pause({ span: 1, trace: 2, sessions: [4], key: 7 }));
    history.arrive(10, run(1, 10), tool(2, 1, 10), pause({ key: 8 }));
    history.arrive(12, ended(run(1, 10), 12));
    history.tick(1000);
    expect(history.evictions).toEqual([["orphaned_no_owner", 111, 1, 0]]);
  });

  test("does not count as age", () => {
    const history = new History({ maxAgeMs: 60_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 1));
    history.arrive(50, pause());
    history.tick(1000);
    expect(history.evicted).toBe(0);
    history.arrive(1000, resume());
    history.tick(1059);
    expect(history.evicted).toBe(0);
    history.tick(1100);
    expect(history.evictions.map(([reason, at]) => `${reason} ${at}`)).toEqual(["max_age 1060"]);
  });

  test("does not count as age of what waits for that session either", () => {
    const history = new History({ maxAgeMs: 60_000 });
    const child = run(3, 2, { parent: 2 });
    history.arrive(0, run(1, 0, { sessions: [4] }), tool(2, 1, 1), child, tool(5, 3, 3));
    history.arrive(10, pause());
    history.tick(1000);
    expect(history.activity.sizes().openWork).toBe(4);
    history.arrive(1000, resume());
    history.arrive(1001, ended(tool(5, 3, 3), 1001), ended(child, 1001));
    history.tick(1002);
    expect(history.activity.sizes().openWork).toBe(2);
    history.tick(2000);
    expect(history.evictions.map(([reason]) => reason)).toEqual(["max_age"]);
    expect(history.imbalance()).toEqual([]);
  });

  test("of one of two that are open at once does not end the other", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause(), pause({ key: 8 }));
    history.arrive(5, ended(run(1, 0), 5), resume());
    history.tick(100);
    expect(history.evicted).toBe(0);
    history.arrive(100, resume({ key: 8 }));
    history.tick(200);
    expect(history.evictions).toEqual([["orphaned_no_owner", 110, 1, 0]]);
  });

  test("all of a session end with a resumption that names none", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause(), pause({ key: 8 }));
    history.arrive(5, ended(run(1, 0), 5), resume({ key: 0 }));
    history.tick(200);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
  });

  test("is found by the span that waits, also before that has arrived", () => {
    const history = new History();
    history.arrive(0, pause({ span: 2, sessions: [] }));
    history.arrive(1, run(1, 0, { sessions: [] }), tool(2, 1, 1));
    history.arrive(5, ended(run(1, 0, { sessions: [] }), 5));
    history.tick(100);
    expect(history.evicted).toBe(0);
    history.arrive(100, resume({ span: 2, sessions: [] }));
    history.tick(200);
    expect(history.evictions).toEqual([["orphaned_no_owner", 110, 1, 0]]);
  });

  test("that was over before it was told has not begun", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), resume());
    history.arrive(1, pause());
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(100);
    expect(history.evicted).toBe(1);
    expect(history.activity.sessionsIn("paused")).toBe(0);
  });

  test("whose end is never told ends at last", () => {
    const history = new History({ maxPauseMs: 100_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause());
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(1000);
    expect(history.evictions).toEqual([["orphaned_no_owner", 110, 1, 0]]);
  });

  test("that is over gives work that was held back all of its times anew", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 0, { interval: 5 }), pause());
    // Its lease is over at 30, and held back as nothing is heard at all.
    history.arrive(35, resume());
    history.tick(36);
    expect(history.activity.heldMarkers()).toBe(0);
    history.tick(100);
    expect(history.evictions).toEqual([["lease_expired", 75, 1, 0]]);
  });

  test("of a session that is forgotten meanwhile is forgotten with it", () => {
    const history = new History({ maxAgeMs: 90_000, tombstoneTtlMs: 40_000, maxPauseMs: 100_000 });
    history.arrive(0, run(1, 0, { interval: 5, sessions: [] }));
    history.arrive(61, run(1, 0, { trace: 2, interval: 20 }));
    history.arrive(130, { type: "pause", kind: "other", span: 0, start: 130, sessions: [3] });
    // That run has been evicted and is forgotten just before its wait would have lasted too long.
    history.arrive(170, tool(9, 8, 170));
    history.tick(1000);
    expect(history.evictions).toEqual([["max_age", 260, 1, 0]]);
  });

  test("does not keep the markers of a session that is told to be over", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause());
    history.arrive(5, sessionEnd(5), ended(run(1, 0), 5));
    history.tick(100);
    expect(history.evictions).toEqual([["session_ended", 15, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });

  test("does not keep the markers of a process that says it ends", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause());
    history.arrive(5, { type: "gone", kind: "other", span: 0, start: 5 });
    history.tick(100);
    expect(history.evictions).toEqual([["process_gone", 15, 1, 0]]);
  });
});

describe("the state of a session", () => {
  const minutes: Partial<ActivityLimits> = { stalledAfterMs: 120_000, longRunningAfterMs: 300_000 };
  const told = (history: History) =>
    history.events.flatMap((event) =>
      event.type === "stalled"
        ? [`${event.state} ${event.atMs / 1000}`]
        : event.type === "recovered"
          ? [`recovered by ${event.cause} ${event.atMs / 1000}`]
          : [],
    );
  const states = (history: History) =>
    (["active", "long_running", "stalled", "blocked_tool_call", "paused"] as const).filter(
      (state: SessionState) => history.activity.sessionsIn(state) > 0,
    );

  test("is active while signals come, and long-running when they have come for long", () => {
    const history = new History(minutes);
    history.arrive(0, run(1, 0));
    expect(states(history)).toEqual(["active"]);
    for (let second = 60; second < 300; second += 60) {
      history.arrive(second, run(1, 0));
    }
    expect(states(history)).toEqual(["active"]);
    history.arrive(300, run(1, 0));
    expect(states(history)).toEqual(["long_running"]);
    expect(told(history)).toEqual([]);
    history.arrive(310, ended(run(1, 0), 310));
    expect(states(history)).toEqual([]);
  });

  test("is stalled once, as of the moment it fell silent for long enough, and recovers once", () => {
    const history = new History(minutes);
    history.arrive(0, run(1, 0));
    history.arrive(10, tool(2, 1, 10, { kind: "model_call" }));
    for (const second of [100, 130, 500, 900]) {
      history.tick(second);
    }
    expect(states(history)).toEqual(["stalled"]);
    history.arrive(1000, ended(tool(2, 1, 10, { kind: "model_call" }), 1000));
    history.arrive(1001, tool(4, 1, 1001));
    expect(told(history)).toEqual(["stalled 130", "recovered by progress 1000"]);
    expect(states(history)).toEqual(["long_running"]);
  });

  test("is not stalled when a run of it is told of that has finished already", () => {
    const history = new History(minutes);
    history.arrive(0, run(1, 0));
    history.arrive(100, ended(run(2, 90, { trace: 2 }), 99));
    history.tick(219);
    expect(states(history)).toEqual(["active"]);
    history.tick(300);
    expect(told(history)).toEqual(["stalled 220"]);
  });

  test("is not stalled any more when evicted work of it is told to go on", () => {
    const history = new History(minutes);
    const beat = (sent: number) => tool(2, 1, 0, { dialect: "partialLog", interval: 5, sent });
    history.arrive(0, run(1, 0), beat(0));
    history.tick(200);
    history.arrive(201, beat(201));
    expect(told(history)).toEqual(["stalled 120", "recovered by progress 201"]);
  });

  test("is a blocked tool call when a tool is open", () => {
    const history = new History(minutes);
    history.arrive(0, run(1, 0), tool(2, 1, 0, { name: 4 }), tool(3, 1, 0, { kind: "model_call" }));
    history.tick(200);
    expect(states(history)).toEqual(["blocked_tool_call"]);
    expect(history.events).toMatchObject([
      {
        state: "blocked_tool_call",
        atMs: 120_000,
        silentMs: 120_000,
        tools: 1,
        modelCalls: 1,
        name: 4,
      },
    ]);
  });

  test("is what it is from when a wait has lasted too long, whenever time is told", () => {
    for (const ticks of [[], [10]]) {
      const history = new History({ ...minutes, stalledAfterMs: 5_000, maxPauseMs: 10_000 });
      const wait: Signal = { type: "pause", kind: "other", span: 2, start: 0, key: 5 };
      history.arrive(0, run(1, 0), tool(2, 1, 0), wait);
      history.arrive(8, { type: "gone", kind: "other", span: 0, start: 8 });
      for (const at of [...ticks, 60]) {
        history.tick(at);
      }
      expect(history.evictions).toEqual([["process_gone", 18, 1, 0]]);
      expect(told(history)).toEqual(["blocked_tool_call 15", "recovered by evicted 18"]);
    }
  });

  test("is merely stalled when the tool that blocked it is evicted and its run is not", () => {
    const history = new History({ ...minutes, maxAgeMs: 200_000 });
    history.arrive(0, tool(2, 1, 0));
    history.arrive(50, run(1, 0));
    history.tick(199);
    expect(states(history)).toEqual(["blocked_tool_call"]);
    history.tick(201);
    expect(history.evictions).toEqual([["max_age", 200, 1, 0]]);
    expect(states(history)).toEqual(["stalled"]);
    expect(told(history)).toEqual(["blocked_tool_call 170"]);
  });

  test("recovers by eviction when that is what ends it", () => {
    const history = new History({ ...minutes, stalledAfterMs: 5_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 0));
    history.arrive(1, ended(run(1, 0), 1));
    history.tick(100);
    expect(told(history)).toEqual(["blocked_tool_call 6", "recovered by evicted 11"]);
    expect(states(history)).toEqual([]);
  });

  test("is paused and not stalled while a person is awaited", () => {
    const history = new History(minutes);
    const wait: Signal = { type: "pause", kind: "other", span: 2, start: 0, key: 5 };
    history.arrive(0, run(1, 0), tool(2, 1, 0), wait);
    history.tick(5000);
    expect(states(history)).toEqual(["paused"]);
    history.arrive(5000, { ...wait, type: "resume" });
    history.tick(5119);
    expect(told(history)).toEqual([]);
    history.tick(5121);
    expect(told(history)).toEqual(["blocked_tool_call 5120"]);
  });

  test("is paused as soon as a span that was said to wait turns out to be below its run", () => {
    const history = new History(minutes);
    history.arrive(0, { type: "pause", kind: "other", span: 2, start: 0, key: 5 }, run(1, 0));
    expect(states(history)).toEqual(["active"]);
    history.arrive(1, { type: "start", kind: "other", span: 2, parent: 1, start: 0 });
    expect(states(history)).toEqual(["paused"]);
  });

  test("of two sessions that turn out to be one is one", () => {
    const history = new History(minutes);
    history.arrive(0, run(1, 0, { sessions: [3] }), run(2, 0, { sessions: [4], trace: 2 }));
    history.tick(200);
    history.arrive(201, run(5, 200, { sessions: [3, 4], trace: 3 }));
    expect(history.stateProblems()).toEqual([]);
    expect(states(history)).toEqual(["active"]);
    expect(told(history).toSorted()).toEqual([
      "recovered by progress 201",
      "recovered by progress 201",
      "stalled 120",
      "stalled 120",
    ]);
  });
});

describe("tools that a model asked for (I2)", () => {
  const harness = ended(run(1, 0, { sessions: [] }), 9);
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

  test("one that never came is an orphan, if its tool has reported such calls before", () => {
    const history = new History();
    history.arrive(0, ...known);
    history.arrive(5, modelCall(2, 5), request(2, 101, 5));
    history.arrive(9, harness);
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 19, 1, 0]]);
    expect(history.events).toMatchObject([{ isInferred: true }]);
    expect(history.imbalance()).toEqual([]);
  });

  test("one that came is none, in whatever order", () => {
    const call = ended(tool(3, 1, 5, { key: 101, name: 5 }), 6);
    for (const signals of [
      [modelCall(2, 5), request(2, 101, 5), call],
      [call, modelCall(2, 5), request(2, 101, 5)],
    ]) {
      const history = new History();
      history.arrive(0, ...known);
      history.arrive(5, ...signals);
      history.arrive(9, harness);
      history.tick(100);
      expect(history.evicted).toBe(0);
    }
  });

  test("one whose result a model was handed is none", () => {
    const history = new History();
    history.arrive(0, ...known);
    history.arrive(5, modelCall(2, 5), request(2, 101, 5));
    history.arrive(6, { ...request(4, 101, 0), type: "answer" });
    history.arrive(9, harness);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("one for a tool that never reports calls says nothing", () => {
    const history = new History();
    history.arrive(0, ...known);
    history.arrive(5, modelCall(2, 5), request(2, 101, 6));
    history.arrive(9, harness);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("one of another run in the same trace is that run's", () => {
    const history = new History();
    history.arrive(0, ...known);
    const inner: Signal = { ...run(8, 3, { sessions: [], parent: 1 }) };
    history.arrive(5, { ...modelCall(2, 5), parent: 8 }, request(2, 101, 5), inner);
    history.arrive(9, harness);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });

  test("where starts are told nothing is inferred", () => {
    const history = new History();
    history.arrive(0, ...known, tool(20, 1, 0, { trace: 7 }));
    history.arrive(5, modelCall(2, 5), request(2, 101, 5));
    history.arrive(9, harness);
    history.tick(100);
    expect(history.evicted).toBe(0);
  });
});

describe("the sender's order of events", () => {
  test("a start of the same millisecond as the fence is late by its order, or not", () => {
    const history = new History();
    const first = run(1, 0, { seq: 1 });
    history.arrive(0, first, tool(2, 1, 1, { seq: 2 }));
    history.arrive(5, { ...ended(first, 5), seq: 3 });
    history.tick(20);
    expect(history.evicted).toBe(1);
    history.arrive(21, tool(3, 1, 5, { seq: 3 }));
    expect(history.activity.counts.lateStarts[2]).toBe(1);
    history.arrive(22, run(4, 5, { seq: 4, trace: 2 }), tool(5, 4, 5, { seq: 5, trace: 2 }));
    expect(history.activity.sizes().openWork).toBe(2);
  });
});

test("a parent that a child names is implied to be open until it arrives", () => {
  const history = new History();
  history.arrive(0, ended(tool(2, 1, 0), 1));
  expect(history.activity.sizes().implied).toBe(1);
  expect(history.activity.counts.signals("implied", 10)).toBe(1);
  history.arrive(5, ended(run(1, 0), 5));
  expect(history.activity.sizes().implied).toBe(0);
});

describe("sessions that turn out to be one", () => {
  test("wait for the later lateness of them, also when both are about to be judged", () => {
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
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 4, 0]]);
  });
});

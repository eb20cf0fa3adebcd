import { describe, expect, test } from "vitest";
import type { SessionState } from "../../../../src/activity/model/diagnosis.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import { History, type Signal } from "../history.ts";

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
      (state: SessionState) => history.activity.view.sessionsIn(state) > 0,
    );

  test("is active while there is progress, and long-running when there has been for long", () => {
    const history = new History(minutes);
    history.arrive(0, run(1, 0));
    expect(states(history)).toEqual(["active"]);
    for (let second = 60; second < 300; second += 60) {
      history.arrive(second, run(1, 0, { progress: true }));
    }
    expect(states(history)).toEqual(["active"]);
    history.arrive(300, run(1, 0, { progress: true }));
    expect(states(history)).toEqual(["long_running"]);
    expect(told(history)).toEqual([]);
    history.arrive(310, ended(run(1, 0), 310));
    expect(states(history)).toEqual([]);
  });

  test("is stalled though heartbeats come: they say that the work lives, not that it gets on", () => {
    const history = new History(minutes);
    history.arrive(0, run(1, 0));
    for (let second = 60; second < 300; second += 60) {
      history.arrive(second, run(1, 0));
    }
    expect(told(history)).toEqual(["stalled 120"]);
  });

  test("is not stalled while a model streams, or a tool below says that it gets on", () => {
    const history = new History(minutes);
    const call = tool(2, 1, 0, { kind: "model_call" });
    history.arrive(0, run(1, 0), call, tool(3, 1, 0));
    for (let second = 60; second < 300; second += 60) {
      history.arrive(second, tool(3, 1, 0, { progress: true }));
    }
    expect(told(history)).toEqual([]);
    history.tick(1000);
    expect(told(history)).toEqual(["blocked_tool_call 360"]);
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

  test("counts as progress what comes finished in the run, and not another run that has finished", () => {
    for (const [finished, stalledAt] of [
      [ended(tool(2, 1, 90), 99), 220],
      [ended(run(2, 90, { trace: 2 }), 99), 120],
    ] as const) {
      const history = new History(minutes);
      history.arrive(0, run(1, 0));
      history.arrive(100, finished);
      history.tick(119);
      expect(states(history)).toEqual(["active"]);
      history.tick(300);
      expect(told(history)).toEqual([`stalled ${stalledAt}`]);
    }
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
    expect(told(history)).toEqual(["blocked_tool_call 170", "stalled 200"]);
  });

  test("is none when no run is open, whatever its stale markers do", () => {
    const history = new History({ ...minutes, stalledAfterMs: 5_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 0));
    history.arrive(1, ended(run(1, 0), 1));
    history.tick(10);
    expect(states(history)).toEqual([]);
    history.tick(100);
    expect(told(history)).toEqual([]);
    expect(history.evictions).toEqual([["orphaned_no_owner", 11, 1, 0]]);
  });

  test("is looked at anew when a run ends that was the only one to make progress", () => {
    const history = new History({ ...minutes, stalledAfterMs: 20_000 });
    const second = run(4, 0, { trace: 2 });
    history.arrive(0, run(1, 0), second);
    history.arrive(10, tool(5, 4, 10, { trace: 2 }));
    history.arrive(26, ended(second, 26));
    expect(told(history)).toEqual(["stalled 26"]);
  });

  test("is paused when of two runs the one ends that does not wait", () => {
    const history = new History(minutes);
    const second = run(4, 1, { trace: 2 });
    const wait: Signal = { type: "pause", kind: "other", span: 0, start: 0, sessions: [3], key: 5 };
    history.arrive(0, run(1, 0), wait);
    history.arrive(1, second);
    history.arrive(2, ended(second, 2));
    expect(states(history)).toEqual(["paused"]);
  });

  test("is that of the runs that are open: a tool of one that has ended blocks none", () => {
    const history = new History({ ...minutes, allowedLatenessMs: 200_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 0));
    history.arrive(1, ended(run(1, 0), 1));
    history.arrive(2, run(3, 2, { trace: 2 }));
    history.arrive(2, tool(4, 3, 2, { trace: 2, kind: "model_call" }));
    history.tick(150);
    expect(history.evicted).toBe(0);
    expect(states(history)).toEqual(["stalled"]);
    expect(history.events).toMatchObject([{ type: "stalled", verdict: "silent_model_call" }]);
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

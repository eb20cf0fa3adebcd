import { describe, expect, test } from "vitest";
import { dialects } from "../../../../src/activity/model/dialects.ts";
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
const sessionEnd = (end: number, more: Partial<Signal> = {}): Signal => ({
  type: "sessionEnd",
  kind: "other",
  span: 0,
  start: end,
  end,
  sessions: [3],
  ...more,
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

  test("keeps no marker of a run that has ended", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause());
    history.arrive(5, ended(run(1, 0), 5));
    history.tick(100);
    expect(history.evictions).toEqual([["orphaned_no_owner", 15, 1, 0]]);
    expect(history.imbalance()).toEqual([]);
  });

  test("that is delivered again after its end does not begin anew", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 0));
    history.arrive(1, pause({ start: 1 }));
    history.arrive(5, resume({ start: 5 }));
    history.arrive(6, pause({ start: 1 }));
    expect(waiting(history)).toBe(0);
    history.arrive(20, pause({ start: 20 }));
    expect(waiting(history)).toBe(1);
  });

  test("that is overtaken by a resumption without an id has not begun", () => {
    const history = new History();
    history.arrive(0, run(1, 0));
    history.arrive(30, resume({ key: 0, start: 29, seq: 6 }));
    history.arrive(31, pause({ start: 28, seq: 5 }));
    expect(waiting(history)).toBe(0);
  });

  test("of a session is over with the runs that it named, and says nothing of the next", () => {
    const history = new History({ stalledAfterMs: 120_000 });
    history.arrive(0, run(1, 0), pause({ start: 0 }));
    history.arrive(50, ended(run(1, 0), 50));
    history.arrive(60, run(5, 60, { trace: 2 }));
    expect(waiting(history)).toBe(0);
    history.arrive(61, pause({ start: 61 }));
    history.tick(400);
    expect(waiting(history)).toBe(1);
    expect(history.events.filter(({ type }) => type === "stalled")).toEqual([]);
  });

  test("of a run that is over leaves what is open in it time: it was not silent", () => {
    const history = new History({ stalledAfterMs: 120_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 0), pause({ start: 0 }));
    history.arrive(300, resume({ start: 300 }));
    history.tick(419);
    expect(history.events).toEqual([]);
  });

  test("that is forgotten with its session ends no other", () => {
    const history = new History({ maxAgeMs: 90_000, tombstoneTtlMs: 40_000, maxPauseMs: 91_000 });
    const first = run(1, 0, { trace: 2, sessions: [4] });
    history.arrive(0, first, pause({ span: 1, trace: 2, sessions: [4], key: 7 }));
    history.arrive(1, ended(first, 1));
    history.arrive(10, run(1, 10), pause({ key: 8, start: 10 }));
    history.tick(100);
    expect(history.activity.view.sessionsIn("paused")).toBe(1);
    history.tick(1000);
    expect(history.activity.counters.evicted.get("max_age")?.[1]).toBe(1);
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
    expect(history.activity.view.sizes().openWork).toBe(4);
    history.arrive(1000, resume());
    history.arrive(1001, ended(tool(5, 3, 3), 1001), ended(child, 1001));
    history.tick(1002);
    expect(history.activity.view.sizes().openWork).toBe(2);
    history.tick(2000);
    expect(history.evictions.map(([reason]) => reason)).toEqual(["max_age"]);
    expect(history.imbalance()).toEqual([]);
  });

  /** How many sessions wait. */
  const waiting = (history: History) => history.activity.view.sessionsIn("paused");

  test("is over when each of two that are open at once is", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause(), pause({ key: 8 }));
    history.arrive(5, resume());
    expect(waiting(history)).toBe(1);
    history.arrive(100, resume({ key: 8 }));
    expect(waiting(history)).toBe(0);
  });

  test("is over with a resumption that names none", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause(), pause({ key: 8 }));
    expect(waiting(history)).toBe(1);
    history.arrive(5, resume({ key: 0 }));
    expect(waiting(history)).toBe(0);
  });

  test("is of the span that waits and what is above it, also before that has arrived", () => {
    const history = new History({ maxAgeMs: 60_000 });
    const silent = { sessions: [] };
    history.arrive(0, pause({ ...silent, span: 2 }));
    history.arrive(1, run(1, 0, silent), tool(2, 1, 1), tool(3, 1, 1));
    history.tick(60);
    expect(waiting(history)).toBe(0);
    history.tick(100);
    expect(history.evictions).toEqual([["max_age", 61, 1, 0]]);
    // What is left open waits.
    expect(waiting(history)).toBe(1);
    history.arrive(100, resume({ ...silent, span: 2 }));
    history.tick(200);
    expect(history.evictions).toEqual([
      ["max_age", 61, 1, 0],
      ["max_age", 160, 1, 0],
    ]);
  });

  test("that was over before it was reported has not begun", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), resume());
    history.arrive(1, pause());
    expect(waiting(history)).toBe(0);
    history.arrive(2, pause({ key: 8 }));
    expect(waiting(history)).toBe(1);
  });

  test("whose end is never reported ends at last", () => {
    const history = new History({ maxPauseMs: 100_000 });
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause());
    history.tick(99);
    expect(waiting(history)).toBe(1);
    history.tick(101);
    expect(waiting(history)).toBe(0);
  });

  test("stops no lease: who waits for a person lives", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 0, { interval: 5 }), pause({ span: 2 }));
    for (let second = 5; second < 100; second += 5) {
      history.arrive(second, run(1, 0));
    }
    expect(history.evictions).toEqual([["lease_expired", 30, 1, 0]]);
  });

  test("of a session is one of the runs that were open when it began", () => {
    const history = new History();
    history.arrive(0, run(1, 0), pause());
    expect(waiting(history)).toBe(1);
    history.arrive(1, run(4, 1, { trace: 2 }));
    expect(waiting(history)).toBe(0);
    history.arrive(3, ended(run(1, 0), 3), ended(run(4, 1, { trace: 2 }), 3));
    history.arrive(4, run(5, 4, { trace: 3 }));
    expect(waiting(history)).toBe(0);
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

  test("does not keep the markers of a session that is over", () => {
    const history = new History();
    history.arrive(0, run(1, 0), tool(2, 1, 1), pause());
    history.arrive(5, sessionEnd(5));
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

describe("waits are bounded", () => {
  const sessions = 157;
  const perSession = 64;
  const most = 10_000;
  /** The wait that has this number, each of some that share a session. */
  const wait = (number: number, more: Partial<Signal> = {}): Signal => ({
    type: "pause",
    kind: "other",
    span: 0,
    start: 1,
    key: number,
    sessions: [Math.ceil(number / perSession)],
    ...more,
  });
  const results = ({ activity: { counters } }: History) => [
    counters.signals.get("paused")?.[dialects.pauseEvent.storedId],
    counters.signals.get("resumed")?.[dialects.pauseEvent.storedId],
    counters.signals.get("unmatched")?.[dialects.pauseEvent.storedId],
  ];
  const runs = (count: number) =>
    Array.from({ length: count }, (_, at) => run(at + 1, 0, { trace: at + 1, sessions: [at + 1] }));

  test("sixty-four of one session that name none of its spans", () => {
    const history = new History();
    history.arrive(0, ...runs(1));
    const waits = Array.from({ length: perSession }, (_, at) => wait(at + 1));
    history.arrive(1, ...waits);
    expect(results(history)).toEqual([perSession, 0, 0]);
    history.arrive(1, wait(perSession + 1, { sessions: [1] }));
    expect(results(history)).toEqual([perSession, 0, 1]);
  });

  test("ten thousand in all; one that ends makes room", () => {
    const history = new History();
    history.arrive(0, ...runs(sessions));
    history.arrive(1, ...Array.from({ length: most }, (_, at) => wait(at + 1)));
    expect(results(history)).toEqual([most, 0, 0]);
    history.arrive(1, wait(most + 1));
    expect(results(history)).toEqual([most, 0, 1]);
    history.arrive(2, wait(1, { type: "resume", start: 2 }), wait(most + 2, { start: 2 }));
    expect(results(history)).toEqual([most + 1, 1, 1]);
  });

  test("of ends that overtook their beginnings the last ten thousand are remembered", () => {
    for (const [count, paused] of [
      [most, 0],
      [most + 1, 1],
    ] as const) {
      const history = new History();
      history.arrive(0, ...runs(1));
      const ends = Array.from({ length: count }, (_, at) =>
        wait(at + 1, { type: "resume", start: 2, sessions: [1] }),
      );
      history.arrive(2, ...ends);
      history.arrive(3, wait(1, { sessions: [1] }));
      expect(results(history)).toEqual([paused, 0, count + 1 - paused]);
      // The one after the oldest is remembered either way.
      history.arrive(3, wait(2, { sessions: [1] }));
      expect(results(history)).toEqual([paused, 0, count + 2 - paused]);
    }
  });

  test("two hundred and fifty-six of spans that have not arrived", () => {
    const history = new History();
    history.arrive(0, ...runs(1));
    const waits = Array.from({ length: 257 }, (_, at) =>
      wait(at + 1, { span: 100 + at, sessions: [] }),
    );
    history.arrive(1, ...waits);
    expect(results(history)).toEqual([256, 0, 1]);
  });
});

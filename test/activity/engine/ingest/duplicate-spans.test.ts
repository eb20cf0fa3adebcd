import { describe, expect, test } from "vitest";
import { History, type Signal } from "../history.ts";

const run = { kind: "run", span: 1, start: 0, end: 20 } as const;
const outer = { kind: "tool", span: 2, parent: 1, start: 1, end: 5, scope: 1, alias: 7 } as const;
const inner = {
  kind: "tool",
  span: 3,
  parent: 2,
  start: 1.1,
  end: 4.9,
  scope: 2,
  alias: 7,
} as const;
const call = { kind: "model_call", span: 2, parent: 1, start: 1, end: 5 } as const;
const callInside = { kind: "model_call", span: 3, parent: 2, start: 1.1, end: 4.9 } as const;

type Work = Omit<Signal, "type">;
const started = (work: Work): Signal => ({ ...work, type: "start" });
const ended = (work: Work): Signal => ({ ...work, type: "end" });

function play(...signals: readonly Signal[]): History {
  const history = new History();
  for (const [at, signal] of signals.entries()) {
    history.arrive(1 + at / 10, signal);
    expect(history.imbalance()).toEqual([]);
  }
  history.tick(100);
  expect(history.imbalance()).toEqual([]);
  return history;
}

function startedOf(history: History): readonly number[] {
  return history.activity.counters.started.slice(1);
}

describe("two spans of the same work are counted once", () => {
  for (const [what, a, b, want] of [
    ["a tool of another scope in a tool of its name", outer, inner, [1, 1, 0]],
    ["a model call in a model call", call, callInside, [1, 0, 1]],
    [
      "a run of another scope in a run of its agent",
      { ...outer, kind: "run", parent: 1 },
      { ...inner, kind: "run" },
      [2, 0, 0],
    ],
  ] as const satisfies readonly (readonly [string, Work, Work, readonly number[]])[]) {
    test(`${what}: finished, in either order`, () => {
      expect(startedOf(play(ended(a), ended(b), ended(run)))).toEqual(want);
      expect(startedOf(play(ended(b), ended(a), ended(run)))).toEqual(want);
    });

    test(`${what}: reported live, in either order`, () => {
      const ends = [ended(b), ended(a), ended(run)];
      for (const starts of [
        [started(a), started(b)],
        [started(b), started(a)],
      ]) {
        const history = play(started(run), ...starts, ...ends);
        expect(startedOf(history)).toEqual(want);
        expect(history.activity.counters.ended.slice(1)).toEqual(want);
      }
    });
  }

  test("a tool of which neither span ends is one orphan, in either order", () => {
    for (const starts of [
      [started(outer), started(inner)],
      [started(inner), started(outer)],
    ]) {
      expect(play(started(run), ...starts, ended(run)).evicted).toBe(1);
    }
  });

  test("also with a step between the two", () => {
    const step = { kind: "other", span: 4, parent: 2, start: 1, end: 5 } as const;
    const history = play(ended({ ...inner, parent: 4 }), ended(step), ended(outer), ended(run));
    expect(startedOf(history)).toEqual([1, 1, 0]);
  });
});

describe("work of its own is counted by itself", () => {
  for (const [what, more] of [
    ["a tool that calls itself", { scope: 1 }],
    ["a tool that calls another one", { alias: 8 }],
    ["a tool without a name", { alias: 0 }],
    ["a tool of which no scope is known", { scope: 0 }],
  ] as const) {
    test(`${what}`, () => {
      expect(startedOf(play(ended({ ...inner, ...more }), ended(outer), ended(run)))).toEqual([
        1, 2, 0,
      ]);
    });
  }

  test("a sub-agent of the same framework, and one of another name", () => {
    const agent = { ...outer, kind: "run", parent: 1 } as const;
    for (const more of [{ scope: 1 }, { alias: 8 }]) {
      const below = { ...inner, kind: "run", ...more } as const;
      expect(startedOf(play(ended(below), ended(agent), ended(run)))).toEqual([3, 0, 0]);
    }
  });

  test("a model call below a tool of a model call", () => {
    const history = play(
      ended({ ...callInside, span: 4, parent: 3 }),
      ended({ ...inner, parent: 2 }),
      ended(call),
      ended(run),
    );
    expect(startedOf(history)).toEqual([1, 1, 2]);
  });
});

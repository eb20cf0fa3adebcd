import { describe, expect, test } from "vitest";
import { dialects } from "../../../../src/activity/model/dialects.ts";
import { kindNames } from "../../../../src/activity/model/work.ts";
import { History, type Signal } from "../history.ts";

const run = { kind: "run", span: 1, start: 0 } as const;
const marker = { span: 2, parent: 1, start: 1 } as const;

/** What is corrected, as "from to", and what is counted as ended, by kind. */
function played(
  signals: readonly Signal[],
  changed: ConstructorParameters<typeof History>[0] = {},
): {
  readonly corrected: readonly string[];
  readonly ended: readonly number[];
  readonly open: readonly number[];
} {
  const history = new History(changed);
  history.arrive(0, { ...run, type: "start" });
  for (const [index, signal] of signals.entries()) {
    history.arrive(index + 1, signal);
  }
  expect(history.imbalance()).toEqual([]);
  const { counters } = history.activity;
  const corrected = counters.corrected.flatMap((cells, from) =>
    cells.flatMap((count, to) =>
      Array.from({ length: count }, () => `${kindNames[from]} ${kindNames[to]}`),
    ),
  );
  // Finished work is counted a lateness later.
  history.tick(60);
  expect(history.imbalance()).toEqual([]);
  return { corrected, ended: counters.ended.slice(1), open: counters.open.slice(1) };
}

describe("work that started as one kind and ended as another is counted once", () => {
  for (const [from, to, isUndecided, corrected, ended] of [
    ["tool", "model_call", false, ["tool model_call"], [0, 0, 1]],
    ["model_call", "tool", true, ["model_call tool"], [0, 1, 0]],
    ["tool", "run", false, ["tool run"], [1, 0, 0]],
    ["model_call", "run", true, ["model_call run"], [1, 0, 0]],
    ["run", "tool", false, ["run tool"], [0, 1, 0]],
    ["run", "model_call", true, ["run model_call"], [0, 0, 1]],
    ["tool", "other", true, ["tool other"], [0, 0, 0]],
    ["run", "other", true, ["run other"], [0, 0, 0]],
    ["tool", "tool", true, [], [0, 1, 0]],
    // An end that does not say what it is does not take back what the start said.
    ["tool", "other", false, [], [0, 1, 0]],
    ["run", "other", false, [], [1, 0, 0]],
  ] as const) {
    const what = isUndecided ? "a guessed" : "a";
    test(`${what} ${from} that is ${to} in the end`, () => {
      const result = played([
        { ...marker, kind: from, type: "start", isUndecided },
        { ...marker, kind: to, type: "end", end: 2 },
      ]);
      expect(result).toEqual({ corrected, ended, open: [1, 0, 0] });
    });
  }
});

test("a repeat that says it is another marker changes the open work", () => {
  const repeat = { ...marker, kind: "model_call", type: "start" } as const;
  expect(played([{ ...marker, kind: "tool", type: "start", isUndecided: true }, repeat])).toEqual({
    corrected: ["tool model_call"],
    ended: [0, 0, 0],
    open: [1, 0, 1],
  });
});

test("a repeat that says it is a run opens that instead, counted once", () => {
  const repeat = { ...marker, kind: "run", type: "start" } as const;
  expect(played([{ ...marker, kind: "tool", type: "start", isUndecided: true }, repeat])).toEqual({
    corrected: ["tool run"],
    ended: [0, 0, 0],
    open: [2, 0, 0],
  });
});

test("a repeat that says it is no work closes a guess", () => {
  const repeat = { ...marker, kind: "other", type: "start" } as const;
  expect(played([{ ...marker, kind: "tool", type: "start", isUndecided: true }, repeat])).toEqual({
    corrected: ["tool other"],
    ended: [0, 0, 0],
    open: [1, 0, 0],
  });
});

test("what a relay reported as a tool stays one", () => {
  const result = played([
    { ...marker, kind: "tool", type: "start", isRelayed: true },
    { ...marker, kind: "model_call", type: "end", end: 2, isRelayed: true },
  ]);
  // The relay takes over from what reported the run.
  expect(result).toEqual({ corrected: [], ended: [1, 1, 0], open: [0, 0, 0] });
});

test("a journal from before the rule is replayed without it", () => {
  const signals = [
    { ...marker, kind: "tool", type: "start" },
    { ...marker, kind: "model_call", type: "end", end: 2 },
  ] as const;
  expect(played(signals, { correctsKinds: false })).toMatchObject({
    corrected: [],
    ended: [0, 1, 0],
  });
});

test("a guess that is confirmed gets the name that its end has", () => {
  const history = new History({ includesMarkers: true });
  history.arrive(0, { ...run, type: "start" });
  history.arrive(1, { ...marker, kind: "tool", type: "start", name: 4, isUndecided: true });
  history.arrive(2, { ...marker, kind: "tool", type: "start", name: 5 });
  history.arrive(3, { ...run, type: "end", end: 3 });
  history.tick(60);
  expect(history.events).toMatchObject([
    { type: "evicted", confidence: "confirmed", markers: [{ name: 5 }] },
  ]);
});

test("a guessed start counts as a guess among the signals, and as started", () => {
  const history = new History();
  history.arrive(0, { ...run, type: "start", isUndecided: true });
  const { signals, started } = history.activity.counters;
  expect(signals.get("guessed")?.[dialects.liveSpan.storedId]).toBe(1);
  expect(started).toEqual([0, 1, 0, 0]);
});

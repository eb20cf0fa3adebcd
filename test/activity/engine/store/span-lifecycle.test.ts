import { describe, expect, test } from "vitest";
import {
  SpanLifecycle,
  spanStates,
  spanTransitions,
} from "../../../../src/activity/engine/store/span-lifecycle.ts";
import fc from "../../../support/fast-check.ts";
import { anySignal, tight } from "../any-signal.ts";
import { History } from "../history.ts";

const names = Object.keys(spanStates) as readonly (keyof typeof spanStates)[];
const key = ({ from, to }: { readonly from: string; readonly to: string }) => `${from} → ${to}`;

/** A table with one row in a state, which was reached over the transitions. */
function inState(state: keyof typeof spanStates): SpanLifecycle {
  const ways = {
    free: [],
    unknown: ["unknown"],
    ended: ["unknown", "ended"],
    open: ["unknown", "ended", "open"],
    evicted: ["unknown", "ended", "open", "evicted"],
    untracked: ["unknown", "ended", "open", "untracked"],
  } as const;
  const states = new SpanLifecycle();
  for (const step of ways[state]) {
    states.move(0, spanStates[step]);
  }
  return states;
}

describe("the state of a span changes only as the table of transitions has it", () => {
  for (const from of names) {
    for (const to of names.filter((name) => name !== from)) {
      const isListed = spanTransitions.some((each) => each.from === from && each.to === to);
      test(`${from} → ${to} is ${isListed ? "allowed" : "refused"}`, () => {
        const states = inState(from);
        if (isListed) {
          states.move(0, spanStates[to]);
          expect(states.get(0)).toBe(spanStates[to]);
        } else {
          expect(() => states.move(0, spanStates[to])).toThrow("cannot get state");
          expect(states.get(0)).toBe(spanStates[from]);
        }
      });
    }
  }

  test("a move to the state that a span has changes and counts nothing", () => {
    const states = inState("open");
    const before = states.transitions();
    states.move(0, spanStates.open);
    expect(states.transitions()).toEqual(before);
  });
});

test("every transition occurs in random histories, and a history with another one would throw", () => {
  const counts = new Map(spanTransitions.map((each) => [key(each), 0]));
  const steps = fc.array(fc.record({ at: fc.integer({ min: 0, max: 300 }), signal: anySignal }), {
    minLength: 20,
    maxLength: 60,
  });
  for (const history of fc.sample(steps, { numRuns: 200, seed: 10 })) {
    for (const limits of [{}, tight]) {
      const played = new History(limits);
      let at = 0;
      for (const step of history) {
        at += step.at / 10;
        played.arrive(at, step.signal);
      }
      for (const process of [1, 2]) {
        for (const dialect of ["relay", "liveSpan"] as const) {
          const unwatched = { type: "unwatched", kind: "other", span: 0 } as const;
          played.arrive(at, { ...unwatched, process, start: at, dialect });
        }
      }
      played.tick(at + 100_000);
      for (const each of played.activity.view.spanTransitions()) {
        counts.set(key(each), (counts.get(key(each)) ?? 0) + each.count);
      }
    }
  }
  expect([...counts].filter(([, count]) => count === 0)).toEqual([]);
});

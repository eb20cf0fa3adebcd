import { describe, expect, test } from "vitest";
import { sessionStates } from "../../../../src/activity/engine/policy/session-lifecycle.ts";
import { decides, verdictRows } from "../../../../src/activity/engine/policy/verdicts.ts";
import { type Verdict, verdictNames } from "../../../../src/activity/model/diagnosis.ts";
import fc from "../../../support/fast-check.ts";
import { anySignal, tight } from "../any-signal.ts";
import type { Signal } from "../history.ts";
import { plays } from "../plays.ts";
import { anyStory } from "../reference/any-story.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const silentMs = 60_000;
const call = (span: number, parent: number, more: Partial<Signal> = {}) =>
  tool(span, parent, { kind: "model_call", ...more });
const pause = (span: number): Signal => ({ type: "pause", kind: "other", span, start: 0, key: 1 });
const failed = ended(call(9, 1, { failed: true }), 1);

/** What applies to the open run 1 at second 100, if nothing before it does, by verdict. */
const conditions: Readonly<Record<string, { readonly at: number; readonly signals: Signal[] }>> = {
  waiting_for_person: { at: 20, signals: [pause(1)] },
  progressing: { at: 90, signals: [run(1, { progress: true })] },
  silent_tool: { at: 10, signals: [tool(2, 1)] },
  silent_model_call: { at: 10, signals: [call(3, 1)] },
  retrying: { at: 5, signals: [call(9, 1), failed] },
  wedged_run: { at: 1, signals: [] },
};

const inOrder = verdictNames
  .filter((name) => verdictRows[name].precedence !== undefined)
  .toSorted((a, b) => (verdictRows[a].precedence ?? 0) - (verdictRows[b].precedence ?? 0));

/** The verdict of the run 1 at second 100, when these conditions are met. */
function verdictOf(names: readonly string[]): Verdict {
  const fixture = new EngineFixture({ stalledAfterMs: silentMs });
  fixture.arrive(0, run(1));
  const steps = names.map((name) => conditions[name]!).toSorted((a, b) => a.at - b.at);
  for (const { at, signals } of steps) {
    fixture.arrive(at, ...signals);
  }
  return fixture.parts.verdicts.of(fixture.owner(1), 100_000).verdict;
}

describe("of the verdicts that apply to an open run the first of the table counts", () => {
  test("each of them has a precedence of its own, and a condition here", () => {
    expect(inOrder).toEqual(Object.keys(conditions));
    expect(inOrder.map((name) => verdictRows[name].precedence)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  for (const [at, first] of inOrder.entries()) {
    for (const second of inOrder.slice(at)) {
      test(first === second ? `${first} alone` : `${first} before ${second}`, () => {
        expect(verdictOf([first, second])).toBe(first);
      });
    }
  }
});

describe("the verdict that decides what a session does", () => {
  for (const [first, second] of [
    ["progressing", "silent_tool"],
    ["silent_tool", "silent_model_call"],
    ["silent_model_call", "retrying"],
    ["silent_model_call", "wedged_run"],
    ["wedged_run", "waiting_for_person"],
  ] as const) {
    test(`is ${first} before ${second}, whichever is silent for longer`, () => {
      for (const sinceMs of [1, 2, 3]) {
        const [a, b] = [first, second].map((verdict) => ({
          verdict,
          culprit: -1,
          sinceMs: verdict === first ? 2 : sinceMs,
        }));
        expect(decides(a!, b!)).toBe(true);
        expect(decides(b!, a!)).toBe(false);
      }
    });
  }

  test("is of two of one rank that of the run that is silent for longer", () => {
    const longer = { verdict: "retrying", culprit: -1, sinceMs: 1 } as const;
    const shorter = { verdict: "wedged_run", culprit: -1, sinceMs: 2 } as const;
    expect(decides(longer, shorter)).toBe(true);
    expect(decides(shorter, longer)).toBe(false);
  });

  for (const [verdict, state] of [
    ["waiting_for_person", "paused"],
    ["progressing", "active"],
    ["silent_tool", "blockedByTool"],
    ["silent_model_call", "stalledByModelCall"],
    ["retrying", "stalledByRun"],
    ["wedged_run", "stalledByRun"],
  ] as const) {
    test(`of one run, ${verdict}, makes the session ${state}`, () => {
      const fixture = new EngineFixture({ stalledAfterMs: silentMs });
      fixture.arrive(0, run(1));
      const { at, signals } = conditions[verdict]!;
      fixture.arrive(at, ...signals);
      fixture.tick(100);
      const group = fixture.group(1);
      expect(fixture.parts.verdicts.ofSession(group, 100_000)?.verdict).toBe(verdict);
      expect(fixture.parts.store.groups.state.get(group)).toBe(sessionStates[state]);
    });
  }
});

test("open runs get every verdict with a precedence over random histories, and no other", {
  timeout: 600_000,
}, () => {
  const chaos = fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 300 }), signals: anySignal.map((one) => [one]) }),
    { minLength: 1, maxLength: 60 },
  );
  const seen = new Set<Verdict>();
  fc.assert(
    fc.property(fc.oneof(chaos, anyStory), (arrivals) => {
      const fixture = new EngineFixture(tight);
      for (const { at, signals } of arrivals.toSorted((a, b) => a.at - b.at)) {
        fixture.arrive(at, ...signals);
        for (const { verdict } of fixture.engine.view.diagnose()) {
          seen.add(verdict);
        }
      }
    }),
    plays(500),
  );
  expect([...seen].sort()).toEqual([...inOrder].sort());
});

describe("a silent tool", () => {
  for (const [what, signals, isSilent] of [
    ["is one without progress", [tool(2, 1)], true],
    ["is none with work open below it", [tool(2, 1), call(3, 2)], false],
    ["is none while it waits for a person", [tool(2, 1), pause(2)], false],
    ["is none when it may outlive its run", [tool(2, 1, { isDetached: true })], false],
    ["is none when it is a model call", [call(2, 1)], false],
  ] as const) {
    test(what, () => {
      const fixture = new EngineFixture({ stalledAfterMs: silentMs });
      fixture.arrive(0, run(1), ...signals);
      const silent = fixture.parts.verdicts.silentTools(fixture.owner(1), 60_000);
      expect(silent).toEqual(isSilent ? [fixture.span(2)] : []);
      expect(fixture.parts.verdicts.silentTools(fixture.owner(1), 59_999)).toEqual([]);
    });
  }
});

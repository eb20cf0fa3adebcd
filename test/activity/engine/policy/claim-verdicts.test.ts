import { describe, expect, test } from "vitest";
import {
  forgottenSpan,
  type OpenClaim,
} from "../../../../src/activity/engine/policy/claim-verdicts.ts";
import type { Signal } from "../history.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const claim: OpenClaim = {
  session: "1:9:1",
  group: -1,
  claim: "stuck",
  span: -1,
  bound: -1,
  kind: 0,
  name: 0,
  isQueued: false,
  verdict: "unknown",
  sinceMs: 0,
};
const s1 = { sessions: [1] };
const stale: readonly (readonly [number, ...Signal[]])[] = [
  [0, run(1, s1), tool(2, 1, { name: 7 })],
  [5, ended(run(1, s1), 5)],
];
const live: readonly (readonly [number, ...Signal[]])[] = [
  [0, run(1, s1), tool(2, 1, { name: 7 })],
];

/** The verdict at 6 s on a claim about the session of the run 1. */
function verdictOf(
  steps: readonly (readonly [number, ...Signal[]])[],
  more: (fixture: EngineFixture) => Partial<OpenClaim>,
): string {
  const fixture = new EngineFixture({ stalledAfterMs: 1_000 });
  for (const [at, ...signals] of steps) {
    fixture.arrive(at, ...signals);
  }
  const of = { ...claim, group: fixture.group(1), ...more(fixture) };
  return fixture.parts.claimVerdicts.of(of, 6_000).verdict;
}

describe("a claim that names", () => {
  for (const [what, steps, more, verdict] of [
    ["a marker whose own run has ended", stale, { bound: 2 }, "stale_marker"],
    ["a marker of an open run: the verdict of that run", live, { bound: 2 }, "silent_tool"],
    ["an open run: the verdict of that run", live, { bound: 1 }, "silent_tool"],
    [
      "no work, but a kind and a name of a stale marker",
      stale,
      { kind: 2, name: 7 },
      "stale_marker",
    ],
    ["no work, but a kind of a stale marker", stale, { kind: 2 }, "stale_marker"],
    ["no work, and another name", stale, { kind: 2, name: 8 }, "unknown"],
    ["no work, and another kind", stale, { kind: 3, name: 7 }, "unknown"],
    ["no work, in a session with an open run: the verdict of that run", live, {}, "silent_tool"],
    ["no work, and messages wait", stale, { isQueued: true }, "queued_only"],
    ["no session that is known", stale, { group: -1, kind: 2 }, "unknown"],
  ] as const) {
    test(what, () => {
      const named = "bound" in more ? more.bound : undefined;
      const found = verdictOf(steps, (fixture) => ({
        ...more,
        ...(named === undefined ? {} : { bound: fixture.span(named) }),
      }));
      expect(found).toBe(verdict);
    });
  }

  test("an evicted marker is about a stale one, also when its row is given up", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(2, 1));
    fixture.arrive(5, ended(run(1), 5));
    fixture.tick(20);
    const { claimVerdicts } = fixture.parts;
    expect(claimVerdicts.of({ ...claim, bound: fixture.span(2) }, 20_000).verdict).toBe(
      "stale_marker",
    );
    const gone = { ...claim, bound: forgottenSpan };
    expect(claimVerdicts.of({ ...gone, verdict: "stale_marker" }, 1).verdict).toBe("stale_marker");
    expect(claimVerdicts.of(gone, 1).verdict).toBe("unknown");
  });

  test("a tool that may outlive its run is not about a stale marker", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(2, 1, { isDetached: true }));
    fixture.arrive(5, ended(run(1), 5));
    const named = { ...claim, bound: fixture.span(2) };
    expect(fixture.parts.claimVerdicts.of(named, 6_000).verdict).toBe("unknown");
  });
});

test("a claim that names no work is bound to the stale marker that it turned out to be about", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1, s1), tool(2, 1));
  fixture.arrive(5, ended(run(1, s1), 5));
  const open = { ...claim, group: fixture.group(1), kind: 2 as const };
  fixture.parts.claimVerdicts.of(open, 6_000);
  expect(open.bound).toBe(fixture.span(2));
});

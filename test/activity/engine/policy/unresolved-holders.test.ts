import { describe, expect, test } from "vitest";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

/** A marker 5 of trace 1 below a span that has not arrived. */
const orphan = (start: number) => tool(5, 4, { start });
const none = Number.NEGATIVE_INFINITY;

describe("a marker without a known run is held by", () => {
  for (const [what, startS, endS, sameTrace, want] of [
    ["a run of its trace that was open when it started", 0, undefined, true, "held"],
    ["no run of another trace", 0, undefined, false, none],
    ["a run of its trace that has ended since: until then", 0, 15, true, 15_000],
    ["no run that ended before", 0, 5, true, none],
    ["the next run within the lateness", 19, undefined, true, "held"],
    ["no run that starts later", 21, undefined, true, none],
  ] as const) {
    test(what, () => {
      const fixture = new EngineFixture();
      const owner = run(1, { start: startS, trace: sameTrace ? 1 : 2 });
      const steps = [
        [startS, owner],
        [10, orphan(10)],
        ...(endS === undefined ? [] : [[endS, ended(owner, endS)] as const]),
      ] as const;
      for (const [at, signal] of steps.toSorted((a, b) => a[0] - b[0])) {
        fixture.arrive(at, signal);
      }
      const { holder, lastEndMs } = fixture.parts.unresolvedHolders.of(fixture.span(5));
      expect([holder, lastEndMs]).toEqual(
        want === "held" ? [fixture.owner(1, { trace: 1 }), none] : [-1, want],
      );
    });
  }

  test("the run of another process that it names as its parent, whatever else is open", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(4, { process: 2 }), run(1), orphan(0));
    const { unresolvedHolders } = fixture.parts;
    expect(unresolvedHolders.of(fixture.span(5)).holder).toBe(fixture.owner(4, { process: 2 }));
    expect(unresolvedHolders.isOfUnwatched(fixture.span(5))).toBe(false);
    fixture.arrive(1, {
      type: "unwatched",
      kind: "other",
      span: 0,
      start: 1,
      process: 2,
      dialect: "liveSpan",
    });
    expect(unresolvedHolders.isOfUnwatched(fixture.span(5))).toBe(true);
  });

  test("no run of its own process where its own run is in another", () => {
    for (const [more, changed, isKnown] of [
      [{ process: 2 }, {}, true],
      [{ process: 2, trace: 2 }, {}, false],
      [{ process: 2, kind: "tool", parent: 8 }, {}, false],
      [{ process: 2 }, { holdsAcrossProcesses: false }, false],
    ] as const) {
      const fixture = new EngineFixture(changed);
      fixture.arrive(0, run(4, more), run(1), orphan(0));
      const own = fixture.parts.unresolvedHolders.ownRunElsewhere(fixture.owner(5));
      expect(own).toBe(isKnown ? fixture.owner(4, more) : -1);
    }
  });

  test("no sub-agent, which holds the tool that it runs in", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(2, 1), run(3, { parent: 2 }), orphan(0));
    fixture.arrive(5, ended(run(1), 5));
    expect(fixture.parts.unresolvedHolders.of(fixture.span(5)).holder).toBe(-1);
  });
});

test("a run was open when a marker started from its start to its end", () => {
  const fixture = new EngineFixture();
  fixture.arrive(20, run(1, { start: 20 }));
  for (const [at, span] of [
    [0, 5],
    [30, 6],
    [60, 7],
  ] as const) {
    fixture.arrive(at + 40, tool(span, 4, { start: at }));
    fixture.parts.store.spans.startedAtMs.set(fixture.span(span), at * 1000);
  }
  const { unresolvedHolders } = fixture.parts;
  const openAt = () =>
    [5, 6, 7].filter((span) => unresolvedHolders.wasOpenAt(fixture.owner(1), fixture.span(span)));
  expect(openAt()).toEqual([6, 7]);
  fixture.parts.ownerEnds.runEnded(fixture.span(1), { atMs: 45_000, timeMs: 0, seq: 0 });
  fixture.parts.store.owners.openRuns.set(fixture.owner(1), 0);
  expect(openAt()).toEqual([6]);
});

test("its scope is known when its trace or its session had a run", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, orphan(0), tool(5, 4, { trace: 2 }), run(1, { trace: 2 }));
  const { unresolvedHolders } = fixture.parts;
  expect(unresolvedHolders.hasScope(fixture.span(5))).toBe(false);
  expect(unresolvedHolders.hasScope(fixture.span(5, { trace: 2 }))).toBe(true);
});

import { describe, expect, test } from "vitest";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import type { Signal } from "../history.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const s1 = { sessions: [1] };
const other = { trace: 2 };

/** Whether a run 1 of trace 2 holds the markers of the run 1 of trace 1, which ended at 10 s, at 20 s. */
function isHeld(...signals: readonly (readonly [number, Signal])[]): boolean {
  const fixture = new EngineFixture({ stalledAfterMs: 60_000 });
  for (const [at, signal] of [[0, run(1, s1)], [10, ended(run(1, s1), 10)], ...signals].toSorted(
    (a, b) => Number(a[0]) - Number(b[0]),
  ) as [number, Signal][]) {
    fixture.arrive(at, signal);
  }
  const { holder } = fixture.parts.holders.ofOwner(fixture.owner(1), 20_000);
  return holder === fixture.owner(1, other) && holder !== -1;
}

/** The end of a run is in doubt, as the policies record it. */
function doubt(fixture: EngineFixture, run: number, flag: number): void {
  const { spans, groups, owners } = fixture.parts.store;
  spans.setFlag(run, flag);
  groups.recordEnd(
    fixture.parts.store.groupOf(run),
    owners.endedAtMs.get(spans.owner.get(run)),
    flag,
  );
}

describe("markers of a run that has ended are held by", () => {
  for (const [what, start, end, more, isHolder] of [
    ["a run of the session that is still open", 5, undefined, s1, true],
    ["no run that began after the end", 12, undefined, s1, false],
    ["no run of another session", 5, undefined, { sessions: [2] }, false],
    ["no run that has ended too", 5, 15, s1, false],
  ] as const) {
    test(what, () => {
      const beside = run(1, { start, ...more, ...other });
      const signals: [number, Signal][] = [[start, beside]];
      if (end !== undefined) {
        signals.push([end, ended(beside, end)]);
      }
      expect(isHeld(...signals)).toBe(isHolder);
    });
  }

  test("the run directly above, and not by one above a tool", () => {
    for (const [between, isHolder] of [
      [undefined, true],
      [tool(2, 1), false],
    ] as const) {
      const fixture = new EngineFixture();
      const below = run(3, { parent: between === undefined ? 1 : 2 });
      fixture.arrive(0, run(1), ...(between === undefined ? [] : [between]), below);
      fixture.arrive(5, ended(below, 5));
      const { holder } = fixture.parts.holders.ofOwner(fixture.owner(3), 6_000);
      expect(holder).toBe(isHolder ? fixture.owner(1) : -1);
    }
  });

  describe("the run of another process of the trace", () => {
    const [above, below] = [run(1, { process: 2 }), run(3, { parent: 1 })];
    for (const [what, between, changed, isHolder] of [
      ["that is directly above", [], {}, true],
      ["not that above a tool", [tool(2, 1)], {}, false],
      ["not in a journal from before this rule", [], { holdsAcrossProcesses: false }, false],
    ] as const) {
      test(what, () => {
        const fixture = new EngineFixture(changed);
        const own = between.length === 0 ? below : { ...below, parent: 2 };
        fixture.arrive(0, above, ...between, own);
        fixture.arrive(5, ended(own, 5));
        const { holder } = fixture.parts.holders.ofOwner(fixture.owner(3), 6_000);
        expect(holder).toBe(isHolder ? fixture.owner(1, { process: 2 }) : -1);
      });
    }

    test("and what is directly above that, and each once if they are above each other", () => {
      const fixture = new EngineFixture();
      const top = run(4, { parent: 3, process: 2 });
      const between = run(1, { parent: 4, process: 2 });
      fixture.arrive(0, top, between, below);
      fixture.arrive(5, ended(below, 5), ended(between, 5));
      const { holders } = fixture.parts;
      const of2 = { process: 2 };
      expect(holders.ofOwner(fixture.owner(3), 6_000).holder).toBe(fixture.owner(4, of2));
      fixture.arrive(7, ended(top, 7));
      for (const owner of [fixture.owner(3), fixture.owner(4, of2)]) {
        expect(holders.ofOwner(owner, 8_000)).toMatchObject({ holder: -1, lastEndMs: 7_000 });
      }
      doubt(fixture, fixture.span(4, of2), spanFlags.endPresumed);
      const never = Number.NEGATIVE_INFINITY;
      expect(holders.confidenceOf(fixture.owner(3), never)).toBe("presumed");
    });
  });

  test("no run that has been silent for long enough, from that moment on", () => {
    const fixture = new EngineFixture({ stalledAfterMs: 60_000 });
    fixture.arrive(0, run(1, s1), run(1, { ...s1, ...other }));
    fixture.arrive(10, ended(run(1, s1), 10));
    const { holders } = fixture.parts;
    expect(holders.ofOwner(fixture.owner(1), 59_999)).toMatchObject({
      holder: fixture.owner(1, other),
      releasesAtMs: 60_000,
    });
    expect(holders.ofOwner(fixture.owner(1), 60_000)).toMatchObject({
      holder: -1,
      releasedAtMs: 60_000,
    });
    expect(holders.isDecided(fixture.owner(1), 80_000)).toBe(false);
  });
});

describe("the end of all holders is", () => {
  for (const [what, flag, releasedAtMs, confidence] of [
    ["confirmed when all were reported", undefined, Number.NEGATIVE_INFINITY, "confirmed"],
    ["probable when a silent one released them", undefined, 5, "probable"],
    ["probable when one is", "endProbable", Number.NEGATIVE_INFINITY, "probable"],
    ["presumed when one is", "endPresumed", 5, "presumed"],
  ] as const) {
    test(what, () => {
      const fixture = new EngineFixture();
      const beside = run(1, { ...s1, ...other });
      fixture.arrive(0, run(1, s1), beside, tool(2, 1));
      fixture.arrive(5, ended(run(1, s1), 5), ended(beside, 5));
      if (flag !== undefined) {
        doubt(fixture, fixture.span(1, other), spanFlags[flag]);
      }
      expect(fixture.parts.holders.confidenceOf(fixture.owner(1), releasedAtMs)).toBe(confidence);
    });
  }
});

test("a run that ended before this one began does not matter", () => {
  const fixture = new EngineFixture();
  const before = run(1, { ...s1, ...other });
  fixture.arrive(0, before, tool(2, 1, other));
  fixture.arrive(20, ended(before, 20));
  doubt(fixture, fixture.span(1, other), spanFlags.endPresumed);
  const { holders } = fixture.parts;
  for (const [start, confidence] of [
    [10, "presumed"],
    [40, "confirmed"],
  ] as const) {
    const own = run(3, { ...s1, trace: start, start });
    fixture.arrive(40, own);
    fixture.parts.store.owners.startedAtMs.set(fixture.owner(3, { trace: start }), start * 1000);
    fixture.arrive(45, ended(own, 45));
    const owner = fixture.owner(3, { trace: start });
    expect(holders.confidenceOf(owner, Number.NEGATIVE_INFINITY)).toBe(confidence);
  }
});

test("an owner is decided a lateness after the end of its last holder", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1), tool(2, 1));
  const { holders } = fixture.parts;
  expect(holders.isDecided(fixture.owner(1), 100_000)).toBe(false);
  fixture.arrive(5, ended(run(1), 5));
  expect(holders.isDecided(fixture.owner(1), 14_999)).toBe(false);
  expect(holders.isDecided(fixture.owner(1), 15_000)).toBe(true);
});

test("a start is before the end of an owner by the order of its process", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1, { seq: 1 }), tool(2, 1));
  fixture.arrive(5, ended(run(1, { seq: 9 }), 5));
  const { holders } = fixture.parts;
  for (const [seq, isBefore] of [
    [8, true],
    [10, false],
  ] as const) {
    const start = { atMs: 100_000, timeMs: 0, seq };
    expect(holders.isBeforeEnd(start, fixture.owner(1))).toBe(isBefore);
  }
});

import { describe, expect, test } from "vitest";
import { ownerFlags } from "../../../../src/activity/engine/store/owner-table.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const other = { trace: 2 };

/** Two owners: of the run 1 of trace 1, and of the run 1 of trace 2, each with a tool. */
function two(): { fixture: EngineFixture; from: number; into: number } {
  const fixture = new EngineFixture();
  fixture.arrive(2, run(1, { start: 2, seq: 3 }), tool(2, 1, { start: 2 }));
  fixture.arrive(4, run(1, { start: 1, ...other }), tool(2, 1, { start: 2, ...other }));
  return { fixture, from: fixture.owner(1, other), into: fixture.owner(1) };
}

test("of two owners that are one run one is left, with the members, the first start and the last end of both", () => {
  const { fixture, from, into } = two();
  fixture.arrive(5, ended(run(1, { start: 2, seq: 9 }), 5));
  fixture.arrive(6, ended(run(1, { start: 1, ...other }), 6));
  fixture.parts.ownerMerges.merge(from, into, 7_000);
  const { owners } = fixture.parts.store;
  expect([1, 2].map((span) => fixture.owner(span, other))).toEqual([into, into]);
  expect(owners.memberCount.get(into)).toBe(4);
  const [start, end] = [owners.startOf(into), owners.endOf(into)];
  expect([start.atMs, start.timeMs % 100_000, start.seq]).toEqual([2_000, 1_000, 3]);
  expect([end.atMs, end.timeMs % 100_000, end.seq]).toEqual([6_000, 6_000, 9]);
  expect(fixture.parts.ownerTimers.currentOf(into)).toBe(15_000); // The earlier deadline counts.
});

test("owners that waited for an open owner wait for the one that it became", () => {
  const { fixture, from, into } = two();
  fixture.arrive(5, run(1, { trace: 3 }));
  const waiter = fixture.owner(1, { trace: 3 });
  fixture.parts.ownerEnds.waitFor(waiter, from);
  fixture.parts.ownerEnds.waitFor(into, from);
  fixture.parts.ownerMerges.merge(from, into, 7_000);
  const { owners } = fixture.parts.store;
  expect(owners.waitsFor.get(waiter)).toBe(into);
  expect(owners.waitsFor.get(into)).toBe(-1);
});

describe("the last model call of the two", () => {
  for (const [what, failed, lastMs, isFailed] of [
    ["succeeded, after a failure of the other", "into", 3_000, false],
    ["failed, before a success of the other", "into", 1_000, true],
    ["failed, after a success of the other", "from", 3_000, true],
  ] as const) {
    test(what, () => {
      const both = two();
      const { owners } = both.fixture.parts.store;
      owners.setFlag(both[failed], ownerFlags.modelFailed);
      owners.lastModelMs.set(both.from, lastMs);
      owners.lastModelMs.set(both.into, 2_000);
      both.fixture.parts.ownerMerges.merge(both.from, both.into, 7_000);
      expect(owners.lastModelMs.get(both.into)).toBe(Math.max(2_000, lastMs));
      expect(owners.hasFlag(both.into, ownerFlags.modelFailed)).toBe(isFailed);
    });
  }
});

test("markers that find their run are decided at once, whatever held them before", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1), tool(2, 1), tool(5, 4));
  fixture.arrive(5, ended(run(1), 5));
  const { spans } = fixture.parts.store;
  expect(spans.releasedAtMs.get(fixture.span(5))).toBe(5_000);
  fixture.parts.ownerMerges.absorb(fixture.owner(5), fixture.owner(1), 6_000);
  expect(spans.releasedAtMs.get(fixture.span(5))).toBe(0);
  expect(fixture.owner(5)).toBe(fixture.owner(1));
  expect(fixture.parts.ownerTimers.currentOf(fixture.owner(1))).toBe(6_000);
});

test("an owner is above all that are below it, and not above itself", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1), run(2, { parent: 1 }), tool(3, 2), run(4, { parent: 3 }));
  const { ownerMerges } = fixture.parts;
  const [top, middle, low] = [1, 2, 4].map((span) => fixture.owner(span));
  expect(ownerMerges.isAbove(top!, low!)).toBe(true);
  expect(ownerMerges.isAbove(top!, middle!)).toBe(true);
  expect(ownerMerges.isAbove(low!, top!)).toBe(false);
  expect(ownerMerges.isAbove(top!, top!)).toBe(false);
});

import { describe, expect, test } from "vitest";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

const link = (span: number, parent?: number) =>
  ({ type: "end", kind: "other", span, start: 0, end: 1, ...(parent && { parent }) }) as const;

describe("a marker belongs to", () => {
  test("the nearest run above it", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(2, 1), run(3, { parent: 2 }), tool(4, 3), tool(5, 4));
    expect(fixture.owner(2)).toBe(fixture.owner(1));
    expect(fixture.owner(4)).toBe(fixture.owner(3));
    expect(fixture.owner(5)).toBe(fixture.owner(3));
    expect(fixture.owner(3)).not.toBe(fixture.owner(1));
  });

  test("an unresolved owner until the path to its run is known", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(5, 4));
    const { owners } = fixture.parts.store;
    expect(owners.isUnresolved(fixture.owner(5))).toBe(true);
    fixture.arrive(1, link(4, 3));
    expect(owners.isUnresolved(fixture.owner(5))).toBe(true);
    fixture.arrive(2, link(3, 1));
    expect(fixture.owner(5)).toBe(fixture.owner(1));
    expect(owners.rows.size).toBe(1);
  });

  test("one unresolved owner together with its neighbours, unless it names a session", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, tool(5, 4), tool(6, 4), tool(7, 4, { sessions: [2] }));
    expect(fixture.owner(6)).toBe(fixture.owner(5));
    expect(fixture.owner(7)).not.toBe(fixture.owner(5));
    fixture.arrive(1, run(1, { sessions: [1] }), link(4, 1));
    expect([5, 6, 7].map((span) => fixture.owner(span))).toEqual(Array(3).fill(fixture.owner(1)));
  });
});

describe("a run belongs to", () => {
  for (const [what, first, second, isSame] of [
    ["the owner of its harness run", "harness", "inner", true],
    ["an owner of its own below a run", "run", "run", false],
    ["an owner of its own below a harness run that it is no part of", "harness", "run", false],
  ] as const) {
    test(what, () => {
      for (const isReversed of [false, true]) {
        const fixture = new EngineFixture();
        const signals = [run(1, { kind: first }), run(2, { kind: second, parent: 1, name: 1 })];
        fixture.arrive(0, ...(isReversed ? signals.toReversed() : signals));
        expect(fixture.owner(1) === fixture.owner(2)).toBe(isSame);
      }
    });
  }

  test("the session of the run directly above it, but not of one above a tool", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1, { sessions: [1] }), run(2, { parent: 1 }), tool(3, 1));
    expect(fixture.group(2)).toBe(fixture.group(1));
    fixture.arrive(1, run(4, { parent: 3, sessions: [2] }));
    expect(fixture.group(4)).not.toBe(fixture.group(1));
  });

  test("a session of its own below a tool where neither run names one", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, run(1), tool(2, 1), run(3, { parent: 2 }), run(4, { parent: 1 }));
    expect(fixture.group(3)).not.toBe(fixture.group(1));
    expect(fixture.group(4)).toBe(fixture.group(1));
  });
});

test("an owner starts with the first of its runs, by each clock", () => {
  const fixture = new EngineFixture();
  fixture.arrive(3, run(1, { kind: "harness", start: 2, seq: 5 }));
  fixture.arrive(4, run(2, { kind: "inner", parent: 1, start: 1, seq: 4 }));
  const { owners } = fixture.parts.store;
  const start = owners.startOf(fixture.owner(1));
  expect([start.atMs, start.timeMs % 100_000, start.seq]).toEqual([3_000, 1_000, 4]);
});

test("an owner has ended when none of its runs is open; an unresolved one never has", () => {
  const fixture = new EngineFixture();
  fixture.arrive(0, run(1), tool(2, 1), tool(5, 4));
  const { ownership } = fixture.parts;
  expect(ownership.hasEnded(fixture.owner(1))).toBe(false);
  expect(ownership.hasEnded(fixture.owner(5))).toBe(false);
  fixture.arrive(1, ended(run(1), 1));
  expect(ownership.hasEnded(fixture.owner(1))).toBe(true);
});

import { describe, expect, test } from "vitest";
import { EngineFixture, ended, run } from "./engine-fixture.ts";

const harness = run(1, { kind: "harness", trace: 1 });
const inner = run(2, { kind: "inner", trace: 2 });

describe("a run and its harness run in another trace", () => {
  for (const [what, items, more, isOne] of [
    ["are one owner when the harness run reports open items", 1, {}, true],
    ["stay two when it reports none", 0, {}, false],
    ["stay two when they began too far apart", 1, { start: 3 }, false],
    ["stay two when they are of two sessions", 1, { sessions: [2] }, false],
  ] as const) {
    for (const isReversed of [false, true]) {
      test(`${what}${isReversed ? ", the harness run first" : ""}`, () => {
        const fixture = new EngineFixture();
        const pair = [
          ended({ ...inner, ...more }, 5),
          ended({ ...harness, sessions: [1], claimed: items }, 5),
        ];
        fixture.arrive(5, ...(isReversed ? pair.toReversed() : pair));
        fixture.tick(15);
        const owners = [fixture.owner(1), fixture.owner(2, { trace: 2 })];
        expect(new Set(owners).size).toBe(isOne ? 1 : 2);
      });
    }
  }

  test("are two halves of one run, whatever it reports, and only once", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, harness, inner);
    const { splitRuns } = fixture.parts;
    const [first, second] = [fixture.span(1), fixture.span(2, { trace: 2 })];
    expect(splitRuns.isSplit(second, 1_000)).toBe(false); // It waits for its harness run now.
    expect(splitRuns.isSplit(first, 1_000)).toBe(true);
    expect(splitRuns.isSplit(first, 1_000)).toBe(false);
  });

  test("are found no more when the row of one is given up", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, harness, inner);
    const { splitRuns } = fixture.parts;
    const [first, second] = [fixture.span(1), fixture.span(2, { trace: 2 })];
    expect(splitRuns.isSplit(second, 1_000)).toBe(false);
    splitRuns.forget(second);
    expect(splitRuns.isSplit(first, 1_000)).toBe(false);
  });

  test("are looked for at the deadline of the harness run too", () => {
    const fixture = new EngineFixture();
    fixture.arrive(0, harness, inner);
    const { splitRuns, store } = fixture.parts;
    const owner = fixture.owner(1);
    expect(splitRuns.isSplit(fixture.span(2, { trace: 2 }), 1_000)).toBe(false);
    splitRuns.join(owner, 1_000);
    expect(fixture.owner(2, { trace: 2 })).not.toBe(owner);
    store.owners.reportedOpen.set(owner, 1);
    splitRuns.join(owner, 1_000);
    expect(fixture.owner(2, { trace: 2 })).toBe(owner);
  });
});

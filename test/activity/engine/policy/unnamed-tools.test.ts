import { describe, expect, test } from "vitest";
import { EngineFixture, ended, run } from "./engine-fixture.ts";

/** A harness run and its run that arrived finished, and reported so many items as open. */
function reported(items: number): EngineFixture {
  const fixture = new EngineFixture();
  const [harness, inner] = [run(1, { kind: "harness" }), run(2, { kind: "inner", parent: 1 })];
  fixture.arrive(5, ended(inner, 5), ended({ ...harness, claimed: items }, 5));
  return fixture;
}

describe("tools that a harness run counted as open", () => {
  for (const [items, orphans, evicted] of [
    [4, 0, 2],
    [4, 1, 1],
    [4, 2, 0],
    [3, 0, 2],
    [0, 0, 0],
  ] as const) {
    test(`of ${items} items, of which ${orphans} tools are known: ${evicted} are evicted, once`, () => {
      const fixture = reported(items);
      const { unnamedTools, store, counters, events } = fixture.parts;
      const owner = fixture.owner(1);
      const startedBefore = counters.started[2]!;
      unnamedTools.evictCounted(owner, orphans, 15_000);
      unnamedTools.evictCounted(owner, orphans, 15_000);
      expect(counters.started[2]! - startedBefore).toBe(evicted);
      expect(counters.evicted.get("orphaned_no_owner")?.[2]).toBe(evicted);
      expect(store.owners.unnamed.get(owner)).toBe(evicted);
      expect(events.map((event) => event.type === "evicted" && event.tools)).toEqual(
        evicted === 0 ? [] : [evicted],
      );
    });
  }
});

test("a tool that is known only from a span inside it is evicted when it is due, and once", () => {
  const fixture = new EngineFixture();
  fixture.arrive(
    5,
    { type: "end", kind: "other", span: 3, parent: 2, start: 0, end: 1 },
    { type: "start", dialect: "impliedParent", kind: "tool", span: 2, start: 0 },
  );
  fixture.arrive(6, ended(run(1), 6));
  const { unnamedTools, counters, events } = fixture.parts;
  const owner = fixture.owner(1);
  expect(unnamedTools.evictImplied(owner, 14_999)).toBe(15_000);
  expect(counters.evicted.get("orphaned_no_owner")?.[2]).toBe(0);
  unnamedTools.evictImplied(owner, 15_000);
  unnamedTools.evictImplied(owner, 15_000);
  expect(counters.evicted.get("orphaned_no_owner")?.[2]).toBe(1);
  expect(counters.started[2]).toBe(1);
  expect(events).toMatchObject([{ type: "evicted", confidence: "presumed", tools: 1 }]);
});

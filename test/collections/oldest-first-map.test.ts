import { expect, test } from "vitest";
import { OldestFirstMap } from "../../src/collections/oldest-first-map.ts";
import fc from "../support/fast-check.ts";

test("beyond the limit the entry that was set longest ago is forgotten and handed back", () => {
  const map = new OldestFirstMap<string, number>(2);
  expect([map.set("a", 1), map.set("b", 2), map.set("c", 3)]).toEqual([undefined, undefined, 1]);
  expect([...map.entries()]).toEqual([
    ["b", 2],
    ["c", 3],
  ]);
});

test("an entry that is set again is the newest", () => {
  const map = new OldestFirstMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  expect(map.set("c", 4)).toBe(2);
  expect([...map.entries()]).toEqual([
    ["a", 3],
    ["c", 4],
  ]);
});

test("whatever is set and deleted, it holds the entries that were set last, in order", () => {
  const key = fc.nat(12);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ set: key }) },
    { weight: 1, arbitrary: fc.record({ delete: key }) },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 6 }),
      fc.array(step, { maxLength: 400, size: "max" }),
      (limit, steps) => {
        const map = new OldestFirstMap<number, number>(limit);
        let wanted: (readonly [number, number])[] = [];
        for (const [at, each] of steps.entries()) {
          if ("delete" in each) {
            map.delete(each.delete);
            wanted = wanted.filter(([other]) => other !== each.delete);
          } else {
            const forgotten = map.set(each.set, at);
            wanted = [...wanted.filter(([other]) => other !== each.set), [each.set, at]];
            const isTooLong = wanted.length > limit;
            expect(forgotten).toBe(isTooLong ? wanted[0]?.[1] : undefined);
            wanted = isTooLong ? wanted.slice(1) : wanted;
          }
          expect(map.size).toBe(wanted.length);
          expect(map.oldest).toEqual(wanted[0]);
        }
        expect([...map.entries()]).toEqual(wanted);
        expect([...map.keys()]).toEqual(wanted.map(([key]) => key));
        expect([...map.values()]).toEqual(wanted.map(([, value]) => value));
      },
    ),
  );
});

test("entries that are deleted while they are walked are walked once", () => {
  const map = new OldestFirstMap<number, number>();
  for (let key = 0; key < 5; key++) {
    map.set(key, key);
  }
  const walked: number[] = [];
  for (const [key] of map.entries()) {
    walked.push(key);
    map.delete(key);
    map.delete(3);
  }
  expect([walked, map.size, map.oldest]).toEqual([[0, 1, 2, 4], 0, undefined]);
});

test("a cleared map is as a new one", () => {
  const map = new OldestFirstMap<number, number>(1);
  map.set(1, 1);
  map.clear();
  expect([map.size, map.oldest, map.set(2, 2), map.oldest]).toEqual([
    0,
    undefined,
    undefined,
    [2, 2],
  ]);
});

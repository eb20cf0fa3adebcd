import fc from "fast-check";
import { expect, test } from "vitest";
import { BoundedMap } from "../../openclaw-plugin/src/bounded-map.ts";

test("beyond the limit the entry that was set longest ago is forgotten and handed back", () => {
  const map = new BoundedMap<string, number>(2);
  expect([map.set("a", 1), map.set("b", 2), map.set("c", 3)]).toEqual([undefined, undefined, 1]);
  expect([...map.entries()]).toEqual([
    ["b", 2],
    ["c", 3],
  ]);
});

test("an entry that is set again is the newest", () => {
  const map = new BoundedMap<string, number>(2);
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
        const map = new BoundedMap<number, number>(limit);
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
        }
        expect([...map.entries()]).toEqual(wanted);
      },
    ),
  );
});

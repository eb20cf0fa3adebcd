import fc from "fast-check";
import { expect, test } from "vitest";
import { LinkedLists } from "../../../../src/activity/engine/store/linked-lists.ts";
import { transfer } from "./small-engine.ts";

function admitted(lists: number, items: number): LinkedLists {
  const queues = new LinkedLists(lists);
  for (let item = 0; item < items; item++) {
    queues.admit(item);
  }
  return queues;
}

function itemsOf(queues: LinkedLists, list: number): number[] {
  const items: number[] = [];
  for (let item = queues.first(list); item !== -1; item = queues.after(item)) {
    items.push(item);
  }
  return items;
}

test("lists keep the order in which items were pushed, like arrays", () => {
  const steps = fc.array(fc.record({ item: fc.nat(19), list: fc.nat(2) }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (all) => {
      const queues = admitted(3, 20);
      const model: number[][] = [[], [], []];
      for (const { item, list } of all) {
        const wasListed = model.some((each) => each.includes(item));
        expect(queues.isListed(item)).toBe(wasListed);
        expect(queues.remove(item)).toBe(wasListed);
        for (const each of model) {
          each.splice(0, each.length, ...each.filter((other) => other !== item));
        }
        if (!wasListed) {
          queues.push(list, item);
          model[list]?.push(item);
        }
        expect([0, 1, 2].map((each) => itemsOf(queues, each))).toEqual(model);
        expect([0, 1, 2].map((each) => queues.last(each))).toEqual(
          model.map((each) => each.at(-1) ?? -1),
        );
      }
    }),
    { numRuns: 200 },
  );
});

test("lists that were saved and loaded take further items", () => {
  const queues = admitted(2, 40);
  queues.push(0, 39);
  queues.push(1, 5);
  queues.push(0, 7);
  const loaded = new LinkedLists(2);
  transfer(
    { snapshot: (stream) => queues.snapshot(stream, 40) },
    { snapshot: (stream) => loaded.snapshot(stream, 40) },
  );
  loaded.admit(40);
  loaded.push(0, 40);
  expect([itemsOf(loaded, 0), itemsOf(loaded, 1)]).toEqual([[39, 7, 40], [5]]);
  expect(loaded.isListed(8)).toBe(false);
});

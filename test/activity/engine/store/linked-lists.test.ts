import { describe, expect, test } from "vitest";
import { ColumnList, LinkedLists } from "../../../../src/activity/engine/store/linked-lists.ts";
import { Int32Column } from "../../../../src/otlp/columns.ts";
import fc from "../../../support/fast-check.ts";
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
          expect(queues.push(list, item)).toBe(true);
          model[list]?.push(item);
          expect(queues.push(list, item)).toBe(false);
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

/** Two lists over rows 0 to 3; row 0 heads one and row 1 the other. */
function twoLists(): ColumnList {
  const head = new Int32Column();
  head.set(0, -1);
  head.set(1, -1);
  return new ColumnList(head, new Int32Column(), new Int32Column());
}

describe("a list in columns", () => {
  test("has the row that was added last in front", () => {
    const list = twoLists();
    for (const row of [0, 1, 2]) {
      list.add(0, row);
    }
    list.add(1, 3);
    expect([list.all(0), list.all(1)]).toEqual([[2, 1, 0], [3]]);
    expect([list.first.get(0), list.after.get(2), list.after.get(0)]).toEqual([2, 1, -1]);
  });

  for (const [where, row, left] of [
    ["first", 2, [1, 0]],
    ["middle", 1, [2, 0]],
    ["last", 0, [2, 1]],
  ] as const) {
    test(`without its ${where} row has the others in order, and takes the row again`, () => {
      const list = twoLists();
      for (const each of [0, 1, 2]) {
        list.add(0, each);
      }
      list.remove(0, row);
      expect(list.all(0)).toEqual(left);
      list.add(1, row);
      expect([list.all(0), list.all(1)]).toEqual([left, [row]]);
    });
  }

  test("is empty again after its only row was removed", () => {
    const list = twoLists();
    list.add(0, 2);
    list.remove(0, 2);
    expect([list.first.get(0), list.all(0)]).toEqual([-1, []]);
  });
});

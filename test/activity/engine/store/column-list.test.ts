import { describe, expect, test } from "vitest";
import { ColumnList } from "../../../../src/activity/engine/store/column-list.ts";
import { Int32Column } from "../../../../src/otlp/columns.ts";

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
    expect([list.first(0), list.after(2), list.after(0)]).toEqual([2, 1, -1]);
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
    expect([list.first(0), list.all(0)]).toEqual([-1, []]);
  });
});

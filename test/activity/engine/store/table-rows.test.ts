import { describe, expect, test } from "vitest";
import { TableRows } from "../../../../src/activity/engine/store/table-rows.ts";
import { Float64Column, Int32Column } from "../../../../src/otlp/columns.ts";

describe("the rows of a table", () => {
  test("are counted from 0, and a released row is taken before a new one, the last one first", () => {
    const rows = new TableRows([new Int32Column()]);
    expect([rows.take(), rows.take(), rows.take()]).toEqual([0, 1, 2]);
    rows.release(0);
    rows.release(2);
    expect({ size: rows.size, count: rows.count, vacant: rows.vacant }).toEqual({
      size: 1,
      count: 3,
      vacant: [0, 2],
    });
    expect([rows.take(), rows.take(), rows.take()]).toEqual([2, 0, 3]);
  });

  test("fit into every column, also where one was made with less room", () => {
    const columns = [new Int32Column(64), new Float64Column(1)] as const;
    const rows = new TableRows(columns);
    for (let row = 0; row < 100; row++) {
      rows.take();
      for (const column of columns) {
        column.set(row, row + 1);
      }
    }
    expect(columns.map((column) => column.get(99))).toEqual([100, 100]);
    expect(columns.map((column) => column.get(0))).toEqual([1, 1]);
  });

  test("are taken after a restore as before it", () => {
    const column = new Int32Column();
    const rows = new TableRows([column]);
    for (let row = 0; row < 40; row++) {
      rows.take();
    }
    rows.restore(16, [7, 3]);
    column.fromBytes(new Int32Column(16).toBytes(16));
    expect([rows.take(), rows.take(), rows.take()]).toEqual([3, 7, 16]);
    column.set(16, 5);
    expect(column.get(16)).toBe(5);
    expect(rows.size).toBe(17);
  });
});

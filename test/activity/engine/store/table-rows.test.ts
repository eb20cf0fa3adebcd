import { describe, expect, test } from "vitest";
import { KeyIndex, TableRows } from "../../../../src/activity/engine/store/table-rows.ts";
import { predictableHash } from "../../../../src/activity/engine/store/tabulation-hash.ts";
import { Float64Column, Int32Column } from "../../../../src/otlp/columns.ts";
import fc from "../../../support/fast-check.ts";

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

type Words = readonly [a: number, b: number, c: number, d: number, e: number];

/** A table with keys of two words. */
class Table {
  readonly #a = new Int32Column(1024);
  readonly #b = new Int32Column(1024);
  readonly index: KeyIndex;

  constructor(seed: number) {
    this.index = new KeyIndex([this.#a, this.#b], predictableHash(seed));
  }

  add(row: number, key: number): void {
    this.#a.set(row, key >> 3);
    this.#b.set(row, key & 7);
    this.index.add(row);
  }

  find(key: number): number {
    return this.index.find(key >> 3, key & 7, 0, 0, 0);
  }
}

describe("an index by key", () => {
  test("finds the same rows as a map, while rows come and go", () => {
    // Up to 46 entries in 64 cells: chains of entries are long and pass the last cell.
    const steps = fc.array(fc.nat(79), { minLength: 100, maxLength: 400 });
    fc.assert(
      fc.property(steps, fc.integer(), (keys, seed) => {
        const table = new Table(seed);
        const model = new Map<number, number>();
        const allKeys = Array.from({ length: 80 }, (_, each) => each);
        const vacant = Array.from({ length: 46 }, (_, row) => row);
        for (const key of keys) {
          const row = model.get(key);
          const added = row === undefined ? vacant.pop() : undefined;
          if (row !== undefined) {
            table.index.remove(row);
            model.delete(key);
            vacant.push(row);
          } else if (added !== undefined) {
            table.add(added, key);
            model.set(key, added);
          }
          const wrong = allKeys.filter((each) => table.find(each) !== (model.get(each) ?? -1));
          expect(wrong).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("finds rows that lie behind the last cell after an entry before them is removed", () => {
    // An index that is nearly three quarters full has, with some of these seeds, chains that pass the last cell.
    for (let seed = 0; seed < 100; seed++) {
      const table = new Table(seed);
      for (let row = 0; row < 47; row++) {
        table.add(row, row);
      }
      const rows = Array.from({ length: 47 }, (_, row) => row);
      for (const removed of rows) {
        table.index.remove(removed);
        const wrong = rows.filter((row) => table.find(row) !== (row <= removed ? -1 : row));
        expect({ seed, removed, wrong }).toEqual({ seed, removed, wrong: [] });
      }
    }
  });

  test("finds all rows after it has grown and after it was built anew from a part of them", () => {
    const table = new Table(7);
    for (let row = 0; row < 1000; row++) {
      table.add(row, row);
    }
    const rows = Array.from({ length: 1000 }, (_, row) => row);
    expect(rows.map((row) => table.find(row))).toEqual(rows);
    table.index.rebuild(1000, (row) => row % 3 === 0);
    expect(rows.map((row) => table.find(row))).toEqual(
      rows.map((row) => (row % 3 === 0 ? row : -1)),
    );
  });

  const keys: readonly (readonly [string, Words])[] = [
    ["first", [0, 2, 3, 4, 5]],
    ["second", [1, 0, 3, 4, 5]],
    ["third", [1, 2, 0, 4, 5]],
    ["fourth", [1, 2, 3, 0, 5]],
    ["fifth", [1, 2, 3, 4, 0]],
  ];
  for (const [word, key] of keys) {
    test(`compares the ${word} word of a key`, () => {
      const column = (value: number) => {
        const cells = new Int32Column();
        cells.set(0, value);
        return cells;
      };
      const words = [column(1), column(2), column(3), column(4), column(5)] as const;
      const index = new KeyIndex(words, predictableHash());
      index.add(0);
      expect(index.find(1, 2, 3, 4, 5)).toBe(0);
      expect(index.matches(0, 1, 2, 3, 4, 5)).toBe(true);
      expect(index.matches(0, ...key)).toBe(false);
      expect(index.find(...key)).toBe(-1);
    });
  }
});

import { describe, expect, test } from "vitest";
import { ReferenceTable } from "../../../../src/activity/engine/store/reference-table.ts";
import { transfer } from "./small-engine.ts";

describe("the table of session references", () => {
  const others: readonly (readonly [string, readonly [number, number, number]])[] = [
    ["another process", [2, 7, 8]],
    ["another first half of the hash", [1, 0, 8]],
    ["another second half of the hash", [1, 7, 0]],
  ];
  for (const [what, key] of others) {
    test(`does not find a reference of ${what}`, () => {
      const references = new ReferenceTable();
      const row = references.add(1, 7, 8);
      expect(references.find(1, 7, 8)).toBe(row);
      expect(references.find(...key)).toBe(-1);
    });
  }

  test("starts a reference without group and without a next one, also in the row of another", () => {
    const references = new ReferenceTable();
    const first = references.add(1, 7, 8);
    references.group.set(first, 5);
    references.next.set(first, 6);
    references.remove(first);
    expect([references.find(1, 7, 8), references.rows.size]).toEqual([-1, 0]);
    expect(references.add(1, 9, 9)).toBe(first);
    expect([references.group.get(first), references.next.get(first)]).toEqual([-1, -1]);
  });

  test("puts all references of one group in front of those of another", () => {
    const references = new ReferenceTable();
    const [a, b, c] = [1, 2, 3].map((lo) => references.add(1, 0, lo));
    references.next.set(a!, b!);
    references.moveAll(a!, { group: 9, before: c! });
    expect([a!, b!, c!].map((row) => references.group.get(row))).toEqual([9, 9, -1]);
    expect([a!, b!, c!].map((row) => references.next.get(row))).toEqual([b, c, -1]);
  });

  test("finds the same references after it was saved and loaded", () => {
    const references = new ReferenceTable();
    const rows = Array.from({ length: 30 }, (_, lo) => references.add(1, 0, lo));
    references.remove(rows[4]!);
    const loaded = transfer(references, new ReferenceTable());
    expect(rows.map((_, lo) => loaded.find(1, 0, lo))).toEqual(
      rows.map((row, lo) => (lo === 4 ? -1 : row)),
    );
    expect([loaded.rows.size, loaded.add(1, 1, 1)]).toEqual([29, rows[4]]);
  });
});

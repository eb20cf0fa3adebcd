import { describe, expect, test } from "vitest";
import { Float64Column, Int32Column, Uint8Column } from "../../src/otlp/columns.ts";

for (const [Column, most] of [
  [Int32Column, -2_147_483_648],
  [Float64Column, 1.5e300],
  [Uint8Column, 255],
] as const) {
  describe(`an ${Column.name}`, () => {
    test("grows by doubling, keeps its cells, and has 0 in new ones and past the end", () => {
      const column = new Column();
      column.set(15, most);
      column.ensure(17);
      expect([column.capacity, column.get(15), column.get(16), column.get(99)]).toEqual([
        32,
        most,
        0,
        0,
      ]);
      column.ensure(5);
      expect(column.capacity).toBe(32);
      column.ensure(100);
      expect(column.capacity).toBe(128);
    });

    test("has the same cells after its bytes were copied, also more rows than it has", () => {
      const column = new Column();
      column.set(3, most);
      const copy = new Column();
      copy.set(10, 1);
      copy.fromBytes(column.toBytes(20));
      expect([copy.capacity, copy.get(3), copy.get(10), copy.get(19)]).toEqual([32, most, 0, 0]);
    });

    test("copies bytes that do not change with it", () => {
      const column = new Column();
      const bytes = column.toBytes(16);
      column.set(0, most);
      expect(bytes.every((byte) => byte === 0)).toBe(true);
      const loaded = new Column();
      loaded.fromBytes(bytes);
      bytes.fill(9);
      expect(loaded.get(0)).toBe(0);
    });
  });
}

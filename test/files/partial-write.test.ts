import { expect, test } from "vitest";
import { unwritten } from "../../src/files/partial-write.ts";
import fc from "../support/fast-check.ts";

test("what a partial write left out is the rest of all parts", () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 6 });
  fc.assert(
    fc.property(parts, fc.nat(40), (written, bytes) => {
      const all = Buffer.concat(written);
      const rest = unwritten(written, Math.min(bytes, all.length));
      expect(Buffer.concat(rest)).toEqual(all.subarray(bytes));
      expect(rest.every((part) => part.length > 0)).toBe(true);
    }),
  );
});

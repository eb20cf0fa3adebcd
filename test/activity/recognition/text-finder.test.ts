import { expect, test } from "vitest";
import { TextFinder } from "../../../src/activity/recognition/text-finder.ts";
import fc from "../../support/fast-check.ts";

test("a text is found in exactly the ranges that contain one", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 40 });
  const texts = fc.array(
    fc.string({ unit: fc.constantFrom("a", "b"), minLength: 2, maxLength: 3 }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  const steps = fc.array(fc.tuple(fc.nat(3), fc.nat(8)), { maxLength: 12 });
  fc.assert(
    fc.property(letters, texts, steps, (all, wanted, ranges) => {
      const finder = new TextFinder(Buffer.from(all), wanted);
      let at = 0;
      for (const [gap, length] of ranges) {
        const start = at + gap;
        at = start + length;
        const isIn = wanted.some((text) => all.slice(start, at).includes(text));
        expect(finder.isIn(start, at)).toBe(isIn);
      }
    }),
    { numRuns: 1_000 },
  );
});

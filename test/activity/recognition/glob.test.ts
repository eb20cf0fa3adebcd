import { describe, expect, test } from "vitest";
import { Glob } from "../../../src/activity/recognition/glob.ts";
import fc from "../../support/fast-check.ts";

/** Asks about a part in the middle of other bytes, as a scan has it. */
function matches(pattern: string, text: string): boolean {
  const before = Buffer.from("ab*");
  const bytes = Buffer.concat([before, Buffer.from(text), Buffer.from("ba")]);
  return new Glob(pattern).matches(bytes, before.length, bytes.length - 2);
}

describe("a glob", () => {
  for (const [pattern, text, want] of [
    ["my.tool", "my.tool", true],
    ["my.tool", "my.tool.a", false],
    ["my.tool", "a.my.tool", false],
    ["my.tool", "My.tool", false],
    ["my.*", "my.", true],
    ["my.*", "my.tool.a", true],
    ["my.*", "a.my.tool", false],
    ["*.tool", "my.tool", true],
    ["*.tool", "my.tools", false],
    ["a*b", "ab", true],
    ["a*b", "a", false],
    ["a*a", "a", false],
    ["a*b*c", "a-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["ab*ba", "aba", false],
    ["*a*", "bab", true],
    ["*a*", "bbb", false],
    ["*", "", true],
    ["*", "x".repeat(10_000), true],
    ["a?[b]", "a?[b]", true],
    ["a?c", "abc", false],
    ["*ö*", "größer", true],
    ["x*", "x".repeat(512), true],
    ["x*", "x".repeat(513), false],
    ["x".repeat(600), "x".repeat(600), true],
  ] as const) {
    test(`"${pattern.slice(0, 20)}" ${want ? "matches" : "does not match"} "${text.slice(0, 20)}" of ${text.length}`, () => {
      expect(matches(pattern, text)).toBe(want);
    });
  }

  test("matches like a regular expression", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", ".", "*"), maxLength: 8 });
    fc.assert(
      fc.property(pattern, letters, (glob, text) => {
        const expression = glob.replaceAll(".", "\\.").replaceAll("*", ".*");
        expect(matches(glob, text)).toBe(new RegExp(`^${expression}$`).test(text));
      }),
      { numRuns: 2000 },
    );
  });
});

import { expect, test } from "vitest";
import { hasIdShape } from "../../src/metrics/id-shape.ts";

for (const [what, text, want] of [
  ["a random text with two digits", "canary-r4rkyxgjrrzdnkwjsjm1", true],
  ["a random text with one digit", "canary-rlrkyxgjrrzdnkwjsjm1", true],
  ["a member of JSON that is an id", '{"id":"nb3zjjdy"}', true],
  ["a member of JSON that is none", '{"grid":"nb3zjjdy"}', false],
  ["a long name of words", "RecommendationsBackgroundWorker", false],
  ["a long name of words without a vowel between them", "strengthsyncknightsbridge", false],
  ["an id that has no quotes, as in a name of a pool", "pool id=main", false],
] as const) {
  test(`${what} ${want ? "has" : "does not have"} the shape of an id`, () => {
    expect(hasIdShape(text)).toBe(want);
  });
}

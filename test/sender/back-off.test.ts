import { expect, test } from "vitest";
import { backOffMs } from "../../src/sender/back-off.ts";

const backOff = { firstMs: 500, longestMs: 30_000, longestAskedMs: 300_000 };

for (const [title, failures, chance, retryAfterMs, want] of [
  ["half a second at first", 1, 1, undefined, 500],
  ["twice as long each time", 4, 1, undefined, 4_000],
  ["half a minute at most", 50, 1, undefined, 30_000],
  ["half a minute at most, however often it failed", 100_000, 1, undefined, 30_000],
  ["a third less by chance", 1, 0, undefined, 1_000 / 3],
  ["as long as the server asks for", 1, 1, 12_000, 12_000],
  ["no less when the server asks for less", 4, 1, 1_000, 4_000],
  ["no less when the server asks for nothing at all", 1, 1, 0, 500],
  ["five minutes at most, whatever the server asks for", 1, 1, 3_600_000, 300_000],
] as const) {
  test(`a pause is ${title}`, () => {
    const asked = retryAfterMs === undefined ? {} : { retryAfterMs };
    expect(backOffMs(backOff, { failures, chance, ...asked })).toBeCloseTo(want, 6);
  });
}

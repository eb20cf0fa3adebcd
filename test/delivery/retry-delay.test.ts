import { describe, expect, test } from "vitest";
import { nextDelayMs } from "../../src/delivery/retry-delay.ts";
import fc from "../support/fast-check.ts";

const rules = {
  initial_interval: 5_000,
  randomization_factor: 0.5,
  multiplier: 1.5,
  max_interval: 30_000,
  max_elapsed_time: 300_000,
};
/** The middle of the variation. */
const chance = 0.5;

describe("with the defaults", () => {
  for (const [failures, want] of [
    [1, 5_000],
    [2, 7_500],
    [3, 11_250],
    [5, 25_312.5],
    [6, 30_000],
    [1_000_000, 30_000],
  ] as const) {
    test(`the wait after failure ${failures} is ${want} ms`, () => {
      expect(nextDelayMs(rules, { failures, elapsedMs: 0, chance })).toBe(want);
    });
  }

  test("it varies by half in both directions", () => {
    expect(nextDelayMs(rules, { failures: 1, elapsedMs: 0, chance: 0 })).toBe(2_500);
    expect(nextDelayMs(rules, { failures: 1, elapsedMs: 0, chance: 1 })).toBe(7_500);
  });

  test("a longer wait that the backend asks for is obeyed, also beyond max_interval", () => {
    const failed = { failures: 1, elapsedMs: 0, chance };
    expect(nextDelayMs(rules, { ...failed, retryAfterMs: 90_000 })).toBe(90_000);
    expect(nextDelayMs(rules, { ...failed, retryAfterMs: 10 })).toBe(5_000);
  });

  test("a request is given up when the next attempt would come later than five minutes after the first", () => {
    const failed = { failures: 1, chance };
    expect(nextDelayMs(rules, { ...failed, elapsedMs: 295_000 })).toBe(5_000);
    expect(nextDelayMs(rules, { ...failed, elapsedMs: 295_001 })).toBeUndefined();
    expect(nextDelayMs(rules, { ...failed, elapsedMs: 0, retryAfterMs: 300_001 })).toBeUndefined();
  });
});

test("with max_elapsed_time 0 a request is never given up", () => {
  const forever = { ...rules, max_elapsed_time: 0 };
  const failed = { failures: 9, elapsedMs: 1e12, chance, retryAfterMs: 86_400_000 };
  expect(nextDelayMs(forever, failed)).toBe(86_400_000);
});

test("a wait is positive, at least what the backend asks for, and within the variation of max_interval", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      fc.integer({ min: 0, max: 60_000 }),
      (failures, chance, retryAfterMs) => {
        const delayMs = nextDelayMs(rules, { failures, elapsedMs: 0, chance, retryAfterMs })!;
        expect(delayMs).toBeGreaterThanOrEqual(Math.max(2_500, retryAfterMs));
        expect(delayMs).toBeLessThanOrEqual(Math.max(45_000, retryAfterMs));
      },
    ),
  );
});

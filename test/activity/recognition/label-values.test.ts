import { describe, expect, test } from "vitest";
import { LabelValues, overflowValue } from "../../../src/activity/recognition/label-values.ts";

const numberOf = (values: LabelValues, value: string) =>
  values.numberOf(Buffer.from(value), 0, value.length);

describe("values beyond the bound", () => {
  /** Room for two; `used` are the numbers that are in use elsewhere. */
  function few(used: ReadonlySet<number> = new Set()) {
    let warnings = 0;
    const clock = { nowMs: 0 };
    const values = new LabelValues(2, {
      clock,
      maxAgeMs: 1000,
      inUse: () => used,
      onFull: () => {
        warnings++;
      },
    });
    numberOf(values, "a");
    numberOf(values, "b");
    return { values, clock, warnings: () => warnings };
  }

  test("share one number that is none of theirs, with one warning", () => {
    const { values, warnings } = few();
    expect(numberOf(values, "c")).toBe(values.overflow);
    expect(numberOf(values, "d")).toBe(values.overflow);
    expect(values.valueOf(values.overflow)).toBe(overflowValue);
    expect(numberOf(values, overflowValue)).toBe(values.overflow);
    expect(numberOf(values, "b")).toBe(2);
    expect(warnings()).toBe(1);
  });

  test("replace values that were not seen for the age and are not in use", () => {
    const { values, clock, warnings } = few(new Set([1]));
    clock.nowMs = 1000;
    expect(numberOf(values, "c")).toBe(2);
    expect(numberOf(values, "a")).toBe(1);
    expect(numberOf(values, "b")).toBe(values.overflow);
    expect(values.valueOf(2)).toBe("c");
    expect(warnings()).toBe(1);
  });
});

test("what was stored is known again under its numbers", () => {
  const before = new LabelValues(10);
  for (const value of ["a", "b", "c"]) {
    numberOf(before, value);
  }
  const after = new LabelValues(10);
  for (const each of before.stored().toReversed()) {
    after.restore(each);
  }
  expect(["c", "a", "b", "d"].map((value) => numberOf(after, value))).toEqual([3, 1, 2, 4]);
  expect(after.takeChanged()).toEqual([[4, "d"]]);
});

test("values beyond the bound read as one", () => {
  const values = new LabelValues(2);
  const numbers = ["a", "b", "c", "d", "a"].map((text) =>
    values.numberOf(new TextEncoder().encode(text), 0, 1),
  );
  expect(numbers.map((number) => values.valueOf(number))).toEqual([
    "a",
    "b",
    "other",
    "other",
    "a",
  ]);
});

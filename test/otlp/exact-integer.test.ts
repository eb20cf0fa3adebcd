import { expect, test } from "vitest";
import { exactInteger } from "../../src/otlp/exact-integer.ts";

const megabyte = 1_000_000;

for (const [what, source, want] of [
  ["zero", "0", 0n],
  ["minus zero", "-0", 0n],
  ["the largest of 64 bits", "18446744073709551615", 2n ** 64n - 1n],
  ["the smallest of 64 bits", "-9223372036854775808", -(2n ** 63n)],
  ["one with an exponent", "1.5e3", 1500n],
  ["one with zeros after the point", "1.50e2", 150n],
  ["one with zeros at the front", `-${"0".repeat(megabyte)}7`, -7n],
  ["nothing but zeros", "0".repeat(megabyte), 0n],
  ["41 digits", "1".repeat(41), BigInt("1".repeat(41))],
  ["one digit too many", "1".repeat(42), undefined],
  ["an exponent that is too large", "1e999", undefined],
  ["a fraction", "1.5", undefined],
  ["a fraction of zeros", "-12.00", -12n],
  ["zero with a fraction of zeros", "0.0", 0n],
  ["an exponent that moves the point to the front", "1250e-1", 125n],
  ["one that leaves a fraction", "125e-1", undefined],
  ["one that leaves nothing but a fraction", "5e-3", undefined],
  ["zero with one", "0e-3", 0n],
  ["a minus alone", "-", undefined],
  ["a space", " 7", undefined],
  ["nothing", "", undefined],
] as const) {
  test(`the integer of ${what} is exact, or there is none`, () => {
    expect(exactInteger(source)).toBe(want);
  });
}

for (const [what, source] of [
  ["digits", "1".repeat(20 * megabyte)],
  ["digits behind a point", `1.${"1".repeat(20 * megabyte)}e999`],
  ["zeros and something else", `${"0".repeat(20 * megabyte)}x`],
] as const) {
  test(`a text of 20 MB of ${what} is no integer, and is not read as one for seconds`, () => {
    expect(exactInteger(source)).toBeUndefined();
  }, 2_000);
}

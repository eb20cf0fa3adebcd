import { expect, test } from "vitest";
import { retryAfterMsOf } from "../../src/sender/retry-after.ts";

const unixMs = Date.UTC(2026, 10, 23, 8, 0, 0);

for (const [header, want] of [
  [undefined, undefined],
  ["", undefined],
  ["0", 0],
  ["7", 7_000],
  [" 7 ", 7_000],
  ["120", 120_000],
  ["99999999999999999999", 86_400_000],
  ["-1", undefined],
  ["1.5", undefined],
  ["soon", undefined],
  ["Mon, 23 Nov 2026 08:00:30 GMT", 30_000],
  ["Mon, 23 Nov 2026 07:59:00 GMT", 0],
  ["Mon, 23 Nov 2099 08:00:00 GMT", 86_400_000],
  ["Mon, 99 Nov 2026 08:00:30 GMT", undefined],
  ["Monday, 23-Nov-26 08:00:30 GMT", undefined],
  ["2026-11-23T08:00:30Z", undefined],
] as const) {
  test(`Retry-After ${JSON.stringify(header)} is ${want === undefined ? "no wish" : `${want} ms`}`, () => {
    expect(retryAfterMsOf(header, unixMs)).toBe(want);
  });
}

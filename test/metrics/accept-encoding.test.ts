import { expect, test } from "vitest";
import { prefersGzip } from "../../src/metrics/accept-encoding.ts";

for (const [header, want] of [
  [undefined, false],
  ["", false],
  ["gzip", true],
  ["x-gzip", true],
  ["GZIP", true],
  ["deflate, gzip;q=0.5", true],
  ["gzip;q=0", false],
  ["gzip;q=0.0, *", false],
  ["*", true],
  ["*;q=0", false],
  ["br", false],
  ["identity", false],
  ["identity;q=1, gzip;q=0.5", false],
  ["identity;q=0.5, gzip;q=1", true],
  ["identity;q=0, gzip;q=0.1", true],
  ["gzip ; q = 0", false],
  ["gzip;q=nonsense", false],
  ["identity, gzip", true],
  ["identity;q=0.5, gzip;q=0.5", true],
  ["*, gzip;q=0", false],
  ["gzip;q=0.5, *", false],
  ["X-GZIP;q=0.5, identity;q=0.4", true],
  [";;,,=,", false],
  [" , ,", false],
] as const) {
  test(`accept-encoding ${JSON.stringify(header)} ${want ? "gets gzip" : "gets the plain page"}`, () => {
    expect(prefersGzip(header)).toBe(want);
  });
}

test("the longest header that the server accepts is read", () => {
  expect(prefersGzip(`${"a,".repeat(8_000)}gzip`)).toBe(true);
});

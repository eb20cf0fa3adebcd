import { describe, expect, test } from "vitest";
import { heartbeatIntervalMsOf, leaseMsOf } from "../../../../src/activity/engine/policy/leases.ts";

describe("a lease is three heartbeats long, and at least 30 s", () => {
  for (const [intervalMs, leaseMs] of [
    [0, 0],
    [1, 30_000],
    [10_000, 30_000],
    [10_001, 30_003],
    [40_000, 120_000],
  ] as const) {
    test(`${intervalMs} ms between heartbeats: ${leaseMs} ms`, () => {
      expect(leaseMsOf(intervalMs)).toBe(leaseMs);
    });
  }

  test("so its sender is usually heard three times in it", () => {
    expect(heartbeatIntervalMsOf(leaseMsOf(40_000))).toBe(40_000);
  });
});

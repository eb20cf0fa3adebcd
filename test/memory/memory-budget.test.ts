import { expect, test } from "vitest";
import {
  activityBoundsFit,
  activityBoundsFor,
  bodyLimitsFor,
  bytesPerActivityRow,
  maxJsonBytesFor,
  memoryShares,
  snapshotBytesPerActivityRow,
} from "../../src/memory/memory-budget.ts";

const mebibyte = 1024 * 1024;

test("bounds of the tracked state fill their share of the memory limit and no more", () => {
  for (const limitBytes of [64, 256, 1024].map((mib) => mib * mebibyte)) {
    const { maxOpenWork, maxTombstones } = activityBoundsFor(limitBytes);
    const usedBytes = (maxOpenWork + maxTombstones) * bytesPerActivityRow;
    expect(usedBytes).toBeLessThanOrEqual(limitBytes * memoryShares.activity);
    expect(usedBytes).toBeGreaterThan(limitBytes * memoryShares.activity * 0.99);
  }
});

test("more memory than any gateway needs raises no bound further", () => {
  expect(activityBoundsFor(64 * 1024 * mebibyte)).toEqual({
    maxSessions: 100_000,
    maxOpenWork: 1_000_000,
    maxTombstones: 1_000_000,
  });
});

test("hardly any memory leaves bounds of at least one", () => {
  expect(activityBoundsFor(1)).toEqual({ maxSessions: 1, maxOpenWork: 1, maxTombstones: 1 });
});

test("bounds that follow from a memory limit fit into it, and twice as many do not", () => {
  const limitBytes = 256 * mebibyte;
  const { maxOpenWork, maxTombstones } = activityBoundsFor(limitBytes);
  expect(activityBoundsFit({ maxOpenWork, maxTombstones }, limitBytes)).toBe(true);
  expect(activityBoundsFit({ maxOpenWork, maxTombstones: 2 * maxTombstones }, limitBytes)).toBe(
    false,
  );
});

test("the state, a copy of it, all bodies and Node itself fit into the memory limit that is shipped", () => {
  const limitBytes = 256 * mebibyte;
  const { maxOpenWork, maxTombstones } = activityBoundsFor(limitBytes);
  const rows = maxOpenWork + maxTombstones;
  const stateBytes = rows * (bytesPerActivityRow + snapshotBytesPerActivityRow);
  const nodeBytes = 80 * mebibyte;
  const { budgetBytes } = bodyLimitsFor(limitBytes, 20 * mebibyte);
  expect(nodeBytes + stateBytes + budgetBytes).toBeLessThan(0.8 * limitBytes);
});

for (const [name, limitMiB, wantedMiB, want] of [
  ["a body of the default size fits into the limit that is shipped", 256, 20, [20, 256 / 6]],
  ["plenty of memory holds eight bodies, because more would only be slower", 4096, 20, [20, 160]],
  ["a body that never fits is too large, however large the config allows", 60, 20, [5, 10]],
] as const) {
  test(name, () => {
    const { maxBodyBytes, budgetBytes } = bodyLimitsFor(limitMiB * mebibyte, wantedMiB * mebibyte);
    expect([maxBodyBytes, budgetBytes]).toEqual(want.map((mib) => Math.floor(mib * mebibyte)));
  });
}

for (const [what, limitMiB, heapMiB, wantMiB] of [
  ["the share of bodies", 256, 4096, 256 / 6],
  ["what the heap has room for, if that is less", 4096, 332, 41.5],
] as const) {
  test(`the values of one JSON text may take ${what}`, () => {
    const limit = { bytes: limitMiB * mebibyte, source: "machine" } as const;
    const maxBytes = maxJsonBytesFor({ limit, heapLimitBytes: heapMiB * mebibyte });
    expect(maxBytes).toBe(Math.floor(wantMiB * mebibyte));
  });
}

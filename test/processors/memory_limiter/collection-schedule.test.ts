import { expect, test } from "vitest";
import { CollectionSchedule } from "../../../src/processors/memory_limiter/collection-schedule.ts";

/** When collections happen in two minutes of a check every second, if each frees that share. */
function collections(freedShare: number, intervals: { minMs: number; maxMs: number }): number[] {
  const schedule = new CollectionSchedule();
  const times: number[] = [];
  for (let nowMs = 0; nowMs <= 120_000; nowMs += 1_000) {
    if (schedule.isDue(nowMs, intervals)) {
      schedule.onCollected(nowMs, freedShare, intervals);
      times.push(nowMs / 1_000);
    }
  }
  return times;
}

for (const [name, freedShare, intervals, want] of [
  [
    "collections that help keep to the shortest interval",
    0.2,
    { minMs: 30_000, maxMs: 60_000 },
    [0, 30, 60, 90, 120],
  ],
  [
    "collections that free nothing become rarer, up to the longest interval",
    0,
    { minMs: 10_000, maxMs: 30_000 },
    [0, 20, 50, 80, 110],
  ],
  [
    "without a shortest interval they become rarer, too",
    0.01,
    { minMs: 0, maxMs: 30_000 },
    [0, 1, 3, 7, 15, 31, 61, 91],
  ],
] as const) {
  test(name, () => {
    expect(collections(freedShare, intervals)).toEqual(want);
  });
}

test("one that helps ends the waiting", () => {
  const schedule = new CollectionSchedule();
  const intervals = { minMs: 1_000, maxMs: 60_000 };
  schedule.onCollected(0, 0, intervals);
  schedule.onCollected(2_000, 0, intervals);
  expect(schedule.isDue(3_000, intervals)).toBe(false);
  schedule.onCollected(6_000, 0.5, intervals);
  expect(schedule.isDue(7_000, intervals)).toBe(true);
});

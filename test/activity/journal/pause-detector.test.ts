import { expect, test } from "vitest";
import { PauseDetector } from "../../../src/activity/journal/pause-detector.ts";

const options = { tickMs: 200, allowedLatenessMs: 10_000 };

/** How far the engine's clock falls behind when `check` is called at these moments. */
function lost(...moments: readonly number[]): readonly number[] {
  const pauses = new PauseDetector(options);
  return moments.map((nowMs) => pauses.check(nowMs)?.lostMs ?? 0);
}

for (const [title, moments, want] of [
  ["the first call is no pause", [5_000], [0]],
  ["a gap of two ticks is no pause", [0, 400], [0, 0]],
  [
    "a longer gap costs twice its length, because the sockets are read after it",
    [0, 401],
    [0, 802],
  ],
  ["a long gap costs its length and one lateness", [0, 60_000], [0, 70_000]],
  ["a gap soon after another one costs all but one tick", [0, 500, 1_000], [0, 1_000, 300]],
  [
    "a gap a lateness after the last pause costs the full price again",
    [0, 500, ...ticksUntil(10_501), 11_000],
    [0, 1_000, ...ticksUntil(10_501).map(() => 0), 2 * (11_000 - 10_501)],
  ],
  [
    "a gap just before that costs all but one tick",
    [0, 500, ...ticksUntil(10_499), 11_000],
    [0, 1_000, ...ticksUntil(10_499).map(() => 0), 11_000 - 10_499 - 200],
  ],
  ["no gap costs nothing after a pause", [0, 500, 900, 1_300, 1_700], [0, 1_000, 0, 0, 0]],
] as const) {
  test(title, () => {
    expect(lost(...moments)).toEqual(want);
  });
}

test("a program that pauses all the time advances by one tick for each pause", () => {
  const pauses = new PauseDetector(options);
  let passedMs = 0;
  pauses.check(0);
  for (let nowMs = 1_000; nowMs <= 100_000; nowMs += 1_000) {
    passedMs += 1_000 - (pauses.check(nowMs)?.lostMs ?? 0);
  }
  expect(passedMs).toBe(99 * 200 - 1_000);
});

/** A call every 400 ms after 500 ms, the last one at `lastMs`. */
function ticksUntil(lastMs: number): readonly number[] {
  const ticks = [];
  for (let atMs = lastMs; atMs > 500; atMs -= 400) {
    ticks.unshift(atMs);
  }
  return ticks;
}

import { expect, test } from "vitest";
import { PauseDetector } from "../../../src/activity/journal/pause-detector.ts";

const options = { tickMs: 200, allowedLatenessMs: 10_000 };

/** What is lost at each of these moments. */
function lost(...moments: readonly number[]): readonly (number | undefined)[] {
  const pauses = new PauseDetector(options);
  return moments.map((nowMs) => pauses.check(nowMs)?.lostMs);
}

for (const [what, moments, want] of [
  ["the first call is no pause", [5_000], [undefined]],
  ["nor is a gap of two ticks", [0, 400], [undefined, undefined]],
  [
    "a longer gap is, and so is as long again, in which the sockets are read",
    [0, 401],
    [undefined, 802],
  ],
  ["of a long gap a lateness is added", [0, 60_000], [undefined, 70_000]],
  ["of gaps that follow each other a tick counts", [0, 500, 1_000], [undefined, 1_000, 300]],
  [
    "which is over after a lateness without any",
    [0, 500, 900, 1_300, 1_700],
    [undefined, 1_000, undefined, undefined, undefined],
  ],
] as const) {
  test(what, () => {
    expect(lost(...moments)).toEqual(want);
  });
}

test("a program that pauses all the time makes progress by a tick for each pause", () => {
  const pauses = new PauseDetector(options);
  let passedMs = 0;
  for (let nowMs = 0; nowMs <= 100_000; nowMs += 1_000) {
    passedMs += 1_000 - (pauses.check(nowMs)?.lostMs ?? 1_000);
  }
  expect(passedMs).toBe(99 * 200 - 1_000);
});

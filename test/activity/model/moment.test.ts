import { expect, test } from "vitest";
import { compareMoments } from "../../../src/activity/model/moment.ts";

const latenessMs = 10_000;
const first = { atMs: 100_000, timeMs: 0, seq: 0 };

for (const [title, a, b, want] of [
  ["the sender's order counts before everything else", { seq: 2, atMs: 0 }, { seq: 1 }, 1],
  ["one sequence number alone says nothing", { seq: 9 }, { atMs: 100_001 }, -1],
  [
    "arrivals further apart than the lateness decide against the sender's clock",
    { timeMs: 2_000 },
    { timeMs: 1_000, atMs: 110_001 },
    -1,
  ],
  [
    "the sender's clock decides when arrivals are a lateness apart",
    { timeMs: 2_000 },
    { timeMs: 1_999, atMs: 109_999 },
    1,
  ],
  ["arrival decides when one time is not set", { timeMs: 2_000 }, { atMs: 100_005 }, -1],
  [
    "arrival decides when the sender's clock was set by more than the lateness in between",
    { timeMs: 50_000 },
    { timeMs: 30_000, atMs: 100_005 },
    -1,
  ],
  ["nothing says which was first", {}, {}, 0],
] as const) {
  test(title, () => {
    const order = compareMoments({ ...first, ...a }, { ...first, ...b }, latenessMs);
    expect(Math.sign(order)).toBe(want);
    expect(Math.sign(compareMoments({ ...first, ...b }, { ...first, ...a }, latenessMs))).toBe(
      want === 0 ? 0 : -want,
    );
  });
}

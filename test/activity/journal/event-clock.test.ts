import { expect, test } from "vitest";
import { EventClock } from "../../../src/activity/journal/event-clock.ts";

test("times are those of the last anchor, until the clocks have drifted apart", () => {
  const clock = new EventClock();
  clock.anchorAt({ atMs: 100, unixMs: 5_100 });
  expect(clock.follow({ atMs: 200, unixMs: 5_210 })).toBeUndefined();
  expect(clock.at(150, { atMs: 200, unixMs: 5_210 })).toEqual({ atMs: 150, unixMs: 5_150 });
  const drifted = { atMs: 300, unixMs: 5_289 };
  expect(clock.follow(drifted)).toEqual(drifted);
  expect(clock.follow(drifted)).toBeUndefined();
  expect(clock.at(350, drifted)).toEqual({ atMs: 350, unixMs: 5_339 });
});

test("without an anchor the first call gives one", () => {
  const clock = new EventClock();
  const now = { atMs: 10, unixMs: 1_010 };
  expect(clock.at(20, now)).toEqual({ atMs: 20, unixMs: 1_020 });
  expect(clock.follow(now)).toEqual(now);
});

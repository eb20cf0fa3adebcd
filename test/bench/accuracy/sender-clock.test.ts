import Long from "long";
import { expect, test } from "vitest";
import { Chance } from "../../../bench/accuracy/chance.ts";
import { writeStory } from "../../../bench/accuracy/gateway.ts";
import { scenariosOf } from "../../../bench/accuracy/scenarios.ts";
import { clockOf, epochUnixMs, type Stamp } from "../../../bench/accuracy/sender-clock.ts";
import { sentMs } from "../../../bench/accuracy/sender-dialect.ts";
import { spanOf } from "../../../bench/accuracy/spans.ts";
import { createStalledClock } from "../../../bench/accuracy/stalled-clock.ts";
import { HandMadeWorld, process } from "./hand-made-world.ts";

const second = 1_000;

test("a clock is wrong from each step on until the next, and drifts", () => {
  const clock = {
    driftPpm: 1_000,
    steps: [
      { atMs: 100 * second, offMs: 60 * second },
      { atMs: 200 * second, offMs: 0 },
    ],
  };
  const at = (atS: number) => sentMs(atS * second, { ...process, clock }) - epochUnixMs;
  expect([99, 100, 199, 200].map(at)).toEqual([99_099, 160_100, 259_199, 200_200]);
});

test("a clock that was never set begins in 1970 and is put right, and never shows a time before that", () => {
  const always = { driftShare: 0, steppedShare: 0, unsetShare: 1, absurdShare: 0 };
  const clock = clockOf(always, { fromMs: 5_000, toMs: 9_000_000 }, new Chance(1));
  const skewed = { ...process, skewMs: -600_000, clock };
  expect(sentMs(6_000, skewed)).toBe(0);
  expect(sentMs(6_000, { ...process, clock })).toBe(1_000);
  expect(sentMs(8_000_000, { ...process, clock })).toBe(epochUnixMs + 8_000_000);
});

for (const [stamp, startNanos, endNanos] of [
  ["right", "1795000001000000000", "1795000005000000000"],
  ["no start", "0", "1795000005000000000"],
  ["far end", "1795000001000000000", "1826536005000000000"],
  ["greatest end", "1795000001000000000", "18446744073709551615"],
  ["milliseconds", "1795000001000", "1795000005000"],
  ["seconds", "1795000001", "1795000005"],
] as const) {
  test(`a span whose times are "${stamp}" starts at ${startNanos} and ends at ${endNanos}`, () => {
    const world = new HandMadeWorld();
    const tool = world.tool(world.turn(0, 9), 1, 5, { stamp: stamp satisfies Stamp });
    const span = spanOf(tool, "live", { endedMs: tool.endMs });
    expect([span.startTimeUnixNano, span.endTimeUnixNano].map(String)).toEqual([
      startNanos,
      endNanos,
    ]);
    const open = spanOf(tool, "live", {});
    expect([Long.fromValue(open.startTimeUnixNano ?? 0).toString(), open.endTimeUnixNano]).toEqual([
      startNanos,
      undefined,
    ]);
  });
}

test("all that clocks do is there: steps, drift, 1970, and each kind of nonsense", () => {
  const { habits } = scenariosOf("quick").find(({ name }) => name === "clock-steps")!.world;
  const { processes, works } = writeStory(habits, new Chance(1));
  const steps = processes.flatMap(({ clock }) => clock.steps.map(({ offMs }) => offMs));
  const hour = 3_600_000;
  expect([
    steps.some((offMs) => offMs > hour),
    steps.some((offMs) => -epochUnixMs < offMs && offMs < -hour),
    steps.some((offMs) => offMs < -epochUnixMs + hour),
    processes.some(({ clock }) => clock.driftPpm !== 0),
  ]).toEqual([true, true, true, true]);
  expect(new Set(works.map(({ stamp }) => stamp)).size).toBe(6);
});

test("a process that is stopped runs no timer, and on waking those that are overdue first, at the time that it is", async () => {
  const clock = createStalledClock(epochUnixMs);
  const ran: string[] = [];
  clock.after(100, () => void ran.push(`once at ${clock.nowMs()}`));
  clock.every(400, () => void ran.push(`tick at ${clock.nowMs()}`));
  await clock.advanceTo(50, async () => {});
  expect(ran).toEqual([]);
  await clock.wakeAt(900, async () => {});
  expect(ran).toEqual(["once at 900", "tick at 900", "tick at 900"]);
  clock.after(50, () => void ran.push(`later at ${clock.nowMs()}`));
  await clock.advanceTo(1_200, async () => {});
  expect(ran.slice(3)).toEqual(["later at 950", "tick at 1200"]);
  expect(clock.unixMs()).toBe(epochUnixMs + 1_200);
});

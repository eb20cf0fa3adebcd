import type { Target } from "./scenarios.ts";
import type { TurnWorld } from "./turn-worlds.ts";
import type { World } from "./world.ts";

const hour = 3_600_000;
const good: Target = { precision: 0.999, recall: 0.99 };

/** Worlds in which the clocks of senders are not to be trusted, while all they send arrives in time. */
export function clockWorlds(clean: World, isFull: boolean): readonly TurnWorld[] {
  const world: World = {
    ...clean,
    habits: {
      ...clean.habits,
      hosts: isFull ? 24 : 12,
      sessions: isFull ? 1_200 : 120,
      lastsMs: (isFull ? 8 : 2) * hour,
      meanLifeMs: 2 * hour,
      nextSoonShare: 0.3,
      hungShare: 0.03,
      longestToolMs: hour,
      clocks: { driftShare: 0.3, steppedShare: 0.5, unsetShare: 0.15, absurdShare: 0.02 },
    },
    tailMs: 2 * hour,
  };
  return [
    {
      name: "clock-steps",
      about:
        "Live spans, over a network without faults. Half of the clocks are set forward or back by a minute to five hours while their process runs; some drift or begin in 1970. One span in fifty has a time that is 0, a year ahead, 2^64−1 or in another unit.",
      world: { ...world, mode: "live" },
      target: good,
    },
    {
      name: "clock-steps-relay",
      about: "The relay, the same. It uses the clock of its gateway.",
      world,
      target: { ...good, statesRight: 0.99, delayMs: 1_500, early: 0 },
    },
    {
      name: "clock-steps-partial-logs",
      about: "Partial-span logs, the same as live spans.",
      world: { ...world, mode: "partial_logs" },
      target: good,
    },
    {
      name: "clock-steps-plain",
      about: "Finished spans only, the same.",
      world: { ...world, mode: "plain" },
      // Not 0.99: see the page.
      target: { ...good, recall: 0.97 },
    },
  ];
}

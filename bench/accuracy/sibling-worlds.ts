import { overtaking } from "./network.ts";
import type { Target } from "./scenarios.ts";
import type { Siblings } from "./sibling-processes.ts";
import type { TurnWorld } from "./turn-worlds.ts";
import type { World } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;

const good: Target = { precision: 0.999, recall: 0.99 };

/** Worlds in which several processes of one service live on one host at once. */
export function siblingWorlds(clean: World, isFull: boolean): readonly TurnWorld[] {
  const siblings: Siblings = {
    leastSlots: 2,
    mostSlots: 6,
    beatingShare: 0.5,
    forkShare: 0.3,
    twinShare: 0.3,
  };
  const world: World = {
    ...clean,
    faults: overtaking,
    habits: {
      ...clean.habits,
      hosts: isFull ? 12 : 6,
      sessions: isFull ? 800 : 100,
      lastsMs: (isFull ? 6 : 2) * hour,
      meanLifeMs: 40 * minute,
      killedShare: 0.3,
      hungShare: 0.03,
      endedShare: 0.5,
      longestToolMs: 20 * minute,
      siblings,
    },
    // What no heartbeat and no end speaks of is given up then.
    config: { max_age: "4h" },
    tailMs: 5 * hour,
  };
  return [
    {
      name: "siblings",
      about:
        "Live spans. Two to six processes of one service run on each host at the same time; half of them promise heartbeats. They are killed, or their successor starts before they have drained; some fork. A third are containers that all have pid 1, another third have no instance id, and three sessions in ten have the same name as a session of a sibling process.",
      world: { ...world, mode: "live" },
      target: good,
    },
    {
      name: "siblings-relay",
      about: "The relay, the same. All processes promise heartbeats, and none forks.",
      world: { ...world, habits: { ...world.habits, siblings: { ...siblings, forkShare: 0 } } },
      target: { ...good, delayMs: 1_500, early: 0 },
    },
    {
      name: "siblings-partial-logs",
      about: "Partial-span logs, the same: every span promises heartbeats.",
      world: { ...world, mode: "partial_logs" },
      target: { ...good, delayMs: 1_500, early: 0 },
    },
    {
      name: "siblings-plain",
      about: "Finished spans only, the same.",
      world: { ...world, mode: "plain" },
      target: good,
    },
  ];
}

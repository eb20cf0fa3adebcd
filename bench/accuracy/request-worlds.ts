import { overtaking } from "./network.ts";
import type { TurnWorld } from "./turn-worlds.ts";
import type { World } from "./world.ts";

const hour = 3_600_000;

/** Worlds of finished spans in which some calls that models request never run. */
export function requestWorlds(clean: World, isFull: boolean): readonly TurnWorld[] {
  return [
    {
      name: "requests",
      about:
        "Finished spans only, with the content of model calls. Responses are discarded and requested again. Calls are refused, left to the client, wait for approval and run in a later turn, or accompany a final answer. One of several parallel calls never ends, and its run is cancelled or goes on.",
      world: {
        ...clean,
        mode: "plain",
        faults: overtaking,
        flushMs: 5_000,
        habits: {
          ...clean.habits,
          sessions: isFull ? 2_000 : 300,
          lastsMs: (isFull ? 12 : 3) * hour,
          killedShare: 0.3,
          // A run is over before its first requests are forgotten, after 15 minutes.
          longestToolMs: 5 * 60_000,
          hungShare: 0.03,
          nextSoonShare: 0.3,
          requests: {
            discardedShare: 0.1,
            refusedShare: 0.05,
            leftShare: 0.2,
            approvalShare: 0.6,
            approvedShare: 0.7,
            finalShare: 0.1,
            cancelledShare: 0.5,
          },
        },
      },
      target: { precision: 0.999, recall: 0.99 },
    },
  ];
}

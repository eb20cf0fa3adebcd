import type { RequestHabits } from "./gateway.ts";
import { overtaking } from "./network.ts";
import { unwatchedEvent } from "./relay-dialect.ts";
import type { Target } from "./scenarios.ts";
import type { TurnWorld } from "./turn-worlds.ts";
import { backgroundTool } from "./turn-writer.ts";
import type { World } from "./world.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
/** Every call that a model requests runs, and its answers are shown. */
const allRun: RequestHabits = {
  discardedShare: 0,
  refusedShare: 0,
  leftShare: 0,
  approvalShare: 0,
  approvedShare: 0,
  finalShare: 0,
  cancelledShare: 0,
};
const good: Target = { precision: 0.999, recall: 0.99 };

/**
 * The key in a rule of `work_spans` for tools that may outlive their run; undefined where rules have none. Only
 * with it can live spans of such tools be distinguished from orphans.
 */
const detachedKey: string | undefined = "detached";

/** Worlds in which something takes longer than the lateness: requests on their way, tools in the background, or the collector itself. */
export function faultWorlds(clean: World, isFull: boolean): readonly TurnWorld[] {
  const base: World = {
    ...clean,
    habits: {
      ...clean.habits,
      sessions: isFull ? 800 : 120,
      lastsMs: (isFull ? 8 : 2) * hour,
      hungShare: 0.03,
      longestToolMs: hour,
    },
    tailMs: 3 * hour,
  };
  const stalled: World = {
    ...base,
    habits: {
      ...base.habits,
      sessions: isFull ? 2_000 : 250,
      // Tools end up to a few seconds after their run, so that their ends may be what waits.
      straggleShare: 0.5,
      straggleMs: 8 * second,
    },
    stalls: { count: isFull ? 160 : 40, longestMs: 90 * second },
  };
  const background: World = {
    ...base,
    habits: {
      ...base.habits,
      meanLifeMs: Number.POSITIVE_INFINITY,
      backgroundShare: 0.05,
      requests: allRun,
    },
  };
  return [
    {
      name: "background",
      about:
        "Finished spans only, with the content of model calls. One tool in twenty goes on for minutes after its run has ended, and ends by itself.",
      world: { ...background, mode: "plain", flushMs: 5 * second },
      target: good,
    },
    ...(detachedKey === undefined
      ? []
      : [
          {
            name: "background-live",
            about:
              "Live spans, the same. A rule of `work_spans` marks the tools that go on in the background.",
            world: { ...background, mode: "live" as const, config: detachedRule(detachedKey) },
            target: good,
          },
        ]),
    ...(unwatchedEvent === undefined
      ? []
      : [
          {
            name: "relay-reloads",
            about:
              "The relay is switched off and on, twice an hour in each process, while work is open. Work that it no longer watches is neither gone nor an orphan.",
            world: {
              ...base,
              habits: {
                ...base.habits,
                meanLifeMs: 2 * hour,
                killedShare: 0.5,
                unwatched: { everyMs: hour / 2, longestMs: 10 * minute },
              },
            },
            target: good,
          },
        ]),
    {
      name: "own-pauses",
      about:
        "The relay, and a collector that is stopped for 5 to 90 s and continued, twenty times an hour, as by SIGSTOP or a pause of its machine. Requests that arrive meanwhile wait in its sockets. Tools end up to eight seconds after their run.",
      world: stalled,
      target: good,
    },
    {
      name: "own-pauses-live",
      about: "Live spans, the same.",
      world: { ...stalled, mode: "live" },
      target: good,
    },
    {
      name: "late-exports",
      about:
        "Live spans. One request in a hundred takes up to a minute, and `allowed_lateness` stays at 10 s.",
      world: {
        ...base,
        mode: "live",
        faults: { ...overtaking, slowShare: 0.01, longestDelayMs: minute },
      },
      target: good,
    },
  ];
}

function detachedRule(key: string): World["config"] {
  const match = { name: `* ${backgroundTool}` };
  return { work_spans: [{ kind: "tool", match, [key]: true }] };
}

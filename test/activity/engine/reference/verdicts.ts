import type { BlockedBy, Verdict } from "../../../../src/activity/model/diagnosis.ts";
import { ancestorsOf, ownRunOf } from "./ancestry.ts";
import type { Owner, Owners } from "./owners.ts";
import { isSilent, progressOf, spanProgressOf } from "./progress.ts";
import { isWaiting, leavesOf, waitsBelow } from "./waiting.ts";
import type { Span, World } from "./world.ts";

/** What an open owner does. */
export interface Diagnosis {
  readonly verdict: Verdict;
  readonly owner: Owner;
  readonly culprit: Span | undefined;
  /** Since when the culprit is silent. */
  readonly sinceMs: number;
}

export const blockedByOf: Readonly<Record<string, BlockedBy>> = {
  silent_tool: "tool",
  silent_model_call: "model_call",
  retrying: "run",
  wedged_run: "run",
};

/** The verdict of an open owner: the first row that holds. */
export function diagnose(world: World, owners: Owners, owner: Owner): Diagnosis {
  if (isWaiting(world, owners, owner)) {
    return { verdict: "waiting_for_person", owner, culprit: undefined, sinceMs: 0 };
  }
  if (!isSilent(world, owner)) {
    return { verdict: "progressing", owner, culprit: undefined, sinceMs: 0 };
  }
  const leaves = leavesOf(world, owners, owner).filter(
    (leaf) => !waitsBelow(world, owners, owner, leaf),
  );
  for (const [kind, verdict] of [
    ["tool", "silent_tool"],
    ["model_call", "silent_model_call"],
  ] as const) {
    const culprit = longestSilent(
      world,
      leaves.filter((leaf) => leaf.kind === kind),
    );
    if (culprit !== undefined) {
      return { verdict, owner, culprit, sinceMs: spanProgressOf(world, culprit) };
    }
  }
  const deepest = deepestRun(world, leaves) ?? owner.runs[0];
  const wedged = (deepest && owners.ofRun(deepest)) ?? owner;
  return {
    verdict: hasLastFailed(world, wedged) ? "retrying" : "wedged_run",
    owner,
    culprit: wedged.runs[0],
    sinceMs: progressOf(world, wedged),
  };
}

/** The diagnosis that decides for a session. */
export function decisive(world: World, all: readonly Diagnosis[]): Diagnosis | undefined {
  const rank = ({ verdict }: Diagnosis): number => {
    const order = ["progressing", "tool", "model_call", "run", "waiting_for_person"];
    return order.indexOf(blockedByOf[verdict] ?? verdict);
  };
  return world
    .inAnyOrder(all)
    .reduce<Diagnosis | undefined>(
      (best, each) =>
        best === undefined ||
        rank(each) < rank(best) ||
        (rank(each) === rank(best) && each.sinceMs < best.sinceMs)
          ? each
          : best,
      undefined,
    );
}

function longestSilent(world: World, spans: readonly Span[]): Span | undefined {
  return world
    .inAnyOrder(spans)
    .toSorted((a, b) => spanProgressOf(world, a) - spanProgressOf(world, b))[0];
}

/** Of the runs with nothing open below, the deepest, of these the one that is silent for longest. */
function deepestRun(world: World, leaves: readonly Span[]): Span | undefined {
  const runs = leaves.filter(({ kind }) => kind === "run");
  const depth = Math.max(...runs.map((run) => ancestorsOf(run).length));
  return longestSilent(
    world,
    runs.filter((run) => ancestorsOf(run).length === depth),
  );
}

/** Whether the model call of the owner that ended last had failed. */
function hasLastFailed(world: World, owner: Owner): boolean {
  const noted = owner.runs.flatMap(({ lastCall }) => (lastCall === undefined ? [] : [lastCall]));
  // A call that arrived finished before its run.
  const undecided = world.undecided
    .filter((call) => call.kind === "model_call" && owner.runs.includes(ownRunOf(call) ?? call))
    .map(({ undecidedSinceMs, hasFailed }) => ({ atMs: undecidedSinceMs, hasFailed }));
  const calls = [...noted, ...undecided];
  return calls.toSorted((a, b) => b.atMs - a.atMs)[0]?.hasFailed === true;
}

import { readDerived } from "./derived-events.ts";
import type { Hearing } from "./hearing.ts";
import { happenOverHttp } from "./http-world.ts";
import type { Scenario } from "./scenarios.ts";
import { type Case, judge, percentile, type Verdict } from "./verdict.ts";
import { happen } from "./world.ts";

export interface Trial {
  readonly scenario: Scenario;
  readonly verdict: Verdict;
  /** Targets that were missed; empty when all is well. */
  readonly misses: readonly string[];
  /** What was wrong or missed, one by one. */
  readonly cases: readonly string[];
  readonly sessions: number;
  readonly processes: number;
}

/** Lets a scenario happen and judges the collector by it. */
export async function tryOut(scenario: Scenario, seed: number): Promise<Trial> {
  const { world, allowedLatenessMs, httpSpeed } = scenario;
  const { story, hearing, derived } =
    httpSpeed === undefined
      ? await happen(world, seed)
      : await happenOverHttp(world, httpSpeed, seed);
  const heard = { hearing, told: readDerived(derived) };
  const verdict = judge(story, heard, { mode: world.mode, allowedLatenessMs });
  return {
    scenario,
    verdict,
    misses: missesOf(scenario, verdict),
    cases: verdict.cases.map((each) => caseText(each, hearing)),
    sessions: story.sessions.length,
    processes: story.processes.length,
  };
}

/** A case with all that led to it; times are the world's, in seconds. */
function caseText({ what, work, reason, atMs }: Case, hearing: Hearing): string {
  const at = (ms: number) => (ms / 1000).toFixed(2);
  if (work === undefined) {
    return `${what} ${reason} at ${at(atMs)}: nothing is known by that name`;
  }
  const { kind, spanId, session, process, startMs, endMs, orphanedMs, closedMs } = work;
  return [
    `${what} ${reason} at ${at(atMs)}: ${kind} ${spanId} of session ${session.index}`,
    `from ${at(startMs)} (heard ${at(hearing.startOf(work))})`,
    `to ${at(endMs)}, closed ${at(closedMs)} (heard ${at(hearing.endOf(work))})`,
    `orphaned ${at(orphanedMs)}, process ${process.index} ${process.death} ${at(process.diesMs)}`,
  ].join(", ");
}

/** What of its target a scenario missed, in words. */
export function missesOf(
  { target, allowedLatenessMs }: Pick<Scenario, "target" | "allowedLatenessMs">,
  verdict: Verdict,
): readonly string[] {
  const p99Ms = percentile(verdict.delaysMs, 0.99);
  const mostMs = allowedLatenessMs + (target.delayMs ?? Number.POSITIVE_INFINITY);
  const atLeast = (name: string, value: number, least = 0) =>
    value >= least ? [] : [`${name} is ${value}, not ${least}`];
  const atMost = (name: string, value: number, most: number) =>
    value <= most ? [] : [`${name}: ${Math.round(value)}, not ${most}`];
  return [
    ...atLeast("precision", verdict.precision, target.precision),
    ...atLeast("recall", verdict.recall, target.recall),
    ...atMost("detection delay p99 in ms", p99Ms, mostMs),
    ...atMost(
      "wrong evictions at once",
      verdict.wrongAtOnce,
      target.wrongAtOnce ?? Number.POSITIVE_INFINITY,
    ),
    ...atMost("evicted though the end had arrived", verdict.afterEnd, 0),
    ...atMost("evicted or stalled while a person was awaited", verdict.whileAwaited, 0),
  ];
}

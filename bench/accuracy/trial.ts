import { type Alerts, countAlerts } from "./alerts.ts";
import type { ArrivalTimes } from "./arrival-times.ts";
import { type ClaimScore, scoreClaims } from "./claim-score.ts";
import { Deadlines } from "./deadlines.ts";
import { readDerived } from "./derived-events.ts";
import { type Case, type EvictionScore, percentile, scoreEvictions } from "./eviction-score.ts";
import { happenOverHttp } from "./http-world.ts";
import { Owners } from "./owners.ts";
import type { Scenario } from "./scenarios.ts";
import { type SiblingScore, scoreSiblings } from "./sibling-score.ts";
import {
  type StateScore,
  StateTruth,
  scoreStates,
  shareRight,
  type WrongState,
} from "./state-samples.ts";
import { happen, type Outcome, type World } from "./world.ts";

export interface Trial {
  readonly scenario: Scenario;
  readonly evictions: EvictionScore;
  /** Undefined where the collector can't report them. */
  readonly states: StateScore | undefined;
  readonly alerts: Alerts;
  readonly claims: ClaimScore;
  readonly siblings: SiblingScore;
  /** Targets that were missed; empty when all is well. */
  readonly misses: readonly string[];
  /** What was wrong or missed, one by one. */
  readonly cases: readonly string[];
  readonly sessions: number;
  readonly processes: number;
}

/** The defaults of the processor. */
const thresholds = { stalledAfterMs: 120_000, longRunningAfterMs: 300_000 };
/** Deadlines are looked at so often. */
const tickMs = 200;
/** A request that failed comes again that much later at most. */
const secondAttemptMs = 1_800;

/** Lets a scenario happen and compares the collector with it. */
export async function tryOut(scenario: Scenario, seed: number): Promise<Trial> {
  const { world, httpSpeed } = scenario;
  const outcome =
    httpSpeed === undefined
      ? await happen(world, seed)
      : await happenOverHttp(world, httpSpeed, seed);
  return assess(scenario, outcome);
}

/** Compares what a collector made of a world with what really was. */
export function assess(scenario: Scenario, outcome: Outcome): Trial {
  const { world, allowedLatenessMs } = scenario;
  const { story, arrivals, derived, samples } = outcome;
  const owners = new Owners(story, world.mode);
  const rules = {
    ...thresholds,
    mode: world.mode,
    allowedLatenessMs,
    showsAnswers: world.habits.requests !== undefined,
    longestDelayMs: world.faults.longestDelayMs,
  };
  const deadlines = new Deadlines(story, { arrivals, owners, rules });
  const events = readDerived(derived);
  const evictions = scoreEvictions(story, { arrivals, events }, deadlines);
  const truth = new StateTruth(story, {
    owners,
    delivered: deadlines.delivered,
    limits: thresholds,
    settlingMs: allowedLatenessMs + deliveryMs(world) + tickMs,
  });
  const works = new Map(story.works.map((work) => [work.spanId, work]));
  const states = samples.length === 0 ? undefined : scoreStates(samples, truth, works);
  const claims = scoreClaims(story, { arrivals, truth, answers: events.answers });
  const found = { evictions, states, claims, alerts: countAlerts(events.stalls, truth, works) };
  return {
    scenario,
    ...found,
    siblings: scoreSiblings(story, truth, events.answers),
    misses: missesOf(scenario, found),
    cases: [
      ...evictions.cases.map((each) => caseText(each, arrivals)),
      ...(states?.wrong ?? []).map(stateText),
      ...claims.wrong.map(claimText),
    ],
    sessions: story.sessions.length,
    processes: story.processes.length,
  };
}

/** How long anything is on its way that arrives at all, while the collector is there. */
function deliveryMs({ flushMs, faults }: World): number {
  return flushMs + faults.longestDelayMs + (faults.failedShare > 0 ? secondAttemptMs : 0);
}

function stateText({ atMs, session, truth, reading }: WrongState): string {
  return `state at ${(atMs / 1000).toFixed(2)} of ${session}: ${reading}; in truth ${truth}`;
}

function claimText({ claim, atMs, truth }: ClaimScore["wrong"][number]): string {
  const { type, session, work } = claim;
  const named = work === undefined ? "nothing" : `${work.kind} ${work.spanId}`;
  return `claim ${type} at ${(atMs / 1000).toFixed(2)} of session ${session.index}, naming ${named}: in truth ${truth}`;
}

/** A case with all that led to it; times are the world's, in seconds. */
function caseText({ what, work, reason, atMs }: Case, arrivals: ArrivalTimes): string {
  const at = (ms: number) => (ms / 1000).toFixed(2);
  if (work === undefined) {
    return `${what} ${reason} at ${at(atMs)}: nothing is known by that name`;
  }
  const { kind, spanId, session, process, startMs, endMs, orphanedMs, closedMs } = work;
  return [
    `${what} ${reason} at ${at(atMs)}: ${kind} ${spanId} of session ${session.index}`,
    `from ${at(startMs)} (arrived ${at(arrivals.startOf(work))})`,
    `to ${at(endMs)}, closed ${at(closedMs)} (arrived ${at(arrivals.endOf(work))})`,
    `orphaned ${at(orphanedMs)}, process ${process.index} ${process.death} ${at(process.diesMs)}`,
  ].join(", ");
}

/** What of its target a scenario missed, in words. */
export function missesOf(
  { target, allowedLatenessMs }: Pick<Scenario, "target" | "allowedLatenessMs">,
  { evictions, states }: Pick<Trial, "evictions" | "states">,
): readonly string[] {
  const p99Ms = percentile(evictions.lateMs, 0.99) + allowedLatenessMs;
  const mostMs = allowedLatenessMs + (target.delayMs ?? Number.POSITIVE_INFINITY);
  const atLeast = (name: string, value: number, least = 0) =>
    value >= least ? [] : [`${name} is ${value}, not ${least}`];
  const atMost = (name: string, value: number, most: number) =>
    value <= most ? [] : [`${name}: ${Math.round(value)}, not ${most}`];
  return [
    ...atLeast("precision", evictions.precision, target.precision),
    ...atLeast("recall", evictions.recall, target.recall),
    ...(target.statesRight === undefined
      ? []
      : states === undefined
        ? ["states right was not measured"]
        : atLeast("states right", shareRight(states), target.statesRight)),
    ...atMost("detection delay p99 in ms", p99Ms, mostMs),
    ...atMost(
      "wrong evictions at once",
      evictions.wrongAtOnce,
      target.wrongAtOnce ?? Number.POSITIVE_INFINITY,
    ),
    ...atMost(
      "evicted before it was due",
      evictions.early,
      target.early ?? Number.POSITIVE_INFINITY,
    ),
    ...atMost("called confirmed though nothing had reported it", evictions.overconfident, 0),
    ...atMost("evicted though the end had arrived", evictions.afterEnd, 0),
    ...atMost("evicted or stalled while a person was awaited", evictions.whileAwaited, 0),
  ];
}

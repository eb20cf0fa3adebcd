import {
  confidenceOf,
  evictionReasons,
  kindNames,
  toWorkKind,
} from "../../../../../src/processors/session_activity/kinds.ts";
import { outcomes } from "../../../../../src/processors/session_activity/machine/activity-counts.ts";
import type { ActivityEvent } from "../../../../../src/processors/session_activity/machine/activity-event.ts";
import { sessionStateNames } from "../../../../../src/processors/session_activity/machine/session-states.ts";
import {
  dialectNames,
  signalResults,
} from "../../../../../src/processors/session_activity/signals/dialects.ts";
import type { History } from "../history.ts";
import { isActive } from "./kinship.ts";
import type { Occurrence } from "./occurrence.ts";
import type { ReferenceMachine } from "./reference-machine.ts";
import { stateOf } from "./states.ts";

/** All that a machine shows, in a form in which two can be compared; what is 0 is left out. */
export interface Outcome {
  readonly counts: Readonly<Record<string, number>>;
  /** Sessions by state, and how much is held. */
  readonly held: Readonly<Record<string, number>>;
  /** What was told, in no order. */
  readonly told: readonly string[];
}

export function outcomeOfMachine({ activity, events }: History): Outcome {
  const { counts } = activity;
  const cells: [string, number][] = kindNames.flatMap((kind, index) => [
    ...(["started", "ended", "open", "untracked", "reconciled", "lateStarts"] as const).map(
      (name): [string, number] => [`${name} ${kind}`, counts[name][index] ?? 0],
    ),
    ...evictionReasons.map((reason): [string, number] => [
      `evicted ${reason} ${kind}`,
      counts.evicted(reason, toWorkKind(index)),
    ]),
    ...outcomes.flatMap((outcome): [string, number][] => {
      const cell = counts.durations(toWorkKind(index), outcome);
      return [
        [`${kind} ${outcome}`, cell?.count ?? 0],
        [`ms ${kind} ${outcome}`, roundedMs((cell?.sum ?? 0) * 1000)],
      ];
    }),
  ]);
  const signals = signalResults.flatMap((result) =>
    dialectNames.map((dialect, index): [string, number] => [
      `signal ${result} ${dialect}`,
      counts.signals(result, index),
    ]),
  );
  const { spans, groups, traces, references, sessions, openWork } = activity.sizes();
  return {
    counts: toRecord([...cells, ...signals]),
    held: toRecord([
      ...sessionStateNames.map((state): [string, number] => [state, activity.sessionsIn(state)]),
      ...Object.entries({ spans, groups, traces, references, sessions, openWork }),
    ]),
    told: told(events.map(occurrenceOf)),
  };
}

export function outcomeOfReference({ world }: ReferenceMachine): Outcome {
  const { tally, spans, groups, traces, references } = world;
  const open = [...spans.values()].filter(({ state }) => state === "open");
  return {
    counts: toRecord([
      ...tally.counts,
      ...kindNames.map((kind): [string, number] => [
        `open ${kind}`,
        open.filter((span) => span.kind === kind).length,
      ]),
      ...[...tally.durationsMs].flatMap(([cell, durationsMs]): [string, number][] => [
        [cell, durationsMs.length],
        [`ms ${cell}`, roundedMs(durationsMs.reduce((sum, each) => sum + each, 0))],
      ]),
    ]),
    held: toRecord([
      ...sessionStateNames.map((state): [string, number] => [
        state,
        [...groups].filter((group) => stateOf(world, group) === state).length,
      ]),
      ["spans", spans.size],
      ["groups", groups.size],
      ["traces", traces.size],
      ["references", references.size],
      ["sessions", [...groups].filter(isActive).length],
      ["openWork", open.length],
    ]),
    told: told(world.occurrences),
  };
}

/** Sums of the same times in another order. */
function roundedMs(ms: number): number {
  return Math.round(ms * 64) / 64;
}

function toRecord(cells: readonly (readonly [string, number])[]): Record<string, number> {
  return Object.fromEntries(cells.filter(([, count]) => count !== 0));
}

function told(occurrences: readonly Occurrence[]): readonly string[] {
  return occurrences.map((occurrence) => JSON.stringify(occurrence, orderKeys)).sort();
}

/** Objects with the same content become the same text. */
function orderKeys(_key: string, value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}

function occurrenceOf(event: ActivityEvent): Occurrence {
  switch (event.type) {
    case "evicted": {
      const { type, reason, atMs, tools, modelCalls, oldestAgeMs, isInferred } = event;
      return {
        type,
        reason,
        confidence: isInferred ? "presumed" : confidenceOf[reason],
        atMs,
        tools,
        modelCalls,
        oldestAgeMs,
        markers: event.markers
          .map(({ kind, traceId, spanId, ageMs, name }) => {
            const ids = `${traceId.at(-1)}/${spanId.at(-1)}`;
            return `${kindNames[kind]} ${ids} of ${ageMs} ms, named ${name}`;
          })
          .sort(),
      };
    }
    case "reconciled":
      return { ...event, kind: kindNames[event.kind] };
    case "stalled": {
      const { type, state, atMs, silentMs, tools, modelCalls, oldestAgeMs } = event;
      return { type, state, atMs, silentMs, tools, modelCalls, oldestAgeMs };
    }
    case "recovered": {
      const { type, cause, atMs } = event;
      return { type, cause, atMs };
    }
    case "held":
      return event;
    default: {
      const never: never = event;
      return never;
    }
  }
}

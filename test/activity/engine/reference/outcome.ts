import { outcomes } from "../../../../src/activity/engine/store/activity-counters.ts";
import { blockedByNames, sessionStateNames } from "../../../../src/activity/model/diagnosis.ts";
import { dialectNames, signalResults } from "../../../../src/activity/model/dialects.ts";
import type { ActivityEvent, Evidence } from "../../../../src/activity/model/events.ts";
import { evictionReasons } from "../../../../src/activity/model/reasons.ts";
import { kindNames } from "../../../../src/activity/model/work.ts";
import type { History } from "../history.ts";
import type { Occurrence } from "./occurrence.ts";
import type { ReferenceEngine } from "./reference-engine.ts";
import { standings } from "./states.ts";

/** All results of an engine, in a form in which two can be compared; zeros are left out. */
export interface Outcome {
  readonly counts: Readonly<Record<string, number>>;
  /** Sessions by state and what blocks them, and how much is open. */
  readonly held: Readonly<Record<string, number>>;
  /** Events, in no order; evictions of one moment that differ in nothing else are one. */
  readonly events: readonly string[];
}

export function outcomeOfEngine({ activity, events }: History): Outcome {
  const { counters } = activity;
  const cells: [string, number][] = kindNames.flatMap((kind, index) => [
    ...(["started", "ended", "open", "untracked", "reconciled", "lateStarts"] as const).map(
      (name): [string, number] => [`${name} ${kind}`, counters[name][index] ?? 0],
    ),
    ...evictionReasons.map((reason): [string, number] => [
      `evicted ${reason} ${kind}`,
      counters.evicted.get(reason)?.[index] ?? 0,
    ]),
    ...kindNames.map((to, at): [string, number] => [
      `corrected ${kind} to ${to}`,
      counters.corrected[index]?.[at] ?? 0,
    ]),
    ...outcomes.flatMap((outcome): [string, number][] => {
      const cell = counters.durations[index]?.[outcomes.indexOf(outcome)];
      return [
        [`${kind} ${outcome}`, cell?.count ?? 0],
        [`ms ${kind} ${outcome}`, roundedMs((cell?.sum ?? 0) * 1000)],
      ];
    }),
  ]);
  const signals = signalResults.flatMap((result) =>
    dialectNames.map((dialect, index): [string, number] => [
      `signal ${result} ${dialect}`,
      counters.signals.get(result)?.[index] ?? 0,
    ]),
  );
  return {
    counts: toRecord([...cells, ...signals]),
    held: toRecord([
      ...sessionStateNames.flatMap((state) =>
        blockedByNames.map((blockedBy): [string, number] => [
          `${state} by ${blockedBy}`,
          activity.view.sessionsIn(state, blockedBy),
        ]),
      ),
      ["openWork", activity.view.sizes().openWork],
    ]),
    events: toTexts(events.map(occurrenceOf)),
  };
}

export function outcomeOfReference({ world }: ReferenceEngine): Outcome {
  const { tally, spans } = world;
  const all = standings(world);
  const open = [...spans.values()].filter(
    ({ state, isUncounted }) => state === "open" && !isUncounted,
  );
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
      ...all.map(({ state, blockedBy }): [string, number] => [
        `${state} by ${blockedBy}`,
        all.filter((each) => each.state === state && each.blockedBy === blockedBy).length,
      ]),
      ["openWork", open.length],
    ]),
    events: toTexts(world.occurrences),
  };
}

/** Sums of the same times in another order. */
function roundedMs(ms: number): number {
  return Math.round(ms * 64) / 64;
}

function toRecord(cells: readonly (readonly [string, number])[]): Record<string, number> {
  return Object.fromEntries(cells.filter(([, count]) => count !== 0));
}

function toTexts(occurrences: readonly Occurrence[]): readonly string[] {
  return merged(occurrences)
    .map((occurrence) => JSON.stringify(occurrence, orderKeys))
    .sort();
}

/** Merges evictions: which markers share an event is not promised, only that they are of one owner or one session. */
function merged(occurrences: readonly Occurrence[]): readonly Occurrence[] {
  const evictions = new Map<string, Extract<Occurrence, { type: "evicted" }>>();
  const others: Occurrence[] = [];
  for (const each of occurrences) {
    if (each.type !== "evicted") {
      others.push(each);
      continue;
    }
    const key = `${each.atMs} ${each.reason} ${each.confidence}`;
    const same = evictions.get(key);
    const ages = [each, same].flatMap((one) => one?.oldestAgeMs ?? []);
    evictions.set(key, {
      ...each,
      tools: each.tools + (same?.tools ?? 0),
      modelCalls: each.modelCalls + (same?.modelCalls ?? 0),
      oldestAgeMs: ages.length === 0 ? undefined : Math.max(...ages),
      markers: [...each.markers, ...(same?.markers ?? [])].sort(),
    });
  }
  return [...evictions.values(), ...others];
}

/** Objects with the same content become the same text. */
function orderKeys(_key: string, value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}

/** An event of the engine in the form of the reference. */
export function occurrenceOf(event: ActivityEvent): Occurrence {
  switch (event.type) {
    case "evicted": {
      const { type, reason, confidence, atMs, tools, modelCalls, oldestAgeMs } = event;
      return {
        type,
        reason,
        confidence,
        atMs,
        tools,
        modelCalls,
        oldestAgeMs,
        markers: event.markers
          .map(({ kind, traceId, spanId, ageMs, name }) => {
            const ids = `${lastOf(traceId)}/${lastOf(spanId)}`;
            return `${kindNames[kind]} ${ids} of ${ageMs} ms, named ${name}`;
          })
          .sort(),
      };
    }
    case "reconciled":
      return { ...event, kind: kindNames[event.kind] };
    case "stalled": {
      const { type, state, verdict, blockedBy, atMs, silentMs } = event;
      return { type, state, verdict, blockedBy, atMs, culprit: culpritOf(event), silentMs };
    }
    case "recovered": {
      const { type, cause, atMs } = event;
      return { type, cause, atMs };
    }
    case "diagnosed": {
      const { type, claim, verdict, atMs } = event;
      return { type, claim, verdict, atMs, culprit: culpritOf(event) };
    }
    case "held":
      return event;
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** Which marker an event blames; a run is not named. */
function culpritOf({ verdict, traceId, spanId }: Evidence): string {
  const isOfMarker =
    verdict === "silent_tool" || verdict === "silent_model_call" || verdict === "stale_marker";
  return isOfMarker ? `${lastOf(traceId)}/${lastOf(spanId)}` : "";
}

/** The number at the end of an id. */
function lastOf(id: Uint8Array): number {
  return (id.at(-2) ?? 0) * 256 + (id.at(-1) ?? 0);
}

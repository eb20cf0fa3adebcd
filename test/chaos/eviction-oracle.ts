import { isDeepStrictEqual } from "node:util";
import type { DerivedEvent } from "../support/derived-telemetry.ts";
import { type Reason, reasons } from "../system/kill/tally.ts";
import type { Contradiction } from "./contradiction.ts";
import { hex } from "./items.ts";
import type { Truth } from "./truth.ts";

export interface EvictionFigures {
  /** Orphans that had to be found, and were. */
  readonly right: number;
  readonly missed: number;
  readonly wrong: number;
  /** Evictions of work whose end arrived later than the lateness allows: they have to be reconciled. */
  readonly late: number;
  /** Markers of which nobody can say what the collector had to think of them. */
  readonly undecided: number;
  /** Events that came more than once, with the same id. */
  readonly repeats: number;
}

const markers = ["tool", "model_call"] as const;
type Marker = (typeof markers)[number];
const counts = {
  tool: "openclaw.evictedTools",
  model_call: "openclaw.evictedModelCalls",
} as const satisfies Record<Marker, string>;

/** Events, each once however often it came. */
export interface Distinct {
  readonly events: readonly DerivedEvent[];
  readonly repeats: number;
  readonly contradictions: readonly Contradiction[];
}

/** Leaves out what came again. An event that comes again under its id and says something else is a contradiction. */
export function distinctEvents(events: readonly DerivedEvent[]): Distinct {
  const byUid = new Map<string, DerivedEvent>();
  const contradictions: Contradiction[] = [];
  for (const event of events) {
    const uid = String(event.attributes["log.record.uid"] ?? "");
    const known = byUid.get(uid);
    if (uid === "") {
      contradictions.push({ about: "event", what: `an event without an id: ${textOf(event)}` });
    } else if (known === undefined) {
      byUid.set(uid, event);
      // Its time is that of the engine, told by a wall clock that is read anew after each start.
    } else if (!isDeepStrictEqual({ ...event, timeUnixMs: known.timeUnixMs }, known)) {
      contradictions.push({
        about: "event",
        what: `two events with one id: ${textOf(known)} and ${textOf(event)}`,
      });
    }
  }
  return {
    events: [...byUid.values()],
    repeats: events.length - byUid.size,
    contradictions,
  };
}

/**
 * Compares evictions with what really became of the work, when everything has arrived and fallen due. `seenMs`: when each event came for
 * the first time, by its id.
 */
export function judgeEvictions(
  truth: Truth,
  events: readonly DerivedEvent[],
  seenMs: ReadonlyMap<string, number> = new Map(),
): { readonly contradictions: readonly Contradiction[]; readonly figures: EvictionFigures } {
  const distinct = distinctEvents(events);
  const contradictions: Contradiction[] = [...distinct.contradictions];
  const found = new Map<string, number>();
  const keyOf = (trace: string, reason: string, kind: Marker) => `${trace} ${reason} ${kind}`;
  for (const event of distinct.events) {
    const reason = String(event.attributes["openclaw.reason"]);
    const trace = truth.traces.get(event.traceId);
    const firstSeenMs = seenMs.get(String(event.attributes["log.record.uid"]));
    if (trace === undefined) {
      contradictions.push({
        about: "false eviction",
        what: `evicted work of a trace that nobody sent: ${textOf(event)}`,
      });
    } else if (!isReason(reason)) {
      contradictions.push({ about: "event", what: `an unknown reason: ${textOf(event)}` });
    } else if (
      reason === "orphaned_no_owner" &&
      firstSeenMs !== undefined &&
      truth.isTooEarly(trace, firstSeenMs)
    ) {
      contradictions.push({
        about: "false eviction",
        what: `evicted before the lateness was over: ${textOf(event)}. Told: ${truth.storyOf(trace)}`,
      });
    }
    for (const kind of markers) {
      const key = keyOf(event.traceId, reason, kind);
      found.set(key, (found.get(key) ?? 0) + Number(event.attributes[counts[kind]] ?? 0));
    }
  }
  let right = 0;
  let missed = 0;
  let wrong = 0;
  let late = 0;
  let undecided = 0;
  for (const [id, trace] of truth.traces) {
    if (truth.isPast(id)) {
      continue;
    }
    const ranges = truth.evictionsOf(trace);
    undecided += trace.works.filter(
      (work) => work.kind !== "run" && (truth.isLate(work) || truth.isUnknown(work)),
    ).length;
    for (const [reason, byKind] of ranges) {
      for (const kind of markers) {
        const { least, most } = byKind[kind];
        const times = found.get(keyOf(id, reason, kind)) ?? 0;
        const where = () =>
          `${kind} of ${trace.sender} (${trace.dialect}), trace ${id}, as ${reason}. Told: ${truth.storyOf(trace)}`;
        right += Math.min(times, least);
        late += Math.max(0, Math.min(times, most) - least);
        if (times > most) {
          wrong += times - most;
          contradictions.push({
            about: "false eviction",
            what: `${times} evictions instead of at most ${most}: ${where()}`,
          });
        } else if (times < least) {
          missed += least - times;
          contradictions.push({
            about: "missed orphan",
            what: `${times} evictions instead of at least ${least}: ${where()}`,
          });
        }
      }
    }
  }
  return {
    contradictions,
    figures: { right, missed, wrong, late, undecided, repeats: distinct.repeats },
  };
}

/** A closing span names each evicted marker by itself: it has to be one that may be evicted. */
export function judgeClosings(truth: Truth, closed: Iterable<string>): readonly Contradiction[] {
  const mayBeEvicted = new Map<string, boolean>();
  for (const [id, { works }] of truth.traces) {
    for (const work of works) {
      const isOrphan = work.fate !== "ends" && work.fate !== "stays";
      const isAllowed = isOrphan || truth.isUnknown(work) || truth.isLate(work);
      mayBeEvicted.set(`${id}/${hex(work.spanId)}`, work.kind !== "run" && isAllowed);
    }
  }
  return [...closed]
    .filter((work) => mayBeEvicted.get(work) !== true)
    .map((work) => ({
      about: "false eviction",
      what: `a closing span says that ${work} was evicted`,
    }));
}

function isReason(text: string): text is Reason {
  return reasons.some((reason) => reason === text);
}

function textOf({ name, traceId, attributes }: DerivedEvent): string {
  return JSON.stringify({ name, traceId, attributes });
}

import type { ArrivalTimes } from "./arrival-times.ts";
import type { Deadlines } from "./deadlines.ts";
import type { DerivedEvents } from "./derived-events.ts";
import { push } from "./owners.ts";
import { isMarker, isOrphan, ownerOf, type Story, unwatchedMs, type Work } from "./story.ts";

/** An eviction that was wrong, or an orphan that was missed. */
export interface Case {
  readonly what:
    | "false"
    | "repeated"
    | "missed"
    | "after_end"
    | "while_awaited"
    | "early"
    | "overconfident";
  readonly work: Work | undefined;
  readonly reason: string;
  readonly atMs: number;
}

/** The collector counts in whole milliseconds. */
const roundingMs = 1;

/** How right a collector was. All but the first two lines counts only what could be known. */
export interface EvictionScore {
  readonly markers: number;
  /** Markers of which the start or the end never arrived, and orphans among them. */
  readonly unknowable: number;
  readonly unknowableOrphans: number;
  /** Orphans that were to be found. */
  readonly orphans: number;
  /** Orphans that are none after all: their gateway closed them before the lateness had passed. */
  readonly closedInTime: number;
  readonly right: number;
  readonly wrong: number;
  /** Evictions of what can't be known, which count as neither. */
  readonly undecided: number;
  readonly found: number;
  readonly precision: number;
  readonly recall: number;
  readonly falseEvictionRate: number;
  /** From when orphans were due until their eviction. Sorted. */
  readonly lateMs: readonly number[];
  readonly reconciled: number;
  readonly held: number;
  readonly byReason: ReadonlyMap<string, number>;
  readonly stalls: number;
  /** The most wrong evictions at one moment. */
  readonly wrongAtOnce: number;
  /** Orphans that were evicted before they were due. */
  readonly early: number;
  /** Evictions that are called confirmed though nothing has reported them: those that were wrong, and guesses. */
  readonly overconfident: number;
  readonly afterEnd: number;
  readonly whileAwaited: number;
  readonly cases: readonly Case[];
}

/** Compares the evictions that the collector emitted with the truth. */
export function scoreEvictions(
  story: Story,
  observed: { readonly arrivals: ArrivalTimes; readonly events: DerivedEvents },
  deadlines: Deadlines,
): EvictionScore {
  const { arrivals, events } = observed;
  const works = new Map(story.works.map((work) => [work.spanId, work]));
  const found = new Set<Work>();
  /** Those of them that evictions are taken to have meant which name none. */
  const foundByNumber = new Set<Work>();
  const cases: Case[] = [];
  const lateMs: number[] = [];
  const byReason = new Map<string, number>();
  const wrongAt = new Map<number, number>();
  let right = 0;
  let undecided = 0;

  // What has reached its greatest age and never ends is given up with right, even while its run goes on.
  const isRight = (work: Work, reason: string, atMs: number) =>
    atMs >= deadlines.orphanedMs(work) || (reason === "max_age" && isOrphan(work));
  // An orphan that is named after one of its run was evicted by number is another one, where there is another one.
  const otherThan = (work: Work, atMs: number) =>
    story.works.find(
      (each) =>
        ownerOf(each) === ownerOf(work) &&
        isMarker(each) &&
        isOrphan(each) &&
        !found.has(each) &&
        deadlines.orphanedMs(each) <= atMs,
    );
  const lookAlikes = new Map<Work, number>();
  const isOfLookAlike = ({ run }: EvictionOfOne) => {
    const left = run === undefined ? 0 : (lookAlikes.get(run) ?? deadlines.lookAlikesIn(run));
    if (run !== undefined) {
      lookAlikes.set(run, left - 1);
    }
    return left > 0;
  };
  const evict = (work: Work | undefined, eviction: EvictionOfOne) => {
    const { reason, atMs, confidence, isByNumber } = eviction;
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
    const note = (what: Case["what"]) => cases.push({ what, work, reason, atMs });
    if (work !== undefined && unwatchedMs(work) <= atMs && !isOrphan(work)) {
      note("false"); // It is no longer watched, which is no end.
      return;
    }
    if (work !== undefined && !deadlines.isKnowable(work)) {
      undecided++;
      return;
    }
    if (work !== undefined && arrivals.endOf(work) < atMs && !isOrphan(work)) {
      note("after_end");
    }
    if (work !== undefined && deadlines.isAwaited(work, atMs)) {
      note("while_awaited");
    }
    const isPremature = work !== undefined && isOrphan(work) && !isRight(work, reason, atMs);
    if (isPremature && !found.has(work) && deadlines.isHeldUnawares(work, atMs)) {
      found.add(work);
      undecided++;
    } else if (work === undefined && isOfLookAlike(eviction)) {
      undecided++;
    } else if (
      work !== undefined &&
      !isRight(work, reason, atMs) &&
      deadlines.isForeclosed(work, atMs)
    ) {
      undecided++;
    } else if (work === undefined || !isRight(work, reason, atMs)) {
      note("false");
      noteConfidence(work, { reason, atMs, confidence });
      wrongAt.set(atMs, (wrongAt.get(atMs) ?? 0) + 1);
    } else if (found.has(work)) {
      const other = !isByNumber && foundByNumber.delete(work) ? otherThan(work, atMs) : undefined;
      if (other === undefined) {
        note("repeated");
      } else {
        found.add(other);
        foundByNumber.add(other);
        right++;
      }
    } else {
      found.add(work);
      if (isByNumber) {
        foundByNumber.add(work);
      }
      right++;
      noteConfidence(work, { reason, atMs, confidence });
      if (reason === "orphaned_no_owner") {
        notePunctuality(work, atMs);
      }
    }
  };
  const noteConfidence = (
    work: Work | undefined,
    { reason, atMs, confidence }: Pick<EvictionOfOne, "reason" | "atMs" | "confidence">,
  ) => {
    const isReported =
      work !== undefined && isRight(work, reason, atMs) && deadlines.isReported(work, atMs);
    if (confidence === "confirmed" && !isReported) {
      cases.push({ what: "overconfident", work, reason, atMs });
    }
  };
  const notePunctuality = (work: Work, atMs: number) => {
    const dueMs = deadlines.dueMs(work);
    if (atMs + roundingMs < deadlines.earliestDueMs(work)) {
      cases.push({ what: "early", work, reason: "orphaned_no_owner", atMs });
    } else if (Number.isFinite(dueMs) && deadlines.isDueByEnds(work)) {
      lateMs.push(Math.max(0, atMs - dueMs));
    }
  };

  for (const eviction of evictionsOf(events, works, deadlines, found)) {
    evict(eviction.marker(), eviction);
  }
  for (const { atMs, spanId } of events.stalls) {
    const work = works.get(spanId);
    if (work !== undefined && deadlines.isAwaited(work, atMs)) {
      cases.push({ what: "while_awaited", work, reason: "stalled", atMs });
    }
  }

  const markers = story.works.filter(isMarker);
  const knowable = markers.filter((marker) => deadlines.isKnowable(marker));
  const orphans = knowable.filter(
    (marker) => isOrphan(marker) && !deadlines.isClosedInTime(marker),
  );
  const foundOrphans = orphans.filter((orphan) => found.has(orphan)).length;
  for (const work of orphans.filter((orphan) => !found.has(orphan))) {
    cases.push({ what: "missed", work, reason: "", atMs: deadlines.orphanedMs(work) });
  }
  const count = (what: Case["what"]) => cases.filter((each) => each.what === what).length;
  const wrong = count("false") + count("repeated");
  const allOrphans = markers.filter(isOrphan).length;
  const knowableOrphans = knowable.filter(isOrphan).length;
  return {
    markers: markers.length,
    unknowable: markers.length - knowable.length,
    unknowableOrphans: allOrphans - knowableOrphans,
    orphans: orphans.length,
    closedInTime: knowableOrphans - orphans.length,
    right,
    wrong,
    undecided,
    found: foundOrphans,
    precision: share(right, right + wrong),
    recall: share(foundOrphans, orphans.length),
    falseEvictionRate:
      1 -
      share(knowable.length - orphans.length - count("false"), knowable.length - orphans.length),
    lateMs: lateMs.sort((a, b) => a - b),
    reconciled: events.reconciled,
    held: events.held,
    byReason,
    stalls: events.stalls.length,
    wrongAtOnce: Math.max(0, ...wrongAt.values()),
    early: count("early"),
    overconfident: count("overconfident"),
    afterEnd: count("after_end"),
    whileAwaited: count("while_awaited"),
    cases,
  };
}

/** The value below which the share of sorted values lies; 0 for none. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

/** An event and the closing spans of its markers take different ways. */
const togetherMs = 1_000;

interface EvictionOfOne {
  readonly atMs: number;
  readonly reason: string;
  readonly confidence: string;
  /** It names none, only a run. */
  readonly isByNumber: boolean;
  readonly run?: Work | undefined;
  /** Called in order: which orphan an eviction by number means depends on those found before. */
  readonly marker: () => Work | undefined;
}

/**
 * Every single eviction in order of time. What an event counts beyond the markers that closing spans of about
 * the same time and the same session name is known by number: it means orphans of that run not found yet, or of its session.
 */
function evictionsOf(
  events: DerivedEvents,
  works: ReadonlyMap<string, Work>,
  deadlines: Deadlines,
  found: ReadonlySet<Work>,
): readonly EvictionOfOne[] {
  const { owners } = deadlines;
  const orphansOf = new Map<string, Work[]>();
  for (const work of works.values()) {
    if (isMarker(work) && isOrphan(work)) {
      push(orphansOf, owners.sessionOf(work), work);
    }
  }
  const keyOf = (spanId: string, reason: string) => {
    const work = works.get(spanId);
    return `${reason} ${work === undefined ? spanId : owners.sessionOf(work)}`;
  };
  const named = new Map<string, number[]>();
  const evictions: EvictionOfOne[] = events.named.map(({ atMs, spanId, reason, confidence }) => {
    const key = keyOf(spanId, reason);
    named.set(key, [...(named.get(key) ?? []), atMs]);
    return { atMs, reason, confidence, isByNumber: false, marker: () => works.get(spanId) };
  });
  for (const { atMs, spanId, reason, confidence, count } of events.evictions) {
    const times = named.get(keyOf(spanId, reason)) ?? [];
    for (let rest = count; rest > 0; rest--) {
      const same = times.findIndex((time) => Math.abs(time - atMs) <= togetherMs);
      if (same !== -1) {
        times.splice(same, 1);
        continue;
      }
      const marker = () => {
        const run = works.get(spanId);
        const orphans = run === undefined ? [] : (orphansOf.get(owners.sessionOf(run)) ?? []);
        const possible = orphans.filter(
          (orphan) =>
            !found.has(orphan) &&
            (deadlines.orphanedMs(orphan) <= atMs || deadlines.isHeldUnawares(orphan, atMs)),
        );
        const isOfRun = (orphan: Work) => run !== undefined && ownerOf(orphan) === ownerOf(run);
        const ofRun = possible.filter(isOfRun);
        // What is known is meant before what nothing speaks of yet.
        const due = ofRun.find((orphan) => deadlines.knownFromMs(orphan) <= atMs);
        const mayBeNone = run !== undefined && deadlines.lookAlikesIn(run) > 0;
        return due ?? (mayBeNone ? undefined : (ofRun[0] ?? possible[0]));
      };
      evictions.push({
        atMs,
        reason,
        confidence,
        isByNumber: true,
        run: works.get(spanId),
        marker,
      });
    }
  }
  return evictions.sort((a, b) => a.atMs - b.atMs);
}

/** Of nothing, all. */
function share(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

import {
  ancestorsOf,
  detachedAbove,
  isMarker,
  openMarkers,
  spansBelow,
  waitsFor,
  withoutWaiting,
} from "./ancestry.ts";
import { evictMarkers, evictUnnamed } from "./evictions.ts";
import { guessed, mayBeOrphan, pairHarnessRuns, settleEnded } from "./finished.ts";
import { orphansAt, orphansDue, ownerOver } from "./holders.ts";
import { waitsForRun } from "./items.ts";
import { evictRuns } from "./lease-expiry.ts";
import { end, untrack } from "./lifecycle.ts";
import { isBefore, type Moment } from "./moments.ts";
import { isUnwatched, type Owner, type Owners, ownersOf } from "./owners.ts";
import { takeUnmatched, unmatchedOf } from "./requests.ts";
import type { SessionNote, Span, World } from "./world.ts";

/** When an orphan, or what an ended run counted, is due. */
export function orphansDueMs(world: World): readonly number[] {
  const owners = ownersOf(world);
  const due = orphansDue(world, owners, openMarkers(world));
  return [
    ...due.map(({ dueMs }) => dueMs).filter((dueMs) => orphansAt(world, due, dueMs).length > 0),
    ...owners.all
      .filter((owner) => leftCounted(world, owner))
      .map((owner) => countedDueMs(world, owners, owner)),
  ];
}

/** Evicts what nothing holds any more; whether there was anything. */
export function evictOrphans(world: World): boolean {
  const counted = decideCounted(world);
  const owners = ownersOf(world);
  const due = orphansAt(world, orphansDue(world, owners, openMarkers(world)), world.nowMs);
  for (const [, group] of grouped(owners, due)) {
    const markers = group.map(({ marker }) => marker);
    if (isUnwatched(owners.above(markers[0]!))) {
      for (const marker of markers) {
        untrack(world, marker);
      }
    } else {
      evictMarkers(world, markers, "orphaned_no_owner", group[0]?.confidence);
    }
  }
  return counted || due.length > 0;
}

/** When what began before the end of a session is given up. */
export function sessionEndsDueMs(world: World): readonly number[] {
  return world.sessionEnds.flatMap((note) =>
    [note.dueMs, ...openBefore(world, note).map((span) => overAtMs(world, note, span))].filter(
      (dueMs) => dueMs > world.nowMs || overBy(world, note, dueMs).length > 0,
    ),
  );
}

/** What began before the end of its session is over, unless it has open work below that is not. */
export function endSessions(world: World): boolean {
  for (const note of world.sessionEnds) {
    const over = overBy(world, note, world.nowMs);
    if (over.length === 0) {
      continue;
    }
    evictMarkers(world, over.filter(isMarker), "session_ended");
    evictRuns(world, over, "session_ended");
    forgetSessionEnds(world);
    return true;
  }
  forgetSessionEnds(world);
  return false;
}

export function idlesDueMs(world: World): readonly number[] {
  return world.idles.map(({ dueMs }) => dueMs);
}

/** Runs of an idle session that began before, and in which nothing went on, have ended then. */
export function endIdleRuns(world: World): boolean {
  const due = world.idles.filter(({ dueMs }) => dueMs <= world.nowMs);
  world.idles = world.idles.filter(({ dueMs }) => dueMs > world.nowMs);
  for (const { runs, moment } of due) {
    const owners = ownersOf(world);
    const idle = new Set(runs.flatMap((run) => owners.ofRun(run) ?? []));
    const over = [...idle].filter(
      (owner) =>
        owner.isOpen &&
        isBefore(owner.start, moment, world.latenessMs) &&
        !hasGoneOn(world, owner, moment),
    );
    for (const run of over.flatMap(({ runs }) => runs.filter(({ state }) => state === "open"))) {
      run.endSureness = "probable";
      end(world, run, run.startMs + moment.atMs - run.start.atMs, moment);
    }
  }
  return due.length > 0;
}

/** Whether work started in an owner after it was reported idle, or together with that; what ended may be late. */
function hasGoneOn(world: World, owner: Owner, moment: Moment): boolean {
  return owner.runs
    .flatMap((run) => spansBelow(world, run))
    .some(
      (span) =>
        !owner.runs.includes(span) &&
        span.state !== "unknown" &&
        span.kind !== "other" &&
        !isBefore(span.start, { ...moment, isEnd: false }, world.latenessMs),
    );
}

/** Markers that go in one event: of one owner and one confidence. */
function grouped<T extends { readonly marker: Span; readonly confidence: string }>(
  owners: Owners,
  due: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of due) {
    const owner = owners.above(each.marker)?.runs[0]?.key ?? owners.sessionOf(each.marker);
    const key = `${owner} ${each.confidence}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}

/** Decides tools that an ended run counted, or that its models requested, once nothing holds what it left behind. */
function decideCounted(world: World): boolean {
  let hasDecided = false;
  for (const owner of ownersOf(world).all) {
    const owners = ownersOf(world);
    const isStill = owners.all.find(({ runs }) => runs[0] === owner.runs[0]);
    if (
      isStill === undefined ||
      !leftCounted(world, isStill) ||
      countedDueMs(world, owners, isStill) > world.nowMs
    ) {
      continue;
    }
    hasDecided = true;
    const hasClaim = isStill.runs.some(({ claimed }) => claimed > 0);
    if (hasClaim && pairHarnessRuns(world, isStill)) {
      continue; // Its owner is another one now.
    }
    settleEnded(world, isStill);
    const counted = guessed(world, isStill);
    const inferred = Math.max(0, takeUnmatched(world, owners, isStill) - counted);
    for (const tools of [counted, inferred]) {
      isStill.runs[0]!.unnamed += tools;
      evictUnnamed(world, tools);
    }
  }
  return hasDecided;
}

/** When nothing holds what an owner left, and its finished work is decided, which may be what it counted. */
function countedDueMs(world: World, owners: Owners, owner: Owner): number {
  const undecided = world.undecided.filter(
    (span) => isMarker(span) && owners.above(span) === owner && mayBeOrphan(world, span),
  );
  return Math.max(
    ownerOver(world, owners, owner).dueMs,
    ...undecided.map(({ undecidedSinceMs }) => undecidedSinceMs + world.latenessMs),
  );
}

function leftCounted(world: World, owner: Owner): boolean {
  return (
    !owner.isOpen &&
    !isUnwatched(owner) &&
    (owner.runs.some(
      ({ claimed, wasChecked }) => claimed > 0 && !(wasChecked && waitsForRun(world, owner)),
    ) ||
      unmatchedOf(world, owner).length > 0)
  );
}

/** What is over by then: markers without open work below, and runs without work below that stays. */
function overBy(world: World, note: SessionNote, atMs: number): readonly Span[] {
  const due = openBefore(world, note).filter((span) => overAtMs(world, note, span) <= atMs);
  const markers = withoutWaiting(world, due.filter(isMarker));
  const runs = due.filter((span) => !isMarker(span));
  const owners = ownersOf(world);
  const session = owners.sessionNamed(note.references);
  const staying = [...world.spans.values()].filter(
    (span) =>
      span.state === "open" &&
      span.kind !== "other" &&
      owners.sessionOf(span) === session &&
      ![...markers, ...runs].includes(span),
  );
  const above = new Set(
    staying.flatMap((span) => ancestorsOf(span).filter((each) => waitsFor(each, span))),
  );
  return [...markers, ...runs.filter((run) => !above.has(run))];
}

/** Work whose start arrives after that has a lateness of its own. A run below keeps work from being over, here too. */
function overAtMs(world: World, { dueMs }: SessionNote, span: Span): number {
  const ends = spansBelow(world, span).flatMap((run) =>
    run.kind === "run" && isMarker(span) && run.end !== undefined && waitsFor(span, run)
      ? [run.end.atMs]
      : [],
  );
  const held = isMarker(span) ? detachedAbove(span).flatMap(({ end }) => end?.atMs ?? []) : [];
  const lateStart = span.start.atMs > dueMs ? [span.start.atMs] : [];
  return Math.max(
    dueMs,
    ...[...lateStart, ...ends, ...held].map((fromMs) => fromMs + world.latenessMs),
  );
}

function openBefore(world: World, { references, moment }: SessionNote): readonly Span[] {
  const owners = ownersOf(world);
  const session = owners.sessionNamed(references);
  return [...world.spans.values()].filter(
    (span) =>
      span.state === "open" &&
      owners.sessionOf(span) === session &&
      isBefore(span.start, moment, world.latenessMs),
  );
}

/** The end of a session stands until all that began before is closed. */
function forgetSessionEnds(world: World): void {
  world.sessionEnds = world.sessionEnds.filter(
    (note) => note.dueMs > world.nowMs || openBefore(world, note).length > 0,
  );
}

import {
  ancestorsOf,
  detachedAbove,
  mayOutliveRun,
  openMarkers,
  runElsewhere,
  spansBelow,
  waitsFor,
  withoutWaiting,
} from "./ancestry.ts";
import { isBefore, type Moment } from "./moments.ts";
import { isUnwatched, type Owner, type Owners } from "./owners.ts";
import { progressOf } from "./progress.ts";
import { isWaiting } from "./waiting.ts";
import type { Span, World } from "./world.ts";

/** When a marker is an orphan, as far as is known now. */
export interface Deadline {
  /** Never, while a holder is open. */
  readonly dueMs: number;
  readonly confidence: "confirmed" | "probable" | "presumed";
}

const never = Number.POSITIVE_INFINITY;

/** When nothing holds a marker any more and the lateness has passed; open work below it is not looked at. */
export function orphanOf(world: World, owners: Owners, marker: Span): Deadline {
  if (mayOutliveRun(marker)) {
    return { dueMs: never, confidence: "presumed" };
  }
  const below = spansBelow(world, marker)
    .filter((span) => span.kind === "run" && waitsFor(marker, span))
    .flatMap((run) => owners.ofRun(run) ?? []);
  const elsewhere = runElsewhere(world, marker);
  const own = owners.above(marker) ?? (elsewhere && owners.ofRun(elsewhere));
  if (own !== undefined && !(elsewhere !== undefined && isUnwatched(own))) {
    return latestOf([
      { dueMs: marker.start.atMs + world.latenessMs, confidence: "confirmed" },
      ...below.map((owner) => ({ ...endOf(world, owner), confidence: "confirmed" as const })),
      ...detachedAbove(marker).map((tool) => toolOver(world, tool)),
      ownerOver(world, owners, own),
    ]);
  }
  if (elsewhere !== undefined) {
    return { dueMs: never, confidence: "presumed" };
  }
  const held = holdersWithoutRun(world, owners, marker);
  const mayComeYet = ancestorsOf(marker).some(({ state }) => state === "unknown");
  if (held === undefined || (held.length === 0 && mayComeYet)) {
    return { dueMs: never, confidence: "presumed" };
  }
  const { dueMs } = latestOf([
    { dueMs: marker.start.atMs + world.latenessMs, confidence: "presumed" },
    ...[...below, ...held].map((owner) => endOf(world, owner)),
    ...detachedAbove(marker).map((tool) => toolOver(world, tool)),
  ]);
  return { dueMs, confidence: "presumed" };
}

/** A tool that outlived its run holds what is in it until it is over, and that may be known less surely. */
function toolOver({ latenessMs }: World, { state, reason, end }: Span): Deadline {
  const dueMs = (end?.atMs ?? Number.NEGATIVE_INFINITY) + latenessMs;
  if (state === "untracked" || (state === "evicted" && reason === "max_age")) {
    return { dueMs, confidence: "presumed" };
  }
  const isSilent = reason === "lease_expired" || reason === "process_gone";
  return { dueMs, confidence: state === "evicted" && isSilent ? "probable" : "confirmed" };
}

/** When all that hold the markers of an owner have ended and the lateness has passed. */
export function ownerOver(world: World, owners: Owners, own: Owner): Deadline {
  const chain = owners.chainAbove(world, own);
  const overlapping = owners.all.filter(
    (other) => other !== own && !chain.includes(other) && holdsAlong(world, own, other),
  );
  return latestOf([
    endOf(world, own),
    ...chain.map((owner) => endOf(world, owner)),
    ...overlapping.map((owner) => endOrSilenceOf(world, owners, owner)),
  ]);
}

/** Open markers with when each is an orphan, open work below included: it goes with that, or after it. */
export function orphansDue(
  world: World,
  owners: Owners,
  markers: readonly Span[],
): readonly (Deadline & { readonly marker: Span })[] {
  return markers.map((marker) => ({ marker, ...orphanOf(world, owners, marker) }));
}

/** Of the markers that are orphans by `atMs`, those without other open work below. */
export function orphansAt(
  world: World,
  due: ReturnType<typeof orphansDue>,
  atMs: number,
): ReturnType<typeof orphansDue> {
  const over = due.filter(({ dueMs }) => dueMs <= atMs && dueMs < never);
  const left = withoutWaiting(
    world,
    over.map(({ marker }) => marker),
  );
  return over.filter(({ marker }) => left.includes(marker));
}

/** Whether another owner of the same session holds what `own` left behind. */
function holdsAlong({ latenessMs }: World, own: Owner, other: Owner): boolean {
  const overlaps =
    (own.end === undefined || isBefore(other.start, own.end, latenessMs)) &&
    (other.end === undefined || isBefore(own.start, other.end, latenessMs));
  const isBeside = !other.isSubAgent && other.cluster !== own.topCluster;
  return own.session === other.session && overlaps && (own.cluster === other.cluster || isBeside);
}

/** The owners that hold a marker whose own run is not known; undefined when no run that could is known at all. */
function holdersWithoutRun(
  world: World,
  owners: Owners,
  marker: Span,
): readonly Owner[] | undefined {
  const session = owners.sessionNamed(marker.references);
  const ofSession = owners.all.filter((owner) => owner.session === session);
  const candidates =
    ofSession.length > 0
      ? ofSession
      : owners.all.filter(({ runs }) => runs.some(({ trace }) => trace === marker.trace));
  // A run that was decided before the marker arrived, with all it left, is no evidence about it.
  // Nor does a sub-agent: it holds the tool that it runs in, and stands in for no run above or beside that.
  const known = candidates.filter(
    (owner) => !owner.isSubAgent && !wasOverBefore(world, owners, owner, marker),
  );
  const open = known.filter((owner) => wasOpenAt(world, owner, marker.start));
  if (open.length > 0) {
    return open;
  }
  // In the order of events it is the next one, which may be the marker's own.
  const next = known
    .filter(({ start }) => isBefore(marker.start, start, world.latenessMs))
    .filter(({ start }) => start.atMs <= marker.start.atMs + world.latenessMs)
    .sort((a, b) => a.start.atMs - b.start.atMs);
  if (next.length > 0) {
    return next.slice(0, 1);
  }
  const untilMs = marker.start.atMs + world.latenessMs;
  const hadRun = [`trace ${marker.trace.key}`, ...marker.references].some(
    (key) => (world.hadRun.get(key) ?? Number.POSITIVE_INFINITY) <= untilMs,
  );
  return hadRun ? [] : undefined;
}

function wasOverBefore(world: World, owners: Owners, owner: Owner, marker: Span): boolean {
  const isOver = !owner.isOpen && ownerOver(world, owners, owner).dueMs <= marker.start.atMs;
  return isOver && openMarkers(world).every((other) => owners.above(other) !== owner);
}

function wasOpenAt({ latenessMs }: World, owner: Owner, moment: Moment): boolean {
  return (
    !isBefore(moment, owner.start, latenessMs) &&
    (owner.end === undefined || !isBefore(owner.end, moment, latenessMs))
  );
}

function endOf({ latenessMs }: World, { isOpen, endedAtMs, runs }: Owner): Deadline {
  const ends = runs.map(({ endSureness }) => endSureness ?? "confirmed");
  return { dueMs: isOpen ? never : endedAtMs + latenessMs, confidence: leastSure(ends) };
}

function leastSure(all: readonly Deadline["confidence"][]): Deadline["confidence"] {
  return (["presumed", "probable"] as const).find((each) => all.includes(each)) ?? "confirmed";
}

/** An overlapping owner holds no longer when it is silent and does not wait for a person. */
function endOrSilenceOf(world: World, owners: Owners, owner: Owner): Deadline {
  if (!owner.isOpen) {
    return endOf(world, owner);
  }
  const silentMs = progressOf(world, owner) + world.limits.stalledAfterMs;
  const dueMs = isWaiting(world, owners, owner) ? never : silentMs;
  return { dueMs, confidence: "probable" };
}

function latestOf(verdicts: readonly Deadline[]): Deadline {
  return {
    dueMs: Math.max(...verdicts.map(({ dueMs }) => dueMs)),
    confidence: leastSure(verdicts.map(({ confidence }) => confidence)),
  };
}

import { sourceRanks } from "../../../../../src/processors/session_activity/signals/dialects.ts";
import { tell } from "./evicting.ts";
import { hasUnknownAbove, isOwnerless, openMarkersOf, runsOf } from "./kinship.ts";
import { finish, settle } from "./lives.ts";
import { rankOf } from "./processes.ts";
import { merge, postpone } from "./sessions.ts";
import type { Group, Span, World } from "./world.ts";

/** Runs that are remembered for pairing, of each process. */
const mostUnpaired = 64;

/** A marker of the group ended by itself; what a harness run says was open, or completed, must account for it. */
export function noteEnd(span: Span, group: Group, isAfterOwner: boolean): void {
  if (isAfterOwner) {
    group.explained++;
  } else if (span.kind === "tool") {
    group.finishedTools++;
  }
}

/** Decides what came finished of a group whose owners ended at `ownerEndMs`, by the sender's clock. */
export function settleMembers(world: World, group: Group, ownerEndMs: number): void {
  const undecided = world.inAnyOrder(group.members).filter(({ isUndecided }) => isUndecided);
  const orphans = undecided.filter((span) => outlived(world, span, group, ownerEndMs));
  tellOrphans(world, orphans);
}

/** The moment at which the oldest work that came finished has waited a lateness for its owner's end. */
export function undecidedUntilMs(world: World): number {
  const oldest = world.undecided[0];
  return oldest === undefined
    ? Number.POSITIVE_INFINITY
    : oldest.undecidedSinceMs + world.limits.allowedLatenessMs;
}

/** Where nobody owns its group it is decided with it, else it ended by itself. */
export function settleOldest(world: World): void {
  const [oldest] = world.undecided;
  if (oldest?.group === undefined) {
    return;
  }
  if (oldest.group.looseIn === undefined && isOwnerless(world, oldest.group)) {
    world.undecided.shift();
  } else if (outlived(world, oldest, oldest.group, Number.NEGATIVE_INFINITY)) {
    tellOrphans(world, [oldest]);
  }
}

/**
 * How many tools a harness run's count of open items still stands for, without those known by name. Nothing
 * where it lost track of what completed, or where every start is told.
 */
export function guessed(world: World, group: Group, orphans: number): number {
  const { claimed, completed, finishedTools, explained } = group;
  if (claimed === 0) {
    if (group.references.size > 0) {
      group.finishedTools = 0;
      group.explained = 0;
    }
    return 0;
  }
  Object.assign(group, { claimed: 0, completed: 0, finishedTools: 0, explained: 0 });
  const named = explained + Math.max(openMarkersOf(group).length, orphans);
  const isCountNeeded = rankOf(world, group.process) === sourceRanks.finishedSpans;
  return finishedTools > completed || !isCountNeeded ? 0 : Math.max(0, claimed - named);
}

/** A finished run without a parent: the harness run of another trace that began and ended with it is the same owner. */
export function pairRun(world: World, run: Span): void {
  const harnessRun = closest(world, run, world.unpairedHarnessRuns);
  if (harnessRun?.group === undefined || run.group === undefined) {
    remember(world.unpairedRuns, run);
    return;
  }
  world.unpairedHarnessRuns.delete(harnessRun);
  postpone(merge(world, run.group, harnessRun.group), world.latestMs);
}

/** The same from the side of a harness run that says what it left open. */
export function pairHarnessRun(world: World, group: Group): Group {
  const runs = runsOf(group);
  if (group.claimed === 0 || runs.some(({ isHarness }) => !isHarness)) {
    return group;
  }
  for (const harnessRun of world.inAnyOrder(runs)) {
    const run = closest(world, harnessRun, world.unpairedRuns);
    if (run?.group !== undefined) {
      world.unpairedRuns.delete(run);
      return merge(world, group, run.group);
    }
    remember(world.unpairedHarnessRuns, harnessRun);
  }
  return group;
}

/** Decides work that came finished; whether it is an orphan that was not counted before. */
function outlived(world: World, span: Span, group: Group, ownerEndMs: number): boolean {
  const outlivedMs = wasOwned(span, ownerEndMs) ? span.endMs - ownerEndMs : 0;
  const isBelieved = span.isRelayed || rankOf(world, span.trace.process) < sourceRanks.relay;
  const isOrphan =
    isBelieved && (span.isClosedByRun || outlivedMs > world.limits.allowedLatenessMs);
  const wasGuessed = group.anonymous > 0 && span.startMs <= group.cutoffMs;
  if (wasGuessed && (isOrphan || outlivedMs > 0)) {
    // It is one of those that were counted without a name.
    group.anonymous--;
    if (!isOrphan) {
      world.tally.count("reconciled", span.kind);
      world.occurrences.push({ type: "reconciled", kind: span.kind, lateByMs: 0 });
    }
    span.isSettled = true;
    settle(world, span, "evicted");
    return false;
  }
  if (isOrphan) {
    group.explained++;
    world.tally.count("started", span.kind);
    world.tally.countEvicted("orphaned_no_owner", span.kind);
    world.tally.time("evicted", span.kind, span.endMs - span.startMs);
    span.isSettled = true;
    settle(world, span, "evicted");
    return true;
  }
  noteEnd(span, group, outlivedMs > 0);
  finish(world, span);
  return false;
}

/** Whether the run that ended then may have owned it: it did not begin later, nor below a run that has not arrived. */
function wasOwned(span: Span, ownerEndMs: number): boolean {
  return Number.isFinite(ownerEndMs) && span.startMs <= ownerEndMs && !hasUnknownAbove(span);
}

function tellOrphans(world: World, orphans: readonly Span[]): void {
  if (orphans.length > 0) {
    tell(world, orphans, "orphaned_no_owner");
  }
}

/** The run among others of its process that differs least in when it began and ended, each by a lateness at most. */
function closest(world: World, run: Span, among: ReadonlySet<Span>): Span | undefined {
  const distance = (other: Span): number => {
    const startMs = Math.abs(other.startMs - run.startMs);
    const endMs = Math.abs(other.endMs - run.endMs);
    const isNear = Math.max(startMs, endMs) <= world.limits.allowedLatenessMs;
    return isNear ? startMs + endMs : Number.POSITIVE_INFINITY;
  };
  return [...among]
    .filter((other) => other.trace.process === run.trace.process)
    .filter((other) => Number.isFinite(distance(other)))
    .reduce<Span | undefined>(
      (best, other) => (best === undefined || distance(other) < distance(best) ? other : best),
      undefined,
    );
}

function remember(unpaired: Set<Span>, run: Span): void {
  unpaired.add(run);
  const ofProcess = [...unpaired].filter((other) => other.trace.process === run.trace.process);
  if (ofProcess.length > mostUnpaired && ofProcess[0] !== undefined) {
    unpaired.delete(ofProcess[0]);
  }
}

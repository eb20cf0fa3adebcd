import { isMassOfGroups, markersAtStake } from "./breaker.ts";
import { evictMarkers, fence, tell } from "./evicting.ts";
import { guessed, pairHarnessRun, settleMembers } from "./finished.ts";
import {
  hasNestedOwner,
  hasUnknownAbove,
  isOwnerless,
  openMarkersOf,
  openWorkOf,
  runsOf,
  withoutKeepers,
} from "./kinship.ts";
import { evict } from "./lives.ts";
import { takeUnmet } from "./requests.ts";
import { adopt, postpone } from "./sessions.ts";
import { evictRuns } from "./silences.ts";
import { isPaused } from "./states.ts";
import type { Group, Span, World } from "./world.ts";

/** The lateness of a group is over. */
export function decideGroup(world: World, called: Group): void {
  called.dueMs = undefined;
  if (called.isHeld) {
    called.isHeld = false;
  } else if (markersAtStake(world, called) > 0 && isMassOfGroups(world, called)) {
    called.isHeld = true;
    postpone(called, world.latestMs);
    return;
  }
  const group = gather(world, called);
  if (isPaused(world, group)) {
    judgeEnd(world, group);
    return;
  }
  if (!isOwnerless(world, group)) {
    settleMembers(world, group, Number.NEGATIVE_INFINITY);
    judgeEnd(world, group);
    return;
  }
  const overMs = group.closedAtMs + world.limits.allowedLatenessMs;
  if (group.looseIn === undefined && overMs > world.nowMs) {
    postpone(group, overMs);
  }
  if (group.dueMs !== undefined) {
    return; // It turned out to be part of one that has time left.
  }
  if (!hasNestedOwner(world, group)) {
    settleMembers(world, group, group.ownerEndMs);
    if (group.members.size > 0) {
      evictOrphans(world, group);
    }
  }
  judgeEnd(world, group);
}

/** Joins what turned out to belong together. */
function gather(world: World, called: Group): Group {
  let group = called;
  for (const run of world.inAnyOrder(runsOf(called))) {
    adopt(world, run);
    group = run.group ?? group;
  }
  return pairHarnessRun(world, group);
}

/** Markers that nobody owns; those that a harness run counted; those that a model asked for. */
function evictOrphans(world: World, group: Group): void {
  const orphans = withoutKeepers(
    world,
    openMarkersOf(group).filter((marker) => !isOfUnknownRun(marker, group)),
  );
  const counted = guessed(world, group, orphans.length);
  const inferred = Math.max(0, takeUnmet(world, group) - counted);
  if (orphans.length + counted + inferred === 0) {
    return;
  }
  fence(group, orphans);
  for (const count of [counted, inferred]) {
    group.anonymous += count;
    world.tally.count("started", "tool", count);
    world.tally.countEvicted("orphaned_no_owner", "tool", count);
  }
  if (orphans.length + counted > 0) {
    tell(world, orphans, "orphaned_no_owner", { tools: counted, isInferred: false });
  }
  if (inferred > 0) {
    tell(world, [], "orphaned_no_owner", { tools: inferred, isInferred: true });
  }
  for (const orphan of world.inAnyOrder(orphans)) {
    evict(world, orphan, "orphaned_no_owner");
  }
}

/** Whether a marker began when the known owners had ended, below a run that has not arrived. */
function isOfUnknownRun(marker: Span, group: Group): boolean {
  const { seq, startMs } = marker;
  const endMs = group.looseIn?.ownerEndMs ?? group.ownerEndMs;
  const isLater = seq > 0 && group.ownerEndSeq > 0 ? seq > group.ownerEndSeq : startMs > endMs;
  return isLater && hasUnknownAbove(marker);
}

/** What began before the end of its session is over, unless it has open work below that is not. */
function judgeEnd(world: World, group: Group): void {
  if (group.endedAtMs === undefined) {
    return;
  }
  const dueMs = group.endedAtMs + world.limits.allowedLatenessMs;
  if (dueMs > world.nowMs) {
    postpone(group, dueMs);
    return;
  }
  const before = (): Span[] => openWorkOf(group).filter((span) => beganBeforeEnd(span, group));
  const over = withoutKeepers(world, before());
  group.cutoffMs = Math.max(group.cutoffMs, group.sessionEndMs);
  group.cutoffSeq = Math.max(group.cutoffSeq, group.sessionEndSeq);
  evictMarkers(
    world,
    group,
    over.filter(({ kind }) => kind !== "run"),
    "session_ended",
  );
  evictRuns(world, over, "session_ended");
  if (before().length === 0) {
    group.endedAtMs = undefined;
  }
}

function beganBeforeEnd({ seq, startMs }: Span, { sessionEndMs, sessionEndSeq }: Group): boolean {
  return seq > 0 && sessionEndSeq > 0 ? seq <= sessionEndSeq : startMs <= sessionEndMs;
}

import type { SignalResult } from "../../../../../src/processors/session_activity/signals/dialects.ts";
import { referencedGroup } from "./admission.ts";
import { isOwnerless, openWorkOf } from "./kinship.ts";
import { renew } from "./lives.ts";
import { addSpan } from "./placing.ts";
import { keyOf, type Report, spanOf } from "./report.ts";
import { call, endWaitsOf, groupOf, postpone } from "./sessions.ts";
import { hear, isPaused, tellChange } from "./states.ts";
import type { Group, World } from "./world.ts";

/** A session waits for a person. */
export function pause(world: World, report: Report): SignalResult {
  const group = pausedBy(world, report);
  const key = keyOf(report);
  if (group === undefined || world.overBefore.delete(key) || world.waits.has(key)) {
    return "unmatched";
  }
  world.waits.set(key, { group, sinceMs: world.nowMs });
  group.heardAtMs = world.nowMs;
  tellChange(world, group);
  return "paused";
}

/** A wait is over; without a key, every wait of the session. */
export function resume(world: World, report: Report): SignalResult {
  const key = keyOf(report);
  if (report.key !== 0) {
    if (!world.waits.has(key)) {
      world.overBefore.add(key);
      return "unmatched";
    }
    endWait(world, key);
    return "resumed";
  }
  const group = pausedBy(world, report);
  if (group === undefined || !isPaused(world, group)) {
    return "unmatched";
  }
  endWaitsOf(world, group);
  goOn(world, group);
  return "resumed";
}

/** A session is over: what began before has a lateness to say how it ended. */
export function endSession(world: World, report: Report): SignalResult {
  const group = referencedGroup(world, report);
  if (group === undefined) {
    return "unmatched";
  }
  hear(world, group);
  group.endedAtMs = world.nowMs;
  group.sessionEndMs = Math.max(group.sessionEndMs, report.endMs);
  group.sessionEndSeq = Math.max(group.sessionEndSeq, report.seq);
  call(world, group);
  return "session_ended";
}

/** When the oldest wait will have lasted too long. */
export function waitUntilMs(world: World): number {
  const [oldest] = world.waits.values();
  return (oldest?.sinceMs ?? Number.POSITIVE_INFINITY) + world.limits.maxPauseMs;
}

export function endOldestWait(world: World): void {
  const [oldest] = world.waits.keys();
  if (oldest !== undefined) {
    endWait(world, oldest);
  }
}

function endWait(world: World, key: string): void {
  const group = world.waits.get(key)?.group;
  world.waits.delete(key);
  if (group !== undefined) {
    goOn(world, group);
  }
}

/** A wait of the group is over. Once the last one is, its times start anew. */
function goOn(world: World, group: Group): void {
  group.heardAtMs = world.nowMs;
  tellChange(world, group);
  if (isPaused(world, group)) {
    return;
  }
  for (const span of openWorkOf(group)) {
    renew(world, span);
  }
  if (isOwnerless(world, group) || group.endedAtMs !== undefined) {
    postpone(group, world.latestMs);
  }
}

/** The group of the span, else of the session that is named, else of a span that is on its way. */
function pausedBy(world: World, report: Report): Group | undefined {
  const span = spanOf(world, report);
  if (span !== undefined) {
    return groupOf(world, span);
  }
  const referenced = referencedGroup(world, report);
  if (referenced !== undefined) {
    return referenced;
  }
  const awaited = addSpan(world, report);
  return awaited && groupOf(world, awaited);
}

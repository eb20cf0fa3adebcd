import type { SessionState } from "../../../../../src/processors/session_activity/machine/session-states.ts";
import { isActive, openMarkersOf } from "./kinship.ts";
import { summaryOf } from "./occurrence.ts";
import type { Group, World } from "./world.ts";

export function isPaused(world: World, group: Group): boolean {
  return [...world.waits.values()].some((wait) => wait.group === group);
}

/** What a session is doing now; undefined without open work. */
export function stateOf(world: World, group: Group): SessionState | undefined {
  if (!isActive(group)) {
    return undefined;
  }
  if (isPaused(world, group)) {
    return "paused";
  }
  if (world.nowMs >= group.heardAtMs + world.limits.stalledAfterMs) {
    return openMarkersOf(group).some(({ kind }) => kind === "tool")
      ? "blocked_tool_call"
      : "stalled";
  }
  return world.nowMs >= group.activeSinceMs + world.limits.longRunningAfterMs
    ? "long_running"
    : "active";
}

/** When a session stalls unless it is heard of. */
export function stallsAtMs(world: World, group: Group): number {
  const canStall = isActive(group) && !group.isToldStalled && !isPaused(world, group);
  return canStall ? group.heardAtMs + world.limits.stalledAfterMs : Number.POSITIVE_INFINITY;
}

export function hear(world: World, group: Group): void {
  group.heardAtMs = world.nowMs;
  if (group.isToldStalled) {
    tellChange(world, group);
  }
}

/** Tells that a session has stalled, or that it no longer is. */
export function tellChange(world: World, group: Group): void {
  const state = stateOf(world, group);
  const isStalled = state === "stalled" || state === "blocked_tool_call";
  if (isStalled && !group.isToldStalled) {
    group.isToldStalled = true;
    world.occurrences.push({
      type: "stalled",
      state,
      atMs: world.nowMs,
      silentMs: world.nowMs - group.heardAtMs,
      ...summaryOf(openMarkersOf(group), world.nowMs),
    });
  } else if (!isStalled && group.isToldStalled) {
    tellRecovered(world, group, "progress");
  }
}

export function tellRecovered(world: World, group: Group, cause: "progress" | "evicted"): void {
  group.isToldStalled = false;
  world.occurrences.push({ type: "recovered", cause, atMs: world.nowMs });
}

import { isOwnerless, openMarkersOf } from "./kinship.ts";
import { leaseEndMs, processDueMs } from "./processes.ts";
import { silenceDueMs, silentUntilMs } from "./spans-due.ts";
import { isPaused } from "./states.ts";
import type { Group, Hold, Span, Window, World } from "./world.ts";

const smallestMass = 50;
const largestShare = 0.2;

/** Whether the judgement of groups within a second would take too many markers, those of one session not counted. */
export function isMassOfGroups(world: World, judged: Group): boolean {
  return isMass(world, world.confirmed, (untilMs) => {
    const due = [...world.groups]
      .filter((group) => group === judged || (group.dueMs ?? Number.POSITIVE_INFINITY) <= untilMs)
      .filter(({ isHeld }) => !isHeld)
      .map((group) => markersAtStake(world, group));
    const total = due.reduce((sum, markers) => sum + markers, 0);
    return { total, mass: total - Math.max(0, ...due) };
  });
}

/** Markers that a judgement of the group would evict, about. */
export function markersAtStake(world: World, group: Group): number {
  const isOver =
    group.endedAtMs !== undefined || (!isPaused(world, group) && isOwnerless(world, group));
  return isOver ? openMarkersOf(group).length : 0;
}

/** Whether an eviction for silence that is due waits, having waited as `hold` says. */
export function holdSilence(world: World, hold: Hold, { gapMs }: { readonly gapMs: number }): Hold {
  const hasStopped = world.nowMs - world.heardAtMs >= gapMs;
  const isMassive = isMass(world, world.silent, (untilMs) => {
    const total = silentMarkers(world, untilMs).length;
    return { total, mass: total };
  });
  if (isMassive && hasStopped) {
    return "untilInput";
  }
  if (hold !== "none" || !(isMassive || hasStopped)) {
    return "none";
  }
  if (!isMassive) {
    tellHeld(world, "input_stopped", silentMarkers(world, world.nowMs).length);
  }
  return "once";
}

/** Open markers that have been silent for too long by then, or whose process has, and that are not held back for longer. */
function silentMarkers(world: World, untilMs: number): Span[] {
  const silent = [...world.processes.values()].filter(
    (process) => leaseEndMs(process) <= untilMs && processDueMs(process) <= untilMs,
  );
  return [...world.spans.values()].filter(
    (span) =>
      span.state === "open" &&
      span.kind !== "run" &&
      (silent.some(({ id }) => id === span.trace.process) ||
        (silenceDueMs(world, span) <= untilMs && silentUntilMs(world, span) <= untilMs)),
  );
}

/** Asked once for each window of time. */
function isMass(
  world: World,
  window: Window,
  count: (untilMs: number) => { readonly total: number; readonly mass: number },
): boolean {
  if (world.nowMs >= window.untilMs) {
    window.untilMs = world.nowMs + window.lengthMs;
    const { total, mass } = count(window.untilMs);
    const open = [...world.groups].flatMap(openMarkersOf).length;
    window.isMass = mass >= smallestMass && mass > open * largestShare;
    if (window.isMass) {
      tellHeld(world, "mass_eviction", total);
    }
  }
  return window.isMass;
}

/** Once until something is heard again. */
function tellHeld(world: World, cause: "mass_eviction" | "input_stopped", markers: number): void {
  if (!world.isHoldTold) {
    world.isHoldTold = true;
    world.occurrences.push({ type: "held", cause, atMs: world.nowMs, markers });
  }
}

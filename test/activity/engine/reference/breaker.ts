import { isMarker, openMarkers } from "./ancestry.ts";
import { leaseEndMs, processDueMs } from "./processes.ts";
import { silenceDueMs, silentUntilMs } from "./spans-due.ts";
import type { Hold, Process, Span, Window, World } from "./world.ts";

const smallestMass = 50;
const largestShare = 0.2;

/** Whether an eviction for silence that is due waits; `hold` is how it has waited so far. */
export function holdSilence(
  world: World,
  hold: Hold,
  { gapMs, process }: { readonly gapMs: number; readonly process: Process | undefined },
): Hold {
  const hasStopped = world.nowMs - world.lastInputAtMs >= gapMs;
  const isMassive = isMass(world, world.silent, (untilMs) => {
    const total = silentMarkers(world, untilMs).length;
    return { total, mass: total };
  });
  if (isMassive && hasStopped) {
    return "untilInput";
  }
  const host = process?.serviceHost ?? 0;
  const hostSeenAtMs = world.hostSeenAtMs.get(host);
  const isHostSilent = hostSeenAtMs !== undefined && world.nowMs - hostSeenAtMs >= gapMs;
  if (hold !== "none" || !(isMassive || hasStopped || isHostSilent)) {
    return "none";
  }
  const isNewHost = isHostSilent && !world.heldHosts.has(host);
  if (isHostSilent) {
    world.heldHosts.add(host);
  }
  const markers = silentMarkers(world, world.nowMs).length;
  if (markers > 0 && !isMassive && hasStopped) {
    reportHeld(world, "input_stopped", markers);
  } else if (markers > 0 && !isMassive && isNewHost) {
    world.occurrences.push({ type: "held", cause: "host_silent", atMs: world.nowMs, markers });
  }
  return isHostSilent ? "untilHost" : "once";
}

/** Open markers that have been silent for too long by then, or whose process has, and that are not held back for longer. */
function silentMarkers(world: World, untilMs: number): Span[] {
  const silent = [...world.processes.values()].filter(
    (process) => leaseEndMs(process) <= untilMs && processDueMs(process) <= untilMs,
  );
  return [...world.spans.values()].filter(
    (span) =>
      span.state === "open" &&
      isMarker(span) &&
      (silent.some(({ id }) => id === span.trace.process) ||
        (silenceDueMs(world, span) <= untilMs && silentUntilMs(world, span) <= untilMs)),
  );
}

/** Decided once for each window of time. */
function isMass(
  world: World,
  window: Window,
  count: (untilMs: number) => { readonly total: number; readonly mass: number },
): boolean {
  if (world.nowMs >= window.untilMs) {
    window.untilMs = world.nowMs + window.lengthMs;
    const { total, mass } = count(window.untilMs);
    const open = openMarkers(world).length;
    window.isMass = mass >= smallestMass && mass > open * largestShare;
    if (window.isMass) {
      reportHeld(world, "mass_eviction", total);
    }
  }
  return window.isMass;
}

/** Reports once until input arrives again. */
function reportHeld(world: World, cause: "mass_eviction" | "input_stopped", markers: number): void {
  if (!world.isHoldReported) {
    world.isHoldReported = true;
    world.occurrences.push({ type: "held", cause, atMs: world.nowMs, markers });
  }
}

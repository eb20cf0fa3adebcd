import { leaseMsOf } from "../../../../../src/processors/session_activity/machine/leases.ts";
import { sourceRanks } from "../../../../../src/processors/session_activity/signals/dialects.ts";
import type { Report } from "./report.ts";
import type { Process, World } from "./world.ts";

/** How many of the heartbeats that it promised a replaced process may miss. */
const missedByReplaced = 1.5;

export function rankOf(world: World, process: number): number {
  return world.processes.get(process)?.rank ?? sourceRanks.finishedSpans;
}

/** The process that a signal came from. */
export function processOf(world: World, report: Report): Process {
  return world.processes.get(report.process) ?? introduce(world, report);
}

/** A signal came from a process; whether it is the first from a better source. */
export function hearProcess(world: World, process: Process, rank: number): boolean {
  process.heardAtMs = world.nowMs;
  process.hold = "none";
  if (process.state === "replaced") {
    // Two workers of one service, not one after the other.
    world.sharedPlaces.add(process.place);
  }
  if (process.state !== "deleted") {
    process.state = "alive";
  }
  const isBetter = rank > process.rank;
  process.rank = Math.max(process.rank, rank);
  return isBetter;
}

/** A process promises heartbeats, or none. */
export function beat(process: Process, intervalMs: number): void {
  process.intervalMs = intervalMs > 0 ? intervalMs : undefined;
  process.state = "alive";
}

/** A process says that it ends. */
export function bury(world: World, process: Process): void {
  process.state = "deleted";
  process.verdictMs = world.latestMs;
}

/** When a process that lives has missed the heartbeats it promised. */
export function leaseEndMs(process: Process): number {
  return process.state === "alive" && process.intervalMs !== undefined
    ? process.heardAtMs + leaseMsOf(process.intervalMs)
    : Number.POSITIVE_INFINITY;
}

/** When it is decided whether a process is gone. */
export function processDueMs(process: Process): number {
  switch (process.state) {
    case "alive":
      return process.hold === "none" ? leaseEndMs(process) : process.verdictMs;
    case "gone":
      return Number.POSITIVE_INFINITY;
    default:
      return process.verdictMs;
  }
}

function introduce(world: World, { process: id, place }: Report): Process {
  const process: Process = {
    id,
    place,
    rank: sourceRanks.finishedSpans,
    heardAtMs: world.nowMs,
    intervalMs: undefined,
    state: "alive",
    hold: "none",
    verdictMs: Number.POSITIVE_INFINITY,
  };
  const before = world.latestAt.get(place);
  const isSuccessor = place !== 0 && !world.sharedPlaces.has(place);
  if (before?.state === "alive" && before.intervalMs !== undefined && isSuccessor) {
    before.state = "replaced";
    before.hold = "none";
    const silentUntilMs = before.heardAtMs + before.intervalMs * missedByReplaced;
    before.verdictMs = Math.max(world.latestMs, silentUntilMs);
  }
  world.processes.set(id, process);
  world.latestAt.set(place, process);
  return process;
}

import { leaseMsOf } from "../../../../src/activity/engine/policy/leases.ts";
import { sourceRanks } from "../../../../src/activity/model/dialects.ts";
import { isBefore, type Moment } from "./moments.ts";
import type { Report } from "./report.ts";
import type { Process, World } from "./world.ts";

export function rankOf(world: World, process: number): number {
  return world.processes.get(process)?.rank ?? sourceRanks.finishedSpans;
}

/** The process that a signal came from. */
export function processOf(world: World, report: Report): Process {
  const known = world.processes.get(report.process);
  if (known !== undefined && known.serviceHost === 0 && report.serviceHost !== 0) {
    known.serviceHost = report.serviceHost;
    succeed(world, known);
  }
  return known ?? introduce(world, report);
}

/** A signal came from a process; whether it is the first from a better source. */
export function onProcessInput(world: World, process: Process, rank: number): boolean {
  process.seenAtMs = world.nowMs;
  process.hold = "none";
  if (process.state !== "deleted") {
    process.state = "alive";
  }
  const isBetter = rank > process.rank;
  process.rank = Math.max(process.rank, rank);
  return isBetter;
}

/** A process promises heartbeats, or none. */
export function onHeartbeat(
  world: World,
  process: Process,
  intervalMs: number,
  sent: Moment,
): void {
  const { deleted } = process;
  if (process.state === "deleted" && deleted && isBefore(sent, deleted, world.latenessMs)) {
    return;
  }
  process.stated = sent;
  process.intervalMs = intervalMs > 0 ? intervalMs : undefined;
  process.state = "alive";
}

/** A process reports that it ends. */
export function deleteProcess(world: World, process: Process, sent: Moment): void {
  const { stated } = process;
  if (process.state === "deleted" || (stated && isBefore(sent, stated, world.latenessMs))) {
    return;
  }
  process.state = "deleted";
  process.deleted = sent;
  process.verdictMs = world.latestMs;
}

/** A source no longer watches a process, which lives on. */
export function stopWatching(world: World, process: Process, report: Report): void {
  process.intervalMs = undefined;
  process.hold = "none";
  process.state = "alive";
  if (report.isRelayed && process.rank === sourceRanks.relay) {
    process.rank = sourceRanks.finishedSpans;
    process.unwatched = {
      beforeMs: report.startMs,
      aheadMs: world.nowMs - report.startMs,
      untilMs: world.nowMs + world.limits.maxAgeMs,
    };
  }
}

/** Whether a signal is about work that a relay had reported before it stopped, or should have; by a clock that was not set since. */
export function wasReported(world: World, { unwatched }: Process, report: Report): boolean {
  const isStart = report.type === "start";
  if (
    unwatched === undefined ||
    unwatched.untilMs <= world.nowMs ||
    (report.isRelayed && !isStart)
  ) {
    return false;
  }
  const { startMs } = report;
  const endMs = isStart ? 0 : report.endMs;
  const delayMs = world.nowMs - (endMs || startMs) - unwatched.aheadMs;
  return (startMs || endMs) < unwatched.beforeMs && Math.abs(delayMs) <= world.latenessMs;
}

/** When a process that lives has missed the heartbeats it promised. */
export function leaseEndMs(process: Process): number {
  return isAlive(process) && process.intervalMs !== undefined
    ? process.seenAtMs + leaseMsOf(process.intervalMs)
    : Number.POSITIVE_INFINITY;
}

/** When it is decided whether a process is gone. */
export function processDueMs(process: Process): number {
  switch (process.state) {
    case "alive":
    case "replaced":
      return process.hold === "none" ? leaseEndMs(process) : process.verdictMs;
    case "gone":
      return Number.POSITIVE_INFINITY;
    default:
      return process.verdictMs;
  }
}

function introduce(world: World, { process: id, serviceHost }: Report): Process {
  const process: Process = {
    id,
    serviceHost,
    rank: sourceRanks.finishedSpans,
    seenAtMs: world.nowMs,
    intervalMs: undefined,
    state: "alive",
    hold: "none",
    verdictMs: Number.POSITIVE_INFINITY,
    unwatched: undefined,
    stated: undefined,
    deleted: undefined,
  };
  world.processes.set(id, process);
  succeed(world, process);
  return process;
}

/** A process becomes the newest on its service host: a successor, or a sibling that sends again. */
function succeed(world: World, process: Process): void {
  const before = world.latestAt.get(process.serviceHost);
  if (before?.state === "alive" && process.serviceHost !== 0) {
    before.state = "replaced";
  }
  world.latestAt.set(process.serviceHost, process);
}

export function isAlive({ state }: Process): boolean {
  return state === "alive" || state === "replaced";
}

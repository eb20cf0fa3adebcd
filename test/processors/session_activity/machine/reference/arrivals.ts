import {
  leaseMsOf,
  longestGuessedLeaseMs,
} from "../../../../../src/processors/session_activity/machine/leases.ts";
import type { SignalResult } from "../../../../../src/processors/session_activity/signals/dialects.ts";
import { isFull, refuse } from "./admission.ts";
import { evictByRun } from "./evicting.ts";
import { noteEnd, pairRun } from "./finished.ts";
import { isOwnerless } from "./kinship.ts";
import { end, finish, open } from "./lives.ts";
import { buryAnew, exhume, makeRoom } from "./memory.ts";
import { ownerEnded } from "./owners.ts";
import { addReferences, callIfOwnerless, define, linkParent } from "./placing.ts";
import { type Report, spanOf } from "./report.ts";
import { hear } from "./states.ts";
import type { Span, World } from "./world.ts";

/** Work started, or still goes on. */
export function start(world: World, report: Report): SignalResult {
  const known = spanOf(world, report);
  if (known !== undefined && !isNews(known, report)) {
    if (known.state === "open") {
      goOn(world, known, report);
      return "heartbeat";
    }
    if (!livesOn(known, report) || isFull(world, known, report)) {
      buryAnew(world, known);
      return "stale";
    }
    reconcile(world, known);
    const { leaseMs } = known;
    begin(world, known, report, leaseMsOf(report.intervalMs) || leaseMs);
    return "revived";
  }
  if (report.kind === "other") {
    return define(world, known, report) === undefined ? "untracked" : "link";
  }
  const hasRoom = known !== undefined || makeRoom(world);
  const refusal = hasRoom ? refuse(world, known, report) : "untracked";
  if (refusal === "late_start") {
    world.tally.count("lateStarts", report.kind);
    return refusal;
  }
  if (refusal !== undefined || !begin(world, known, report, leaseMsOf(report.intervalMs))) {
    return leaveUntracked(world, report);
  }
  return "started";
}

/** Work ended. */
export function finishOrEnd(world: World, report: Report): SignalResult {
  const known = spanOf(world, report);
  if (known === undefined || isNews(known, report)) {
    return cameFinished(world, known, report);
  }
  if (known.state === "open") {
    endOpen(world, known, report);
    return "ended";
  }
  if (known.state !== "evicted" || known.isSettled) {
    return "duplicate";
  }
  known.isSettled = true;
  reconcile(world, known);
  return "reconciled";
}

/** Whether a span was known by its name only, or as a link that turns out to be work. */
function isNews(known: Span, report: Report): boolean {
  return known.state === "unknown" || (known.kind === "other" && report.kind !== "other");
}

function begin(world: World, known: Span | undefined, report: Report, leaseMs: number): boolean {
  const span = define(world, known, report);
  if (span === undefined) {
    return false;
  }
  span.leaseMs = leaseMs;
  open(world, span);
  if (span.group !== undefined) {
    hear(world, span.group);
  }
  callIfOwnerless(world, span);
  return true;
}

function goOn(world: World, span: Span, report: Report): void {
  const gapMs = world.nowMs - span.heardAtMs;
  const leaseMs =
    report.dialect === "datadog_partial"
      ? Math.max(span.leaseMs, Math.min(leaseMsOf(gapMs), longestGuessedLeaseMs))
      : leaseMsOf(report.intervalMs);
  const isLeaseNew = leaseMs > 0 && leaseMs !== span.leaseMs;
  if (isLeaseNew) {
    span.leaseMs = Math.floor(leaseMs);
  }
  if (isLeaseNew || span.hold !== "none") {
    span.isParked = false;
  }
  span.heardAtMs = world.nowMs;
  span.hold = "none";
  if (span.group !== undefined) {
    hear(world, span.group);
  }
  linkParent(world, span, report);
  if (span.kind === "run") {
    addReferences(world, span, report);
  }
}

/**
 * Whether word of evicted work says that it goes on. Only an eviction for silence can have been wrong, and
 * only word from after it counts.
 */
function livesOn(span: Span, report: Report): boolean {
  const isFromAfter = report.sentMs !== undefined && report.sentMs > span.endMs;
  if (span.kind !== report.kind || span.state !== "evicted" || span.isSettled) {
    return false;
  }
  switch (span.reason) {
    case "process_gone":
    case "lease_expired":
      return report.isRelayed || isFromAfter;
    case "max_age":
      return isFromAfter;
    default:
      return false;
  }
}

/** A start and an end at once. */
function cameFinished(world: World, known: Span | undefined, report: Report): SignalResult {
  const span = define(world, known, report);
  if (report.kind === "other") {
    return span === undefined ? "untracked" : "link";
  }
  if (span === undefined) {
    return leaveUntracked(world, report);
  }
  noteOutcome(span, report);
  if (span.group !== undefined) {
    hear(world, span.group);
  }
  if (span.kind === "run") {
    finish(world, span);
    ownerEnded(world, span, report);
    if (report.parent === undefined && span.isInner) {
      pairRun(world, span);
    }
    return "finished";
  }
  // Whether it outlived its owner is known when that has ended.
  exhume(world, span);
  span.isUndecided = true;
  span.undecidedSinceMs = world.nowMs;
  world.undecided.push(span);
  callIfOwnerless(world, span);
  return "finished";
}

function endOpen(world: World, span: Span, report: Report): void {
  const { group } = span;
  if (group !== undefined) {
    hear(world, group);
  }
  linkParent(world, span, report);
  noteOutcome(span, report);
  if (span.kind === "run") {
    addReferences(world, span, report);
    end(world, span, report.endMs);
    ownerEnded(world, span, report);
  } else if (span.isClosedByRun) {
    evictByRun(world, span);
  } else {
    if (group !== undefined) {
      const isAfterOwner =
        isOwnerless(world, group) &&
        Number.isFinite(group.ownerEndMs) &&
        report.endMs > group.ownerEndMs;
      noteEnd(span, group, isAfterOwner);
    }
    end(world, span, report.endMs);
  }
}

function noteOutcome(span: Span, report: Report): void {
  span.hasFailed ||= report.failed;
  span.isClosedByRun ||= report.closedByRun;
}

function reconcile(world: World, span: Span): void {
  const lateByMs = world.nowMs - span.evictedAtMs;
  world.tally.count("reconciled", span.kind);
  world.occurrences.push({ type: "reconciled", kind: span.kind, lateByMs });
}

function leaveUntracked(world: World, { kind }: Report): "untracked" {
  world.tally.count("started", kind);
  world.tally.count("untracked", kind);
  return "untracked";
}

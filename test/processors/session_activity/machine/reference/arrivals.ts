import {
  leaseMsOf,
  longestGuessedLeaseMs,
} from "../../../../../src/processors/session_activity/machine/leases.ts";
import type { SignalResult } from "../../../../../src/processors/session_activity/signals/dialects.ts";
import { isFull, refuse } from "./admission.ts";
import { evictByRun } from "./evicting.ts";
import { noteEnd, outlivedMsOf, pairRun } from "./finished.ts";
import { ownRunOf } from "./kinship.ts";
import { end, finish, open } from "./lives.ts";
import { buryAnew, exhume, makeRoom } from "./memory.ts";
import { ownersOf } from "./owners.ts";
import { addReferences, define, linkParent } from "./placing.ts";
import { makeProgress } from "./progress.ts";
import { type Report, spanOf, thingOf } from "./report.ts";
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
  makeProgress(world, known);
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
  return true;
}

function goOn(world: World, span: Span, report: Report): void {
  const gapMs = world.nowMs - span.heardAtMs;
  const leaseMs =
    report.dialect === "datadog_partial"
      ? Math.max(span.leaseMs, Math.min(leaseMsOf(gapMs), longestGuessedLeaseMs))
      : leaseMsOf(report.intervalMs);
  if (leaseMs > 0 && leaseMs !== span.leaseMs) {
    span.leaseMs = Math.floor(leaseMs);
  }
  span.heardAtMs = world.nowMs;
  span.hold = "none";
  linkParent(world, span, report);
  if (span.kind === "run") {
    addReferences(world, span, report);
  }
  if (report.progress) {
    for (const each of [span, ...modelCallsIn(world, span)]) {
      makeProgress(world, each);
    }
  }
}

/** Open model calls of a run, which streams them. */
function modelCallsIn(world: World, run: Span): readonly Span[] {
  const owners = ownersOf(world);
  const owner = owners.ofRun(run);
  return [...world.spans.values()].filter(
    (span) =>
      owner !== undefined &&
      span.kind === "model_call" &&
      span.state === "open" &&
      owner.runs.includes(ownRunOf(span) ?? span),
  );
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
  span.end = thingOf(world, report);
  world.changes++;
  makeProgress(world, span);
  if (span.kind === "run") {
    finish(world, span);
    noteClaims(span, report);
    if (report.parent === undefined && span.isInner) {
      pairRun(world, span);
    }
    return "finished";
  }
  noteCall(world, span);
  // Whether somebody else closed it is known when its owner's end is.
  exhume(world, span);
  span.isUndecided = true;
  span.undecidedSinceMs = world.nowMs;
  world.undecided.push(span);
  return "finished";
}

function endOpen(world: World, span: Span, report: Report): void {
  linkParent(world, span, report);
  noteOutcome(span, report);
  makeProgress(world, span);
  if (span.kind === "run") {
    addReferences(world, span, report);
    end(world, span, report.endMs, thingOf(world, report));
    noteClaims(span, report);
  } else if (span.isClosedByRun) {
    evictByRun(world, span);
  } else {
    noteCall(world, span);
    end(world, span, report.endMs, thingOf(world, report));
    noteEnd(span, outlivedMsOf(span, ownersOf(world).above(span)) > 0);
  }
}

/** Whether the last model call of a run failed says what a run does in which nothing is open. */
function noteCall(world: World, call: Span): void {
  const run = ownRunOf(call);
  if (run !== undefined && call.kind === "model_call") {
    run.lastCall = { atMs: world.nowMs, hasFailed: call.hasFailed };
  }
}

function noteOutcome(span: Span, report: Report): void {
  span.hasFailed ||= report.failed;
  span.isClosedByRun ||= report.closedByRun;
}

function noteClaims(run: Span, { claimed, completed }: Report): void {
  run.claimed += claimed;
  run.completed += completed;
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

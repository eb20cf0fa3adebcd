import { leaseMsOf, maxInferredLeaseMs } from "../../../../src/activity/engine/policy/leases.ts";
import type { SignalResult } from "../../../../src/activity/model/dialects.ts";
import { isFull, refuse } from "./admission.ts";
import { ancestorsOf, ownRunOf } from "./ancestry.ts";
import { evictByRun } from "./evictions.ts";
import { isSplit, lacksInnerRun, outlivedMsOf } from "./finished.ts";
import { confirm, correctedKind, guessed } from "./guesses.ts";
import { noteEnd } from "./items.ts";
import { end, finish, open } from "./lifecycle.ts";
import { isBefore } from "./moments.ts";
import { ownersOf } from "./owners.ts";
import { processOf } from "./processes.ts";
import { makeProgress } from "./progress.ts";
import { addReferences, linkParent, register } from "./registration.ts";
import { momentOf, type Report, spanIn, spanOf, traceOf } from "./report.ts";
import { noteFinished, takeEvicted } from "./requests.ts";
import { makeRoom, pin, retain, retainAnew } from "./retention.ts";
import { countsReconciled } from "./run-counting.ts";
import { kindOf, sameBelow } from "./same-work.ts";
import type { Kind, Span, World } from "./world.ts";

/** As long as a heartbeat may be on its way. */
const longestDelayMs = 900_000;

/** Work started, or is still open. */
export function start(world: World, given: Report): SignalResult {
  const report = guessed(world, given);
  const known = spanOf(world, report);
  if (known !== undefined && !isNews(world, known, report)) {
    if (known.state === "open") {
      const kind = correctedKind(known, report);
      if (kind !== undefined && known.kind !== "run") {
        if (kind === "run" || kind === "other") {
          return replaceMarker(world, known, kind, () => startAs(world, known, report));
        }
        changeMarker(world, known, kind);
      }
      confirm(known, report);
      continueWork(world, known, report);
      return "heartbeat";
    }
    if (!livesOn(world, known, report) || isFull(world, known, report)) {
      retainAnew(world, known);
      return "stale";
    }
    reconcile(world, known);
    const { leaseMs } = known;
    known.endSureness = undefined;
    begin(world, known, report, { leaseMs: leaseMsOf(report.intervalMs) || leaseMs, isNew: false });
    return "revived";
  }
  return startAs(world, known, report);
}

function startAs(world: World, known: Span | undefined, report: Report): SignalResult {
  if (kindOf(world, known, report) === "other") {
    const link = registerLink(world, known, report);
    noteShape(link, report);
    return link === undefined ? "untracked" : "link";
  }
  const hasRoom = known !== undefined || makeRoom(world);
  const refusal = hasRoom ? refuse(world, known, report) : "untracked";
  if (refusal === "late_start") {
    world.tally.count("lateStarts", report.kind);
    return refusal;
  }
  const inner = sameBelow(world, known, report);
  if (
    refusal !== undefined ||
    !begin(world, known, report, { leaseMs: leaseMsOf(report.intervalMs), isNew: true })
  ) {
    return leaveUntracked(world, report);
  }
  replace(world, inner, known ?? spanOf(world, report));
  const lateByMs = report.kind === "tool" ? takeEvicted(world, report) : undefined;
  if (lateByMs !== undefined) {
    world.tally.count("reconciled", report.kind);
    world.occurrences.push({ type: "reconciled", kind: report.kind, lateByMs });
    return "revived";
  }
  return report.isUndecided ? "guessed" : "started";
}

function noteShape(span: Span | undefined, report: Report): void {
  if (span !== undefined && report.isUndecided) {
    span.firstShape ??= report.shape;
  }
}

/** Open work is a marker of another kind. */
function changeMarker(world: World, span: Span, kind: Kind): void {
  world.tally.countCorrected(span.kind, kind);
  world.changes++;
  span.kind = kind;
}

/** A marker is a link, or a run that `start` takes in: either way it was counted once. */
function replaceMarker<T>(world: World, span: Span, kind: Kind, start: () => T): T {
  const from = span.kind;
  const started = () => world.tally.counts.get(`started ${kind}`) ?? 0;
  const before = started();
  pin(world, span);
  world.changes++;
  Object.assign(span, { kind: "other", state: "ended", isGuess: false });
  retain(world, span);
  const result = start();
  const isCounted = kind !== "other" && started() > before;
  if (isCounted) {
    world.tally.count("started", kind, -1);
  }
  world.tally.countCorrected(from, isCounted ? kind : "other");
  return result;
}

/** Work ended. */
export function finishOrEnd(world: World, report: Report): SignalResult {
  const known = spanOf(world, report);
  if (known === undefined || isNews(world, known, report)) {
    return startAndEnd(world, known, report);
  }
  if (known.state === "open") {
    const kind = correctedKind(known, report);
    if (known.kind !== "run" && (kind === "run" || kind === "other")) {
      replaceMarker(world, known, kind, () => startAndEnd(world, known, report));
      return "ended";
    }
    confirm(known, report);
    if (known.kind !== "run" && kind !== undefined) {
      changeMarker(world, known, kind);
    }
    endOpen(world, known, report, kind ?? known.kind);
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
function isNews(world: World, known: Span, report: Report): boolean {
  const kind = kindOf(world, known, report);
  return known.state === "unknown" || (known.kind === "other" && kind !== "other");
}

function registerLink(world: World, known: Span | undefined, report: Report): Span | undefined {
  const link = register(world, known, { ...report, kind: "other" });
  if (link !== undefined && report.kind !== "other") {
    link.isSameWork = true;
    const work = ancestorsOf(link).find(
      ({ kind, state }) => kind !== "other" || state === "unknown",
    );
    if (report.isDetached && work?.kind === "tool") {
      work.isDetached = true;
    }
  }
  return link;
}

function begin(
  world: World,
  known: Span | undefined,
  report: Report,
  { leaseMs, isNew }: { readonly leaseMs: number; readonly isNew: boolean },
): boolean {
  const span = register(world, known, report);
  if (span === undefined) {
    return false;
  }
  span.leaseMs = leaseMs;
  span.snapshotMs = report.dialect === "datadog_partial" ? (report.sentMs ?? 0) : 0;
  span.isGuess = isNew ? report.isUndecided : span.isGuess;
  if (isNew) {
    noteShape(span, report);
  }
  span.isReportedAtStart =
    isNew && ["relay", "live_span", "logfire_pending"].includes(report.dialect);
  open(world, span, () => !isSplit(world, span));
  return true;
}

function continueWork(world: World, span: Span, report: Report): void {
  const gapMs = world.nowMs - span.seenAtMs;
  const { state, deleted } = processOf(world, report);
  if (state === "deleted" && deleted) {
    const isOnTheWay = world.nowMs <= deleted.atMs + Math.min(1000, world.latenessMs);
    const repeat = { ...momentOf(world, report), seq: 0, timeMs: report.sentMs ?? 0, isEnd: false };
    span.isReportedAfterDelete ||= !isOnTheWay && isBefore(deleted, repeat, world.latenessMs);
  }
  const leaseMs =
    report.dialect === "datadog_partial"
      ? leaseBySnapshots(span, report.sentMs ?? 0, gapMs)
      : leaseMsOf(report.intervalMs);
  if (leaseMs > 0 && leaseMs !== span.leaseMs) {
    span.leaseMs = Math.floor(leaseMs);
  }
  span.seenAtMs = world.nowMs;
  span.hold = "none";
  span.isDetached ||= report.isDetached && span.kind === "tool";
  world.changes++;
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

/** Two snapshots show an interval, the same one twice shows none. */
function leaseBySnapshots(span: Span, takenMs: number, gapMs: number): number {
  const isAnother = takenMs > span.snapshotMs;
  span.snapshotMs = Math.max(span.snapshotMs, takenMs);
  return isAnother
    ? Math.max(span.leaseMs, Math.min(leaseMsOf(gapMs), maxInferredLeaseMs))
    : span.leaseMs;
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
 * Whether a report of evicted work shows that it is still open. Only an eviction for silence can have been wrong, and
 * only a report from after it counts.
 */
function livesOn(world: World, span: Span, report: Report): boolean {
  const delayMs = world.nowMs - (report.sentMs ?? 0) - (span.start.atMs - span.startMs);
  const isFromAfter =
    report.sentMs !== undefined && (report.sentMs > span.endMs || delayMs > longestDelayMs);
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
function startAndEnd(world: World, known: Span | undefined, report: Report): SignalResult {
  if (kindOf(world, known, report) === "other") {
    return registerLink(world, known, report) === undefined ? "untracked" : "link";
  }
  const inner = sameBelow(world, known, report);
  const span = register(world, known, report);
  if (span === undefined) {
    return leaveUntracked(world, report);
  }
  noteOutcome(span, report);
  span.end = momentOf(world, report);
  world.changes++;
  makeProgress(world, span);
  if (span.kind === "run") {
    const isForgotten =
      report.noOutcome && report.endMs - report.startMs > world.limits.tombstoneTtlMs;
    if (span.isHarness && isForgotten) {
      finish(world, span, false);
    } else if (span.isHarness && lacksInnerRun(world, span)) {
      leaveUndecided(world, span);
    } else {
      finish(world, span, !isSplit(world, span));
    }
    noteClaims(span, report);
    return "finished";
  }
  noteCall(world, span);
  noteFinished(world, span, report);
  leaveUndecided(world, span);
  replace(world, inner, known ?? spanOf(world, report));
  return "finished";
}

/** Markers that turn out to be the same as one that is known now are links. */
function replace(world: World, inner: readonly Span[], outer: Span | undefined): void {
  for (const span of inner) {
    if (span.state === "open") {
      world.tally.count("started", span.kind, -1);
    }
    pin(world, span);
    world.changes++;
    if (span.isDetached && outer !== undefined) {
      outer.isDetached = true;
    }
    Object.assign(span, { kind: "other", state: "ended", isSameWork: true, isUndecided: false });
    retain(world, span);
  }
}

/** Whether a marker was closed from outside, or which run a harness run belongs to, is known a lateness later. */
function leaveUndecided(world: World, span: Span): void {
  pin(world, span);
  span.isUndecided = true;
  span.undecidedSinceMs = world.nowMs;
  world.undecided.push(span);
}

function endOpen(world: World, span: Span, report: Report, kind: Kind): void {
  linkParent(world, span, report);
  noteOutcome(span, report);
  makeProgress(world, span);
  if (span.kind === "run") {
    addReferences(world, span, report);
    end(world, span, report.endMs, momentOf(world, report), kind);
    noteClaims(span, report);
  } else if (span.isClosedByRun) {
    evictByRun(world, span);
  } else {
    noteCall(world, span);
    end(world, span, report.endMs, momentOf(world, report));
    noteEnd(span, outlivedMsOf(world, span, ownersOf(world).above(span)) > 0);
  }
}

/** Whether the last model call of a run failed decides the verdict on a run with nothing open. */
function noteCall(world: World, call: Span): void {
  const run = ownRunOf(call);
  if (run !== undefined && call.kind === "model_call") {
    run.lastCall = { atMs: world.nowMs, hasFailed: call.hasFailed };
  }
}

function noteOutcome(span: Span, report: Report): void {
  span.hasFailed ||= report.failed;
  span.isBrokenOff ||= report.brokenOff;
  span.isClosedByRun ||= report.closedByRun && !report.isDetached && !span.isDetached;
}

function noteClaims(run: Span, { claimed, completed }: Report): void {
  run.claimed += claimed;
  run.completed += completed;
}

function reconcile(world: World, span: Span): void {
  if (!countsReconciled(world, span)) {
    return;
  }
  const lateByMs = world.nowMs - span.evictedAtMs;
  world.tally.count("reconciled", span.kind);
  world.occurrences.push({ type: "reconciled", kind: span.kind, lateByMs });
}

/** A run in a harness run is counted with that. */
function leaveUntracked(world: World, report: Report): "untracked" {
  const { kind, isInner, parent } = report;
  const trace = traceOf(world, report);
  const above =
    trace === undefined || parent === undefined ? undefined : spanIn(world, trace, parent);
  const isOfHarness = above === undefined || above.state === "unknown" || above.isHarness;
  if (!isInner || parent === undefined || !isOfHarness) {
    world.tally.count("started", kind);
    world.tally.count("untracked", kind);
  }
  return "untracked";
}

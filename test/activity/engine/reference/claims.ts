import { claimNames, type Verdict } from "../../../../src/activity/model/diagnosis.ts";
import type { SignalResult } from "../../../../src/activity/model/dialects.ts";
import { isMarker, mayOutliveRun, openMarkers } from "./ancestry.ts";
import { evictMarkers } from "./evictions.ts";
import { isBefore } from "./moments.ts";
import { culpritName } from "./occurrence.ts";
import { isUnwatched, type Owners, ownersOf } from "./owners.ts";
import { momentOf, type Report, spanOf } from "./report.ts";
import { decisive, diagnose } from "./verdicts.ts";
import type { Complaint, Kind, Span, World } from "./world.ts";

/** A gateway complains of a session. */
export function claim(world: World, report: Report): SignalResult {
  const owners = ownersOf(world);
  const { references, claimed, kind, name } = report;
  noteQueue(world, report);
  const session = owners.sessionNamed(references);
  if (session === undefined) {
    return "unmatched";
  }
  forgetOver(world);
  const span = spanOf(world, report);
  const named = span?.key ?? "";
  const standing = world.complaints.find(
    (each) =>
      owners.sessionNamed(each.references) === session &&
      each.claim === claimed &&
      each.named === named &&
      (named !== "" || (each.kind === kind && each.name === name)),
  );
  if (standing !== undefined) {
    standing.queueDepth = report.completed - 1;
    return "repeated";
  }
  world.complaints.push({
    references,
    claim: claimed,
    kind,
    name,
    named,
    span,
    sinceMs: world.nowMs,
    queueDepth: report.completed - 1,
    verdict: undefined,
  });
  reportVerdicts(world, owners);
  return "claimed";
}

/** The gateway recovered the session: what it had claimed is over. */
export function recovered(world: World, report: Report): SignalResult {
  const owners = ownersOf(world);
  noteQueue(world, report);
  const session = owners.sessionNamed(report.references);
  world.complaints = world.complaints.filter(
    ({ references }) => owners.sessionNamed(references) !== session,
  );
  return session === undefined ? "unmatched" : "recovered";
}

/** So many messages wait in the session, if it is known. */
export function noteQueue(world: World, { references, completed }: Report): void {
  const owners = ownersOf(world);
  const session = owners.sessionNamed(references);
  if (completed === 0 || !owners.isKnown(session)) {
    return;
  }
  for (const each of world.queues.keys()) {
    if (owners.sessionNamed([each]) === session) {
      world.queues.delete(each);
    }
  }
  world.queues.set(references[0] ?? "", completed - 1);
}

/**
 * The gateway evicted markers of the session itself: the oldest of those whose own run has ended; of those that are open
 * all where it evicted as many.
 */
export function evictedBySender(world: World, report: Report): SignalResult {
  const owners = ownersOf(world);
  const session = owners.sessionNamed(report.references);
  const moment = momentOf(world, report);
  const open = openMarkers(world)
    .filter((marker) => owners.sessionOf(marker) === session)
    .filter((marker) => isBefore(marker.start, moment, world.latenessMs))
    .toSorted((a, b) => a.start.atMs - b.start.atMs);
  const closed = (kind: Kind, count: number): readonly Span[] => {
    const all = open.filter((marker) => marker.kind === kind);
    const over = all.filter(
      (marker) => owners.above(marker)?.isOpen === false && !mayOutliveRun(marker),
    );
    return all.length <= count ? all : over.slice(0, count);
  };
  const markers = [...closed("tool", report.claimed), ...closed("model_call", report.completed)];
  evictMarkers(world, markers, "orphaned_no_owner");
  return markers.length === 0 ? "unmatched" : "evicted";
}

/** Reports the verdict of each claim that stands, when it is new or has changed. */
export function reportVerdicts(world: World, owners: Owners): void {
  forgetOver(world);
  for (const reference of world.queues.keys()) {
    if (!owners.isKnown(owners.sessionNamed([reference]))) {
      world.queues.delete(reference);
    }
  }
  for (const key of world.hadRun.keys()) {
    // What nothing of is remembered was never known.
    if (!key.startsWith("trace ") && !owners.isKnown(owners.sessionNamed([key]))) {
      world.hadRun.delete(key);
    }
  }
  for (const complaint of world.inAnyOrder(world.complaints)) {
    const { verdict, culprit } = verdictOf(world, owners, complaint);
    if (verdict !== complaint.verdict) {
      complaint.verdict = verdict;
      world.occurrences.push({
        type: "diagnosed",
        claim: claimNames[complaint.claim] ?? "none",
        verdict,
        atMs: world.nowMs,
        culprit: culpritName(culprit),
      });
    }
  }
}

/** A claim without progress or recovery stands for as long as ended work is remembered. */
function forgetOver(world: World): void {
  const { tombstoneTtlMs } = world.limits;
  world.complaints = world.complaints.filter(
    ({ sinceMs }) => sinceMs + tombstoneTtlMs > world.nowMs,
  );
}

function verdictOf(
  world: World,
  owners: Owners,
  complaint: Complaint,
): { readonly verdict: Verdict; readonly culprit: Span | undefined } {
  const session = owners.sessionNamed(complaint.references);
  // What is forgotten meanwhile is still what it was.
  const named = complaint.span;
  const stale =
    named === undefined
      ? openMarkers(world).find(
          (marker) =>
            complaint.named === "" &&
            owners.sessionOf(marker) === session &&
            marker.kind === complaint.kind &&
            (complaint.name === 0 || marker.name === complaint.name) &&
            isStale(owners, marker),
        )
      : [named].find((span) => isStale(owners, span));
  if (stale !== undefined) {
    complaint.span = stale;
    return { verdict: "stale_marker", culprit: stale };
  }
  const own =
    named?.kind === "run"
      ? owners.ofRun(named)
      : named?.state === "open"
        ? owners.above(named)
        : undefined;
  const open = owners.all.filter((owner) => owner.isOpen && owner.session === session);
  const diagnosis = decisive(
    world,
    (own?.isOpen === true ? [own] : open).map((owner) => diagnose(world, owners, owner)),
  );
  if (diagnosis !== undefined) {
    return diagnosis;
  }
  const depth = Math.max(
    complaint.queueDepth,
    ...[...world.queues]
      .filter(([reference]) => owners.sessionNamed([reference]) === session)
      .map(([, waiting]) => waiting),
  );
  return { verdict: depth > 0 ? "queued_only" : "unknown", culprit: undefined };
}

/** Whether work that a claim names is of an ended run, or was evicted. */
function isStale(owners: Owners, span: Span): boolean {
  return (
    (isMarker(span) && span.state === "evicted") ||
    (span.state === "open" &&
      owners.above(span)?.isOpen === false &&
      !(isMarker(span) && mayOutliveRun(span)) &&
      !isUnwatched(owners.above(span)))
  );
}

import { mayBeBelow, mayOutliveRun, parentOf } from "./ancestry.ts";
import { ownerOver } from "./holders.ts";
import { isBefore } from "./moments.ts";
import { type Owners, ownersOf } from "./owners.ts";
import { momentOf, type Report, spanIn, traceOf } from "./report.ts";
import type { Span, World } from "./world.ts";

/** Why a start is not tracked, if it is not. */
export function refuse(
  world: World,
  known: Span | undefined,
  report: Report,
): "late_start" | "untracked" | undefined {
  const isMarker = report.kind !== "run";
  if (isMarker && isLate(world, known, report)) {
    return "late_start";
  }
  const isPhantom = isMarker && report.parent === undefined && report.references.length === 0;
  return isPhantom || isFull(world, known, report) ? "untracked" : undefined;
}

/** Whether the bounds keep work from being tracked. */
export function isFull(world: World, known: Span | undefined, report: Report): boolean {
  const { maxOpenWork, maxSessions } = world.limits;
  const owners = ownersOf(world);
  const open = [...world.spans.values()].filter(({ state }) => state === "open");
  const sessions = new Set(open.map((span) => owners.sessionOf(span)));
  const joined = sessionJoined(world, owners, known, report);
  const needsRoom = joined === undefined || !sessions.has(joined);
  return open.length >= maxOpenWork || (sessions.size >= maxSessions && needsRoom);
}

/** Whether the start of a marker is from before the end of its own run, which is over. */
function isLate(world: World, known: Span | undefined, report: Report): boolean {
  const owners = ownersOf(world);
  const parent = parentAs(world, known, report);
  const run = runFrom(parent);
  const isInside = parent !== undefined && parent !== run && mayOutliveRun(parent);
  if ((report.isDetached && report.kind === "tool") || isInside) {
    return false;
  }
  const own = run && owners.ofRun(run);
  if (own?.end === undefined || ownerOver(world, owners, own).dueMs > world.nowMs) {
    return false;
  }
  const hasOpenHolder = ownerOver(world, owners, own).confidence === "probable";
  const isRemembered = world.nowMs - own.endedAtMs < world.limits.tombstoneTtlMs;
  return (
    !hasOpenHolder && isRemembered && isBefore(momentOf(world, report), own.end, world.latenessMs)
  );
}

/** The session that new work would be of; undefined when that is a new one. */
function sessionJoined(
  world: World,
  owners: Owners,
  known: Span | undefined,
  report: Report,
): string | undefined {
  const named = owners.sessionNamed(report.references);
  const run = runFrom(parentAs(world, known, report));
  const above = run && owners.ofRun(run)?.session;
  if (report.kind === "run") {
    return named ?? above;
  }
  return above ?? named;
}

/** The parent that a span has or would get. */
function parentAs(world: World, known: Span | undefined, report: Report): Span | undefined {
  const linked = known && parentOf(known);
  const trace = traceOf(world, report);
  if (linked !== undefined || trace === undefined || report.parent === undefined) {
    return linked;
  }
  const named = spanIn(world, trace, report.parent);
  return named === undefined || (known !== undefined && !mayBeBelow(known, named))
    ? undefined
    : named;
}

/** The nearest run, the span itself included. */
function runFrom(span: Span | undefined): Span | undefined {
  for (let run = span; run !== undefined; run = parentOf(run)) {
    if (run.kind === "run") {
      return run;
    }
  }
  return undefined;
}

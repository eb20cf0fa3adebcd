import { isActive, mayBeBelow, ownerAbove, parentOf } from "./kinship.ts";
import { type Report, spanIn, traceOf } from "./report.ts";
import { waitingGroup } from "./sessions.ts";
import type { Group, Span, World } from "./world.ts";

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
  const open = [...world.spans.values()].filter(({ state }) => state === "open");
  const active = [...world.groups].filter(isActive);
  return (
    open.length >= maxOpenWork ||
    (active.length >= maxSessions && !joinsActive(world, known, report))
  );
}

/** The group that the first known reference names. */
export function referencedGroup(world: World, report: Report): Group | undefined {
  const known = report.references.find((reference) => world.references.has(reference));
  return known === undefined ? undefined : world.references.get(known);
}

/** Whether the start of a marker is from before an eviction in any group that it would be part of. */
function isLate(world: World, known: Span | undefined, report: Report): boolean {
  const parent = parentAs(world, known, report);
  const owner = runFrom(parent);
  const owned = owner?.group;
  const named = report.references.map((reference) => world.references.get(reference));
  const hasReference = named.length > 0;
  const joined = owner === undefined && parent !== undefined ? waitingGroup(world, parent) : owned;
  const staysWithOwner = owned !== undefined && owned.references.size === 0;
  const candidates = [
    known?.group,
    ...(hasReference ? [staysWithOwner ? owned : undefined, ...named] : [joined]),
  ];
  return candidates.some((group) => group !== undefined && isFenced(group, report));
}

/** By the sender's order where both have one, else by its clock. */
function isFenced(group: Group, { seq, startMs }: Report): boolean {
  return seq > 0 && group.cutoffSeq > 0 ? seq <= group.cutoffSeq : startMs <= group.cutoffMs;
}

/** Whether work needs no session beside those that are active. */
function joinsActive(world: World, known: Span | undefined, report: Report): boolean {
  const referenced = referencedGroup(world, report);
  const parent = parentAs(world, known, report);
  if (report.references.length > 0) {
    return referenced !== undefined && isActive(referenced);
  }
  const owned = runFrom(parent)?.group;
  if (parent === undefined || owned === undefined || !isActive(owned)) {
    return false;
  }
  const isInner = report.isInner && parent.isHarness;
  return report.kind !== "run" || isInner || owned.references.size > 0;
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
  return span === undefined || span.kind === "run" ? span : ownerAbove(span);
}

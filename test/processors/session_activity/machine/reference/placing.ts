import { referencedGroup } from "./admission.ts";
import { isOwnerless, mayBeBelow, ownerAbove, ownRunsFrom, parentOf } from "./kinship.ts";
import { arrive, easeOwnersAbove } from "./lives.ts";
import { addUnknown, bury, makeRoom } from "./memory.ts";
import { type Report, spanIn, traceKeyOf, traceOf } from "./report.ts";
import {
  addGroup,
  adopt,
  call,
  groupAbove,
  join,
  leave,
  merge,
  refer,
  tighten,
} from "./sessions.ts";
import type { Group, Span, World } from "./world.ts";

/** Adds the span that is reported on, untold yet; undefined when there is no room. */
export function addSpan(world: World, report: Report): Span | undefined {
  if (!makeRoom(world)) {
    return undefined;
  }
  const trace = traceOf(world, report) ?? {
    key: traceKeyOf(report),
    id: report.trace,
    process: report.process,
    hadOwner: false,
    ownerEndMs: Number.NEGATIVE_INFINITY,
  };
  return addUnknown(world, trace, report.span);
}

/** Takes in what a report says of its span: what it is, below which parent, in which group. */
export function define(world: World, known: Span | undefined, report: Report): Span | undefined {
  const span = known ?? addSpan(world, report);
  if (span === undefined) {
    return undefined;
  }
  arrive(world, span);
  span.kind = report.kind;
  span.startMs = report.startMs;
  span.endMs = report.endMs;
  span.name = report.name;
  span.seq = report.seq;
  span.isHarness ||= report.isHarness;
  span.isInner ||= report.isInner;
  span.isRelayed ||= report.isRelayed;
  if (span.kind === "run") {
    placeRun(world, span, report);
  } else if (span.kind === "other") {
    placeLink(world, span, report);
  } else {
    placeMarker(world, span, report);
  }
  return span;
}

/** Puts a span below the parent that is named, unless it has one. */
export function linkParent(world: World, span: Span, report: Report): void {
  if (report.parent === undefined || parentOf(span) !== undefined) {
    return;
  }
  let parent = spanIn(world, span.trace, report.parent);
  if (parent === undefined && makeRoom(world)) {
    parent = addUnknown(world, span.trace, report.parent);
    world.tally.countSignal("implied", "implied_parent");
  }
  if (parent !== undefined && mayBeBelow(span, parent)) {
    span.parent = parent;
  }
}

/** The run's group answers to what the run is told to be of. */
export function addReferences(world: World, run: Span, report: Report): void {
  for (const reference of report.references) {
    setOwnReference(world, run);
    if (run.group !== undefined) {
      refer(world, run.group, reference);
    }
  }
}

export function callIfOwnerless(world: World, { group }: Span): void {
  if (group !== undefined && isOwnerless(world, group)) {
    call(world, group);
  }
}

function placeRun(world: World, run: Span, report: Report): void {
  if (report.references.length > 0) {
    setOwnReference(world, run);
  }
  linkParent(world, run, report);
  if (run.group === undefined) {
    join(world, run, referencedOrNewGroup(world, report));
  } else {
    tighten(run.group);
  }
  addReferences(world, run, report);
  adopt(world, run);
  if (run.group !== undefined) {
    run.group.hadOwner = true;
  }
  run.trace.hadOwner = true;
}

/** A marker is its owner's, if that has no session; else of the session it names; else its owner's all the same. */
function placeMarker(world: World, marker: Span, report: Report): void {
  linkParent(world, marker, report);
  const waiting = marker.group;
  let group: Group;
  if (report.references.length > 0) {
    const owned = ownerAbove(marker)?.group;
    group =
      owned !== undefined && owned.references.size === 0
        ? owned
        : referencedOrNewGroup(world, report);
    for (const reference of report.references) {
      group = refer(world, group, reference);
    }
  } else {
    group = groupAbove(world, marker);
  }
  // What waited below it has the same owner as it has.
  join(world, marker, waiting === undefined ? group : merge(world, group, waiting));
}

function placeLink(world: World, link: Span, report: Report): void {
  linkParent(world, link, report);
  const waiting = link.group;
  if (waiting !== undefined) {
    merge(world, groupAbove(world, link), waiting);
    callIfOwnerless(world, link);
    leave(world, link);
  }
  bury(world, link);
}

function referencedOrNewGroup(world: World, report: Report): Group {
  return referencedGroup(world, report) ?? addGroup(world, report.process);
}

function setOwnReference(world: World, run: Span): void {
  if (!run.hasReference && ownRunsFrom(world, run).length > 0) {
    easeOwnersAbove(world, run);
  }
  run.hasReference = true;
}

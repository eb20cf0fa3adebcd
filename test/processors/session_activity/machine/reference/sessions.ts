import { ancestorsOf, isActive, ownerAbove, parentOf } from "./kinship.ts";
import { tellChange, tellRecovered } from "./states.ts";
import type { Group, Span, Trace, World } from "./world.ts";

const referencesPerSession = 4;

export function addGroup(world: World, process: number, looseIn?: Trace): Group {
  const group: Group = {
    order: world.groupsMade++,
    process,
    members: new Set(),
    references: new Set(),
    looseIn,
    isFallback: false,
    hadOwner: false,
    isHeld: false,
    dueMs: undefined,
    closedAtMs: 0,
    ownerEndMs: Number.NEGATIVE_INFINITY,
    ownerEndSeq: 0,
    cutoffMs: Number.NEGATIVE_INFINITY,
    cutoffSeq: 0,
    endedAtMs: undefined,
    sessionEndMs: Number.NEGATIVE_INFINITY,
    sessionEndSeq: 0,
    claimed: 0,
    completed: 0,
    finishedTools: 0,
    explained: 0,
    anonymous: 0,
    activeSinceMs: 0,
    heardAtMs: 0,
    isToldStalled: false,
  };
  world.groups.add(group);
  return group;
}

/** The group is judged no earlier than `dueMs`. */
export function postpone(group: Group, dueMs: number): void {
  group.dueMs = Math.max(group.dueMs ?? dueMs, dueMs);
}

/** The group has something to be judged within the lateness, unless it is to be judged anyway. */
export function call(world: World, group: Group): void {
  group.dueMs ??= world.latestMs;
}

export function join(world: World, span: Span, group: Group): void {
  if (span.group !== group) {
    leave(world, span);
    group.members.add(span);
    span.group = group;
  }
}

/** Takes a span out of its group. A group without members is forgotten, with all that it stands for. */
export function leave(world: World, span: Span): void {
  const { group } = span;
  span.group = undefined;
  group?.members.delete(span);
  if (group !== undefined && group.members.size === 0) {
    world.groups.delete(group);
    for (const reference of group.references) {
      world.references.delete(reference);
    }
    endWaitsOf(world, group);
  }
}

export function endWaitsOf(world: World, group: Group): void {
  for (const [key, wait] of world.waits) {
    if (wait.group === group) {
      world.waits.delete(key);
    }
  }
}

/** It has an owner or a reference, so it waits for its trace no more. */
export function tighten(group: Group): void {
  group.looseIn = undefined;
  group.isFallback = false;
}

/** Makes one group of two. */
export function merge(world: World, into: Group, from: Group): Group {
  if (into === from) {
    return into;
  }
  mergeStates(world, into, from);
  if (from.looseIn === undefined || into.looseIn === undefined) {
    tighten(into);
  } else {
    into.isFallback ||= from.isFallback;
  }
  into.hadOwner ||= from.hadOwner;
  into.isHeld ||= from.isHeld;
  for (const sum of ["claimed", "completed", "finishedTools", "explained", "anonymous"] as const) {
    into[sum] += from[sum];
  }
  for (const latest of [
    "closedAtMs",
    "ownerEndMs",
    "ownerEndSeq",
    "cutoffMs",
    "cutoffSeq",
    "sessionEndMs",
    "sessionEndSeq",
  ] as const) {
    into[latest] = Math.max(into[latest], from[latest]);
  }
  into.endedAtMs = latestOf(into.endedAtMs, from.endedAtMs);
  into.dueMs = latestOf(into.dueMs, from.dueMs);
  for (const member of from.members) {
    into.members.add(member);
    member.group = into;
  }
  for (const reference of from.references) {
    into.references.add(reference);
    world.references.set(reference, into);
  }
  for (const wait of world.waits.values()) {
    wait.group = wait.group === from ? into : wait.group;
  }
  world.groups.delete(from);
  tellChange(world, into);
  return into;
}

/** Makes a group answer to a session reference; gives the group that it then is. */
export function refer(world: World, group: Group, reference: string): Group {
  const known = world.references.get(reference);
  if (known !== undefined) {
    return merge(world, known, group);
  }
  if (world.references.size < world.limits.maxSessions * referencesPerSession) {
    world.references.set(reference, group);
    group.references.add(reference);
    tighten(group);
  }
  return group;
}

/** The group that a span without a reference belongs to: its owner's, else one that waits for the way there. */
export function groupAbove(world: World, span: Span): Group {
  const owned = ownerAbove(span)?.group;
  if (owned !== undefined) {
    return owned;
  }
  const top = ancestorsOf(span).at(-1);
  if (top !== undefined && top.state === "unknown") {
    return waitingFor(world, top);
  }
  return fallbackOf(world, span.trace) ?? addFallback(world, span.trace);
}

/** The group a span is judged with, as far as it can be told. */
export function groupOf(world: World, span: Span): Group | undefined {
  if (span.group !== undefined) {
    return span.group;
  }
  const top = ancestorsOf(span).at(-1) ?? span;
  const awaited = top.state === "unknown" ? top : undefined;
  const owner = span.kind === "run" ? span : ownerAbove(span);
  return owner === undefined ? awaited && waitingFor(world, awaited) : owner.group;
}

/** Where what is below `parent` waits while no owner is above it. */
export function waitingGroup(world: World, parent: Span): Group | undefined {
  const top = ancestorsOf(parent).at(-1) ?? parent;
  return top.state === "unknown" ? top.group : fallbackOf(world, top.trace);
}

/** Puts a run under the owner or session above it, and below it the inner runs that came before it. */
export function adopt(world: World, run: Span): void {
  joinAbove(world, run);
  for (const inner of world.inAnyOrder(world.spans.values())) {
    if (inner.awaitsParent && parentOf(inner) === run) {
      inner.awaitsParent = false;
      joinAbove(world, inner);
    }
  }
  run.awaitsParent ||= run.isInner && parentOf(run)?.state === "unknown";
}

/** An inner run, or one that has no session of its own, is of the owner or session above it. */
function joinAbove(world: World, run: Span): void {
  const above = ownerAbove(run);
  if (above?.group === undefined || run.group === undefined || above.group === run.group) {
    return;
  }
  const isInner = parentOf(run) === above && above.isHarness && run.isInner && !run.isHarness;
  if (isInner || (above.group.references.size > 0 && run.group.references.size === 0)) {
    merge(world, above.group, run.group);
  }
}

function waitingFor(world: World, unknown: Span): Group {
  if (unknown.group === undefined) {
    join(world, unknown, addGroup(world, unknown.trace.process, unknown.trace));
  }
  return unknown.group ?? addGroup(world, unknown.trace.process, unknown.trace);
}

function fallbackOf(world: World, trace: Trace): Group | undefined {
  return [...world.groups].find((group) => group.looseIn === trace && group.isFallback);
}

function addFallback(world: World, trace: Trace): Group {
  const group = addGroup(world, trace.process, trace);
  group.isFallback = true;
  return group;
}

/** What is heard of one of two sessions that turn out to be one is heard of it. */
function mergeStates(world: World, into: Group, from: Group): void {
  if (isActive(into) && isActive(from)) {
    into.activeSinceMs = Math.min(into.activeSinceMs, from.activeSinceMs);
    into.heardAtMs = Math.max(into.heardAtMs, from.heardAtMs);
    if (into.isToldStalled && from.isToldStalled) {
      tellRecovered(world, from, "progress");
    }
    into.isToldStalled ||= from.isToldStalled;
  } else if (isActive(from)) {
    into.activeSinceMs = from.activeSinceMs;
    into.heardAtMs = from.heardAtMs;
    into.isToldStalled = from.isToldStalled;
  }
}

function latestOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

import type { Group, Span, Trace, World } from "./world.ts";

/** Longer chains of parents are cut. */
const maxDepth = 200;

export function parentOf(span: Span): Span | undefined {
  return span.parent?.isForgotten === true ? undefined : span.parent;
}

/** The parent, its parent, and so on. */
export function ancestorsOf(span: Span): Span[] {
  const parent = parentOf(span);
  return parent === undefined ? [] : [parent, ...ancestorsOf(parent)];
}

/** The nearest run above. */
export function ownerAbove(span: Span): Span | undefined {
  return ancestorsOf(span).find(({ kind }) => kind === "run");
}

/** Whether something between `span` and the nearest run above has not arrived. */
export function hasUnknownAbove(span: Span): boolean {
  const line = ancestorsOf(span);
  const owner = line.findIndex(({ kind }) => kind === "run");
  return line.slice(0, owner === -1 ? line.length : owner).some(({ state }) => state === "unknown");
}

/** Whether nothing becomes its own ancestor when `child` is put below `parent`. */
export function mayBeBelow(child: Span, parent: Span): boolean {
  const line = [parent, ...ancestorsOf(parent)];
  return !line.includes(child) && line.length < maxDepth;
}

export function openBelow(world: World, span: Span): Span[] {
  return [...world.spans.values()].filter(
    (other) => other.state === "open" && ancestorsOf(other).includes(span),
  );
}

/** Open runs below `span`, or `span` itself, that belong to no other session by a reference of their own, or of a run between. */
export function ownRunsFrom(world: World, span: Span): Span[] {
  return [span, ...openBelow(world, span)].filter((run) => {
    const line = [run, ...ancestorsOf(run)];
    const way = line.slice(0, run === span ? 1 : line.indexOf(span));
    return (
      run.kind === "run" &&
      run.state === "open" &&
      !way.some((each) => each.kind === "run" && each.hasReference)
    );
  });
}

export function openWorkOf(group: Group): Span[] {
  return [...group.members].filter(({ state }) => state === "open");
}

export function openMarkersOf(group: Group): Span[] {
  return openWorkOf(group).filter(({ kind }) => kind !== "run");
}

export function runsOf(group: Group): Span[] {
  return [...group.members].filter(({ kind }) => kind === "run");
}

export function isActive(group: Group): boolean {
  return openWorkOf(group).length > 0;
}

export function hasOpenOwner(group: Group): boolean {
  return openWorkOf(group).some(({ kind }) => kind === "run");
}

export function hasOpenRun(world: World, trace: Trace): boolean {
  return [...world.spans.values()].some(
    (span) => span.trace === trace && span.kind === "run" && span.state === "open",
  );
}

/** Whether nobody owns its markers any more. What waits for its way to an owner is owned by any run of the trace. */
export function isOwnerless(world: World, group: Group): boolean {
  return group.looseIn === undefined
    ? group.hadOwner && !hasOpenOwner(group)
    : group.looseIn.hadOwner && !hasOpenRun(world, group.looseIn);
}

/** Whether a run of the group has an open one below that has no session of its own. */
export function hasNestedOwner(world: World, group: Group): boolean {
  return runsOf(group).some((run) => ownRunsFrom(world, run).some((other) => other !== run));
}

/** Of open work that is over, what has no open work below that is not. */
export function withoutKeepers(world: World, over: readonly Span[]): Span[] {
  const left = over.filter((span) => openBelow(world, span).every((other) => over.includes(other)));
  return left.length === over.length ? left : withoutKeepers(world, left);
}

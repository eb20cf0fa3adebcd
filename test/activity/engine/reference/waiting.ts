import { ancestorsOf, isMarker, mayOutliveRun, spansBelow, waitsFor } from "./ancestry.ts";
import { isBefore } from "./moments.ts";
import type { Owner, Owners } from "./owners.ts";
import type { Span, Wait, World } from "./world.ts";

/** The open work that a wait for a person names. */
export function namedBy(world: World, owners: Owners, wait: Wait): readonly Span[] {
  if (wait.span !== undefined) {
    const { span } = wait;
    const isLink = span.kind === "other" && span.state !== "unknown";
    const work = isLink ? ancestorsOf(span).find(({ kind }) => kind !== "other") : span;
    return work?.state === "open" ? [work] : [];
  }
  const session = owners.sessionNamed(wait.references);
  return [...world.spans.values()].filter(
    (run) =>
      run.kind === "run" &&
      run.state === "open" &&
      owners.sessionOf(run) === session &&
      !isBefore(wait.moment, run.start, world.latenessMs),
  );
}

export function isNamed(world: World, owners: Owners, span: Span): boolean {
  return [...world.waits.values()].some((wait) => namedBy(world, owners, wait).includes(span));
}

/** Open work whose own run is open: what can decide a verdict. */
export function isLive(owners: Owners, span: Span): boolean {
  return (
    span.state === "open" &&
    (span.kind === "run" || (isMarker(span) && owners.above(span)?.isOpen === true))
  );
}

/**
 * Live work below an owner with no live work below; the runs of one owner are one. What may outlive the run counts only
 * while it waits for a person: the run waits for nothing else of it.
 */
export function leavesOf(world: World, owners: Owners, owner: Owner): readonly Span[] {
  return waitedForBelow(world, owners, owner).filter((span) => {
    const own = owners.ofRun(span);
    const others =
      own === undefined
        ? spansBelow(world, span).filter((other) => waitsFor(span, other))
        : waitedForBelow(world, owners, own);
    return !others.some((other) => isLive(owners, other));
  });
}

/** Whether an owner waits for a person: a pause names it, or all that is deepest below it waits. */
export function isWaiting(world: World, owners: Owners, owner: Owner): boolean {
  if (owner.runs.some((run) => isNamed(world, owners, run))) {
    return true;
  }
  const leaves = leavesOf(world, owners, owner);
  return leaves.length > 0 && leaves.every((leaf) => waitsBelow(world, owners, owner, leaf));
}

/** Whether a leaf below an owner, or something between them, waits for a person. */
export function waitsBelow(world: World, owners: Owners, owner: Owner, leaf: Span): boolean {
  const line = [leaf, ...ancestorsOf(leaf)];
  const end = line.findIndex((span) => owner.runs.includes(span));
  return line.slice(0, end).some((span) => isNamed(world, owners, span));
}

function waitedForBelow(world: World, owners: Owners, owner: Owner): readonly Span[] {
  return liveBelow(world, owners, owner).filter((span) => {
    const line = [span, ...ancestorsOf(span)];
    const path = line.slice(
      0,
      line.findIndex((each) => owner.runs.includes(each)),
    );
    const run = path.findIndex(({ kind }) => kind === "run");
    const isOutside = run !== -1 && path.slice(run).some(isOpenDetached);
    const isApart = isMarker(span) && mayOutliveRun(span);
    return !isOutside && (!isApart || waitsBelow(world, owners, owner, span));
  });
}

function isOpenDetached({ isDetached, state }: Span): boolean {
  return isDetached && state === "open";
}

function liveBelow(world: World, owners: Owners, owner: Owner): readonly Span[] {
  return [...world.spans.values()].filter(
    (span) =>
      isLive(owners, span) &&
      !owner.runs.includes(span) &&
      ancestorsOf(span).some((above) => owner.runs.includes(above)),
  );
}

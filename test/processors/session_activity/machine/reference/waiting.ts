import { ancestorsOf, isMarker, spansBelow } from "./kinship.ts";
import type { Owner, Owners } from "./owners.ts";
import { isBefore } from "./things.ts";
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
      !isBefore(wait.thing, run.start, world.latenessMs),
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

/** Live work below an owner with no live work below; the runs of one owner are one. */
export function leavesOf(world: World, owners: Owners, owner: Owner): readonly Span[] {
  const below = liveBelow(world, owners, owner);
  return below.filter((span) => {
    const own = owners.ofRun(span);
    const others = own === undefined ? spansBelow(world, span) : liveBelow(world, owners, own);
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

function liveBelow(world: World, owners: Owners, owner: Owner): readonly Span[] {
  return [...world.spans.values()].filter(
    (span) =>
      isLive(owners, span) &&
      !owner.runs.includes(span) &&
      ancestorsOf(span).some((above) => owner.runs.includes(above)),
  );
}

import { ancestorsOf, isMarker, spansBelow } from "./ancestry.ts";
import { type Owner, ownersOf } from "./owners.ts";
import type { Span, World } from "./world.ts";

/** A span made progress, and with it everything above; complaints about those sessions are over. */
export function makeProgress(world: World, span: Span): void {
  const owners = ownersOf(world);
  const line = [span, ...ancestorsOf(span)];
  for (const each of line) {
    each.progressMs = world.nowMs;
    each.isDiagnosed = false;
  }
  const sessions = line
    .filter((each) => each.kind === "run" || (isMarker(each) && each.state === "open"))
    .map((each) => owners.sessionOf(each));
  world.complaints = world.complaints.filter(
    ({ references }) => !sessions.includes(owners.sessionNamed(references) ?? ""),
  );
}

/** When a span, or what is below it, last made progress. */
export function spanProgressOf(world: World, span: Span): number {
  return Math.max(span.progressMs, ...spansBelow(world, span).map(({ progressMs }) => progressMs));
}

/** When an owner, or what is below it, last made progress. */
export function progressOf(world: World, owner: Owner): number {
  return Math.max(...owner.runs.map((run) => spanProgressOf(world, run)));
}

export function isSilent(world: World, owner: Owner): boolean {
  return world.nowMs >= progressOf(world, owner) + world.limits.stalledAfterMs;
}

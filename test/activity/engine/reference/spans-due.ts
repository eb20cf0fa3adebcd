import { ancestorsOf, isMarker } from "./ancestry.ts";
import { ownersOf } from "./owners.ts";
import { namedBy } from "./waiting.ts";
import type { Span, World } from "./world.ts";

/** When open work will have been silent for too long: for what it promised, else for the longest age. */
export function silentUntilMs({ limits }: World, span: Span): number {
  const patienceMs = span.leaseMs > 0 ? Math.min(span.leaseMs, limits.maxAgeMs) : limits.maxAgeMs;
  return span.seenAtMs + patienceMs;
}

/** When it is decided whether open work is given up: age stands still while it, its run, or something below waits for a person. */
export function silenceDueMs(world: World, span: Span): number {
  if (span.state !== "open" || (span.leaseMs === 0 && isAgeStopped(world, span))) {
    return Number.POSITIVE_INFINITY;
  }
  return span.hold === "none" ? silentUntilMs(world, span) : span.heldUntilMs;
}

function isAgeStopped(world: World, span: Span): boolean {
  if (world.waits.size === 0) {
    return false;
  }
  const owners = ownersOf(world);
  return [...world.waits.values()]
    .flatMap((wait) => namedBy(world, owners, wait))
    .some(
      (named) =>
        named === span ||
        ancestorsOf(named).includes(span) ||
        (named.kind === "run" && isMarker(span) && owners.above(span) === owners.ofRun(named)),
    );
}

import type { Span, World } from "./world.ts";

/** When open work will have been silent for too long: for what it promised, else for the longest age. */
export function silentUntilMs({ limits }: World, span: Span): number {
  const patienceMs = span.leaseMs > 0 ? Math.min(span.leaseMs, limits.maxAgeMs) : limits.maxAgeMs;
  return span.heardAtMs + patienceMs;
}

/** When it is decided whether open work is given up. */
export function silenceDueMs(world: World, span: Span): number {
  if (span.state !== "open" || span.isParked) {
    return Number.POSITIVE_INFINITY;
  }
  return span.hold === "none" ? silentUntilMs(world, span) : span.heldUntilMs;
}

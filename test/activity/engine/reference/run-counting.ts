import { parentOf } from "./ancestry.ts";
import { ownersOf } from "./owners.ts";
import type { Span, World } from "./world.ts";

/** A harness run that is exported once more starts within so long of itself. */
const sameStartMs = 20;

/** Whether work that starts is counted: of the spans of one run only the first is. */
export function countsStart(world: World, span: Span): boolean {
  span.isUncounted = span.kind === "run" && isCountedBesides(world, span);
  return !span.isUncounted;
}

/** Whether counted work ends with a span: of the spans of one run it does with the last that is open. */
export function countsEnd(world: World, span: Span): boolean {
  if (span.isUncounted) {
    return false;
  }
  const next = partsOf(world, span).find(
    ({ state, isUncounted }) => state === "open" && isUncounted,
  );
  if (next !== undefined) {
    passCount(span, next);
  }
  return next === undefined;
}

/** Whether it was counted that a span was evicted, which was wrong, and not corrected yet. */
export function countsReconciled(world: World, span: Span): boolean {
  if (!span.isUncounted) {
    return true;
  }
  const counted = partsOf(world, span).find(isCounted);
  if (counted?.state !== "evicted" || counted.isSettled) {
    return false;
  }
  passCount(counted, span);
  return true;
}

function isCountedBesides(world: World, run: Span): boolean {
  return (
    partsOf(world, run).some(isCounted) ||
    [...world.spans.values()].some(
      (other) => !other.isUndecided && isSameHarnessRun(run, other) && areNeighbours(run, other),
    )
  );
}

function partsOf(world: World, run: Span): readonly Span[] {
  const { runs = [] } = (run.kind === "run" && ownersOf(world).ofRun(run)) || {};
  return runs.filter((other) => other !== run);
}

function isCounted({ isUncounted, isUndecided }: Span): boolean {
  return !isUncounted && !isUndecided;
}

function isSameHarnessRun(run: Span, other: Span): boolean {
  const areHarnesses = [run, other].every(
    ({ kind, state, isHarness }) => kind === "run" && state !== "unknown" && isHarness,
  );
  return areHarnesses && run.startMs > 0 && Math.abs(run.startMs - other.startMs) <= sameStartMs;
}

function areNeighbours(a: Span, b: Span): boolean {
  return parentOf(a) === b || parentOf(b) === a;
}

function passCount(from: Span, to: Span): void {
  from.isUncounted = true;
  to.isUncounted = false;
}

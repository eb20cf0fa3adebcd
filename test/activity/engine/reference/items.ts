import { ancestorsOf, ownRunOf } from "./ancestry.ts";
import type { Owner } from "./owners.ts";
import type { Span, World } from "./world.ts";

/** A marker ended by itself; the open and completed items that a harness run reports must account for it. */
export function noteEnd(span: Span, isAfterOwner: boolean): void {
  if (isAfterOwner) {
    noteActive(span);
  } else if (span.kind === "tool") {
    // Its run may be on its way: then it counts where the way to it ends.
    (ownRunOf(span) ?? ancestorsOf(span).at(-1))?.finishedItems.push(itemsOf(span));
  }
}

/** A marker was open when its run ended. */
export function noteActive(span: Span): void {
  const run = ownRunOf(span);
  if (run !== undefined && span.kind === "tool") {
    run.matched += itemsOf(span);
  }
}

/** Whether a harness run counted items of a run that has not arrived, nor any tool of it. */
export function waitsForRun(world: World, owner: Owner): boolean {
  return (
    owner.runs.every(({ isHarness, matched }) => isHarness && matched === 0) &&
    countingFor(world, owner).length === 0
  );
}

/** The spans at which finished tools of an owner were counted: its runs, and what is below them and was known before. */
export function countingFor(world: World, owner: Owner): readonly Span[] {
  return [...world.spans.values()].filter(
    (span) =>
      span.finishedItems.length > 0 &&
      owner.runs.includes(span.kind === "run" ? span : (ownRunOf(span) ?? span)),
  );
}

/**
 * How many of the tools that ended before a harness run's end, and of which each is one item or perhaps two, must at least
 * have completed for `completed` items, as items; undefined when they cannot have.
 */
export function fewestCompleted(tools: readonly number[], completed: number): number | undefined {
  const sums = new Set([0]);
  for (const items of tools) {
    for (const sum of [...sums]) {
      sums.add(sum + items);
    }
  }
  const enough = [...sums].filter((sum) => sum >= completed);
  return tools.length > completed || enough.length === 0 ? undefined : Math.min(...enough);
}

function itemsOf({ isTwoItems }: Span): number {
  return isTwoItems ? 2 : 1;
}

import type { ActivityGraph } from "./activity-graph.ts";
import { workKinds } from "./kinds.ts";
import { spanStates } from "./span-table.ts";

/** Open markers with no open work below that stays. */
export function orphansOf(graph: ActivityGraph, group: number): number[] {
  const { spans, groups } = graph;
  const candidates = new Set<number>();
  let hasWorkBelow = false;
  for (let span = groups.head.get(group); span !== -1; span = spans.nextMember.get(span)) {
    if (spans.state.get(span) === spanStates.open && spans.kind.get(span) !== workKinds.run) {
      candidates.add(span);
      hasWorkBelow ||= spans.openBelow.get(span) > 0;
    }
  }
  if (hasWorkBelow) {
    dropOwning(graph, candidates);
  }
  return [...candidates];
}

/** Removes candidates that have open work below which is not itself a candidate. */
function dropOwning(graph: ActivityGraph, candidates: Set<number>): void {
  const { spans } = graph;
  const inside = new Map<number, number>();
  const countAbove = (span: number, by: number): void => {
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      inside.set(at, (inside.get(at) ?? 0) + by);
    }
  };
  for (const span of candidates) {
    countAbove(span, 1);
  }
  for (let isStable = false; !isStable; ) {
    isStable = true;
    for (const span of candidates) {
      if (spans.openBelow.get(span) > (inside.get(span) ?? 0)) {
        candidates.delete(span);
        countAbove(span, -1);
        isStable = false;
      }
    }
  }
}

import { workKinds } from "../kinds.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import { groupFlags } from "./group-table.ts";
import { spanStates } from "./span-table.ts";

/** Open markers of a group whose owners have ended, with no open work below that stays. */
export function orphansOf(graph: ActivityGraph, group: number): number[] {
  return endingWith(
    graph,
    group,
    (span) => graph.spans.kind.get(span) !== workKinds.run && !isOwnedByUnknown(graph, span, group),
  );
}

/** Whether a marker stands below a run that has not arrived: it began when the owners that are known had ended. */
function isOwnedByUnknown(graph: ActivityGraph, span: number, group: number): boolean {
  const { spans, groups, traces } = graph;
  const endSeq = groups.ownerEndSeq.get(group);
  const seq = spans.seq.get(span);
  const endMs = groups.hasFlag(group, groupFlags.loose)
    ? traces.ownerEndMs.get(groups.trace.get(group))
    : groups.ownerEndMs.get(group);
  const isLater = endSeq > 0 && seq > 0 ? seq > endSeq : spans.startMs.get(span) > endMs;
  return isLater && graph.tree.hasUnknownAbove(span);
}

/** Open work of the group that `isOver` says is over, with no open work below that stays. */
export function endingWith(
  graph: ActivityGraph,
  group: number,
  isOver: (span: number) => boolean,
): number[] {
  const candidates = new Set(openWorkOf(graph, group).filter(isOver));
  if ([...candidates].some((span) => graph.spans.openBelow.get(span) > 0)) {
    dropOwning(graph, candidates);
  }
  return [...candidates];
}

/** Open members of a group, runs among them. */
export function openWorkOf({ spans, groups }: ActivityGraph, group: number): number[] {
  const open: number[] = [];
  for (let span = groups.head.get(group); span !== -1; span = spans.nextMember.get(span)) {
    if (spans.state.get(span) === spanStates.open) {
      open.push(span);
    }
  }
  return open;
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

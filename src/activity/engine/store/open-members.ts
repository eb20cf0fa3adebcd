import type { ActivityGraph } from "./activity-store.ts";
import { ownerFlags } from "./owner-table.ts";
import { spanStates } from "./span-table.ts";

/** Open members of an owner, runs among them. */
export function openWorkOf({ spans, members }: ActivityGraph, owner: number): number[] {
  const open: number[] = [];
  for (let span = members.first(owner); span !== -1; span = members.after(span)) {
    if (spans.state.get(span) === spanStates.open) {
      open.push(span);
    }
  }
  return open;
}

/** Those of `candidates`, all open, that have no open work below but each other. */
export function withoutOpenBelow(graph: ActivityGraph, candidates: readonly number[]): number[] {
  const { spans, tree } = graph;
  if (!candidates.some((span) => spans.waitedForBelow(span) > 0)) {
    return [...candidates];
  }
  const left = new Set(candidates);
  const inside = new Map<number, number>();
  const countAbove = (span: number, by: number): void => {
    for (let at = tree.waiterOf(span); at !== -1; at = tree.waiterOf(at)) {
      inside.set(at, (inside.get(at) ?? 0) + by);
    }
  };
  for (const span of left) {
    countAbove(span, 1);
  }
  for (let isStable = false; !isStable; ) {
    isStable = true;
    for (const span of left) {
      if (spans.waitedForBelow(span) > (inside.get(span) ?? 0)) {
        left.delete(span);
        countAbove(span, -1);
        isStable = false;
      }
    }
  }
  return [...left];
}

/** Open members of an owner that go when its last holder has ended; those that may outlive it stay. */
export function boundWorkOf(graph: ActivityGraph, owner: number): number[] {
  const open = openWorkOf(graph, owner);
  return graph.owners.hasFlag(owner, ownerFlags.hasDetached)
    ? open.filter((span) => !graph.tree.mayOutliveRun(span))
    : open;
}

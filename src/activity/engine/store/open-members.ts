import type { ActivityStore } from "./activity-store.ts";
import { ownerFlags } from "./owner-table.ts";
import { spanStates } from "./span-lifecycle.ts";

/** Open members of an owner, runs among them. */
export function openMembersOf({ spans, members }: ActivityStore, owner: number): number[] {
  const open: number[] = [];
  for (let span = members.first(owner); span !== -1; span = members.after(span)) {
    if (spans.state.get(span) === spanStates.open) {
      open.push(span);
    }
  }
  return open;
}

/** The `candidates`, all open, that wait for no open work below but each other. */
export function withoutOpenBelow(store: ActivityStore, candidates: readonly number[]): number[] {
  const { spans, tree } = store;
  if (!candidates.some((span) => spans.awaitedBelow(span) > 0)) {
    return [...candidates];
  }
  const left = new Set(candidates);
  const inside = new Map<number, number>();
  const countAbove = (span: number, by: number): void => {
    for (let at = tree.waitingParentOf(span); at !== -1; at = tree.waitingParentOf(at)) {
      inside.set(at, (inside.get(at) ?? 0) + by);
    }
  };
  for (const span of left) {
    countAbove(span, 1);
  }
  for (let isStable = false; !isStable; ) {
    isStable = true;
    for (const span of left) {
      if (spans.awaitedBelow(span) > (inside.get(span) ?? 0)) {
        left.delete(span);
        countAbove(span, -1);
        isStable = false;
      }
    }
  }
  return [...left];
}

/** Open members of an owner that must close with its last holder: all but those that may outlive it. */
export function boundMembersOf(store: ActivityStore, owner: number): number[] {
  const open = openMembersOf(store, owner);
  return store.owners.hasFlag(owner, ownerFlags.hasDetached)
    ? open.filter((span) => !store.tree.mayOutliveRun(span))
    : open;
}

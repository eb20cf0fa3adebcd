import type { ActivityStore } from "./activity-store.ts";
import { ownerFlags } from "./owner-table.ts";
import type { Search } from "./search.ts";
import { spanStates } from "./span-lifecycle.ts";

/** Open members of an owner, runs among them. */
export function openMembersOf({ spans, members }: ActivityStore, owner: number): number[] {
  const open: number[] = [];
  for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
    if (spans.state.get(span) === spanStates.open) {
      open.push(span);
    }
  }
  return open;
}

/** Open members of the owners of a session that may hold markers, as far as the search goes. */
export function openInSession(store: ActivityStore, group: number, search: Search): number[] {
  const { spans, live, members } = store;
  const open: number[] = [];
  for (
    let owner = live.first.get(group);
    owner !== -1 && search.reads();
    owner = live.after.get(owner)
  ) {
    for (
      let span = members.first.get(owner);
      span !== -1 && search.reads();
      span = members.after.get(span)
    ) {
      if (spans.state.get(span) === spanStates.open) {
        open.push(span);
      }
    }
  }
  return open;
}

/** The `candidates`, all open, that wait for no open work below but each other. */
export function withoutOpenBelow(store: ActivityStore, candidates: readonly number[]): number[] {
  const { spans, tree } = store;
  let isAnyAwaiting = false;
  for (const span of candidates) {
    isAnyAwaiting ||= spans.awaitedBelow(span) > 0;
  }
  if (!isAnyAwaiting) {
    return [...candidates];
  }
  const all = new Set(candidates);
  const candidatesBelow = new Map<number, number>();
  for (const span of all) {
    for (let at = tree.waitingParentOf(span); at !== -1; at = tree.waitingParentOf(at)) {
      candidatesBelow.set(at, (candidatesBelow.get(at) ?? 0) + 1);
    }
  }
  // Other open work below a candidate is below each candidate above that one too, so one pass finds them all.
  return [...all].filter((span) => spans.awaitedBelow(span) <= (candidatesBelow.get(span) ?? 0));
}

/** Open members of an owner that must close with its last holder: all but those that may outlive it. */
export function boundMembersOf(store: ActivityStore, owner: number): number[] {
  const open = openMembersOf(store, owner);
  return store.owners.hasFlag(owner, ownerFlags.hasDetached)
    ? open.filter((span) => !store.tree.mayOutliveRun(span))
    : open;
}

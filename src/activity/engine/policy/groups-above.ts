import type { ActivityStore } from "../store/activity-store.ts";

/** Adds the sessions of a span and of all that is above it to `groups`. */
export function addGroupsAbove(store: ActivityStore, span: number, groups: Set<number>): void {
  for (let at = span; at !== -1; at = store.spans.parentOf(at)) {
    const group = store.groupOf(at);
    if (group !== -1) {
      groups.add(group);
    }
  }
}

import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "./activity-store.ts";
import { spanStates } from "./span-lifecycle.ts";

/** Whether a span that has not arrived from its own process has arrived from another process of the same trace. False in a trace of more than `most` processes. */
export function hasArrivedElsewhere(
  { spans, traces }: ActivityStore,
  span: number,
  most: number,
): boolean {
  const others = traces.elsewhere(spans.trace.get(span), most) ?? [];
  return others.some((trace) => {
    const same = spans.find(trace, spans.id0.get(span), spans.id1.get(span));
    return same !== -1 && spans.state.get(same) !== spanStates.unknown;
  });
}

/** There are too many other processes to look for the owner. */
export const ownerNotSearched = -2;

/**
 * The owner of the run that is the topmost known ancestor of `span`, where that has arrived only from another process of the same
 * trace; -1 when there is none, `ownerNotSearched` in a trace of more than `most` other processes.
 */
export function ownerElsewhere(store: ActivityStore, span: number, most: number): number {
  const run = runElsewhere(store, span, most);
  return run < 0 ? run : store.spans.owner.get(run);
}

/** That run itself, with the same values where there is none. */
export function runElsewhere(store: ActivityStore, span: number, most: number): number {
  const { spans, owners, traces, tree } = store;
  const root = tree.rootOf(span);
  if (spans.state.get(root) !== spanStates.unknown) {
    return -1;
  }
  const others = traces.elsewhere(spans.trace.get(root), most);
  for (const trace of others ?? []) {
    const run = spans.find(trace, spans.id0.get(root), spans.id1.get(root));
    const owner = run === -1 ? -1 : spans.owner.get(run);
    if (owner !== -1 && spans.kind.get(run) === workKinds.run && !owners.isUnresolved(owner)) {
      return run;
    }
  }
  return others === undefined ? ownerNotSearched : -1;
}

import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";

/** The runs of an owner, open or not, as far as they are remembered. */
export function runsOf({ spans, members }: ActivityStore, owner: number): number[] {
  const runs: number[] = [];
  for (let span = members.first(owner); span !== -1; span = members.after(span)) {
    if (spans.kind.get(span) === workKinds.run) {
      runs.push(span);
    }
  }
  return runs;
}

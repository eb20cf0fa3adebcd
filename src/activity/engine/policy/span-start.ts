import type { Moment } from "../../model/moment.ts";
import type { ActivityStore } from "../store/activity-store.ts";

/** When work started. */
export function startOf({ spans }: ActivityStore, span: number): Moment {
  return {
    atMs: spans.startedAtMs.get(span),
    timeMs: spans.startMs.get(span),
    seq: spans.seq.get(span),
  };
}

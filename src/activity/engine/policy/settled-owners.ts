import { type ActivityLimits, mostSearched } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import type { ImpliedTools } from "../ingest/implied-tools.ts";
import type { RequestRecords } from "../ingest/request-records.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { Search } from "../store/search.ts";

/** What it needs of the engine. */
interface SettledOwnersParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly requests: RequestRecords;
  readonly implied: ImpliedTools;
}

/**
 * Whether nothing is left to decide of an owner that has ended, whoever holds it: all of its members are runs, and no tool is known of
 * it by number, by a request or by a part. Its end was a lateness ago, so that it delays the decision of no other owner any more. In
 * doubt something is left.
 */
export function isSettled(parts: SettledOwnersParts, owner: number, atMs: number): boolean {
  const { limits, store, requests, implied } = parts;
  const { spans, owners, members } = store;
  const isBusy =
    owners.endedAtMs.get(owner) + limits.allowedLatenessMs > atMs ||
    owners.openMarkers.get(owner) > 0 ||
    owners.reportedOpen.get(owner) > 0;
  if (isBusy || !limits.boundsSearches) {
    return false;
  }
  const search = new Search(mostSearched(limits));
  for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
    const trace = spans.trace.get(span);
    const isMore =
      spans.kind.get(span) !== workKinds.run ||
      requests.responses.byTrace.has(trace) ||
      implied.inTrace.has(trace);
    if (isMore || !search.reads()) {
      return false;
    }
  }
  return !implied.inTrace.has(owners.trace.get(owner));
}

import { type ActivityLimits, mostSearched } from "../../model/limits.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import { Search } from "../store/search.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import { type OwnerEnds, runsOf } from "./owner-ends.ts";

/** What it needs of the engine. */
interface IdleRunsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly ownerTimers: KeyedTimers;
  readonly ownerEnds: OwnerEnds;
}

/** Ends runs whose session was reported idle and whose own end is lost. Keeps nothing: `OwnerTable.idleAtMs` has the reports. */
export class IdleRuns {
  readonly #parts: IdleRunsParts;

  constructor(parts: IdleRunsParts) {
    this.#parts = parts;
  }

  /**
   * Ends the runs of an open owner if its session was reported idle a lateness ago, with those of all owners of the session that
   * are as late: none of them holds what another left open. Returns whether it did; otherwise the owner is decided again then.
   */
  end(owner: number, atMs: number): boolean {
    const { store, openWork, ownerTimers, ownerEnds } = this.#parts;
    const { owners, spans } = store;
    const dueMs = this.#dueMsOf(owner);
    if (dueMs > atMs) {
      if (Number.isFinite(dueMs)) {
        ownerTimers.set(owner, dueMs);
      }
      return false;
    }
    for (const each of this.#ownersWith(owner)) {
      if (!owners.isOpen(each) || this.#dueMsOf(each) > atMs) {
        continue;
      }
      const reported = owners.idleOf(each);
      for (const run of runsOf(store, each)) {
        if (spans.state.get(run) === spanStates.open) {
          spans.setFlag(run, spanFlags.endProbable);
          openWork.end(run, reported.timeMs, atMs);
          ownerEnds.runEnded(run, reported, atMs);
        }
      }
    }
    return true;
  }

  /** An owner and those of its session that may hold markers. Those that a search does not reach end at their own deadlines. */
  #ownersWith(owner: number): readonly number[] {
    const { store, limits } = this.#parts;
    const { owners, live } = store;
    const search = new Search(mostSearched(limits));
    const found: number[] = [];
    for (
      let each = live.first.get(owners.group.get(owner));
      each !== -1 && search.reads();
      each = live.after.get(each)
    ) {
      found.push(each);
    }
    return found.includes(owner) ? found : [...found, owner];
  }

  /** Infinity where the session was not reported idle. */
  #dueMsOf(owner: number): number {
    const { atMs } = this.#parts.store.owners.idleOf(owner);
    return Number.isFinite(atMs)
      ? atMs + this.#parts.limits.allowedLatenessMs
      : Number.POSITIVE_INFINITY;
  }
}

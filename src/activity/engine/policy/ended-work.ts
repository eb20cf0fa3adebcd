import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { openMembersOf } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";

/** What it needs of the engine, where `lookups` counts the rows that a decision reads. */
interface EndedWorkParts {
  lookups: number;
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
}

/**
 * The open work of a process that has ended, which is evicted in parts. Nothing opens in it meanwhile: a signal of the process brings
 * it back to life.
 *
 * Keeps the rows of that work, in their order, from the first part to the last.
 */
export class EndedWork {
  readonly #parts: EndedWorkParts;
  readonly #spans: readonly number[];
  /** Work that is not evicted. */
  readonly #kept: ReadonlySet<number>;
  #at = 0;

  /** `deleted`: when the process reported its end, if it did. */
  constructor(parts: EndedWorkParts, process: number, deleted: Moment | undefined) {
    this.#parts = parts;
    this.#spans = parts.openWork.byProcess.of(process);
    this.#kept = deleted === undefined ? new Set() : this.#openSince(deleted);
    parts.lookups += parts.limits.boundsSearches ? this.#spans.length : 0;
  }

  /** Whether some work is not evicted: the process lives. */
  get isAnyKept(): boolean {
    return this.#kept.size > 0;
  }

  /** Open work in whole groups, which reach `most` rows if there are as many, and whether that is all that is left. */
  next(most: number): { readonly groups: readonly (readonly number[])[]; readonly isAll: boolean } {
    const { store } = this.#parts;
    const groups = new Map<number, readonly number[]>();
    let taken = 0;
    for (; this.#at < this.#spans.length; this.#at++) {
      const span = this.#spans[this.#at] ?? -1;
      if (store.spans.state.get(span) !== spanStates.open || this.#kept.has(span)) {
        continue;
      }
      const group = store.groupOf(span);
      if (!groups.has(group)) {
        if (taken >= most) {
          break;
        }
        groups.set(group, this.#openIn(group));
      }
      taken++;
    }
    return { groups: [...groups.values()], isAll: this.#at >= this.#spans.length };
  }

  /** Open work of a group, which is all of one process, in the order of its rows. */
  #openIn(group: number): readonly number[] {
    const { store } = this.#parts;
    return store.inGroup
      .all(group)
      .flatMap((owner) => openMembersOf(store, owner))
      .filter((span) => !this.#kept.has(span))
      .sort((a, b) => a - b);
  }

  /** Open work that began, or was still reported, after its process reported its end, and all that is above that work. */
  #openSince(deleted: Moment): ReadonlySet<number> {
    const { spans } = this.#parts.store;
    const since = new Set<number>();
    for (const span of this.#spans) {
      const start = { atMs: spans.startedAtMs.get(span), timeMs: spans.startMs.get(span), seq: 0 };
      const isLater =
        compareMoments(start, deleted, this.#parts.limits.allowedLatenessMs) > 0 ||
        spans.hasFlag(span, spanFlags.reportedAfterDelete);
      for (let at = isLater ? span : -1; at !== -1 && !since.has(at); at = spans.parentOf(at)) {
        since.add(at);
      }
    }
    return since;
  }
}

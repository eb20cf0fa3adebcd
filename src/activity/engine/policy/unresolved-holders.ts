import type { Int32Column } from "../../../otlp/columns.ts";
import { type ActivityLimits, mostSearched } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { ownerElsewhere, ownerNotSearched } from "../store/other-processes.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { Search } from "../store/search.ts";
import { spanFlags } from "../store/span-table.ts";
import { type Holders, holderNotSearched } from "./holders.ts";
import { startOf } from "./span-start.ts";

/** What it needs of the engine, where `lookups` counts the rows that a decision reads. */
interface UnresolvedHoldersParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly holders: Holders;
  lookups: number;
}

/** The open holder of a marker whose own run is not known, or when the last one ended. */
interface UnresolvedHolder {
  /** -1 where there is none; `holderNotSearched` where there may be one. */
  readonly holder: number;
  /** By arrival; -Infinity when none has ended. */
  readonly lastEndMs: number;
}

/** What a search that was cut found: that there may be a holder. */
const unknownHolder: UnresolvedHolder = {
  holder: holderNotSearched,
  lastEndMs: Number.NEGATIVE_INFINITY,
};

/**
 * Finds the holders of a marker whose own run is not known. Its scope is its session where that had a run, else its trace.
 * Keeps nothing and changes nothing.
 */
export class UnresolvedHolders {
  readonly #parts: UnresolvedHoldersParts;

  constructor(parts: UnresolvedHoldersParts) {
    this.#parts = parts;
  }

  /**
   * The run of another process that the marker names as its parent; else the runs of its scope that were open when it started;
   * else the next run that starts within the lateness, which may be its own, out of order. `lastEndMs` is -Infinity when there
   * is none. A search that is cut, or that has nothing left of what `together` allows for several markers, finds that it is held.
   */
  of(marker: number, together?: Search): UnresolvedHolder {
    const { store, limits, holders } = this.#parts;
    const { owners, groups, spans } = store;
    const start = startOf(store, marker);
    const most = mostSearched(limits);
    const elsewhere = ownerElsewhere(store, marker, most);
    if (elsewhere === ownerNotSearched) {
      return unknownHolder;
    }
    const search = new Search(most);
    let lastEndMs = Number.NEGATIVE_INFINITY;
    let next = -1;
    const { first, after } = this.#scopeOf(marker);
    for (
      let other = elsewhere === -1 ? first : elsewhere;
      other !== -1;
      other = elsewhere === -1 ? after.get(other) : -1
    ) {
      this.#parts.lookups++;
      if (!search.reads() || together?.reads() === false) {
        return unknownHolder;
      }
      if (owners.isUnresolved(other) || holders.isOfSubAgent(other)) {
        continue; // A sub-agent holds the tool that it runs in, and no marker of a run above or beside that.
      }
      if (groups.hasFlag(owners.group.get(other), groupFlags.idleUnsearched)) {
        return unknownHolder; // It may have ended before the marker started, and then proves nothing about it.
      }
      const isBefore = other === elsewhere || this.#compare(owners.startOf(other), start) <= 0;
      if (!isBefore) {
        const startedAtMs = owners.startedAtMs.get(other);
        const isInTime = startedAtMs <= start.atMs + limits.allowedLatenessMs;
        if (isInTime && (next === -1 || startedAtMs < owners.startedAtMs.get(next))) {
          next = other;
        }
      } else if (owners.isOpen(other)) {
        return { holder: other, lastEndMs };
      } else if (other === elsewhere || this.#compare(start, owners.endOf(other)) < 0) {
        lastEndMs = Math.max(lastEndMs, owners.endedAtMs.get(other));
      }
    }
    const hadHolder = spans.hasFlag(marker, spanFlags.hadHolder);
    if (lastEndMs === Number.NEGATIVE_INFINITY && next !== -1 && !hadHolder) {
      return owners.isOpen(next)
        ? { holder: next, lastEndMs }
        : { holder: -1, lastEndMs: owners.endedAtMs.get(next) };
    }
    return { holder: -1, lastEndMs };
  }

  /** The owner in another process whose run is named above an unresolved owner; -1 when there is none, or `ownerNotSearched`. */
  ownRunElsewhere(unresolved: number): number {
    const { store, limits } = this.#parts;
    const span = limits.holdsAcrossProcesses ? store.owners.top.get(unresolved) : -1;
    return span === -1 ? -1 : ownerElsewhere(store, span, mostSearched(limits));
  }

  /** Whether a marker belongs to a run of another process that is not watched any more. */
  isOfUnwatched(marker: number): boolean {
    const { store, limits } = this.#parts;
    const { owners } = store;
    const elsewhere = ownerElsewhere(store, marker, mostSearched(limits));
    return (
      elsewhere >= 0 && owners.hasFlag(elsewhere, ownerFlags.unwatched) && !owners.isOpen(elsewhere)
    );
  }

  /** Whether an owner that may hold a marker was open when the marker started. */
  wasOpenAt(owner: number, marker: number): boolean {
    const { store } = this.#parts;
    const { owners, groups } = store;
    const group = store.groupOf(marker);
    const isOfSession = group !== -1 && groups.hasFlag(group, groupFlags.hadOwner);
    if (isOfSession && owners.group.get(owner) !== group) {
      return false;
    }
    const start = startOf(store, marker);
    return (
      this.#compare(owners.startOf(owner), start) <= 0 &&
      (owners.isOpen(owner) || this.#compare(start, owners.endOf(owner)) < 0)
    );
  }

  /** Whether any run is known that a marker could belong to. */
  hasScope(marker: number): boolean {
    const { store } = this.#parts;
    const group = store.groupOf(marker);
    return (
      (group !== -1 && store.groups.hasFlag(group, groupFlags.hadOwner)) ||
      store.traces.hadOwner.get(store.spans.trace.get(marker)) === 1
    );
  }

  /** The list of the owners in the scope of a marker. */
  #scopeOf(marker: number): { readonly first: number; readonly after: Int32Column } {
    const { groups, live, inTrace, spans } = this.#parts.store;
    const group = this.#parts.store.groupOf(marker);
    return group !== -1 && groups.hasFlag(group, groupFlags.hadOwner)
      ? { first: live.first.get(group), after: live.after }
      : { first: inTrace.first.get(spans.trace.get(marker)), after: inTrace.after };
  }

  #compare(a: Moment, b: Moment): number {
    return compareMoments(a, b, this.#parts.limits.allowedLatenessMs);
  }
}

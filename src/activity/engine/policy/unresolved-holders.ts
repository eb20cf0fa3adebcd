import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { ownerElsewhere } from "../store/other-processes.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Holders, LastHolder } from "./holders.ts";
import { startOf } from "./span-start.ts";

/** What it needs of the engine, where `lookups` counts the rows that a decision reads. */
interface UnresolvedHoldersParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly holders: Holders;
  lookups: number;
}

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
   * is none.
   */
  of(marker: number): LastHolder {
    const { store, limits, holders } = this.#parts;
    const { owners, spans } = store;
    const start = startOf(store, marker);
    const elsewhere = ownerElsewhere(store, marker);
    let lastEndMs = Number.NEGATIVE_INFINITY;
    let next = -1;
    const releasedAtMs = Number.NEGATIVE_INFINITY;
    const releasesAtMs = Number.POSITIVE_INFINITY;
    for (const other of elsewhere === -1 ? this.#inScope(marker) : [elsewhere]) {
      this.#parts.lookups++;
      if (holders.isOfSubAgent(other)) {
        continue; // A sub-agent holds the tool that it runs in, and no marker of a run above or beside that.
      }
      const isBefore = other === elsewhere || this.#compare(owners.startOf(other), start) <= 0;
      if (!isBefore) {
        const startedAtMs = owners.startedAtMs.get(other);
        const isInTime = startedAtMs <= start.atMs + limits.allowedLatenessMs;
        if (isInTime && (next === -1 || startedAtMs < owners.startedAtMs.get(next))) {
          next = other;
        }
      } else if (owners.isOpen(other)) {
        return { holder: other, releasesAtMs, lastEndMs, releasedAtMs };
      } else if (other === elsewhere || this.#compare(start, owners.endOf(other)) < 0) {
        lastEndMs = Math.max(lastEndMs, owners.endedAtMs.get(other));
      }
    }
    const hadHolder = spans.hasFlag(marker, spanFlags.hadHolder);
    if (lastEndMs === Number.NEGATIVE_INFINITY && next !== -1 && !hadHolder) {
      return owners.isOpen(next)
        ? { holder: next, releasesAtMs, lastEndMs, releasedAtMs }
        : { holder: -1, releasesAtMs, lastEndMs: owners.endedAtMs.get(next), releasedAtMs };
    }
    return { holder: -1, releasesAtMs, lastEndMs, releasedAtMs };
  }

  /** The owner in another process whose run is named above an unresolved owner; -1 when there is none. */
  ownRunElsewhere(unresolved: number): number {
    const { store, limits } = this.#parts;
    const span = limits.holdsAcrossProcesses ? store.owners.top.get(unresolved) : -1;
    return span === -1 ? -1 : ownerElsewhere(store, span);
  }

  /** Whether a marker belongs to a run of another process that is not watched any more. */
  isOfUnwatched(marker: number): boolean {
    const { store } = this.#parts;
    const { owners } = store;
    const elsewhere = ownerElsewhere(store, marker);
    return (
      elsewhere !== -1 &&
      owners.hasFlag(elsewhere, ownerFlags.unwatched) &&
      !owners.isOpen(elsewhere)
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

  #inScope(marker: number): readonly number[] {
    const { store } = this.#parts;
    const group = store.groupOf(marker);
    return group !== -1 && store.groups.hasFlag(group, groupFlags.hadOwner)
      ? store.live.all(group).filter((owner) => !store.owners.isUnresolved(owner))
      : store.inTrace.all(store.spans.trace.get(marker));
  }

  #compare(a: Moment, b: Moment): number {
    return compareMoments(a, b, this.#parts.limits.allowedLatenessMs);
  }
}

import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanStates } from "../store/span-lifecycle.ts";
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
    const elsewhere = this.#parentElsewhere(marker);
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

  /** Whether a marker belongs to a run of another process that is not watched any more. */
  isOfUnwatched(marker: number): boolean {
    const { owners } = this.#parts.store;
    const elsewhere = this.#parentElsewhere(marker);
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

  /** The owner of the run in another process of the trace that is named above the marker; -1 when there is none. */
  #parentElsewhere(marker: number): number {
    const { spans, owners, traces, tree } = this.#parts.store;
    const root = tree.rootOf(marker);
    if (spans.state.get(root) !== spanStates.unknown) {
      return -1;
    }
    for (const trace of traces.elsewhere(spans.trace.get(root))) {
      const run = spans.find(trace, spans.id0.get(root), spans.id1.get(root));
      const owner = run === -1 ? -1 : spans.owner.get(run);
      if (owner !== -1 && spans.kind.get(run) === workKinds.run && !owners.isUnresolved(owner)) {
        return owner;
      }
    }
    return -1;
  }

  #compare(a: Moment, b: Moment): number {
    return compareMoments(a, b, this.#parts.limits.allowedLatenessMs);
  }
}

import { type ActivityLimits, mostSearchedTogether } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import { type DueQueue, timerRanks } from "../schedule/due-queue.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { boundMembersOf } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { ownerNotSearched } from "../store/other-processes.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { Search } from "../store/search.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { DueMarkers } from "./circuit-breaker.ts";
import type { Holders } from "./holders.ts";
import type { ProcessLiveness } from "./process-liveness.ts";
import type { UnresolvedHolders } from "./unresolved-holders.ts";

/** What it needs of the engine, where `lookups` counts the rows that a decision reads. */
interface EvictionForecastParts {
  lookups: number;
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly ownerTimers: KeyedTimers;
  readonly sessionTimers: KeyedTimers;
  readonly processes: ProcessLiveness;
  readonly holders: Holders;
  readonly unresolvedHolders: UnresolvedHolders;
}

/**
 * Counts the markers that the deadlines ahead would evict, for the circuit breaker. An estimate: it reads what the policies read,
 * and changes nothing. Keeps nothing.
 */
export class EvictionForecast {
  readonly #parts: EvictionForecastParts;

  constructor(parts: EvictionForecastParts) {
    this.#parts = parts;
  }

  /** Markers that a decision about the owner at `atMs` would evict; 0 for most. */
  markersOf(owner: number, atMs: number): number {
    const { store, limits, holders, unresolvedHolders } = this.#parts;
    const { owners } = store;
    const markers = owners.openMarkers.get(owner);
    if (markers === 0) {
      return 0;
    }
    const isUnresolved = owners.isUnresolved(owner);
    const elsewhere = isUnresolved ? unresolvedHolders.ownRunElsewhere(owner) : -1;
    if (elsewhere === ownerNotSearched) {
      return 0;
    }
    if (isUnresolved && elsewhere === -1) {
      let due = 0;
      const search = new Search(mostSearchedTogether(limits));
      for (const marker of boundMembersOf(store, owner)) {
        if (search.isCut) {
          break;
        }
        const { holder, lastEndMs } = unresolvedHolders.of(marker, search);
        due += holder === -1 && lastEndMs + limits.allowedLatenessMs <= atMs ? 1 : 0;
      }
      return due;
    }
    const own = isUnresolved ? elsewhere : owner;
    if (owners.isOpen(own) || owners.hasFlag(own, ownerFlags.unwatched)) {
      return 0;
    }
    const { holder, lastEndMs } = holders.ofOwner(own, atMs);
    if (holder !== -1 || lastEndMs + limits.allowedLatenessMs > atMs) {
      return 0;
    }
    const hasDetached = owners.hasFlag(owner, ownerFlags.hasDetached);
    return hasDetached ? boundMembersOf(store, owner).length : markers;
  }

  /** Markers that the end of a session would evict. */
  markersOfSession(group: number): number {
    const { groups } = this.#parts.store;
    return groups.hasEnded(group) ? groups.openMarkers.get(group) : 0;
  }

  /**
   * Markers that the ends of owners and sessions evict by `untilMs`: of `item` of this rank, which is about to be decided, of the
   * items in the queue, and of the deadlines after that.
   */
  byOwners(item: number, rank: number, queue: DueQueue, untilMs: number): DueMarkers {
    const { store, ownerTimers, sessionTimers } = this.#parts;
    const { owners, groups } = store;
    const ofGroup = new Map<number, number>();
    const addAt = (at: number, row: number): void => {
      const isOwner = at === timerRanks.owner;
      const isHeld = isOwner
        ? owners.hasFlag(row, ownerFlags.held)
        : groups.hasFlag(row, groupFlags.held);
      const group = isOwner ? owners.group.get(row) : row;
      this.#parts.lookups++;
      const markers = isHeld
        ? 0
        : isOwner
          ? this.markersOf(row, untilMs)
          : this.markersOfSession(row);
      if (markers > 0) {
        ofGroup.set(group, (ofGroup.get(group) ?? 0) + markers);
      }
    };
    addAt(rank, item);
    for (const [other, timers] of [ownerTimers, sessionTimers].entries()) {
      queue.forEachUntil(other, untilMs, (row, dueMs) => {
        if (timers.isCurrent(row, dueMs)) {
          addAt(other, row);
        }
      });
      timers.peek(untilMs, (row) => addAt(other, row));
    }
    let total = 0;
    let largest = 0;
    for (const [group, markers] of ofGroup) {
      const some = Math.min(markers, groups.openMarkers.get(group));
      total += some;
      largest = Math.max(largest, some);
    }
    return { total, largest };
  }

  /**
   * Markers that the silence of processes and spans evicts by `untilMs`; `item` of this rank is about to be decided. A marker that
   * is silent together with its process counts once.
   */
  byExpiry(item: number, rank: number, queue: DueQueue, untilMs: number): DueMarkers {
    const { store, openWork, processes } = this.#parts;
    const { spans, traces } = store;
    let total = 0;
    const silent = new Set<number>();
    const addProcess = (process: number): void => {
      this.#parts.lookups++;
      if (!silent.has(process) && processes.isLeaseOver(process, untilMs)) {
        silent.add(process);
        total += openWork.openMarkersOf(process);
      }
    };
    const addSpan = (span: number): void => {
      this.#parts.lookups++;
      if (
        spans.state.get(span) === spanStates.open &&
        spans.kind.get(span) !== workKinds.run &&
        openWork.expiresAtMs(span) <= untilMs &&
        !silent.has(traces.process.get(spans.trace.get(span)))
      ) {
        total += 1;
      }
    };
    if (rank === timerRanks.process) {
      addProcess(item);
    }
    queue.forEachUntil(timerRanks.process, untilMs, addProcess);
    processes.timers.peek(untilMs, addProcess);
    if (rank === timerRanks.span) {
      addSpan(item);
    }
    queue.forEachUntil(timerRanks.span, untilMs, addSpan);
    openWork.expiry.peek(untilMs, addSpan);
    return { total, largest: 0 };
  }
}

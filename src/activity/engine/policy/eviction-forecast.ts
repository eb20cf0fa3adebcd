import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import { type DueQueue, timerRanks } from "../schedule/due-queue.ts";
import type { KeyedTimers } from "../schedule/keyed-timers.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { boundMembersOf } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { DueMarkers } from "./circuit-breaker.ts";
import type { Holders } from "./holders.ts";
import type { ProcessLiveness } from "./process-liveness.ts";

/** What it needs of the engine. */
interface EvictionForecastParts {
  lookups: number;
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly ownerTimers: KeyedTimers;
  readonly sessionTimers: KeyedTimers;
  readonly processes: ProcessLiveness;
  readonly holders: Holders;
}

/** How many markers the deadlines ahead would evict, for the breaker. It looks and changes nothing. */
export class EvictionForecast {
  readonly #parts: EvictionForecastParts;

  constructor(parts: EvictionForecastParts) {
    this.#parts = parts;
  }

  /** Markers that a decision about the owner at `atMs` would evict, about; 0 for most. */
  markersOf(owner: number, atMs: number): number {
    const { owners } = this.#parts.store;
    const markers = owners.openMarkers.get(owner);
    if (markers === 0 || owners.isOpen(owner) || owners.hasFlag(owner, ownerFlags.unwatched)) {
      return 0;
    }
    if (owners.isUnresolved(owner)) {
      return boundMembersOf(this.#parts.store, owner).filter((marker) => {
        const { holder, lastEndMs } = this.#parts.holders.ofUnresolvedMarker(marker);
        return holder === -1 && lastEndMs + this.#parts.limits.allowedLatenessMs <= atMs;
      }).length;
    }
    const { holder, lastEndMs } = this.#parts.holders.ofOwner(owner, atMs);
    const isOver = holder === -1 && lastEndMs + this.#parts.limits.allowedLatenessMs <= atMs;
    const hasOthers = isOver && owners.hasFlag(owner, ownerFlags.hasDetached);
    return hasOthers ? boundMembersOf(this.#parts.store, owner).length : isOver ? markers : 0;
  }

  /** Markers that the end of a session would evict, about. */
  markersOfSession(group: number): number {
    const { groups } = this.#parts.store;
    return groups.hasEnded(group) ? groups.openMarkers.get(group) : 0;
  }

  /**
   * What owners and sessions that ended leave to be evicted by `untilMs`: of `item` of this rank, which is about to be
   * decided, of what is on the agenda, and of what comes after that.
   */
  byOwners(item: number, rank: number, agenda: DueQueue, untilMs: number): DueMarkers {
    const { owners, groups } = this.#parts.store;
    const ofGroup = new Map<number, number>();
    const add = (group: number, markers: number): void => {
      this.#parts.lookups++;
      if (markers > 0) {
        ofGroup.set(group, (ofGroup.get(group) ?? 0) + markers);
      }
    };
    const seeOwner = (owner: number): void => {
      const isHeld = owners.hasFlag(owner, ownerFlags.held);
      add(owners.group.get(owner), isHeld ? 0 : this.markersOf(owner, untilMs));
    };
    const seeSession = (group: number): void => {
      add(group, groups.hasFlag(group, groupFlags.held) ? 0 : this.markersOfSession(group));
    };
    const see = [seeOwner, seeSession];
    see[rank]?.(item);
    for (const [other, queue] of [this.#parts.ownerTimers, this.#parts.sessionTimers].entries()) {
      agenda.forEachUntil(other, untilMs, (left, dueMs) => {
        if (queue.isCurrent(left, dueMs)) {
          see[other]?.(left);
        }
      });
      queue.peek(untilMs, (each) => see[other]?.(each));
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
   * The same for silence, of a process or a span; `item` of this rank is about to be decided. A marker that
   * is silent as its process is counts once.
   */
  byExpiry(item: number, rank: number, agenda: DueQueue, untilMs: number): DueMarkers {
    const { spans, traces } = this.#parts.store;
    const { expiry } = this.#parts.openWork;
    let total = 0;
    const silent = new Set<number>();
    const seeProcess = (process: number): void => {
      this.#parts.lookups++;
      if (!silent.has(process) && this.#parts.processes.isLeaseOver(process, untilMs)) {
        silent.add(process);
        total += this.#parts.openWork.openMarkersOf(process);
      }
    };
    const seeSpan = (span: number): void => {
      this.#parts.lookups++;
      if (
        spans.state.get(span) === spanStates.open &&
        spans.kind.get(span) !== workKinds.run &&
        this.#parts.openWork.expiresAtMs(span) <= untilMs &&
        !silent.has(traces.process.get(spans.trace.get(span)))
      ) {
        total += 1;
      }
    };
    if (rank === timerRanks.process) {
      seeProcess(item);
    }
    agenda.forEachUntil(timerRanks.process, untilMs, seeProcess);
    this.#parts.processes.timers.peek(untilMs, seeProcess);
    if (rank === timerRanks.span) {
      seeSpan(item);
    }
    agenda.forEachUntil(timerRanks.span, untilMs, seeSpan);
    expiry.peek(untilMs, seeSpan);
    return { total, largest: 0 };
  }
}

import type { ActivityLimits } from "../../model/limits.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { openMembersOf } from "../store/open-members.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanFlags } from "../store/span-table.ts";
import type { OwnerEnds } from "./owner-ends.ts";

/** A chain of owners is searched this far. */
const maxDepth = 200;

/** What it needs of the engine. */
interface OwnerMergesParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly ownerTimers: KeyedTimers;
  readonly ownerEnds: OwnerEnds;
}

/** Makes one owner of two: their members, times and deadlines. Keeps nothing. */
export class OwnerMerges {
  readonly #parts: OwnerMergesParts;

  constructor(parts: OwnerMergesParts) {
    this.#parts = parts;
  }

  /** Moves the members, counts and deadline of an owner to another owner of its group, and forgets it. */
  absorb(from: number, into: number, nowMs: number): void {
    const { store, ownerTimers } = this.#parts;
    const { owners, spans } = store;
    const dueMs = ownerTimers.currentOf(from);
    const hasWork = owners.memberCount.get(from) > 0;
    const isResolved = owners.isUnresolved(from) && !owners.isUnresolved(into);
    for (const marker of isResolved ? openMembersOf(store, from) : []) {
      // The run that held it was not its own.
      if (spans.hasFlag(marker, spanFlags.hadHolder)) {
        spans.clearFlag(marker, spanFlags.hadHolder);
        spans.releasedAtMs.set(marker, 0);
      }
    }
    store.mergeOwner(from, into);
    if (hasWork && !owners.isOpen(into)) {
      store.setLive(into, true);
      // It may have waited for a run that was not its own.
      ownerTimers.schedule(into, isResolved ? nowMs : (dueMs ?? nowMs));
    }
  }

  /** Makes one owner of a run and its harness run, or of two that turn out to be one run. */
  merge(from: number, into: number, nowMs: number): void {
    const { store, ownerTimers, ownerEnds, limits } = this.#parts;
    const { owners, below } = store;
    store.sessions.merge(owners.group.get(into), owners.group.get(from));
    for (const child of below.all(from)) {
      if (child !== into) {
        store.setAbove(child, into, owners.hasFlag(child, ownerFlags.belowMarker));
      }
    }
    const started = owners.startOf(from);
    const ended = owners.endOf(from);
    const progressAtMs = owners.progressAtMs.get(from);
    if (owners.lastModelMs.get(from) > owners.lastModelMs.get(into)) {
      owners.lastModelMs.set(into, owners.lastModelMs.get(from));
      owners.clearFlag(into, ownerFlags.modelFailed);
      owners.setFlag(into, owners.flags.get(from) & ownerFlags.modelFailed);
    }
    owners.setFlag(into, owners.flags.get(from) & ownerFlags.unwatched);
    const wasOpen = owners.isOpen(from);
    const waiters = store.waiters.all(from);
    this.absorb(from, into, nowMs);
    owners.startedAtMs.set(into, earlier(owners.startedAtMs.get(into), started.atMs));
    owners.startMs.set(into, earlier(owners.startMs.get(into), started.timeMs));
    owners.startSeq.set(into, earlier(owners.startSeq.get(into), started.seq));
    owners.endedAtMs.set(into, Math.max(owners.endedAtMs.get(into), ended.atMs));
    owners.endMs.set(into, Math.max(owners.endMs.get(into), ended.timeMs));
    owners.endSeq.set(into, Math.max(owners.endSeq.get(into), ended.seq));
    owners.progressAtMs.set(into, Math.max(owners.progressAtMs.get(into), progressAtMs));
    if (wasOpen) {
      for (const waiter of waiters) {
        if (waiter !== into) {
          ownerEnds.waitFor(waiter, into);
        }
      }
    } else if (!owners.isOpen(into)) {
      ownerTimers.schedule(into, owners.endedAtMs.get(into) + limits.allowedLatenessMs);
    }
  }

  /** Whether `owner` is somewhere above `below`. */
  isAbove(owner: number, below: number): boolean {
    const { above } = this.#parts.store.owners;
    let at = above.get(below);
    for (let depth = 0; at !== -1 && depth < maxDepth; depth++) {
      if (at === owner) {
        return true;
      }
      at = above.get(at);
    }
    return false;
  }
}

/** The earlier of two times of which 0 means that there is none. */
function earlier(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

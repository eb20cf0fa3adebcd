import { type ActivityLimits, mostSearchedTogether } from "../../model/limits.ts";
import type { Confidence } from "../../model/reasons.ts";
import type { FinishedWork } from "../ingest/finished-work.ts";
import type { ImpliedTools } from "../ingest/implied-tools.ts";
import type { OpenItems } from "../ingest/open-items.ts";
import type { RequestRecords } from "../ingest/request-records.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { boundMembersOf, openMembersOf, withoutOpenBelow } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { ownerNotSearched } from "../store/other-processes.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { Search } from "../store/search.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { CircuitBreaker, DueCount } from "./circuit-breaker.ts";
import { nextDecisionMs } from "./crowded-decisions.ts";
import type { EvictionForecast } from "./eviction-forecast.ts";
import type { Eviction, Evictions } from "./evictions.ts";
import { type Holders, holderNotSearched, type LastHolder } from "./holders.ts";
import type { IdleRuns } from "./idle-runs.ts";
import { byConfidence } from "./orphan-confidence.ts";
import type { OwnerEnds } from "./owner-ends.ts";
import { isSettled } from "./settled-owners.ts";
import type { SplitRuns } from "./split-runs.ts";
import type { UnnamedTools } from "./unnamed-tools.ts";
import type { UnresolvedHolders } from "./unresolved-holders.ts";

const reason = "orphaned_no_owner";

/** What it needs of the engine. */
interface OrphanPolicyParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly ownerTimers: KeyedTimers;
  readonly sessionTimers: KeyedTimers;
  readonly holders: Holders;
  readonly unresolvedHolders: UnresolvedHolders;
  readonly ownerEnds: OwnerEnds;
  readonly splitRuns: SplitRuns;
  readonly idleRuns: IdleRuns;
  readonly evictions: Evictions;
  readonly finished: FinishedWork;
  readonly openItems: OpenItems;
  readonly requests: RequestRecords;
  readonly implied: ImpliedTools;
  readonly unnamedTools: UnnamedTools;
  readonly breaker: CircuitBreaker;
  readonly forecast: EvictionForecast;
}

/**
 * Decides which markers are orphans: those whose last holder ended a lateness ago. Keeps nothing of its own; an owner that is not
 * to be decided yet gets a later deadline.
 */
export class OrphanPolicy {
  readonly #parts: OrphanPolicyParts;

  constructor(parts: OrphanPolicyParts) {
    this.#parts = parts;
  }

  /** Schedules markers that waited for open work below them, which has closed, and whose owner or session has ended. */
  drainUnblocked(nowMs: number): void {
    const { store, limits, ownerTimers, sessionTimers } = this.#parts;
    const { owners, groups, spans, tree } = store;
    for (let span = tree.unblocked.pop(); span !== undefined; span = tree.unblocked.pop()) {
      const owner = spans.owner.get(span);
      if (spans.state.get(span) !== spanStates.open || owner === -1) {
        continue;
      }
      const ownMs = Math.max(spans.startedAtMs.get(span), tree.releasedAtMs(span));
      if (!owners.isOpen(owner)) {
        const fromMs = Math.max(ownMs, owners.endedAtMs.get(owner));
        store.setLive(owner, true);
        ownerTimers.schedule(owner, Math.max(nowMs, fromMs + limits.allowedLatenessMs));
      }
      const group = owners.group.get(owner);
      if (groups.hasEnded(group)) {
        const fromMs = Math.max(ownMs, groups.endedAtMs.get(group));
        sessionTimers.schedule(group, Math.max(nowMs, fromMs + limits.allowedLatenessMs));
      }
    }
  }

  /** The end of an open marker reports that its run closed it: an orphan by its own account. */
  evictByRun(span: number, nowMs: number): void {
    const { store, openItems, evictions } = this.#parts;
    openItems.recordActive(span, store.spans.owner.get(span));
    evictions.evict([span], { reason, channel: evictions.channelOf(span), atMs: nowMs });
    store.spans.setFlag(span, spanFlags.endReported);
  }

  /** The deadline of an owner passed. `due` counts the evictions that are due with it, which are held back if they are too many. */
  decide(owner: number, atMs: number, due: DueCount): void {
    const { store, idleRuns } = this.#parts;
    if (store.owners.isOpen(owner) && !idleRuns.end(owner, atMs)) {
      return;
    }
    if (this.#isHeldBack(owner, atMs, due)) {
      return;
    }
    if (store.owners.isUnresolved(owner)) {
      this.#decideUnresolved(owner, atMs);
    } else {
      this.#decideOwner(owner, atMs);
    }
  }

  /** Whether the owner is one of a mass that would lose its markers at once: each waits for another lateness, once. */
  #isHeldBack(owner: number, atMs: number, due: DueCount): boolean {
    const { store, limits, forecast, breaker, ownerTimers } = this.#parts;
    const { owners } = store;
    if (owners.hasFlag(owner, ownerFlags.held)) {
      owners.clearFlag(owner, ownerFlags.held);
      return false;
    }
    if (forecast.markersOf(owner, atMs) === 0 || !breaker.isMass(reason, atMs, due)) {
      return false;
    }
    owners.setFlag(owner, ownerFlags.held);
    ownerTimers.set(owner, atMs + limits.allowedLatenessMs);
    return true;
  }

  #decideOwner(owner: number, atMs: number): void {
    const { store, limits, splitRuns, holders, ownerEnds, ownerTimers } = this.#parts;
    splitRuns.join(owner, atMs);
    if (store.owners.isOpen(owner)) {
      return; // By a run of another trace.
    }
    if (isSettled(this.#parts, owner, atMs)) {
      // It would make the searches for holders longer, for as long as one holds it.
      ownerEnds.stopWaiting(owner);
      store.owners.setFlag(owner, ownerFlags.decided);
      store.setLive(owner, false);
      return;
    }
    const last = holders.ofOwner(owner, atMs);
    if (last.holder !== -1) {
      this.#waitForHolder(owner, last, atMs);
      return;
    }
    ownerEnds.stopWaiting(owner);
    const dueMs = last.lastEndMs + limits.allowedLatenessMs;
    if (dueMs > atMs) {
      ownerTimers.set(owner, dueMs);
      return;
    }
    store.owners.setFlag(owner, ownerFlags.decided);
    this.#parts.finished.decideMembers(owner, atMs);
    if (store.owners.memberCount.get(owner) > 0) {
      this.#evictOrphans(owner, last, atMs);
    }
  }

  #evictOrphans(owner: number, last: LastHolder, atMs: number): void {
    const { store, ownerTimers, holders, finished, evictions, unnamedTools, openWork } =
      this.#parts;
    const { owners, groups } = store;
    const { due, nextMs: nextDueMs } = this.#dueOf(owner, atMs, last.lastEndMs);
    const orphans = withoutOpenBelow(store, due);
    const finishedMs = finished.nextOfMembersMs(owner);
    let nextMs = Math.min(nextDueMs, finishedMs);
    if (owners.hasFlag(owner, ownerFlags.unwatched)) {
      // Nothing reports that its run has ended.
      for (const marker of orphans) {
        openWork.untrack(marker, atMs);
      }
    } else {
      const confidence =
        orphans.length === 0 ? "confirmed" : holders.confidenceOf(owner, last.releasedAtMs);
      const channel = groups.channel.get(owners.group.get(owner));
      nextMs = Math.min(nextMs, unnamedTools.evictImplied(owner, atMs));
      this.#emitOrphans(owner, orphans, { reason, channel, atMs, confidence });
      if (!Number.isFinite(finishedMs)) {
        // Otherwise a tool that is known by number only may be finished work that is not decided yet.
        unnamedTools.evictCounted(owner, orphans.length, atMs);
      }
      evictions.close(orphans, reason, atMs);
    }
    if (Number.isFinite(nextMs)) {
      ownerTimers.schedule(owner, this.#nextDecisionMs(owner, nextMs, atMs));
    } else if (owners.openMarkers.get(owner) === 0) {
      store.setLive(owner, false);
    }
  }

  #decideUnresolved(owner: number, atMs: number): void {
    const { store, evictions, ownerTimers, unresolvedHolders } = this.#parts;
    if (store.owners.memberCount.get(owner) === 0) {
      return;
    }
    const own = unresolvedHolders.ownRunElsewhere(owner);
    if (own === ownerNotSearched) {
      return; // They may have a run in one of many processes, so they stay until they end or are too old.
    }
    if (own !== -1) {
      this.#decideElsewhere(owner, own, atMs);
      return;
    }
    this.#markWithoutScope(owner, atMs);
    const { due, nextMs } = this.#dueOf(owner, atMs);
    const orphans = withoutOpenBelow(store, due);
    if (orphans.length > 0) {
      const channel = evictions.channelOf(orphans[0] ?? -1);
      evictions.evict(orphans, { reason, confidence: "presumed", channel, atMs });
    }
    if (Number.isFinite(nextMs)) {
      ownerTimers.schedule(owner, this.#nextDecisionMs(owner, nextMs, atMs));
    }
  }

  /** The markers of an unresolved owner whose run `own` is in another process: what holds the markers of that holds them too. */
  #decideElsewhere(owner: number, own: number, atMs: number): void {
    const { store, holders, ownerEnds, evictions, ownerTimers } = this.#parts;
    if (store.owners.isOpen(own) || store.owners.hasFlag(own, ownerFlags.unwatched)) {
      return; // They are decided when it ends; when it is no longer watched, nothing reports that.
    }
    const last = holders.ofOwner(own, atMs);
    if (last.holder !== -1) {
      this.#waitForHolder(owner, last, atMs);
      return;
    }
    ownerEnds.stopWaiting(owner);
    const { due, nextMs } = this.#dueOf(owner, atMs, last.lastEndMs);
    const orphans = withoutOpenBelow(store, due);
    if (orphans.length > 0) {
      const confidence = holders.confidenceOf(own, last.releasedAtMs);
      const channel = evictions.channelOf(orphans[0] ?? -1);
      this.#emitOrphans(owner, orphans, { reason, channel, atMs, confidence });
      evictions.close(orphans, reason, atMs);
    }
    if (Number.isFinite(nextMs)) {
      ownerTimers.schedule(owner, this.#nextDecisionMs(owner, nextMs, atMs));
    }
  }

  #emitOrphans(
    owner: number,
    orphans: readonly number[],
    eviction: Eviction & { readonly confidence: Confidence },
  ): void {
    const { store, evictions } = this.#parts;
    if (store.owners.hasFlag(owner, ownerFlags.hasDetached)) {
      for (const [confidence, these] of byConfidence(store, orphans, eviction.confidence)) {
        evictions.emit(these, { ...eviction, confidence });
      }
    } else if (orphans.length > 0) {
      evictions.emit(orphans, eviction);
    }
  }

  /** When an owner is decided again of which a member is due at `nextMs`. */
  #nextDecisionMs(owner: number, nextMs: number, atMs: number): number {
    const { store, limits } = this.#parts;
    return nextDecisionMs(limits, store.owners.memberCount.get(owner), nextMs, atMs);
  }

  /** A run that becomes known only a lateness after a marker started proves nothing about the marker. */
  #markWithoutScope(owner: number, atMs: number): void {
    const { store, limits, unresolvedHolders } = this.#parts;
    const { spans } = store;
    for (const marker of openMembersOf(store, owner)) {
      const isOver = spans.startedAtMs.get(marker) + limits.allowedLatenessMs <= atMs;
      if (isOver && !unresolvedHolders.hasScope(marker)) {
        spans.setFlag(marker, spanFlags.withoutScope);
      }
    }
  }

  /** When the last holder of an unresolved marker ended; Infinity while one is open, or while its own run may still arrive. */
  #lastHolderEndMs(marker: number, search: Search): number {
    const { store, unresolvedHolders } = this.#parts;
    const { spans, tree } = store;
    const { holder, lastEndMs } = unresolvedHolders.of(marker, search);
    if (holder !== -1 || unresolvedHolders.isOfUnwatched(marker)) {
      return Number.POSITIVE_INFINITY;
    }
    if (Number.isFinite(lastEndMs)) {
      return lastEndMs;
    }
    if (spans.hasFlag(marker, spanFlags.hadHolder)) {
      return spans.releasedAtMs.get(marker);
    }
    const mayBeOwned =
      tree.hasUnknownAncestor(marker) ||
      spans.hasFlag(marker, spanFlags.withoutScope) ||
      !unresolvedHolders.hasScope(marker);
    return mayBeOwned ? Number.POSITIVE_INFINITY : spans.startedAtMs.get(marker);
  }

  /**
   * The open markers of an owner that are due by `atMs`, and when the next one is. `lastEndMs`: when the last holder of all of
   * them ended; without it each has holders of its own.
   */
  #dueOf(
    owner: number,
    atMs: number,
    lastEndMs?: number,
  ): { readonly due: readonly number[]; readonly nextMs: number } {
    const { store, limits } = this.#parts;
    const { spans, tree } = store;
    const search = new Search(mostSearchedTogether(limits));
    const due: number[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const marker of boundMembersOf(store, owner)) {
      if (lastEndMs === undefined && search.isCut) {
        break; // The rest is held, for all that is known.
      }
      const fromMs = Math.max(
        lastEndMs ?? this.#lastHolderEndMs(marker, search),
        spans.startedAtMs.get(marker),
        tree.releasedAtMs(marker),
      );
      const dueMs = fromMs + limits.allowedLatenessMs;
      if (dueMs <= atMs) {
        due.push(marker);
      } else {
        nextMs = Math.min(nextMs, dueMs);
      }
    }
    return { due, nextMs };
  }

  /**
   * The owner is decided again when its holder ends, or releases its markers because it makes no progress. Where the holder is not
   * known, or others wait for it in great number, it is looked for again now and then: an end must not have all of them decided at once.
   */
  #waitForHolder(owner: number, last: LastHolder, atMs: number): void {
    const { ownerEnds, ownerTimers, limits } = this.#parts;
    if (last.holder === holderNotSearched || ownerEnds.isCrowded(last.holder)) {
      ownerEnds.stopWaiting(owner);
      ownerTimers.set(owner, atMs + limits.stalledAfterMs);
      return;
    }
    ownerEnds.waitFor(owner, last.holder);
    if (Number.isFinite(last.releasesAtMs)) {
      const isPast = last.releasesAtMs <= atMs;
      ownerTimers.set(owner, isPast ? atMs + limits.stalledAfterMs : last.releasesAtMs);
    }
  }
}

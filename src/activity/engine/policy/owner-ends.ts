import { type ActivityLimits, mostSearched, mostSearchedTogether } from "../../model/limits.ts";
import type { Moment } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { Search } from "../store/search.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { doubtfulEnds, spanFlags } from "../store/span-table.ts";
import type { UnresolvedHolders } from "./unresolved-holders.ts";

/** What it needs of the engine. */
interface OwnerEndsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly ownerTimers: KeyedTimers;
  readonly unresolvedHolders: UnresolvedHolders;
}

/**
 * Schedules the decision about an owner's markers: a lateness after its last run ended, and again when a holder that it waits
 * for ends, or when a run becomes known that may hold them. Keeps nothing of its own.
 */
export class OwnerEnds {
  readonly #parts: OwnerEndsParts;

  constructor(parts: OwnerEndsParts) {
    this.#parts = parts;
  }

  /**
   * A run of an owner is no longer open. When it was the last, the lateness of the owner's markers begins. `nowMs`: when this
   * became known, which may be later than the end.
   */
  runEnded(run: number, end: Moment, nowMs: number = end.atMs): void {
    const { store, ownerTimers, limits } = this.#parts;
    const { owners, spans, groups, tree } = store;
    const owner = spans.owner.get(run);
    const isFirst = owners.endedAtMs.get(owner) === 0;
    owners.endedAtMs.set(
      owner,
      isFirst ? end.atMs : Math.max(owners.endedAtMs.get(owner), end.atMs),
    );
    owners.endMs.set(owner, isFirst ? end.timeMs : Math.max(owners.endMs.get(owner), end.timeMs));
    owners.endSeq.set(owner, isFirst ? end.seq : Math.max(owners.endSeq.get(owner), end.seq));
    const doubts = spans.flags.get(run) & doubtfulEnds;
    groups.recordEnd(owners.group.get(owner), end.atMs, doubts);
    if (owners.isOpen(owner)) {
      return;
    }
    for (let at = tree.waitingParentOf(run); at !== -1; at = tree.waitingParentOf(at)) {
      if (spans.state.get(at) === spanStates.open && spans.kind.get(at) !== workKinds.run) {
        spans.releasedAtMs.set(at, Math.max(spans.releasedAtMs.get(at), end.atMs));
      }
    }
    store.setLive(owner, true);
    const dueMs = end.atMs + limits.allowedLatenessMs;
    ownerTimers.schedule(owner, dueMs);
    for (const waiter of store.waiters.all(owner)) {
      this.stopWaiting(waiter);
      // It may turn out not to have been open at the same time.
      ownerTimers.schedule(waiter, nowMs);
    }
    this.#releaseUnresolved(owner, dueMs);
    for (const each of runsOf(store, owner)) {
      this.releaseElsewhere(each, dueMs);
    }
  }

  /** An open run was evicted: by its sender's clock, where that is set, it ended at the age that it had. */
  runEvicted(run: number, atMs: number): void {
    const { spans } = this.#parts.store;
    const timeMs = spans.startMs.get(run) > 0 ? spans.closedMs.get(run) : 0;
    this.runEnded(run, { atMs, timeMs, seq: 0 });
  }

  /** `owner` is decided again when `holder` ends. */
  waitFor(owner: number, holder: number): void {
    this.stopWaiting(owner);
    this.#parts.store.owners.waitsFor.set(owner, holder);
    this.#parts.store.waiters.add(holder, owner);
  }

  stopWaiting(owner: number): void {
    const { owners, waiters } = this.#parts.store;
    const holder = owners.waitsFor.get(owner);
    if (holder !== -1) {
      waiters.remove(holder, owner);
      owners.waitsFor.set(owner, -1);
    }
  }

  /** The row of an owner is freed, because it became part of `into` or (-1) is empty: owners that wait for it are decided again. */
  onOwnerRemoved(owner: number, into: number, nowMs: number): void {
    const { store, ownerTimers } = this.#parts;
    this.stopWaiting(owner);
    for (const waiter of store.waiters.all(owner)) {
      this.stopWaiting(waiter);
      if (waiter !== into) {
        ownerTimers.schedule(waiter, nowMs);
      }
    }
    ownerTimers.cancel(owner);
  }

  /** A marker arrived at `nowMs`: if its owner has ended, it has a lateness to report its end. */
  scheduleCheck(marker: number, nowMs: number): void {
    const { store, ownerTimers, limits } = this.#parts;
    const owner = store.spans.owner.get(marker);
    if (store.owners.isOpen(owner)) {
      return;
    }
    store.setLive(owner, true);
    ownerTimers.schedule(owner, nowMs + limits.allowedLatenessMs);
    if (store.owners.isUnresolved(owner)) {
      this.#recordRelease(marker, new Search(mostSearched(limits)));
    }
  }

  /** Whether so many wait for the end of a holder that it makes no more of them be decided at once. */
  isCrowded(holder: number): boolean {
    const { waiters } = this.#parts.store;
    let left = mostSearched(this.#parts.limits);
    for (let each = waiters.first.get(holder); each !== -1; each = waiters.after.get(each)) {
      if (--left <= 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * Two sessions became `group`: other runs may hold its unresolved markers now. The first owners of the group are those that have
   * `moved`; `hadRun` says whether a run came with them. In a group with more owners than a search reads the others are decided
   * again only if one did, as far as the search goes.
   */
  rescheduleMerged(
    group: number,
    { moved, hadRun }: { readonly moved: number; readonly hadRun: boolean },
    nowMs: number,
  ): void {
    const { store, limits } = this.#parts;
    const { groups, live } = store;
    if (groups.unresolvedOwners.get(group) === 0) {
      return;
    }
    const search = new Search(moved + mostSearched(limits));
    const found: number[] = [];
    for (
      let each = live.first.get(group);
      each !== -1 && search.reads();
      each = live.after.get(each)
    ) {
      found.push(each);
    }
    const isLimited = search.isCut && !hadRun;
    this.#rescheduleUnresolved(isLimited ? found.slice(0, moved) : found, nowMs);
  }

  /** `run` may be the first of its session or of its trace: unresolved markers there may belong to it. */
  rescheduleUnowned(run: number, nowMs: number): void {
    const { store } = this.#parts;
    const { spans, groups, traces, live, unresolvedInTrace } = store;
    const group = store.groupOf(run);
    const trace = spans.trace.get(run);
    if (!groups.hasFlag(group, groupFlags.hadOwner)) {
      this.#rescheduleUnresolved(live.all(group), nowMs);
    }
    if (traces.hadOwner.get(trace) === 0) {
      this.#rescheduleUnresolved(unresolvedInTrace.all(trace), nowMs);
    }
  }

  #rescheduleUnresolved(among: readonly number[], nowMs: number): void {
    const { owners } = this.#parts.store;
    for (const each of among) {
      if (owners.isUnresolved(each) && owners.openMarkers.get(each) > 0) {
        this.#parts.ownerTimers.schedule(each, nowMs);
      }
    }
  }

  /**
   * An owner has ended that may have held unresolved markers of its session or of its trace. Those that a search does not reach wait for
   * the end of another one.
   */
  #releaseUnresolved(owner: number, dueMs: number): void {
    const { store, limits } = this.#parts;
    const { owners, groups, traces, live, unresolvedInTrace } = store;
    const group = owners.group.get(owner);
    const search = new Search(mostSearchedTogether(limits));
    const first = groups.unresolvedOwners.get(group) === 0 ? -1 : live.first.get(group);
    for (let each = first; each !== -1 && search.reads(); each = live.after.get(each)) {
      if (owners.isUnresolved(each)) {
        this.#release(each, dueMs, { ended: owner, search });
      }
    }
    for (
      let each = traces.firstUnresolved.get(owners.trace.get(owner));
      each !== -1 && search.reads();
      each = unresolvedInTrace.after.get(each)
    ) {
      this.#release(each, dueMs, { ended: owner, search });
    }
  }

  /** Unresolved markers of other processes that name `run` as their parent are due at `dueMs`. */
  releaseElsewhere(run: number, dueMs: number): void {
    const { store, limits } = this.#parts;
    const { spans, owners, traces, below } = store;
    const search = new Search(mostSearchedTogether(limits));
    for (const trace of traces.elsewhere(spans.trace.get(run), mostSearched(limits)) ?? []) {
      const named = spans.find(trace, spans.id0.get(run), spans.id1.get(run));
      const unresolved = named === -1 ? -1 : spans.owner.get(named);
      if (unresolved === -1 || !owners.isUnresolved(unresolved)) {
        continue;
      }
      this.#release(unresolved, dueMs, { ended: -1, search });
      for (
        let each = below.first.get(unresolved);
        each !== -1 && search.reads();
        each = below.after.get(each)
      ) {
        if (owners.isUnresolved(each)) {
          this.#release(each, dueMs, { ended: -1, search }); // Of a session of its own.
        }
      }
    }
  }

  /**
   * Records when the last holder of unresolved markers ended, since the holder is not remembered for as long as a marker may be. `ended`:
   * the holder, or -1 for a run that their parent names. The markers that the search does not reach know of no end, so they are held.
   */
  #release(
    unresolved: number,
    dueMs: number,
    { ended, search }: { readonly ended: number; readonly search: Search },
  ): void {
    const { store, ownerTimers, unresolvedHolders } = this.#parts;
    const { owners, spans, members } = store;
    const isOfOther = ended !== -1 && unresolvedHolders.ownRunElsewhere(unresolved) !== -1;
    if (isOfOther || owners.openMarkers.get(unresolved) === 0) {
      return;
    }
    for (
      let marker = members.first.get(unresolved);
      marker !== -1 && search.reads();
      marker = members.after.get(marker)
    ) {
      if (spans.state.get(marker) !== spanStates.open) {
        continue;
      }
      // A marker that was held once is held by all runs that were open when it started: only the one that ended matters.
      const isKnown = ended !== -1 && spans.hasFlag(marker, spanFlags.hadHolder);
      if (!isKnown) {
        this.#recordRelease(marker, search);
      } else if (unresolvedHolders.wasOpenAt(ended, marker)) {
        const atMs = owners.endedAtMs.get(ended);
        spans.releasedAtMs.set(marker, Math.max(spans.releasedAtMs.get(marker), atMs));
      }
    }
    ownerTimers.schedule(unresolved, dueMs);
  }

  #recordRelease(marker: number, search: Search): void {
    const { spans } = this.#parts.store;
    const { lastEndMs } = this.#parts.unresolvedHolders.of(marker, search);
    if (Number.isFinite(lastEndMs)) {
      spans.setFlag(marker, spanFlags.hadHolder);
      spans.releasedAtMs.set(marker, Math.max(spans.releasedAtMs.get(marker), lastEndMs));
    }
  }
}

/** The runs of an owner, open or not, as far as they are remembered. */
export function runsOf({ spans, members }: ActivityStore, owner: number): number[] {
  const runs: number[] = [];
  for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
    if (spans.kind.get(span) === workKinds.run) {
      runs.push(span);
    }
  }
  return runs;
}

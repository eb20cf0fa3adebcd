import { dialects } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type Confidence, reasonOf, reasons } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { FinishedWork } from "../ingest/finished-work.ts";
import type { ImpliedTools } from "../ingest/implied-tools.ts";
import type { RequestedTools } from "../ingest/requested-tools.ts";
import type { KeyedTimers } from "../schedule/keyed-timers.ts";
import { type ActivityCounters, add } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { boundMembersOf, openMembersOf, withoutOpenBelow } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { CircuitBreaker, DueCount } from "./circuit-breaker.ts";
import type { EvictionForecast } from "./eviction-forecast.ts";
import type { Evictions } from "./evictions.ts";
import type { Hold, Holders } from "./holders.ts";
import type { LeasePolicy } from "./lease-policy.ts";
import type { Ownership } from "./ownership.ts";

/** What it needs of the engine. */
interface OrphanPolicyParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly openWork: OpenWork;
  readonly ownerTimers: KeyedTimers;
  readonly sessionTimers: KeyedTimers;
  readonly holders: Holders;
  readonly ownership: Ownership;
  readonly evictions: Evictions;
  readonly finished: FinishedWork;
  readonly requested: RequestedTools;
  readonly implied: ImpliedTools;
  readonly leasePolicy: LeasePolicy;
  readonly breaker: CircuitBreaker;
  readonly forecast: EvictionForecast;
}

/** Which markers are orphans: those whose holders have ended, a lateness later. */
export class OrphanPolicy {
  readonly #parts: OrphanPolicyParts;

  constructor(parts: OrphanPolicyParts) {
    this.#parts = parts;
  }

  /** Open work below these markers has closed: those of which the owner or the session has ended may be due now. */
  drainUnblocked(nowMs: number): void {
    const { owners, groups, spans, tree } = this.#parts.store;
    const lateness = this.#parts.limits.allowedLatenessMs;
    for (let span = tree.unblocked.pop(); span !== undefined; span = tree.unblocked.pop()) {
      const owner = spans.owner.get(span);
      if (spans.state.get(span) !== spanStates.open || owner === -1) {
        continue;
      }
      const ownMs = Math.max(spans.startedAtMs.get(span), spans.releasedAtMs.get(span));
      if (!owners.isOpen(owner)) {
        const fromMs = Math.max(ownMs, owners.endedAtMs.get(owner));
        this.#parts.store.setLive(owner);
        this.#parts.ownerTimers.schedule(owner, Math.max(nowMs, fromMs + lateness));
      }
      const group = owners.group.get(owner);
      if (groups.hasEnded(group)) {
        const fromMs = Math.max(ownMs, groups.endedAtMs.get(group));
        this.#parts.sessionTimers.schedule(group, Math.max(nowMs, fromMs + lateness));
      }
    }
  }

  /** A better source of the process has begun to send: what the others had open is its business now. */
  handOver(process: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    for (const span of this.#parts.leasePolicy.openWorkOf(process)) {
      if (!spans.hasFlag(span, spanFlags.relayed)) {
        this.#parts.openWork.end(span, Number.NaN, nowMs);
        if (spans.kind.get(span) === workKinds.run) {
          this.#parts.ownership.runEnded(span, { atMs: nowMs, timeMs: 0, seq: 0 });
        }
      }
    }
  }

  /** The end of an open marker says that its run closed it: an orphan by its own account. */
  evictByRun(span: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    this.#parts.finished.recordActive(span, spans.owner.get(span));
    const channel = this.#parts.evictions.channelOf(span);
    this.#parts.evictions.evict([span], { reason: "orphaned_no_owner", channel, atMs: nowMs });
    spans.setFlag(span, spanFlags.endReported);
  }

  /** The deadline of an owner passed, unless there is doubt that so many would be evicted; `due` counts them. */
  decide(owner: number, atMs: number, due: DueCount): void {
    const { owners } = this.#parts.store;
    if (owners.isOpen(owner) && !this.#endIfIdle(owner, atMs)) {
      return;
    }
    if (this.#isHeldBack(owner, atMs, due)) {
      return;
    }
    if (owners.isUnresolved(owner)) {
      this.#decideUnresolved(owner, atMs);
    } else {
      this.#decideOwner(owner, atMs);
    }
  }

  /** Its session was reported idle a lateness ago and its end has not come: it has ended. */
  #endIfIdle(owner: number, atMs: number): boolean {
    const { owners, spans, live } = this.#parts.store;
    const idle = owners.idleOf(owner);
    const dueMs = idle.atMs + this.#parts.limits.allowedLatenessMs;
    if (!Number.isFinite(dueMs)) {
      return false;
    }
    if (dueMs > atMs) {
      this.#parts.ownerTimers.set(owner, dueMs);
      return false;
    }
    // All of them first: none of them holds what another one left.
    for (const each of live.all(owners.group.get(owner))) {
      const reported = owners.idleOf(each);
      const eachDueMs = reported.atMs + this.#parts.limits.allowedLatenessMs;
      if (owners.isOpen(each) && Number.isFinite(eachDueMs) && eachDueMs <= atMs) {
        for (const run of this.#parts.ownership.runsOf(each)) {
          if (spans.state.get(run) === spanStates.open) {
            spans.setFlag(run, spanFlags.endProbable);
            this.#parts.openWork.end(run, reported.timeMs, atMs);
            this.#parts.ownership.runEnded(run, reported, atMs);
          }
        }
      }
    }
    return true;
  }

  /** Too many sessions would lose their markers at once: each waits for a lateness more, once. */
  #isHeldBack(owner: number, atMs: number, due: DueCount): boolean {
    const { owners } = this.#parts.store;
    if (owners.hasFlag(owner, ownerFlags.held)) {
      owners.clearFlag(owner, ownerFlags.held);
      return false;
    }
    if (
      this.#parts.forecast.markersOf(owner, atMs) === 0 ||
      !this.#parts.breaker.isMass("orphaned_no_owner", atMs, due)
    ) {
      return false;
    }
    owners.setFlag(owner, ownerFlags.held);
    this.#parts.ownerTimers.set(owner, atMs + this.#parts.limits.allowedLatenessMs);
    return true;
  }

  #decideOwner(owner: number, atMs: number): void {
    const { owners } = this.#parts.store;
    this.#parts.ownership.joinSplitTraces(owner, atMs);
    if (owners.isOpen(owner)) {
      return; // By a run of another trace.
    }
    const hold = this.#parts.holders.ofOwner(owner, atMs);
    if (hold.holder !== -1) {
      this.#waitForHolder(owner, hold, atMs);
      return;
    }
    this.#parts.ownership.stopWaiting(owner);
    const overMs = hold.lastEndMs + this.#parts.limits.allowedLatenessMs;
    if (overMs > atMs) {
      this.#parts.ownerTimers.set(owner, overMs);
      return;
    }
    owners.setFlag(owner, ownerFlags.decided);
    this.#parts.finished.decideMembers(owner, atMs);
    if (owners.memberCount.get(owner) === 0) {
      return;
    }
    const { due, nextMs } = this.#dueOf(owner, atMs, () => hold.lastEndMs);
    const orphans = withoutOpenBelow(this.#parts.store, due);
    const confidence =
      orphans.length === 0
        ? "confirmed"
        : this.#parts.holders.confidenceOf(owner, hold.releasedAtMs);
    const finishedMs = this.#parts.finished.nextOfMembersMs(owner);
    if (owners.hasFlag(owner, ownerFlags.unwatched)) {
      // Nothing says that its run has ended.
      for (const marker of orphans) {
        this.#parts.openWork.untrack(marker, atMs);
      }
      this.#scheduleNext(owner, Math.min(nextMs, finishedMs));
      return;
    }
    const impliedMs = this.#evictImplied(owner, atMs);
    const channel = this.#parts.store.groups.channel.get(owners.group.get(owner));
    for (const [sure, these] of this.#byConfidence(owner, orphans, confidence)) {
      this.#parts.evictions.emit(these, {
        reason: "orphaned_no_owner",
        confidence: sure,
        channel,
        atMs,
      });
    }
    if (!Number.isFinite(finishedMs)) {
      // What is known by number only may be work that came finished and is not decided yet.
      this.#evictUnnamed(owner, orphans.length, atMs);
    }
    this.#parts.evictions.close(orphans, "orphaned_no_owner", atMs);
    this.#scheduleNext(owner, Math.min(nextMs, finishedMs, impliedMs));
  }

  #decideUnresolved(owner: number, atMs: number): void {
    if (this.#parts.store.owners.memberCount.get(owner) === 0) {
      return;
    }
    this.#markWithoutScope(owner, atMs);
    const { due, nextMs } = this.#dueOf(owner, atMs, (marker) => this.#lastHolderEndMs(marker));
    const orphans = withoutOpenBelow(this.#parts.store, due);
    if (orphans.length > 0) {
      const eviction = {
        channel: this.#parts.evictions.channelOf(orphans[0] ?? -1),
        atMs,
      } as const;
      this.#parts.evictions.evict(orphans, {
        reason: "orphaned_no_owner",
        confidence: "presumed",
        ...eviction,
      });
    }
    if (Number.isFinite(nextMs)) {
      this.#parts.ownerTimers.schedule(owner, nextMs);
    }
  }

  /** A run that becomes known only a lateness after a marker started says nothing of whose that is. */
  #markWithoutScope(owner: number, atMs: number): void {
    const { spans } = this.#parts.store;
    for (const marker of openMembersOf(this.#parts.store, owner)) {
      const isOver = spans.startedAtMs.get(marker) + this.#parts.limits.allowedLatenessMs <= atMs;
      if (isOver && !this.#parts.holders.hasScope(marker)) {
        spans.setFlag(marker, spanFlags.withoutScope);
      }
    }
  }

  /** When the last holder of a marker without a known run ended; Infinity while it is held, or nothing says whose it is. */
  #lastHolderEndMs(marker: number): number {
    const { spans, tree } = this.#parts.store;
    const { holder, lastEndMs } = this.#parts.holders.ofUnresolvedMarker(marker);
    if (holder !== -1 || this.#parts.holders.isOfUnwatched(marker)) {
      return Number.POSITIVE_INFINITY;
    }
    if (Number.isFinite(lastEndMs)) {
      return lastEndMs;
    }
    if (spans.hasFlag(marker, spanFlags.wasHeld)) {
      return spans.releasedAtMs.get(marker);
    }
    // A run that is still to come may own it; where none can come, nobody does.
    const mayBeOwned =
      tree.hasUnknownAncestor(marker) ||
      spans.hasFlag(marker, spanFlags.withoutScope) ||
      !this.#parts.holders.hasScope(marker);
    return mayBeOwned ? Number.POSITIVE_INFINITY : spans.startedAtMs.get(marker);
  }

  /** The open markers of an owner that are due by `atMs`, and when the next one is. */
  #dueOf(
    owner: number,
    atMs: number,
    lastEndMsOf: (marker: number) => number,
  ): { readonly due: readonly number[]; readonly nextMs: number } {
    const { spans } = this.#parts.store;
    const due: number[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const marker of boundMembersOf(this.#parts.store, owner)) {
      const fromMs = Math.max(
        lastEndMsOf(marker),
        spans.startedAtMs.get(marker),
        spans.releasedAtMs.get(marker),
      );
      const dueMs = fromMs + this.#parts.limits.allowedLatenessMs;
      if (dueMs <= atMs) {
        due.push(marker);
      } else {
        nextMs = Math.min(nextMs, dueMs);
      }
    }
    return { due, nextMs };
  }

  /** What was inside a tool that outlived the owner is not more surely an orphan than that tool is surely over. */
  #byConfidence(
    owner: number,
    orphans: readonly number[],
    confidence: Confidence,
  ): ReadonlyMap<Confidence, readonly number[]> {
    const { owners } = this.#parts.store;
    const by = new Map<Confidence, number[]>();
    const hasDetached = owners.hasFlag(owner, ownerFlags.hasDetached);
    for (const orphan of orphans) {
      const sure = hasDetached
        ? leastConfident(confidence, this.#confidenceAbove(orphan))
        : confidence;
      by.set(sure, [...(by.get(sure) ?? []), orphan]);
    }
    return by;
  }

  /** How sure it is that the tools around a marker that may outlive its run are over. */
  #confidenceAbove(marker: number): Confidence {
    const { spans } = this.#parts.store;
    let sure: Confidence = "confirmed";
    for (
      let at = spans.parentOf(marker);
      at !== -1 && spans.kind.get(at) !== workKinds.run;
      at = spans.parentOf(at)
    ) {
      if (spans.hasFlag(at, spanFlags.detached)) {
        sure = leastConfident(sure, this.#confidenceOfEnd(at));
      }
    }
    return sure;
  }

  #confidenceOfEnd(tool: number): Confidence {
    const { spans } = this.#parts.store;
    switch (spans.state.get(tool)) {
      case spanStates.untracked:
        return "presumed";
      case spanStates.evicted: {
        const reason = reasonOf(spans.reason.get(tool));
        return reason === undefined ? "confirmed" : reasons[reason].endConfidence;
      }
      default:
        return "confirmed";
    }
  }

  /** The owner is decided again when its holder ends, or lets go because it makes no progress. */
  #waitForHolder(owner: number, hold: Hold, atMs: number): void {
    this.#parts.ownership.waitFor(owner, hold.holder);
    if (Number.isFinite(hold.releasesAtMs)) {
      const isPast = hold.releasesAtMs <= atMs;
      this.#parts.ownerTimers.set(
        owner,
        isPast ? atMs + this.#parts.limits.stalledAfterMs : hold.releasesAtMs,
      );
    }
  }

  #scheduleNext(owner: number, nextMs: number): void {
    const { owners } = this.#parts.store;
    if (Number.isFinite(nextMs)) {
      this.#parts.ownerTimers.schedule(owner, nextMs);
    } else if (owners.openMarkers.get(owner) === 0) {
      this.#parts.store.retire(owner);
    }
  }

  /** Evicts tools that are known from a part of theirs only. Gives when the next one is due, Infinity for none. */
  #evictImplied(owner: number, atMs: number): number {
    const { owners, groups } = this.#parts.store;
    const { due, nextMs } = this.#parts.implied.dueOf(owner, atMs);
    const channel = groups.channel.get(owners.group.get(owner));
    for (const tool of due) {
      add(this.#parts.counters.started, workKinds.tool, 1);
      this.#parts.counters.addEvicted("orphaned_no_owner", workKinds.tool, 1);
      this.#parts.counters.addSignal("evicted", dialects.impliedParent);
      this.#parts.implied.markEvicted(tool, atMs);
      this.#parts.evictions.emit(
        [],
        { reason: "orphaned_no_owner", confidence: "presumed", channel, atMs },
        { count: 1, about: tool },
      );
    }
    return nextMs;
  }

  /** Evicts tools that a harness run counted as open, or that a model asked for, as far as no marker is known for them. */
  #evictUnnamed(owner: number, orphans: number, atMs: number): void {
    const { owners, groups } = this.#parts.store;
    const counted = this.#parts.finished.takeUnnamed(owner, orphans);
    const requested = this.#parts.requested.takeOrphans(owner, atMs);
    const count = counted + Math.max(0, requested - counted);
    if (count === 0) {
      return;
    }
    owners.unnamed.set(owner, owners.unnamed.get(owner) + count);
    add(this.#parts.counters.started, workKinds.tool, count);
    this.#parts.counters.addEvicted("orphaned_no_owner", workKinds.tool, count);
    const channel = groups.channel.get(owners.group.get(owner));
    this.#parts.evictions.emit(
      [],
      { reason: "orphaned_no_owner", confidence: "presumed", channel, atMs },
      { count, about: this.#parts.store.runOf(owner) },
    );
  }
}

function leastConfident(a: Confidence, b: Confidence): Confidence {
  return (
    (["presumed", "probable"] as const).find((each) => each === a || each === b) ?? "confirmed"
  );
}

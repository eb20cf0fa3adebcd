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
import { spanFlags, spanStates } from "../store/span-table.ts";
import type { CircuitBreaker, DueCount } from "./circuit-breaker.ts";
import type { EvictionForecast } from "./eviction-forecast.ts";
import type { Evictions } from "./evictions.ts";
import type { Hold, Holders } from "./holders.ts";
import type { LeasePolicy } from "./lease-policy.ts";
import type { Ownership } from "./ownership.ts";

/** Which markers are orphans: those whose holders have ended, a lateness later. */
export class OrphanPolicy {
  readonly #allowedLatenessMs: number;
  readonly #stalledAfterMs: number;
  readonly #store: ActivityStore;
  readonly #counters: ActivityCounters;
  readonly #openWork: OpenWork;
  readonly #ownerTimers: KeyedTimers;
  readonly #sessionTimers: KeyedTimers;
  readonly #holders: Holders;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;
  readonly #finished: FinishedWork;
  readonly #requested: RequestedTools;
  readonly #implied: ImpliedTools;
  readonly #leasePolicy: LeasePolicy;
  readonly #breaker: CircuitBreaker;
  readonly #forecast: EvictionForecast;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly store: ActivityStore;
    readonly counters: ActivityCounters;
    readonly openWork: OpenWork;
    readonly deadlines: KeyedTimers;
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
  }) {
    this.#allowedLatenessMs = parts.limits.allowedLatenessMs;
    this.#stalledAfterMs = parts.limits.stalledAfterMs;
    this.#store = parts.store;
    this.#counters = parts.counters;
    this.#openWork = parts.openWork;
    this.#ownerTimers = parts.deadlines;
    this.#sessionTimers = parts.sessionTimers;
    this.#holders = parts.holders;
    this.#ownership = parts.ownership;
    this.#evictions = parts.evictions;
    this.#finished = parts.finished;
    this.#requested = parts.requested;
    this.#implied = parts.implied;
    this.#leasePolicy = parts.leasePolicy;
    this.#breaker = parts.breaker;
    this.#forecast = parts.forecast;
  }

  /** Open work below these markers has closed: those of which the owner or the session has ended may be due now. */
  drainUnblocked(nowMs: number): void {
    const { owners, groups, spans, tree } = this.#store;
    const lateness = this.#allowedLatenessMs;
    for (let span = tree.unblocked.pop(); span !== undefined; span = tree.unblocked.pop()) {
      const owner = spans.owner.get(span);
      if (spans.state.get(span) !== spanStates.open || owner === -1) {
        continue;
      }
      const ownMs = Math.max(spans.startedAtMs.get(span), spans.releasedAtMs.get(span));
      if (!owners.isOpen(owner)) {
        const fromMs = Math.max(ownMs, owners.endedAtMs.get(owner));
        this.#store.setLive(owner);
        this.#ownerTimers.schedule(owner, Math.max(nowMs, fromMs + lateness));
      }
      const group = owners.group.get(owner);
      if (groups.hasEnded(group)) {
        const fromMs = Math.max(ownMs, groups.endedAtMs.get(group));
        this.#sessionTimers.schedule(group, Math.max(nowMs, fromMs + lateness));
      }
    }
  }

  /** A better source of the process has begun to send: what the others had open is its business now. */
  handOver(process: number, nowMs: number): void {
    const { spans } = this.#store;
    for (const span of this.#leasePolicy.openWorkOf(process)) {
      if (!spans.hasFlag(span, spanFlags.relayed)) {
        this.#openWork.end(span, Number.NaN, nowMs);
        if (spans.kind.get(span) === workKinds.run) {
          this.#ownership.runEnded(span, { atMs: nowMs, timeMs: 0, seq: 0 });
        }
      }
    }
  }

  /** The end of an open marker says that its run closed it: an orphan by its own account. */
  evictByRun(span: number, nowMs: number): void {
    const { spans } = this.#store;
    this.#finished.recordActive(span, spans.owner.get(span));
    const channel = this.#evictions.channelOf(span);
    this.#evictions.evict([span], { reason: "orphaned_no_owner", channel, atMs: nowMs });
    spans.setFlag(span, spanFlags.endReported);
  }

  /** The deadline of an owner passed, unless there is doubt that so many would be evicted; `due` counts them. */
  decide(owner: number, atMs: number, due: DueCount): void {
    const { owners } = this.#store;
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
    const { owners, spans, live } = this.#store;
    const idle = owners.idleOf(owner);
    const dueMs = idle.atMs + this.#allowedLatenessMs;
    if (!Number.isFinite(dueMs)) {
      return false;
    }
    if (dueMs > atMs) {
      this.#ownerTimers.set(owner, dueMs);
      return false;
    }
    // All of them first: none of them holds what another one left.
    for (const each of live.all(owners.group.get(owner))) {
      const reported = owners.idleOf(each);
      const eachDueMs = reported.atMs + this.#allowedLatenessMs;
      if (owners.isOpen(each) && Number.isFinite(eachDueMs) && eachDueMs <= atMs) {
        for (const run of this.#ownership.runsOf(each)) {
          if (spans.state.get(run) === spanStates.open) {
            spans.setFlag(run, spanFlags.endProbable);
            this.#openWork.end(run, reported.timeMs, atMs);
            this.#ownership.runEnded(run, reported, atMs);
          }
        }
      }
    }
    return true;
  }

  /** Too many sessions would lose their markers at once: each waits for a lateness more, once. */
  #isHeldBack(owner: number, atMs: number, due: DueCount): boolean {
    const { owners } = this.#store;
    if (owners.hasFlag(owner, ownerFlags.held)) {
      owners.clearFlag(owner, ownerFlags.held);
      return false;
    }
    if (this.#forecast.markersOf(owner, atMs) === 0 || !this.#breaker.isMass(atMs, due)) {
      return false;
    }
    owners.setFlag(owner, ownerFlags.held);
    this.#ownerTimers.set(owner, atMs + this.#allowedLatenessMs);
    return true;
  }

  #decideOwner(owner: number, atMs: number): void {
    const { owners } = this.#store;
    this.#ownership.joinSplitTraces(owner, atMs);
    if (owners.isOpen(owner)) {
      return; // By a run of another trace.
    }
    const hold = this.#holders.ofOwner(owner, atMs);
    if (hold.holder !== -1) {
      this.#waitForHolder(owner, hold, atMs);
      return;
    }
    this.#ownership.stopWaiting(owner);
    const overMs = hold.lastEndMs + this.#allowedLatenessMs;
    if (overMs > atMs) {
      this.#ownerTimers.set(owner, overMs);
      return;
    }
    owners.setFlag(owner, ownerFlags.decided);
    this.#finished.decideMembers(owner, atMs);
    if (owners.memberCount.get(owner) === 0) {
      return;
    }
    const { due, nextMs } = this.#dueOf(owner, atMs, () => hold.lastEndMs);
    const orphans = withoutOpenBelow(this.#store, due);
    const confidence =
      orphans.length === 0 ? "confirmed" : this.#holders.confidenceOf(owner, hold.releasedAtMs);
    const finishedMs = this.#finished.nextOfMembersMs(owner);
    if (owners.hasFlag(owner, ownerFlags.unwatched)) {
      // Nothing says that its run has ended.
      for (const marker of orphans) {
        this.#openWork.untrack(marker, atMs);
      }
      this.#scheduleNext(owner, Math.min(nextMs, finishedMs));
      return;
    }
    const impliedMs = this.#evictImplied(owner, atMs);
    const channel = this.#store.groups.channel.get(owners.group.get(owner));
    for (const [sure, these] of this.#byConfidence(owner, orphans, confidence)) {
      this.#evictions.emit(these, { reason: "orphaned_no_owner", confidence: sure, channel, atMs });
    }
    if (!Number.isFinite(finishedMs)) {
      // What is known by number only may be work that came finished and is not decided yet.
      this.#evictUnnamed(owner, orphans.length, atMs);
    }
    this.#evictions.close(orphans, "orphaned_no_owner", atMs);
    this.#scheduleNext(owner, Math.min(nextMs, finishedMs, impliedMs));
  }

  #decideUnresolved(owner: number, atMs: number): void {
    if (this.#store.owners.memberCount.get(owner) === 0) {
      return;
    }
    this.#markWithoutScope(owner, atMs);
    const { due, nextMs } = this.#dueOf(owner, atMs, (marker) => this.#lastHolderEndMs(marker));
    const orphans = withoutOpenBelow(this.#store, due);
    if (orphans.length > 0) {
      const eviction = { channel: this.#evictions.channelOf(orphans[0] ?? -1), atMs } as const;
      this.#evictions.evict(orphans, {
        reason: "orphaned_no_owner",
        confidence: "presumed",
        ...eviction,
      });
    }
    if (Number.isFinite(nextMs)) {
      this.#ownerTimers.schedule(owner, nextMs);
    }
  }

  /** A run that becomes known only a lateness after a marker started says nothing of whose that is. */
  #markWithoutScope(owner: number, atMs: number): void {
    const { spans } = this.#store;
    for (const marker of openMembersOf(this.#store, owner)) {
      const isOver = spans.startedAtMs.get(marker) + this.#allowedLatenessMs <= atMs;
      if (isOver && !this.#holders.hasScope(marker)) {
        spans.setFlag(marker, spanFlags.withoutScope);
      }
    }
  }

  /** When the last holder of a marker without a known run ended; Infinity while it is held, or nothing says whose it is. */
  #lastHolderEndMs(marker: number): number {
    const { spans, tree } = this.#store;
    const { holder, lastEndMs } = this.#holders.ofUnresolvedMarker(marker);
    if (holder !== -1 || this.#holders.isOfUnwatched(marker)) {
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
      !this.#holders.hasScope(marker);
    return mayBeOwned ? Number.POSITIVE_INFINITY : spans.startedAtMs.get(marker);
  }

  /** The open markers of an owner that are due by `atMs`, and when the next one is. */
  #dueOf(
    owner: number,
    atMs: number,
    lastEndMsOf: (marker: number) => number,
  ): { readonly due: readonly number[]; readonly nextMs: number } {
    const { spans } = this.#store;
    const due: number[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const marker of boundMembersOf(this.#store, owner)) {
      const fromMs = Math.max(
        lastEndMsOf(marker),
        spans.startedAtMs.get(marker),
        spans.releasedAtMs.get(marker),
      );
      const dueMs = fromMs + this.#allowedLatenessMs;
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
    const { owners } = this.#store;
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
    const { spans } = this.#store;
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
    const { spans } = this.#store;
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
    this.#ownership.waitFor(owner, hold.holder);
    if (Number.isFinite(hold.releasesAtMs)) {
      const isPast = hold.releasesAtMs <= atMs;
      this.#ownerTimers.set(owner, isPast ? atMs + this.#stalledAfterMs : hold.releasesAtMs);
    }
  }

  #scheduleNext(owner: number, nextMs: number): void {
    const { owners } = this.#store;
    if (Number.isFinite(nextMs)) {
      this.#ownerTimers.schedule(owner, nextMs);
    } else if (owners.openMarkers.get(owner) === 0) {
      this.#store.retire(owner);
    }
  }

  /** Evicts tools that are known from a part of theirs only. Gives when the next one is due, Infinity for none. */
  #evictImplied(owner: number, atMs: number): number {
    const { owners, groups } = this.#store;
    const { due, nextMs } = this.#implied.dueOf(owner, atMs);
    const channel = groups.channel.get(owners.group.get(owner));
    for (const tool of due) {
      add(this.#counters.started, workKinds.tool, 1);
      this.#counters.addEvicted("orphaned_no_owner", workKinds.tool, 1);
      this.#counters.addSignal("evicted", dialects.impliedParent);
      this.#implied.markEvicted(tool, atMs);
      this.#evictions.emit(
        [],
        { reason: "orphaned_no_owner", confidence: "presumed", channel, atMs },
        { count: 1, about: tool },
      );
    }
    return nextMs;
  }

  /** Evicts tools that a harness run counted as open, or that a model asked for, as far as no marker is known for them. */
  #evictUnnamed(owner: number, orphans: number, atMs: number): void {
    const { owners, groups } = this.#store;
    const counted = this.#finished.takeUnnamed(owner, orphans);
    const requested = this.#requested.takeOrphans(owner, atMs);
    const count = counted + Math.max(0, requested - counted);
    if (count === 0) {
      return;
    }
    owners.unnamed.set(owner, owners.unnamed.get(owner) + count);
    add(this.#counters.started, workKinds.tool, count);
    this.#counters.addEvicted("orphaned_no_owner", workKinds.tool, count);
    const channel = groups.channel.get(owners.group.get(owner));
    this.#evictions.emit(
      [],
      { reason: "orphaned_no_owner", confidence: "presumed", channel, atMs },
      { count, about: this.#store.runOf(owner) },
    );
  }
}

function leastConfident(a: Confidence, b: Confidence): Confidence {
  return (
    (["presumed", "probable"] as const).find((each) => each === a || each === b) ?? "confirmed"
  );
}

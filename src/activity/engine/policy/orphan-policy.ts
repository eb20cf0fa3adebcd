import { dialects } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type Confidence, evictionReasons, workKinds } from "../../model/work.ts";
import type { FinishedWork } from "../ingest/finished-work.ts";
import type { ImpliedTools } from "../ingest/implied-tools.ts";
import type { RequestedTools } from "../ingest/requested-tools.ts";
import type { DueQueue } from "../schedule/keyed-timers.ts";
import { type ActivityCounts, add } from "../store/activity-counters.ts";
import type { ActivityGraph } from "../store/activity-store.ts";
import { boundWorkOf, openWorkOf, withoutOpenBelow } from "../store/open-members.ts";
import type { WorkLedger } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanFlags, spanStates } from "../store/span-table.ts";
import type { Breaker, DueCount } from "./circuit-breaker.ts";
import type { DueAhead } from "./eviction-forecast.ts";
import type { Evictions } from "./evictions.ts";
import type { Hold, Holders } from "./holders.ts";
import type { Silence } from "./lease-policy.ts";
import type { Ownership } from "./ownership.ts";

/** Which markers are orphans: those whose holders have ended, a lateness later. */
export class Judgement {
  readonly #allowedLatenessMs: number;
  readonly #stalledAfterMs: number;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #ledger: WorkLedger;
  readonly #deadlines: DueQueue;
  readonly #sessionDeadlines: DueQueue;
  readonly #holders: Holders;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;
  readonly #finished: FinishedWork;
  readonly #requested: RequestedTools;
  readonly #implied: ImpliedTools;
  readonly #silence: Silence;
  readonly #breaker: Breaker;
  readonly #ahead: DueAhead;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly ledger: WorkLedger;
    readonly deadlines: DueQueue;
    readonly sessionDeadlines: DueQueue;
    readonly holders: Holders;
    readonly ownership: Ownership;
    readonly evictions: Evictions;
    readonly finished: FinishedWork;
    readonly requested: RequestedTools;
    readonly implied: ImpliedTools;
    readonly silence: Silence;
    readonly breaker: Breaker;
    readonly ahead: DueAhead;
  }) {
    this.#allowedLatenessMs = parts.limits.allowedLatenessMs;
    this.#stalledAfterMs = parts.limits.stalledAfterMs;
    this.#graph = parts.graph;
    this.#counts = parts.counts;
    this.#ledger = parts.ledger;
    this.#deadlines = parts.deadlines;
    this.#sessionDeadlines = parts.sessionDeadlines;
    this.#holders = parts.holders;
    this.#ownership = parts.ownership;
    this.#evictions = parts.evictions;
    this.#finished = parts.finished;
    this.#requested = parts.requested;
    this.#implied = parts.implied;
    this.#silence = parts.silence;
    this.#breaker = parts.breaker;
    this.#ahead = parts.ahead;
  }

  /** Open work below these markers has closed: those of which the owner or the session has ended may be due now. */
  drainEased(nowMs: number): void {
    const { owners, groups, spans, tree } = this.#graph;
    const lateness = this.#allowedLatenessMs;
    for (let span = tree.eased.pop(); span !== undefined; span = tree.eased.pop()) {
      const owner = spans.owner.get(span);
      if (spans.state.get(span) !== spanStates.open || owner === -1) {
        continue;
      }
      const ownMs = Math.max(spans.startedAtMs.get(span), spans.releasedAtMs.get(span));
      if (!owners.isOpen(owner)) {
        const fromMs = Math.max(ownMs, owners.endedAtMs.get(owner));
        this.#graph.setLive(owner);
        this.#deadlines.schedule(owner, Math.max(nowMs, fromMs + lateness));
      }
      const group = owners.group.get(owner);
      if (groups.hasEnded(group)) {
        const fromMs = Math.max(ownMs, groups.endedAtMs.get(group));
        this.#sessionDeadlines.schedule(group, Math.max(nowMs, fromMs + lateness));
      }
    }
  }

  /** A better source of the process has begun to send: what the others had open is its business now. */
  supersede(process: number, nowMs: number): void {
    const { spans } = this.#graph;
    for (const span of this.#silence.openOf(process)) {
      if (!spans.hasFlag(span, spanFlags.relayed)) {
        this.#ledger.end(span, Number.NaN, nowMs);
        if (spans.kind.get(span) === workKinds.run) {
          this.#ownership.runEnded(span, { atMs: nowMs, timeMs: 0, seq: 0 });
        }
      }
    }
  }

  /** The end of an open marker says that its run closed it: an orphan by its own account. */
  evictByRun(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    this.#finished.noteActive(span, spans.owner.get(span));
    const channel = this.#evictions.channelOf(span);
    this.#evictions.evict([span], { reason: "orphaned_no_owner", channel, atMs: nowMs });
    spans.setFlag(span, spanFlags.settled);
  }

  /** The deadline of an owner passed, unless there is doubt that so many would be evicted; `due` counts them. */
  decide(owner: number, atMs: number, due: DueCount): void {
    const { owners } = this.#graph;
    if (owners.isOpen(owner) && !this.#endIfIdle(owner, atMs)) {
      return;
    }
    if (this.#isHeldBack(owner, atMs, due)) {
      return;
    }
    if (owners.isLoose(owner)) {
      this.#judgeLoose(owner, atMs);
    } else {
      this.#judge(owner, atMs);
    }
  }

  /** Its session was reported idle a lateness ago and its end has not come: it has ended. */
  #endIfIdle(owner: number, atMs: number): boolean {
    const { owners, spans, live } = this.#graph;
    const idle = owners.idleOf(owner);
    const dueMs = idle.atMs + this.#allowedLatenessMs;
    if (!Number.isFinite(dueMs)) {
      return false;
    }
    if (dueMs > atMs) {
      this.#deadlines.set(owner, dueMs);
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
            this.#ledger.end(run, reported.timeMs, atMs);
            this.#ownership.runEnded(run, reported, atMs);
          }
        }
      }
    }
    return true;
  }

  /** Too many sessions would lose their markers at once: each waits for a lateness more, once. */
  #isHeldBack(owner: number, atMs: number, due: DueCount): boolean {
    const { owners } = this.#graph;
    if (owners.hasFlag(owner, ownerFlags.held)) {
      owners.clearFlag(owner, ownerFlags.held);
      return false;
    }
    if (this.#ahead.markersOf(owner, atMs) === 0 || !this.#breaker.isMass(atMs, due)) {
      return false;
    }
    owners.setFlag(owner, ownerFlags.held);
    this.#deadlines.set(owner, atMs + this.#allowedLatenessMs);
    return true;
  }

  #judge(owner: number, atMs: number): void {
    const { owners } = this.#graph;
    this.#ownership.gather(owner, atMs);
    if (owners.isOpen(owner)) {
      return; // By a run of another trace.
    }
    const hold = this.#holders.ofOwner(owner, atMs);
    if (hold.holder !== -1) {
      this.#await(owner, hold, atMs);
      return;
    }
    this.#ownership.stopWaiting(owner);
    const overMs = hold.lastEndMs + this.#allowedLatenessMs;
    if (overMs > atMs) {
      this.#deadlines.set(owner, overMs);
      return;
    }
    owners.setFlag(owner, ownerFlags.judged);
    this.#finished.settleMembers(owner, atMs);
    if (owners.members.get(owner) === 0) {
      return;
    }
    const { due, nextMs } = this.#dueOf(owner, atMs, () => hold.lastEndMs);
    const orphans = withoutOpenBelow(this.#graph, due);
    const confidence =
      orphans.length === 0 ? "confirmed" : this.#holders.surenessOf(owner, hold.letGoMs);
    const finishedMs = this.#finished.nextOfMembersMs(owner);
    if (owners.hasFlag(owner, ownerFlags.unwatched)) {
      // Nothing says that its run has ended.
      for (const marker of orphans) {
        this.#ledger.untrack(marker, atMs);
      }
      this.#goOn(owner, Math.min(nextMs, finishedMs));
      return;
    }
    const impliedMs = this.#evictImplied(owner, atMs);
    const channel = this.#graph.groups.channel.get(owners.group.get(owner));
    for (const [sure, these] of this.#bySureness(owner, orphans, confidence)) {
      this.#evictions.emit(these, { reason: "orphaned_no_owner", confidence: sure, channel, atMs });
    }
    if (!Number.isFinite(finishedMs)) {
      // What is known by number only may be work that came finished and is not decided yet.
      this.#evictGuessed(owner, orphans.length, atMs);
    }
    this.#evictions.close(orphans, "orphaned_no_owner", atMs);
    this.#goOn(owner, Math.min(nextMs, finishedMs, impliedMs));
  }

  #judgeLoose(owner: number, atMs: number): void {
    if (this.#graph.owners.members.get(owner) === 0) {
      return;
    }
    this.#noteScopes(owner, atMs);
    const { due, nextMs } = this.#dueOf(owner, atMs, (marker) => this.#looseEndMs(marker));
    const orphans = withoutOpenBelow(this.#graph, due);
    if (orphans.length > 0) {
      const eviction = { channel: this.#evictions.channelOf(orphans[0] ?? -1), atMs } as const;
      this.#evictions.evict(orphans, {
        reason: "orphaned_no_owner",
        confidence: "presumed",
        ...eviction,
      });
    }
    if (Number.isFinite(nextMs)) {
      this.#deadlines.schedule(owner, nextMs);
    }
  }

  /** A run that becomes known only a lateness after a marker started says nothing of whose that is. */
  #noteScopes(owner: number, atMs: number): void {
    const { spans } = this.#graph;
    for (const marker of openWorkOf(this.#graph, owner)) {
      const isOver = spans.startedAtMs.get(marker) + this.#allowedLatenessMs <= atMs;
      if (isOver && !this.#holders.hasScope(marker)) {
        spans.setFlag(marker, spanFlags.withoutScope);
      }
    }
  }

  /** When the last holder of a marker without a known run ended; Infinity while it is held, or nothing says whose it is. */
  #looseEndMs(marker: number): number {
    const { spans, tree } = this.#graph;
    const { holder, lastEndMs } = this.#holders.ofLooseMarker(marker);
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
      tree.hasUnknownAbove(marker) ||
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
    const { spans } = this.#graph;
    const due: number[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const marker of boundWorkOf(this.#graph, owner)) {
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
  #bySureness(
    owner: number,
    orphans: readonly number[],
    confidence: Confidence,
  ): ReadonlyMap<Confidence, readonly number[]> {
    const { owners } = this.#graph;
    const by = new Map<Confidence, number[]>();
    const hasDetached = owners.hasFlag(owner, ownerFlags.hasDetached);
    for (const orphan of orphans) {
      const sure = hasDetached ? lessSure(confidence, this.#surenessAbove(orphan)) : confidence;
      by.set(sure, [...(by.get(sure) ?? []), orphan]);
    }
    return by;
  }

  /** How sure it is that the tools around a marker that may outlive its run are over. */
  #surenessAbove(marker: number): Confidence {
    const { spans } = this.#graph;
    let sure: Confidence = "confirmed";
    for (
      let at = spans.parentOf(marker);
      at !== -1 && spans.kind.get(at) !== workKinds.run;
      at = spans.parentOf(at)
    ) {
      if (spans.hasFlag(at, spanFlags.detached)) {
        sure = lessSure(sure, this.#surenessOfEnd(at));
      }
    }
    return sure;
  }

  #surenessOfEnd(tool: number): Confidence {
    const { spans } = this.#graph;
    if (spans.state.get(tool) === spanStates.untracked) {
      return "presumed";
    }
    const isEvicted = spans.state.get(tool) === spanStates.evicted;
    const reason = isEvicted ? evictionReasons[spans.reason.get(tool)] : undefined;
    switch (reason) {
      case "max_age":
        return "presumed";
      case "lease_expired":
      case "process_gone":
        return "probable";
      default:
        return "confirmed";
    }
  }

  /** The owner is decided again when its holder ends, or lets go because it makes no progress. */
  #await(owner: number, hold: Hold, atMs: number): void {
    this.#ownership.waitFor(owner, hold.holder);
    if (Number.isFinite(hold.letsGoMs)) {
      const isPast = hold.letsGoMs <= atMs;
      this.#deadlines.set(owner, isPast ? atMs + this.#stalledAfterMs : hold.letsGoMs);
    }
  }

  #goOn(owner: number, nextMs: number): void {
    const { owners } = this.#graph;
    if (Number.isFinite(nextMs)) {
      this.#deadlines.schedule(owner, nextMs);
    } else if (owners.openMarkers.get(owner) === 0) {
      this.#graph.retire(owner);
    }
  }

  /** Evicts tools that are known from a part of theirs only. Gives when the next one is due, Infinity for none. */
  #evictImplied(owner: number, atMs: number): number {
    const { owners, groups } = this.#graph;
    const { due, nextMs } = this.#implied.dueOf(owner, atMs);
    const channel = groups.channel.get(owners.group.get(owner));
    for (const tool of due) {
      add(this.#counts.started, workKinds.tool, 1);
      this.#counts.addEvicted("orphaned_no_owner", workKinds.tool, 1);
      this.#counts.addSignal("evicted", dialects.impliedParent);
      this.#implied.lose(tool, atMs);
      this.#evictions.emit(
        [],
        { reason: "orphaned_no_owner", confidence: "presumed", channel, atMs },
        { count: 1, about: tool },
      );
    }
    return nextMs;
  }

  /** Evicts tools that a harness run counted as open, or that a model asked for, as far as no marker is known for them. */
  #evictGuessed(owner: number, orphans: number, atMs: number): void {
    const { owners, groups } = this.#graph;
    const counted = this.#finished.guessed(owner, orphans);
    const requested = this.#requested.takeUnmet(owner, atMs);
    const count = counted + Math.max(0, requested - counted);
    if (count === 0) {
      return;
    }
    owners.anonymous.set(owner, owners.anonymous.get(owner) + count);
    add(this.#counts.started, workKinds.tool, count);
    this.#counts.addEvicted("orphaned_no_owner", workKinds.tool, count);
    const channel = groups.channel.get(owners.group.get(owner));
    this.#evictions.emit(
      [],
      { reason: "orphaned_no_owner", confidence: "presumed", channel, atMs },
      { count, about: this.#graph.runOf(owner) },
    );
  }
}

function lessSure(a: Confidence, b: Confidence): Confidence {
  return (
    (["presumed", "probable"] as const).find((each) => each === a || each === b) ?? "confirmed"
  );
}

import { evictionReasons, toWorkKind, type WorkKind, workKinds } from "../kinds.ts";
import { dialects, type SignalResult } from "../signals/dialects.ts";
import { type SignalBatch, signalFlags } from "../signals/signal-batch.ts";
import { type ActivityCounts, add } from "./activity-counts.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import { Admission } from "./admission.ts";
import type { FinishedWork } from "./finished-work.ts";
import type { GroupDeadlines } from "./group-deadlines.ts";
import { groupFlags } from "./group-table.ts";
import type { Judgement } from "./judgement.ts";
import { leaseMsOf, longestGuessedLeaseMs } from "./leases.ts";
import type { Ownership } from "./ownership.ts";
import type { Pauses } from "./pauses.ts";
import type { SessionStates } from "./session-states.ts";
import { SignalLookup } from "./signal-lookup.ts";
import { holds, spanFlags, spanStates } from "./span-table.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Turns signals into the state of spans and groups. What follows from time is the judgement's. */
export class Intake {
  readonly #lookup: SignalLookup;
  readonly #admission: Admission;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #ledger: WorkLedger;
  readonly #judgement: Judgement;
  readonly #deadlines: GroupDeadlines;
  readonly #ownership: Ownership;
  readonly #finished: FinishedWork;
  readonly #states: SessionStates;
  readonly #pauses: Pauses;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly ledger: WorkLedger;
    readonly judgement: Judgement;
    readonly deadlines: GroupDeadlines;
    readonly ownership: Ownership;
    readonly finished: FinishedWork;
    readonly states: SessionStates;
    readonly pauses: Pauses;
  }) {
    this.#lookup = new SignalLookup(parts.graph);
    this.#admission = new Admission(parts.limits, parts.graph, parts.ledger, this.#lookup);
    this.#graph = parts.graph;
    this.#counts = parts.counts;
    this.#ledger = parts.ledger;
    this.#judgement = parts.judgement;
    this.#deadlines = parts.deadlines;
    this.#ownership = parts.ownership;
    this.#finished = parts.finished;
    this.#states = parts.states;
    this.#pauses = parts.pauses;
  }

  /** Work started, or is still going on. */
  start(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#graph;
    const known = this.#lookup.find(batch, row);
    const kind = toWorkKind(batch.kind.get(row));
    if (known !== -1 && !this.#isOnlyLink(known, kind)) {
      if (spans.state.get(known) === spanStates.open) {
        this.#repeat(known, batch, row, nowMs);
        return "heartbeat";
      }
      if (!this.#livesOn(known, batch, row) || !this.#admission.readmits(known, batch, row)) {
        this.#ledger.rebury(known, nowMs);
        return "stale";
      }
      this.#revive(known, batch, row, nowMs);
      return "revived";
    }
    if (kind === workKinds.other) {
      return this.#define(known, batch, row, nowMs) === -1 ? "untracked" : "link";
    }
    // Room first: making it may forget the very owner that the answer depends on.
    const hasRoom = known !== -1 || this.#ledger.makeRoom();
    const refusal = hasRoom ? this.#admission.refuse(known, batch, row) : "untracked";
    if (refusal === "late_start") {
      add(this.#counts.lateStarts, kind, 1);
      return refusal;
    }
    const span = refusal === undefined ? this.#define(known, batch, row, nowMs) : -1;
    if (span === -1) {
      add(this.#counts.started, kind, 1);
      add(this.#counts.untracked, kind, 1);
      return "untracked";
    }
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)));
    this.#ledger.open(span, nowMs);
    this.#states.hear(spans.group.get(span));
    this.#callIfOwnerless(span, nowMs);
    return "started";
  }

  /** Work ended. */
  end(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#graph;
    const known = this.#lookup.find(batch, row);
    const kind = toWorkKind(batch.kind.get(row));
    if (known === -1 || this.#isOnlyLink(known, kind)) {
      return this.#finish(known, batch, row, nowMs);
    }
    switch (spans.state.get(known)) {
      case spanStates.open:
        this.#endOpen(known, batch, row, nowMs);
        return "ended";
      case spanStates.evicted:
        if (spans.hasFlag(known, spanFlags.settled)) {
          return "duplicate";
        }
        spans.setFlag(known, spanFlags.settled);
        this.#reconcile(known, nowMs);
        return "reconciled";
      default:
        return "duplicate";
    }
  }

  /** A session is over: what began in it before that has a lateness to say how it ended. */
  endSession(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { groups } = this.#graph;
    const group = this.#lookup.referencedGroupOf(batch, row);
    if (group === -1) {
      return "unmatched";
    }
    this.#states.hear(group);
    groups.endedAtMs.set(group, nowMs);
    groups.sessionEndMs.set(group, Math.max(groups.sessionEndMs.get(group), batch.endMs.get(row)));
    groups.sessionEndSeq.set(group, Math.max(groups.sessionEndSeq.get(group), batch.seq.get(row)));
    this.#deadlines.call(group, nowMs);
    return "session_ended";
  }

  /** A session waits for a person: that of the span, else the one that the references name. */
  pause(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const group = this.#groupOf(batch, row, nowMs);
    if (group === -1 || !this.#pauses.begin(group, pauseKeyOf(batch, row), nowMs)) {
      return "unmatched";
    }
    this.#states.pausesChanged(group);
    return "paused";
  }

  /** A wait for a person is over; without a key, all waits of the session are. */
  resume(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const hasKey = batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0;
    const known = hasKey ? this.#pauses.end(pauseKeyOf(batch, row)) : -1;
    const group = hasKey ? known : this.#groupOf(batch, row, nowMs);
    if (group === -1 || (!hasKey && !this.#pauses.endAll(group))) {
      return "unmatched";
    }
    this.#states.pausesChanged(group);
    this.#judgement.resume(group, nowMs);
    return "resumed";
  }

  /** The group of the span that a signal is about, else of the session it names; -1 when there is neither. */
  #groupOf(batch: SignalBatch, row: number, nowMs: number): number {
    const span = this.#lookup.find(batch, row);
    if (span !== -1) {
      return this.#graph.groupOf(span);
    }
    const group = this.#lookup.referencedGroupOf(batch, row);
    const hasSpan = batch.span0.get(row) !== 0 || batch.span1.get(row) !== 0;
    if (group !== -1 || !hasSpan) {
      return group;
    }
    // The span is on its way: signals of several pipelines overtake each other.
    const awaited = this.#addSpan(batch, row, nowMs);
    return awaited === -1 ? -1 : this.#graph.groupOf(awaited);
  }

  #finish(known: number, batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#graph;
    const kind = toWorkKind(batch.kind.get(row));
    const span = this.#define(known, batch, row, nowMs);
    if (kind === workKinds.other) {
      return span === -1 ? "untracked" : "link";
    }
    if (span === -1) {
      add(this.#counts.started, kind, 1);
      add(this.#counts.untracked, kind, 1);
      return "untracked";
    }
    spans.state.set(span, spanStates.ended);
    spans.endMs.set(span, batch.endMs.get(row));
    this.#noteOutcome(span, batch, row);
    this.#states.hear(spans.group.get(span));
    if (kind === workKinds.run) {
      this.#ledger.finish(span, nowMs);
      this.#ownerEnded(span, batch, row, nowMs);
      if (batch.parent0.get(row) === 0 && batch.parent1.get(row) === 0) {
        if (spans.hasFlag(span, spanFlags.innerRun)) {
          this.#ownership.pairRun(span, nowMs);
        }
      }
    } else {
      this.#ledger.suspend(span, nowMs);
      this.#callIfOwnerless(span, nowMs);
    }
    return "finished";
  }

  #endOpen(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, groups } = this.#graph;
    const isRun = spans.kind.get(span) === workKinds.run;
    this.#states.hear(spans.group.get(span));
    this.#linkParent(span, batch, row, nowMs);
    this.#noteOutcome(span, batch, row);
    if (isRun) {
      this.#addReferences(span, batch, row);
      this.#ledger.end(span, batch.endMs.get(row), nowMs);
      this.#ownerEnded(span, batch, row, nowMs);
      return;
    }
    if (spans.hasFlag(span, spanFlags.closedByRun)) {
      this.#judgement.evictByRun(span, nowMs);
      return;
    }
    const group = spans.group.get(span);
    const isAfterOwner =
      this.#ownership.isOwnerless(group) &&
      batch.endMs.get(row) > groups.ownerEndMs.get(group) &&
      Number.isFinite(groups.ownerEndMs.get(group));
    this.#finished.noteEnd(span, group, isAfterOwner);
    this.#ledger.end(span, batch.endMs.get(row), nowMs);
  }

  #ownerEnded(run: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, groups, traces } = this.#graph;
    const trace = spans.trace.get(run);
    const endMs = batch.endMs.get(row);
    this.#ownership.adopt(run);
    const group = spans.group.get(run);
    groups.ownerEndMs.set(group, Math.max(groups.ownerEndMs.get(group), endMs));
    groups.ownerEndSeq.set(group, Math.max(groups.ownerEndSeq.get(group), batch.seq.get(row)));
    traces.ownerEndMs.set(trace, Math.max(traces.ownerEndMs.get(trace), endMs));
    groups.claimed.set(group, groups.claimed.get(group) + batch.claimed.get(row));
    groups.completed.set(group, groups.completed.get(group) + batch.completed.get(row));
    this.#ownership.ownerGone(run, nowMs);
  }

  #repeat(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    const gapMs = nowMs - spans.seenAtMs.get(span);
    const wasHeld = spans.held.get(span) !== holds.none;
    spans.seenAtMs.set(span, nowMs);
    spans.held.set(span, holds.none);
    this.#states.hear(spans.group.get(span));
    const leaseMs =
      batch.dialect.get(row) === dialects.datadogPartial
        ? Math.max(spans.leaseMs.get(span), Math.min(leaseMsOf(gapMs), longestGuessedLeaseMs))
        : leaseMsOf(batch.intervalMs.get(row));
    const isLeaseNew = leaseMs > 0 && leaseMs !== spans.leaseMs.get(span);
    if (isLeaseNew) {
      spans.leaseMs.set(span, leaseMs);
    }
    if (isLeaseNew || wasHeld) {
      this.#ledger.ages.set(span, this.#ledger.silentUntilMs(span));
    }
    this.#linkParent(span, batch, row, nowMs);
    if (spans.kind.get(span) === workKinds.run) {
      this.#addReferences(span, batch, row);
    }
  }

  /**
   * Whether a start for evicted work says that it goes on. Only an eviction for silence can be wrong in
   * this way, and only word from after it counts: the relay tells again what is open, a heartbeat carries
   * its own time.
   */
  #livesOn(span: number, batch: SignalBatch, row: number): boolean {
    const { spans } = this.#graph;
    const isSame = spans.kind.get(span) === batch.kind.get(row);
    const isEvicted = spans.state.get(span) === spanStates.evicted;
    if (!isSame || !isEvicted || spans.hasFlag(span, spanFlags.settled)) {
      return false;
    }
    switch (evictionReasons[spans.reason.get(span)]) {
      case "process_gone":
      case "lease_expired":
        return (
          batch.dialect.get(row) === dialects.relay || batch.sentMs.get(row) > spans.endMs.get(span)
        );
      case "max_age":
        return batch.sentMs.get(row) > spans.endMs.get(span);
      default:
        return false;
    }
  }

  /** Takes evicted work back into the tracked state. It counts as started anew: counters never step back. */
  #revive(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    this.#reconcile(span, nowMs);
    const leaseMs = spans.leaseMs.get(span);
    this.#define(span, batch, row, nowMs);
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)) || leaseMs);
    this.#ledger.open(span, nowMs);
    this.#states.hear(spans.group.get(span));
    this.#callIfOwnerless(span, nowMs);
  }

  #reconcile(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    add(this.#counts.reconciled, kind, 1);
    this.#ledger.events.push({
      type: "reconciled",
      kind,
      lateByMs: nowMs - this.#ledger.evictedAtMs(span),
    });
  }

  /** Where a span begins that is in no group yet: its session if that is known, which saves merging. */
  #referencedOrNewGroup(batch: SignalBatch, row: number): number {
    const group = this.#lookup.referencedGroupOf(batch, row);
    return group === -1 ? this.#graph.groups.add(batch.process.get(row)) : group;
  }

  /**
   * Makes a span known: its row, kind, parent and group. It comes back held, out of every queue, except
   * a mere link, which is queued to be forgotten. -1 when there is no room.
   */
  #define(known: number, batch: SignalBatch, row: number, nowMs: number): number {
    const { spans } = this.#graph;
    const kind = toWorkKind(batch.kind.get(row));
    const span = known === -1 ? this.#addSpan(batch, row, nowMs) : known;
    if (span === -1) {
      return -1;
    }
    this.#ledger.arrive(span);
    const flags = batch.flags.get(row);
    spans.kind.set(span, kind);
    spans.startMs.set(span, batch.startMs.get(row));
    spans.endMs.set(span, batch.endMs.get(row));
    spans.name.set(span, batch.name.get(row));
    spans.seq.set(span, batch.seq.get(row));
    if ((flags & signalFlags.harness) !== 0) {
      spans.setFlag(span, spanFlags.harness);
    }
    if ((flags & signalFlags.innerRun) !== 0) {
      spans.setFlag(span, spanFlags.innerRun);
    }
    if (batch.dialect.get(row) === dialects.relay) {
      spans.setFlag(span, spanFlags.relayed);
    }
    switch (kind) {
      case workKinds.run:
        this.#enlistRun(span, batch, row, nowMs);
        break;
      case workKinds.tool:
      case workKinds.modelCall:
        this.#enlistMarker(span, batch, row, nowMs);
        break;
      case workKinds.other:
        this.#enlistLink(span, batch, row, nowMs);
        break;
      default: {
        const never: never = kind;
        return never;
      }
    }
    return span;
  }

  #enlistRun(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, groups, traces } = this.#graph;
    if (batch.referencesFrom(row) < batch.referencesTo(row)) {
      this.#graph.setOwnReference(span);
    }
    this.#linkParent(span, batch, row, nowMs);
    if (spans.group.get(span) === -1) {
      this.#graph.join(span, this.#referencedOrNewGroup(batch, row));
    } else {
      this.#graph.tighten(spans.group.get(span));
    }
    this.#addReferences(span, batch, row);
    this.#ownership.adopt(span);
    const group = spans.group.get(span);
    groups.setFlag(group, groupFlags.hadOwner);
    traces.hadOwner.set(spans.trace.get(span), 1);
    if (batch.channel.get(row) !== 0) {
      groups.channel.set(group, batch.channel.get(row));
    }
  }

  #enlistMarker(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, groups } = this.#graph;
    this.#linkParent(span, batch, row, nowMs);
    const waiting = spans.group.get(span);
    const to = batch.referencesTo(row);
    let group = -1;
    if (batch.referencesFrom(row) < to) {
      const owner = this.#graph.ownerAbove(span);
      const owned = owner === -1 ? -1 : spans.group.get(owner);
      group =
        owned !== -1 && !groups.hasFlag(owned, groupFlags.referenced)
          ? owned
          : this.#referencedOrNewGroup(batch, row);
      for (let reference = batch.referencesFrom(row); reference < to; reference++) {
        group = this.#graph.refer(
          group,
          batch.process.get(row),
          batch.referenceHi(reference),
          batch.referenceLo(reference),
        );
      }
    } else {
      group = this.#graph.groupAbove(span);
    }
    if (waiting !== -1) {
      // What waited below it has the same owner as it has.
      group = this.#graph.merge(group, waiting);
    }
    this.#graph.join(span, group);
  }

  #enlistLink(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    this.#linkParent(span, batch, row, nowMs);
    const waiting = spans.group.get(span);
    if (waiting !== -1) {
      this.#graph.merge(this.#graph.groupAbove(span), waiting);
      this.#callIfOwnerless(span, nowMs);
      this.#graph.leave(span);
    }
    this.#ledger.bury(span, nowMs);
  }

  #linkParent(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    const parent0 = batch.parent0.get(row);
    const parent1 = batch.parent1.get(row);
    if ((parent0 === 0 && parent1 === 0) || spans.parentOf(span) !== -1) {
      return;
    }
    const trace = spans.trace.get(span);
    let parent = spans.find(trace, parent0, parent1);
    if (parent === -1 && this.#ledger.makeRoom()) {
      parent = this.#ledger.addUnknown(trace, parent0, parent1, nowMs);
      this.#counts.addSignal("implied", dialects.impliedParent);
    }
    if (parent !== -1) {
      this.#graph.link(span, parent);
    }
  }

  #addReferences(run: number, batch: SignalBatch, row: number): void {
    const { spans } = this.#graph;
    const to = batch.referencesTo(row);
    for (let reference = batch.referencesFrom(row); reference < to; reference++) {
      this.#graph.setOwnReference(run);
      this.#graph.refer(
        spans.group.get(run),
        batch.process.get(row),
        batch.referenceHi(reference),
        batch.referenceLo(reference),
      );
    }
  }

  #noteOutcome(span: number, batch: SignalBatch, row: number): void {
    const flags = batch.flags.get(row);
    if ((flags & signalFlags.failed) !== 0) {
      this.#graph.spans.setFlag(span, spanFlags.failed);
    }
    if ((flags & signalFlags.closedByRun) !== 0) {
      this.#graph.spans.setFlag(span, spanFlags.closedByRun);
    }
  }

  #callIfOwnerless(span: number, nowMs: number): void {
    const group = this.#graph.spans.group.get(span);
    if (group !== -1 && this.#ownership.isOwnerless(group)) {
      this.#deadlines.call(group, nowMs);
    }
  }

  /** Known by name only, or as a link that turns out to be work. */
  #isOnlyLink(span: number, kind: WorkKind): boolean {
    const { spans } = this.#graph;
    return (
      spans.state.get(span) === spanStates.unknown ||
      (spans.kind.get(span) === workKinds.other && kind !== workKinds.other)
    );
  }

  #addSpan(batch: SignalBatch, row: number, nowMs: number): number {
    if (!this.#ledger.makeRoom()) {
      return -1;
    }
    const trace = this.#graph.traces.findOrAdd(
      batch.process.get(row),
      batch.trace0.get(row),
      batch.trace1.get(row),
      batch.trace2.get(row),
      batch.trace3.get(row),
    );
    return this.#ledger.addUnknown(trace, batch.span0.get(row), batch.span1.get(row), nowMs);
  }
}

function pauseKeyOf(batch: SignalBatch, row: number): string {
  return `${batch.process.get(row)}:${batch.key0.get(row)}:${batch.key1.get(row)}`;
}

import { evictionReasons, toWorkKind, type WorkKind, workKinds } from "../kinds.ts";
import { dialects, type SignalResult } from "../signals/dialects.ts";
import { type SignalBatch, signalFlags } from "../signals/signal-batch.ts";
import { type ActivityCounts, add } from "./activity-counts.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import { Admission } from "./admission.ts";
import type { Enlistment } from "./enlistment.ts";
import type { FinishedWork } from "./finished-work.ts";
import type { Judgement } from "./judgement.ts";
import { leaseMsOf, longestGuessedLeaseMs } from "./leases.ts";
import type { Ownership } from "./ownership.ts";
import type { SessionStates } from "./session-states.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import { holds, spanFlags, spanStates } from "./span-table.ts";
import type { Tombstones } from "./tombstones.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Turns signals into the state of spans and groups. What follows from time is the judgement's. */
export class Intake {
  readonly #lookup: SignalLookup;
  readonly #enlistment: Enlistment;
  readonly #admission: Admission;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #ledger: WorkLedger;
  readonly #tombstones: Tombstones;
  readonly #judgement: Judgement;
  readonly #ownership: Ownership;
  readonly #finished: FinishedWork;
  readonly #states: SessionStates;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly lookup: SignalLookup;
    readonly enlistment: Enlistment;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly ledger: WorkLedger;
    readonly tombstones: Tombstones;
    readonly judgement: Judgement;
    readonly ownership: Ownership;
    readonly finished: FinishedWork;
    readonly states: SessionStates;
  }) {
    this.#lookup = parts.lookup;
    this.#enlistment = parts.enlistment;
    this.#admission = new Admission(parts.limits, parts.graph, parts.ledger, this.#lookup);
    this.#graph = parts.graph;
    this.#counts = parts.counts;
    this.#ledger = parts.ledger;
    this.#tombstones = parts.tombstones;
    this.#judgement = parts.judgement;
    this.#ownership = parts.ownership;
    this.#finished = parts.finished;
    this.#states = parts.states;
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
        this.#tombstones.rebury(known, nowMs);
        return "stale";
      }
      this.#revive(known, batch, row, nowMs);
      return "revived";
    }
    if (kind === workKinds.other) {
      return this.#enlistment.define(known, batch, row, nowMs) === -1 ? "untracked" : "link";
    }
    // Room first: making it may forget the very owner that the answer depends on.
    const hasRoom = known !== -1 || this.#tombstones.makeRoom();
    const refusal = hasRoom ? this.#admission.refuse(known, batch, row) : "untracked";
    if (refusal === "late_start") {
      add(this.#counts.lateStarts, kind, 1);
      return refusal;
    }
    const span = refusal === undefined ? this.#enlistment.define(known, batch, row, nowMs) : -1;
    if (span === -1) {
      add(this.#counts.started, kind, 1);
      add(this.#counts.untracked, kind, 1);
      return "untracked";
    }
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)));
    this.#ledger.open(span, nowMs);
    this.#states.hear(spans.group.get(span));
    this.#ownership.callIfOwnerless(span, nowMs);
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

  #finish(known: number, batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#graph;
    const kind = toWorkKind(batch.kind.get(row));
    const span = this.#enlistment.define(known, batch, row, nowMs);
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
      this.#tombstones.suspend(span, nowMs);
      this.#ownership.callIfOwnerless(span, nowMs);
    }
    return "finished";
  }

  #endOpen(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, groups } = this.#graph;
    const isRun = spans.kind.get(span) === workKinds.run;
    this.#states.hear(spans.group.get(span));
    this.#enlistment.linkParent(span, batch, row, nowMs);
    this.#noteOutcome(span, batch, row);
    if (isRun) {
      this.#enlistment.addReferences(span, batch, row);
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
    this.#enlistment.linkParent(span, batch, row, nowMs);
    if (spans.kind.get(span) === workKinds.run) {
      this.#enlistment.addReferences(span, batch, row);
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
    this.#enlistment.define(span, batch, row, nowMs);
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)) || leaseMs);
    this.#ledger.open(span, nowMs);
    this.#states.hear(spans.group.get(span));
    this.#ownership.callIfOwnerless(span, nowMs);
  }

  #reconcile(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    add(this.#counts.reconciled, kind, 1);
    this.#ledger.events.push({
      type: "reconciled",
      kind,
      lateByMs: nowMs - this.#tombstones.evictedAtMs(span),
    });
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

  /** Known by name only, or as a link that turns out to be work. */
  #isOnlyLink(span: number, kind: WorkKind): boolean {
    const { spans } = this.#graph;
    return (
      spans.state.get(span) === spanStates.unknown ||
      (spans.kind.get(span) === workKinds.other && kind !== workKinds.other)
    );
  }
}

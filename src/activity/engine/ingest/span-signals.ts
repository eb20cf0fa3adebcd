import { dialects, type SignalResult } from "../../model/dialects.ts";
import type { ActivityEvent } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { reasonOf, reasons } from "../../model/reasons.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../../model/signal-batch.ts";
import {
  kindNames,
  type Progress,
  progressNames,
  toWorkKind,
  type WorkKind,
  workKinds,
} from "../../model/work.ts";
import type { Holders } from "../policy/holders.ts";
import { leaseMsOf, maxInferredLeaseMs } from "../policy/leases.ts";
import type { OrphanPolicy } from "../policy/orphan-policy.ts";
import type { OwnerEnds } from "../policy/owner-ends.ts";
import type { Ownership } from "../policy/ownership.ts";
import type { Pauses } from "../policy/pauses.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { SessionStates } from "../policy/session-states.ts";
import type { SplitRuns } from "../policy/split-runs.ts";
import { type ActivityCounters, add } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { openMembersOf } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { Retention } from "../store/retention.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { evictionHolds, spanFlags } from "../store/span-table.ts";
import { Admission } from "./admission.ts";
import type { FinishedWork } from "./finished-work.ts";
import type { ImpliedTools } from "./implied-tools.ts";
import type { RequestedTools } from "./requested-tools.ts";
import { isSameAsAbove, sameBelow, workFrom } from "./same-work.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import type { SpanRegistry } from "./span-registry.ts";
import { lacksInnerRun } from "./split-traces.ts";

/** Nothing is retried for longer than a few minutes. */
const maxDelayMs = 900_000;

/** What it needs of the engine. */
interface SpanSignalsParts {
  readonly events: ActivityEvent[];
  readonly limits: ActivityLimits;
  readonly lookup: SignalLookup;
  readonly registry: SpanRegistry;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly openWork: OpenWork;
  readonly retention: Retention;
  readonly orphanPolicy: OrphanPolicy;
  readonly holders: Holders;
  readonly ownership: Ownership;
  readonly splitRuns: SplitRuns;
  readonly ownerEnds: OwnerEnds;
  readonly finished: FinishedWork;
  readonly processes: ProcessLiveness;
  readonly implied: ImpliedTools;
  readonly states: SessionStates;
  readonly pauses: Pauses;
  readonly requested: RequestedTools;
}

/** Turns signals into the state of spans and groups. What follows from time is the judgement's. */
export class SpanSignals {
  readonly #parts: SpanSignalsParts;
  readonly #admission: Admission;

  constructor(parts: SpanSignalsParts) {
    this.#parts = parts;
    this.#admission = new Admission(parts);
  }

  /** A signal of a process beyond the bound: of its work nothing is tracked. */
  refuseProcess(batch: SignalBatch, row: number): SignalResult {
    const type = batch.type.get(row);
    const kind = toWorkKind(batch.kind.get(row));
    const isWork = type === signalTypes.start || type === signalTypes.end;
    if (isWork && kind !== workKinds.other) {
      this.#countUntracked(kind);
    }
    return "untracked";
  }

  #countUntracked(kind: WorkKind): void {
    add(this.#parts.counters.started, kind, 1);
    add(this.#parts.counters.untracked, kind, 1);
  }

  /** Work started, or is still going on. */
  start(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#parts.store;
    const known = this.#parts.lookup.find(batch, row);
    const kind = this.#kindOf(known, batch, row);
    if (known !== -1 && !this.#isOnlyLink(known, kind)) {
      if (spans.state.get(known) === spanStates.open) {
        this.#repeat(known, batch, row, nowMs);
        return "heartbeat";
      }
      if (
        !this.#isStillAlive(known, batch, row, nowMs) ||
        !this.#admission.admitsAgain(known, batch, row)
      ) {
        this.#parts.retention.retainLonger(known, nowMs);
        return "stale";
      }
      this.#reopen(known, batch, row, nowMs);
      return "revived";
    }
    if (kind === workKinds.other) {
      const link = this.#registerLink(known, batch, row, nowMs);
      if (link !== -1) {
        this.#reconcileImplied(link, nowMs);
        this.#onWaitingSpan(link);
      }
      return link === -1 ? "untracked" : "link";
    }
    // Room first: making it may forget the very owner that the answer depends on.
    const hasRoom = known !== -1 || this.#parts.retention.makeRoom();
    const refusal = hasRoom ? this.#admission.refusalOf(known, batch, row, nowMs) : "untracked";
    if (refusal === "late_start") {
      add(this.#parts.counters.lateStarts, kind, 1);
      return refusal;
    }
    const inner = sameBelow(this.#parts.store, known, batch, row);
    const span =
      refusal === undefined ? this.#parts.registry.register(known, batch, row, nowMs) : -1;
    if (span === -1) {
      this.#leaveUntracked(known, batch, row);
      return "untracked";
    }
    this.#reconcileImplied(span, nowMs);
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)));
    if (isAtStart(batch.dialect.get(row))) {
      spans.setFlag(span, spanFlags.reportedAtStart);
    }
    this.#open(span, kind, nowMs);
    this.#replaceInner(inner, span, nowMs);
    this.#recordWork(span, {
      atMs: nowMs,
      timeMs: batch.startMs.get(row),
      seq: batch.seq.get(row),
    });
    const lateByMs =
      kind === workKinds.tool ? this.#parts.requested.takeEvicted(batch, row, nowMs) : undefined;
    if (lateByMs !== undefined) {
      this.#addReconciled(kind, lateByMs);
      return "revived";
    }
    return "started";
  }

  /** A part of a tool has arrived, which says what its parent is. */
  toolPart(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const tool = this.#parts.lookup.find(batch, row);
    const isNews = tool !== -1 && this.#parts.implied.add(tool, batch.startMs.get(row), nowMs);
    return isNews ? "link" : "duplicate";
  }

  /** Work ended. */
  end(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#parts.store;
    const known = this.#parts.lookup.find(batch, row);
    const kind = this.#kindOf(known, batch, row);
    if (known === -1 || this.#isOnlyLink(known, kind)) {
      return this.#finish(known, batch, row, nowMs);
    }
    switch (spans.state.get(known)) {
      case spanStates.open:
        this.#endOpen(known, batch, row, nowMs);
        return "ended";
      case spanStates.evicted:
        if (spans.hasFlag(known, spanFlags.endReported)) {
          return "duplicate";
        }
        spans.setFlag(known, spanFlags.endReported);
        this.#parts.states.recordProgress(known, progressOf(kind, "end"));
        this.#reconcile(known, nowMs);
        return "reconciled";
      default:
        return "duplicate";
    }
  }

  #finish(known: number, batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#parts.store;
    const kind = this.#kindOf(known, batch, row);
    if (kind === workKinds.other) {
      const link = this.#registerLink(known, batch, row, nowMs);
      if (link !== -1) {
        this.#reconcileImplied(link, nowMs);
      }
      return link === -1 ? "untracked" : "link";
    }
    const inner = sameBelow(this.#parts.store, known, batch, row);
    const span = this.#parts.registry.register(known, batch, row, nowMs);
    if (span === -1) {
      this.#leaveUntracked(known, batch, row);
      return "untracked";
    }
    const wasLost = this.#reconcileImplied(span, nowMs);
    spans.endMs.set(span, batch.endMs.get(row));
    this.#recordOutcome(span, batch, row);
    this.#parts.states.recordProgress(span, progressOf(kind, "end"));
    if (wasLost && kind === workKinds.tool) {
      this.#parts.openWork.closeAsEvicted(span, nowMs);
      return "reconciled";
    }
    if (kind === workKinds.run) {
      this.#finishRun(span, batch, row, nowMs);
      this.#ownerEnded(span, batch, row, nowMs);
    } else {
      this.#recordModelCall(span, kind);
      this.#parts.requested.onFinished(span, batch, row, nowMs);
      this.#parts.retention.awaitDecision(span, nowMs);
      this.#parts.openWork.releaseHoldsInside(span, nowMs);
      this.#replaceInner(inner, span, nowMs);
      this.#parts.finished.add(span);
    }
    return "finished";
  }

  /** What a signal is about: a mere link where another span is the same work. */
  #kindOf(known: number, batch: SignalBatch, row: number): WorkKind {
    const { spans } = this.#parts.store;
    const isDecided = known !== -1 && spans.state.get(known) !== spanStates.unknown;
    const isSame = isDecided
      ? spans.hasFlag(known, spanFlags.sameWork)
      : this.#isSameWork(known, batch, row);
    return isSame ? workKinds.other : toWorkKind(batch.kind.get(row));
  }

  /** Where what is the same arrived first, the outer span takes its place, unless only one of the two has a start. */
  #isSameWork(known: number, batch: SignalBatch, row: number): boolean {
    const { spans } = this.#parts.store;
    const isStart = batch.type.get(row) === signalTypes.start;
    return (
      isSameAsAbove(this.#parts.store, this.#parts.lookup, known, batch, row) ||
      sameBelow(this.#parts.store, known, batch, row).some(
        (each) => (spans.state.get(each) === spanStates.open) !== isStart,
      )
    );
  }

  /** Another span is the same work and has been taken in: these are links from now on. */
  #replaceInner(inner: readonly number[], outer: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    for (const span of inner) {
      this.#parts.openWork.withdraw(span, nowMs);
      spans.setFlag(span, spanFlags.sameWork);
      if (spans.hasFlag(span, spanFlags.detached)) {
        this.#parts.store.detach(outer);
      }
    }
  }

  #registerLink(known: number, batch: SignalBatch, row: number, nowMs: number): number {
    const { spans } = this.#parts.store;
    const link = this.#parts.registry.register(known, batch, row, nowMs, workKinds.other);
    if (link !== -1 && batch.kind.get(row) !== workKinds.other) {
      spans.setFlag(link, spanFlags.sameWork);
      const work = workFrom(this.#parts.store, spans.parentOf(link));
      const isDetached = (batch.flags.get(row) & signalFlags.detached) !== 0;
      if (isDetached && work !== -1 && spans.kind.get(work) === workKinds.tool) {
        this.#parts.store.detach(work);
      }
    }
    return link;
  }

  #finishRun(run: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    if (!spans.hasFlag(run, spanFlags.harness)) {
      this.#parts.openWork.finish(run, nowMs, {
        isCounted: !this.#parts.splitRuns.isSplit(run, nowMs),
      });
      return;
    }
    const tookMs = spans.endMs.get(run) - spans.startMs.get(run);
    const isEndedByExporter = (batch.flags.get(row) & signalFlags.noOutcome) !== 0;
    if (isEndedByExporter && tookMs > this.#parts.limits.tombstoneTtlMs) {
      // It ended long ago and was counted then, by another span that may be forgotten.
      this.#parts.openWork.finish(run, nowMs, { isCounted: false });
    } else if (lacksInnerRun(this.#parts.store, spans.owner.get(run))) {
      this.#parts.retention.awaitDecision(run, nowMs);
    } else {
      this.#parts.openWork.finish(run, nowMs);
    }
  }

  /** Bounds do not allow to track it. A run in a harness run is counted with that, tracked or not. */
  #leaveUntracked(known: number, batch: SignalBatch, row: number): void {
    const { spans } = this.#parts.store;
    const parent = this.#parts.lookup.parentOf(known, batch, row);
    const hasParent = batch.parent0.get(row) !== 0 || batch.parent1.get(row) !== 0;
    const isInner =
      (batch.flags.get(row) & signalFlags.innerRun) !== 0 &&
      hasParent &&
      (parent === -1 ||
        spans.state.get(parent) === spanStates.unknown ||
        spans.hasFlag(parent, spanFlags.harness));
    if (!isInner) {
      const kind = toWorkKind(batch.kind.get(row));
      add(this.#parts.counters.started, kind, 1);
      add(this.#parts.counters.untracked, kind, 1);
    }
  }

  #endOpen(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, owners } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    this.#parts.registry.linkParent(span, batch, row, nowMs);
    this.#recordOutcome(span, batch, row);
    if (kind !== workKinds.run && spans.hasFlag(span, spanFlags.closedByRun)) {
      this.#parts.orphanPolicy.evictByRun(span, nowMs);
      this.#parts.states.recordProgress(span, progressOf(kind, "end"));
      return;
    }
    this.#parts.states.recordProgress(span, progressOf(kind, "end"));
    if (kind === workKinds.run) {
      this.#parts.registry.addReferences(span, batch, row);
      this.#parts.openWork.end(span, batch.endMs.get(row), nowMs);
      this.#ownerEnded(span, batch, row, nowMs);
      return;
    }
    this.#recordModelCall(span, kind);
    const owner = spans.owner.get(span);
    const ownerEndMs = owners.endMs.get(owner);
    const isAfterOwner =
      this.#parts.ownership.hasEnded(owner) && ownerEndMs > 0 && batch.endMs.get(row) > ownerEndMs;
    this.#parts.finished.recordEnd(span, owner, isAfterOwner);
    this.#parts.openWork.end(span, batch.endMs.get(row), nowMs);
  }

  #ownerEnded(run: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, owners } = this.#parts.store;
    const owner = spans.owner.get(run);
    owners.reportedOpen.set(owner, owners.reportedOpen.get(owner) + batch.reportedOpen.get(row));
    owners.reportedCompleted.set(
      owner,
      owners.reportedCompleted.get(owner) + batch.reportedCompleted.get(row),
    );
    this.#parts.ownerEnds.runEnded(run, {
      atMs: nowMs,
      timeMs: batch.endMs.get(row),
      seq: batch.seq.get(row),
    });
  }

  /** Work is open from now on; a marker of an owner that has ended has a lateness to say how it ended. */
  #open(span: number, kind: WorkKind, nowMs: number): void {
    const { spans } = this.#parts.store;
    const isSplit = kind === workKinds.run && this.#parts.splitRuns.isSplit(span, nowMs);
    this.#parts.openWork.open(span, nowMs, { isCounted: !isSplit });
    this.#parts.states.recordProgress(span, progressOf(kind, "start"));
    this.#onWaitingSpan(span);
    const owner = spans.owner.get(span);
    if (kind !== workKinds.run) {
      this.#parts.ownerEnds.scheduleCheck(span, nowMs);
    } else if (this.#parts.store.owners.openMarkers.get(owner) > 0) {
      this.#parts.states.reviewAbove(span); // They may have been silent for longer than it.
    }
  }

  /** Work started in a run. If its session was reported idle before that, the run has not ended; ends may be late. */
  #recordWork(span: number, moment: Moment): void {
    const { spans, owners } = this.#parts.store;
    const own = spans.kind.get(span) === workKinds.run ? spans.owner.get(span) : -1;
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      const owner = spans.kind.get(at) === workKinds.run ? spans.owner.get(at) : -1;
      if (owner === -1 || owner === own) {
        continue;
      }
      owners.setLastWork(owner, moment, this.#parts.limits.allowedLatenessMs);
      const idle = owners.idleOf(owner);
      if (
        Number.isFinite(idle.atMs) &&
        compareMoments(idle, moment, this.#parts.limits.allowedLatenessMs) <= 0
      ) {
        owners.idleAtMs.set(owner, Number.NEGATIVE_INFINITY);
      }
    }
  }

  /** A span arrived that was said before to wait for a person, or is part of what was. */
  #onWaitingSpan(span: number): void {
    if (this.#parts.pauses.concerns(span)) {
      this.#parts.states.reviewAbove(span);
    }
  }

  /** Whether the last model call of a run failed says what a run does in which nothing is open. */
  #recordModelCall(span: number, kind: WorkKind): void {
    const { spans, owners } = this.#parts.store;
    const owner = spans.owner.get(span);
    if (kind !== workKinds.modelCall || owner === -1) {
      return;
    }
    owners.lastModelMs.set(owner, Math.max(owners.lastModelMs.get(owner), spans.startMs.get(span)));
    if (spans.hasFlag(span, spanFlags.failed)) {
      owners.setFlag(owner, ownerFlags.modelFailed);
    } else {
      owners.clearFlag(owner, ownerFlags.modelFailed);
    }
  }

  /** A repeat that says that there was progress: of a run, in its open model calls as well. */
  #recordProgress(span: number): void {
    const { spans } = this.#parts.store;
    if (spans.kind.get(span) === workKinds.run) {
      for (const each of openMembersOf(this.#parts.store, spans.owner.get(span))) {
        if (spans.kind.get(each) === workKinds.modelCall) {
          this.#parts.states.recordProgress(each, "progress");
        }
      }
    }
    this.#parts.states.recordProgress(span, "progress");
  }

  #repeat(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    const gapMs = nowMs - spans.seenAtMs.get(span);
    if (this.#parts.processes.wasDeletedBefore(batch.process.get(row), nowMs)) {
      spans.setFlag(span, spanFlags.reportedAfterDelete);
    }
    const wasHeld = spans.held.get(span) !== evictionHolds.none;
    spans.seenAtMs.set(span, nowMs);
    spans.held.set(span, evictionHolds.none);
    if ((batch.flags.get(row) & signalFlags.progress) !== 0) {
      this.#recordProgress(span);
    }
    const leaseMs =
      batch.dialect.get(row) === dialects.datadogPartial
        ? Math.max(spans.leaseMs.get(span), Math.min(leaseMsOf(gapMs), maxInferredLeaseMs))
        : leaseMsOf(batch.intervalMs.get(row));
    const isLeaseNew = leaseMs > 0 && leaseMs !== spans.leaseMs.get(span);
    if (isLeaseNew) {
      spans.leaseMs.set(span, leaseMs);
    }
    if (isLeaseNew || wasHeld) {
      this.#parts.openWork.expiry.set(span, this.#parts.openWork.expiresAtMs(span));
    }
    const kind = spans.kind.get(span);
    if (kind === workKinds.tool && (batch.flags.get(row) & signalFlags.detached) !== 0) {
      this.#parts.store.detach(span); // Its first start may have said less.
    }
    this.#parts.registry.linkParent(span, batch, row, nowMs);
    if (kind === workKinds.run) {
      this.#parts.registry.addReferences(span, batch, row);
    }
  }

  /**
   * Whether a start for evicted work says that it goes on. Only an eviction for silence can be wrong in
   * this way, and only word from after it counts: the relay tells again what is open, a heartbeat carries
   * its own time.
   */
  #isStillAlive(span: number, batch: SignalBatch, row: number, nowMs: number): boolean {
    const { spans } = this.#parts.store;
    const isSame = spans.kind.get(span) === batch.kind.get(row);
    const isEvicted = spans.state.get(span) === spanStates.evicted;
    if (!isSame || !isEvicted || spans.hasFlag(span, spanFlags.endReported)) {
      return false;
    }
    const reason = reasonOf(spans.reason.get(span));
    switch (reason === undefined ? "nothing" : reasons[reason].reopensOn) {
      case "relay_or_later_heartbeat":
        return (
          batch.dialect.get(row) === dialects.relay ||
          this.#wasSentAfterEviction(span, batch.sentMs.get(row), nowMs)
        );
      case "later_heartbeat":
        return this.#wasSentAfterEviction(span, batch.sentMs.get(row), nowMs);
      default:
        return false;
    }
  }

  /** Whether a heartbeat was sent after an eviction. One that seems to have been on its way for too long was: the clock was set back. */
  #wasSentAfterEviction(span: number, sentMs: number, nowMs: number): boolean {
    const { spans } = this.#parts.store;
    if (sentMs <= 0 || sentMs > spans.endMs.get(span)) {
      return sentMs > 0;
    }
    const startOffsetMs = spans.startedAtMs.get(span) - spans.startMs.get(span);
    return nowMs - sentMs - startOffsetMs > maxDelayMs;
  }

  /** Takes evicted work back into the tracked state. It counts as started anew: counters never step back. */
  #reopen(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    this.#reconcile(span, nowMs);
    const leaseMs = spans.leaseMs.get(span);
    this.#parts.registry.register(span, batch, row, nowMs);
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)) || leaseMs);
    spans.clearFlag(span, spanFlags.reportedAtStart);
    this.#open(span, toWorkKind(spans.kind.get(span)), nowMs);
  }

  /** An implied tool that was counted as evicted has arrived after all. True when it was one. */
  #reconcileImplied(span: number, nowMs: number): boolean {
    const { spans } = this.#parts.store;
    if (!spans.hasFlag(span, spanFlags.presumedEvicted)) {
      return false;
    }
    spans.clearFlag(span, spanFlags.presumedEvicted);
    add(this.#parts.counters.reconciled, workKinds.tool, 1);
    this.#parts.events.push({
      type: "reconciled",
      kind: workKinds.tool,
      lateByMs: nowMs - spans.seenAtMs.get(span),
    });
    return true;
  }

  #reconcile(span: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    if (this.#parts.openWork.countsReconciliation(span)) {
      this.#addReconciled(kind, nowMs - this.#parts.retention.evictedAtMs(span));
    }
  }

  #addReconciled(kind: WorkKind, lateByMs: number): void {
    add(this.#parts.counters.reconciled, kind, 1);
    this.#parts.events.push({ type: "reconciled", kind, lateByMs });
  }

  #recordOutcome(span: number, batch: SignalBatch, row: number): void {
    const flags = batch.flags.get(row);
    if ((flags & signalFlags.failed) !== 0) {
      this.#parts.store.spans.setFlag(span, spanFlags.failed);
    }
    const isDetached =
      (flags & signalFlags.detached) !== 0 ||
      this.#parts.store.spans.hasFlag(span, spanFlags.detached);
    // An exporter that ends a span with its run does not know what becomes of a tool that goes on.
    if ((flags & signalFlags.closedByRun) !== 0 && !isDetached) {
      this.#parts.store.spans.setFlag(span, spanFlags.closedByRun);
    }
    if ((flags & signalFlags.aborted) !== 0) {
      this.#parts.store.spans.setFlag(span, spanFlags.aborted);
    }
  }

  /** Known by name only, or as a link that turns out to be work. */
  #isOnlyLink(span: number, kind: WorkKind): boolean {
    const { spans } = this.#parts.store;
    return (
      spans.state.get(span) === spanStates.unknown ||
      (spans.kind.get(span) === workKinds.other && kind !== workKinds.other)
    );
  }
}

/** Whether starts of a dialect are sent when work begins. The others first speak of work that has been open for a while. */
function isAtStart(dialect: number): boolean {
  return (
    dialect === dialects.relay ||
    dialect === dialects.liveSpan ||
    dialect === dialects.logfirePending
  );
}

function progressOf(kind: WorkKind, what: "start" | "end"): Progress {
  return progressNames.find((each) => each === `${kindNames[kind]}.${what}`) ?? "progress";
}

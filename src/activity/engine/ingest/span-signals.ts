import { dialects, type SignalResult } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../../model/signal-batch.ts";
import {
  evictionReasons,
  kindNames,
  type Progress,
  progressNames,
  toWorkKind,
  type WorkKind,
  workKinds,
} from "../../model/work.ts";
import type { Holders } from "../policy/holders.ts";
import { leaseMsOf, longestGuessedLeaseMs } from "../policy/leases.ts";
import type { Judgement } from "../policy/orphan-policy.ts";
import type { Ownership } from "../policy/ownership.ts";
import type { Pauses } from "../policy/pauses.ts";
import type { ProcessWatch } from "../policy/process-liveness.ts";
import type { SessionStates } from "../policy/session-states.ts";
import { type ActivityCounts, add } from "../store/activity-counters.ts";
import type { ActivityGraph } from "../store/activity-store.ts";
import { openWorkOf } from "../store/open-members.ts";
import type { WorkLedger } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { Tombstones } from "../store/retention.ts";
import { holds, spanFlags, spanStates } from "../store/span-table.ts";
import { Admission } from "./admission.ts";
import type { FinishedWork } from "./finished-work.ts";
import type { ImpliedTools } from "./implied-tools.ts";
import type { RequestedTools } from "./requested-tools.ts";
import { isSameAsAbove, sameBelow, workFrom } from "./same-work.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import type { Enlistment } from "./span-registry.ts";
import { lacksInnerRun } from "./split-traces.ts";

/** Nothing is retried for longer than a few minutes. */
const longestDelayMs = 900_000;

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
  readonly #processes: ProcessWatch;
  readonly #implied: ImpliedTools;
  readonly #states: SessionStates;
  readonly #pauses: Pauses;
  readonly #requested: RequestedTools;
  readonly #allowedLatenessMs: number;
  readonly #tombstoneTtlMs: number;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly lookup: SignalLookup;
    readonly enlistment: Enlistment;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly ledger: WorkLedger;
    readonly tombstones: Tombstones;
    readonly judgement: Judgement;
    readonly holders: Holders;
    readonly ownership: Ownership;
    readonly finished: FinishedWork;
    readonly processes: ProcessWatch;
    readonly implied: ImpliedTools;
    readonly states: SessionStates;
    readonly pauses: Pauses;
    readonly requested: RequestedTools;
  }) {
    this.#lookup = parts.lookup;
    this.#enlistment = parts.enlistment;
    this.#admission = new Admission(parts);
    this.#graph = parts.graph;
    this.#counts = parts.counts;
    this.#ledger = parts.ledger;
    this.#tombstones = parts.tombstones;
    this.#judgement = parts.judgement;
    this.#ownership = parts.ownership;
    this.#finished = parts.finished;
    this.#processes = parts.processes;
    this.#implied = parts.implied;
    this.#states = parts.states;
    this.#pauses = parts.pauses;
    this.#requested = parts.requested;
    this.#allowedLatenessMs = parts.limits.allowedLatenessMs;
    this.#tombstoneTtlMs = parts.limits.tombstoneTtlMs;
  }

  /** A signal of a process beyond the bound: of its work nothing is tracked. */
  refuse(batch: SignalBatch, row: number): SignalResult {
    const type = batch.type.get(row);
    const kind = toWorkKind(batch.kind.get(row));
    const isWork = type === signalTypes.start || type === signalTypes.end;
    if (isWork && kind !== workKinds.other) {
      this.#countUntracked(kind);
    }
    return "untracked";
  }

  #countUntracked(kind: WorkKind): void {
    add(this.#counts.started, kind, 1);
    add(this.#counts.untracked, kind, 1);
  }

  /** Work started, or is still going on. */
  start(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#graph;
    const known = this.#lookup.find(batch, row);
    const kind = this.#kindOf(known, batch, row);
    if (known !== -1 && !this.#isOnlyLink(known, kind)) {
      if (spans.state.get(known) === spanStates.open) {
        this.#repeat(known, batch, row, nowMs);
        return "heartbeat";
      }
      if (
        !this.#livesOn(known, batch, row, nowMs) ||
        !this.#admission.readmits(known, batch, row)
      ) {
        this.#tombstones.rebury(known, nowMs);
        return "stale";
      }
      this.#revive(known, batch, row, nowMs);
      return "revived";
    }
    if (kind === workKinds.other) {
      const link = this.#defineLink(known, batch, row, nowMs);
      if (link !== -1) {
        this.#takeBack(link, nowMs);
        this.#noteWait(link);
      }
      return link === -1 ? "untracked" : "link";
    }
    // Room first: making it may forget the very owner that the answer depends on.
    const hasRoom = known !== -1 || this.#tombstones.makeRoom();
    const refusal = hasRoom ? this.#admission.refuse(known, batch, row, nowMs) : "untracked";
    if (refusal === "late_start") {
      add(this.#counts.lateStarts, kind, 1);
      return refusal;
    }
    const inner = sameBelow(this.#graph, known, batch, row);
    const span = refusal === undefined ? this.#enlistment.define(known, batch, row, nowMs) : -1;
    if (span === -1) {
      this.#leaveUntracked(known, batch, row);
      return "untracked";
    }
    this.#takeBack(span, nowMs);
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)));
    if (isAtStart(batch.dialect.get(row))) {
      spans.setFlag(span, spanFlags.reportedAtStart);
    }
    this.#open(span, kind, nowMs);
    this.#replace(inner, span, nowMs);
    this.#noteWork(span, {
      atMs: nowMs,
      timeMs: batch.startMs.get(row),
      seq: batch.seq.get(row),
    });
    const lateByMs =
      kind === workKinds.tool ? this.#requested.takeEvicted(batch, row, nowMs) : undefined;
    if (lateByMs !== undefined) {
      this.#addReconciled(kind, lateByMs);
      return "revived";
    }
    return "started";
  }

  /** A part of a tool has arrived, which says what its parent is. */
  toolPart(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const tool = this.#lookup.find(batch, row);
    const isNews = tool !== -1 && this.#implied.note(tool, batch.startMs.get(row), nowMs);
    return isNews ? "link" : "duplicate";
  }

  /** Work ended. */
  end(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#graph;
    const known = this.#lookup.find(batch, row);
    const kind = this.#kindOf(known, batch, row);
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
        this.#states.progress(known, progressOf(kind, "end"));
        this.#reconcile(known, nowMs);
        return "reconciled";
      default:
        return "duplicate";
    }
  }

  #finish(known: number, batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { spans } = this.#graph;
    const kind = this.#kindOf(known, batch, row);
    if (kind === workKinds.other) {
      const link = this.#defineLink(known, batch, row, nowMs);
      if (link !== -1) {
        this.#takeBack(link, nowMs);
      }
      return link === -1 ? "untracked" : "link";
    }
    const inner = sameBelow(this.#graph, known, batch, row);
    const span = this.#enlistment.define(known, batch, row, nowMs);
    if (span === -1) {
      this.#leaveUntracked(known, batch, row);
      return "untracked";
    }
    const wasLost = this.#takeBack(span, nowMs);
    spans.state.set(span, spanStates.ended);
    spans.endMs.set(span, batch.endMs.get(row));
    this.#noteOutcome(span, batch, row);
    this.#states.progress(span, progressOf(kind, "end"));
    if (wasLost && kind === workKinds.tool) {
      this.#ledger.settle(span, nowMs);
      return "reconciled";
    }
    if (kind === workKinds.run) {
      this.#finishRun(span, batch, row, nowMs);
      this.#ownerEnded(span, batch, row, nowMs);
    } else {
      this.#noteModelCall(span, kind);
      this.#requested.noteFinished(span, batch, row, nowMs);
      this.#tombstones.suspend(span, nowMs);
      this.#ledger.releaseInside(span, nowMs);
      this.#replace(inner, span, nowMs);
      this.#finished.note(span);
    }
    return "finished";
  }

  /** What a signal is about: a mere link where another span is the same work. */
  #kindOf(known: number, batch: SignalBatch, row: number): WorkKind {
    const { spans } = this.#graph;
    const isDecided = known !== -1 && spans.state.get(known) !== spanStates.unknown;
    const isSame = isDecided
      ? spans.hasFlag(known, spanFlags.sameWork)
      : this.#isSameWork(known, batch, row);
    return isSame ? workKinds.other : toWorkKind(batch.kind.get(row));
  }

  /** Where what is the same arrived first, the outer span takes its place, unless only one of the two has a start. */
  #isSameWork(known: number, batch: SignalBatch, row: number): boolean {
    const { spans } = this.#graph;
    const isStart = batch.type.get(row) === signalTypes.start;
    return (
      isSameAsAbove(this.#graph, this.#lookup, known, batch, row) ||
      sameBelow(this.#graph, known, batch, row).some(
        (each) => (spans.state.get(each) === spanStates.open) !== isStart,
      )
    );
  }

  /** Another span is the same work and has been taken in: these are links from now on. */
  #replace(inner: readonly number[], outer: number, nowMs: number): void {
    const { spans } = this.#graph;
    for (const span of inner) {
      this.#ledger.takeBack(span, nowMs);
      spans.setFlag(span, spanFlags.sameWork);
      if (spans.hasFlag(span, spanFlags.detached)) {
        this.#graph.detach(outer);
      }
    }
  }

  #defineLink(known: number, batch: SignalBatch, row: number, nowMs: number): number {
    const { spans } = this.#graph;
    const link = this.#enlistment.define(known, batch, row, nowMs, workKinds.other);
    if (link !== -1 && batch.kind.get(row) !== workKinds.other) {
      spans.setFlag(link, spanFlags.sameWork);
      const work = workFrom(this.#graph, spans.parentOf(link));
      const isDetached = (batch.flags.get(row) & signalFlags.detached) !== 0;
      if (isDetached && work !== -1 && spans.kind.get(work) === workKinds.tool) {
        this.#graph.detach(work);
      }
    }
    return link;
  }

  #finishRun(run: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    if (!spans.hasFlag(run, spanFlags.harness)) {
      this.#ledger.finish(run, nowMs, { isCounted: !this.#ownership.isSplit(run, nowMs) });
      return;
    }
    const tookMs = spans.endMs.get(run) - spans.startMs.get(run);
    const isEndedByExporter = (batch.flags.get(row) & signalFlags.noOutcome) !== 0;
    if (isEndedByExporter && tookMs > this.#tombstoneTtlMs) {
      // It ended long ago and was counted then, by another span that may be forgotten.
      this.#ledger.finish(run, nowMs, { isCounted: false });
    } else if (lacksInnerRun(this.#graph, spans.owner.get(run))) {
      this.#tombstones.suspend(run, nowMs);
    } else {
      this.#ledger.finish(run, nowMs);
    }
  }

  /** Bounds do not allow to track it. A run in a harness run is counted with that, tracked or not. */
  #leaveUntracked(known: number, batch: SignalBatch, row: number): void {
    const { spans } = this.#graph;
    const parent = this.#lookup.parentOf(known, batch, row);
    const hasParent = batch.parent0.get(row) !== 0 || batch.parent1.get(row) !== 0;
    const isInner =
      (batch.flags.get(row) & signalFlags.innerRun) !== 0 &&
      hasParent &&
      (parent === -1 ||
        spans.state.get(parent) === spanStates.unknown ||
        spans.hasFlag(parent, spanFlags.harness));
    if (!isInner) {
      const kind = toWorkKind(batch.kind.get(row));
      add(this.#counts.started, kind, 1);
      add(this.#counts.untracked, kind, 1);
    }
  }

  #endOpen(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, owners } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    this.#enlistment.linkParent(span, batch, row, nowMs);
    this.#noteOutcome(span, batch, row);
    if (kind !== workKinds.run && spans.hasFlag(span, spanFlags.closedByRun)) {
      this.#judgement.evictByRun(span, nowMs);
      this.#states.progress(span, progressOf(kind, "end"));
      return;
    }
    this.#states.progress(span, progressOf(kind, "end"));
    if (kind === workKinds.run) {
      this.#enlistment.addReferences(span, batch, row);
      this.#ledger.end(span, batch.endMs.get(row), nowMs);
      this.#ownerEnded(span, batch, row, nowMs);
      return;
    }
    this.#noteModelCall(span, kind);
    const owner = spans.owner.get(span);
    const ownerEndMs = owners.endMs.get(owner);
    const isAfterOwner =
      this.#ownership.isEnding(owner) && ownerEndMs > 0 && batch.endMs.get(row) > ownerEndMs;
    this.#finished.noteEnd(span, owner, isAfterOwner);
    this.#ledger.end(span, batch.endMs.get(row), nowMs);
  }

  #ownerEnded(run: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, owners } = this.#graph;
    const owner = spans.owner.get(run);
    owners.claimed.set(owner, owners.claimed.get(owner) + batch.claimed.get(row));
    owners.completed.set(owner, owners.completed.get(owner) + batch.completed.get(row));
    this.#ownership.runEnded(run, {
      atMs: nowMs,
      timeMs: batch.endMs.get(row),
      seq: batch.seq.get(row),
    });
  }

  /** Work is open from now on; a marker of an owner that has ended has a lateness to say how it ended. */
  #open(span: number, kind: WorkKind, nowMs: number): void {
    const { spans } = this.#graph;
    const isSplit = kind === workKinds.run && this.#ownership.isSplit(span, nowMs);
    this.#ledger.open(span, nowMs, { isCounted: !isSplit });
    this.#states.progress(span, progressOf(kind, "start"));
    this.#noteWait(span);
    const owner = spans.owner.get(span);
    if (kind !== workKinds.run) {
      this.#ownership.callIfEnded(span, nowMs);
    } else if (this.#graph.owners.openMarkers.get(owner) > 0) {
      this.#states.reviewAbove(span); // They may have been silent for longer than it.
    }
  }

  /** Work started in a run. If its session was reported idle before that, the run has not ended; ends may be late. */
  #noteWork(span: number, moment: Moment): void {
    const { spans, owners } = this.#graph;
    const own = spans.kind.get(span) === workKinds.run ? spans.owner.get(span) : -1;
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      const owner = spans.kind.get(at) === workKinds.run ? spans.owner.get(at) : -1;
      if (owner === -1 || owner === own) {
        continue;
      }
      owners.worked(owner, moment, this.#allowedLatenessMs);
      const idle = owners.idleOf(owner);
      if (
        Number.isFinite(idle.atMs) &&
        compareMoments(idle, moment, this.#allowedLatenessMs) <= 0
      ) {
        owners.idleAtMs.set(owner, Number.NEGATIVE_INFINITY);
      }
    }
  }

  /** A span arrived that was said before to wait for a person, or is part of what was. */
  #noteWait(span: number): void {
    if (this.#pauses.concerns(span)) {
      this.#states.reviewAbove(span);
    }
  }

  /** Whether the last model call of a run failed says what a run does in which nothing is open. */
  #noteModelCall(span: number, kind: WorkKind): void {
    const { spans, owners } = this.#graph;
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
  #noteProgress(span: number): void {
    const { spans } = this.#graph;
    if (spans.kind.get(span) === workKinds.run) {
      for (const each of openWorkOf(this.#graph, spans.owner.get(span))) {
        if (spans.kind.get(each) === workKinds.modelCall) {
          this.#states.progress(each, "progress");
        }
      }
    }
    this.#states.progress(span, "progress");
  }

  #repeat(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    const gapMs = nowMs - spans.seenAtMs.get(span);
    if (this.#processes.hasSaidEnd(batch.process.get(row), nowMs)) {
      spans.setFlag(span, spanFlags.reportedAfterDelete);
    }
    const wasHeld = spans.held.get(span) !== holds.none;
    spans.seenAtMs.set(span, nowMs);
    spans.held.set(span, holds.none);
    if ((batch.flags.get(row) & signalFlags.progress) !== 0) {
      this.#noteProgress(span);
    }
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
    const kind = spans.kind.get(span);
    if (kind === workKinds.tool && (batch.flags.get(row) & signalFlags.detached) !== 0) {
      this.#graph.detach(span); // Its first start may have said less.
    }
    this.#enlistment.linkParent(span, batch, row, nowMs);
    if (kind === workKinds.run) {
      this.#enlistment.addReferences(span, batch, row);
    }
  }

  /**
   * Whether a start for evicted work says that it goes on. Only an eviction for silence can be wrong in
   * this way, and only word from after it counts: the relay tells again what is open, a heartbeat carries
   * its own time.
   */
  #livesOn(span: number, batch: SignalBatch, row: number, nowMs: number): boolean {
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
          batch.dialect.get(row) === dialects.relay ||
          this.#isFromAfter(span, batch.sentMs.get(row), nowMs)
        );
      case "max_age":
        return this.#isFromAfter(span, batch.sentMs.get(row), nowMs);
      default:
        return false;
    }
  }

  /** Whether a heartbeat was sent after an eviction. One that seems to have been on its way for too long was: the clock was set back. */
  #isFromAfter(span: number, sentMs: number, nowMs: number): boolean {
    const { spans } = this.#graph;
    if (sentMs <= 0 || sentMs > spans.endMs.get(span)) {
      return sentMs > 0;
    }
    const startOffsetMs = spans.startedAtMs.get(span) - spans.startMs.get(span);
    return nowMs - sentMs - startOffsetMs > longestDelayMs;
  }

  /** Takes evicted work back into the tracked state. It counts as started anew: counters never step back. */
  #revive(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    this.#reconcile(span, nowMs);
    const leaseMs = spans.leaseMs.get(span);
    this.#enlistment.define(span, batch, row, nowMs);
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)) || leaseMs);
    spans.clearFlag(span, spanFlags.reportedAtStart);
    this.#open(span, toWorkKind(spans.kind.get(span)), nowMs);
  }

  /** An implied tool that was counted as evicted has arrived after all. True when it was one. */
  #takeBack(span: number, nowMs: number): boolean {
    const { spans } = this.#graph;
    if (!spans.hasFlag(span, spanFlags.presumedLost)) {
      return false;
    }
    spans.clearFlag(span, spanFlags.presumedLost);
    add(this.#counts.reconciled, workKinds.tool, 1);
    this.#ledger.events.push({
      type: "reconciled",
      kind: workKinds.tool,
      lateByMs: nowMs - spans.seenAtMs.get(span),
    });
    return true;
  }

  #reconcile(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    if (this.#ledger.countsReconciled(span)) {
      this.#addReconciled(kind, nowMs - this.#tombstones.evictedAtMs(span));
    }
  }

  #addReconciled(kind: WorkKind, lateByMs: number): void {
    add(this.#counts.reconciled, kind, 1);
    this.#ledger.events.push({ type: "reconciled", kind, lateByMs });
  }

  #noteOutcome(span: number, batch: SignalBatch, row: number): void {
    const flags = batch.flags.get(row);
    if ((flags & signalFlags.failed) !== 0) {
      this.#graph.spans.setFlag(span, spanFlags.failed);
    }
    const isDetached =
      (flags & signalFlags.detached) !== 0 || this.#graph.spans.hasFlag(span, spanFlags.detached);
    // An exporter that ends a span with its run does not know what becomes of a tool that goes on.
    if ((flags & signalFlags.closedByRun) !== 0 && !isDetached) {
      this.#graph.spans.setFlag(span, spanFlags.closedByRun);
    }
    if ((flags & signalFlags.brokenOff) !== 0) {
      this.#graph.spans.setFlag(span, spanFlags.brokenOff);
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

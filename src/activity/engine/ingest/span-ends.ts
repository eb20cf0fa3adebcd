import type { SignalResult } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type SignalBatch, signalFlags } from "../../model/signal-batch.ts";
import { type Progress, toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import type { OrphanPolicy } from "../policy/orphan-policy.ts";
import type { OwnerEnds } from "../policy/owner-ends.ts";
import type { Ownership } from "../policy/ownership.ts";
import type { SessionStates } from "../policy/session-states.ts";
import type { SplitRuns } from "../policy/split-runs.ts";
import type { UnwatchedWork } from "../policy/unwatched-work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { Retention } from "../store/retention.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Admission } from "./admission.ts";
import type { DuplicateSpans } from "./duplicate-spans.ts";
import type { FinishedWork } from "./finished-work.ts";
import type { Correction, KindCorrections } from "./kind-corrections.ts";
import type { OpenItems } from "./open-items.ts";
import type { Reconciliations } from "./reconciliations.ts";
import type { RequestedTools } from "./requested-tools.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import type { SpanRegistry } from "./span-registry.ts";
import { lacksInnerRun } from "./split-traces.ts";

const endProgress = {
  [workKinds.other]: "progress",
  [workKinds.run]: "run.end",
  [workKinds.tool]: "tool.end",
  [workKinds.modelCall]: "model_call.end",
} as const satisfies Record<WorkKind, Progress>;

/** What it needs of the engine. */
interface SpanEndsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly retention: Retention;
  readonly orphanPolicy: OrphanPolicy;
  readonly ownership: Ownership;
  readonly ownerEnds: OwnerEnds;
  readonly splitRuns: SplitRuns;
  readonly states: SessionStates;
  readonly requested: RequestedTools;
  readonly finished: FinishedWork;
  readonly openItems: OpenItems;
  readonly lookup: SignalLookup;
  readonly registry: SpanRegistry;
  readonly admission: Admission;
  readonly duplicates: DuplicateSpans;
  readonly corrections: KindCorrections;
  readonly reconciliations: Reconciliations;
  readonly unwatched: UnwatchedWork;
}

/** Ends open work when its end arrives, and takes in work that arrives finished. Keeps nothing. */
export class SpanEnds {
  readonly #parts: SpanEndsParts;

  constructor(parts: SpanEndsParts) {
    this.#parts = parts;
  }

  /** Work ended. */
  ingest(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { store, states, lookup, duplicates, reconciliations, unwatched } = this.#parts;
    const { corrections } = this.#parts;
    const { spans } = store;
    const known = lookup.find(batch, row);
    const kind = duplicates.kindOf(known, batch, row);
    if (!duplicates.hasArrived(known, kind)) {
      return this.#finish(known, kind, batch, row, nowMs);
    }
    switch (spans.state.get(known)) {
      case spanStates.open: {
        const correction = corrections.of(known, batch, row);
        if (correction === "no_marker") {
          corrections.replaceMarker(known, { kind, nowMs }, () =>
            this.#finish(known, kind, batch, row, nowMs),
          );
          return "ended";
        }
        corrections.confirm(known, batch, row);
        this.#endOpen(known, correction, batch, row, nowMs);
        return "ended";
      }
      case spanStates.evicted:
        if (spans.hasFlag(known, spanFlags.endReported)) {
          return "duplicate";
        }
        spans.setFlag(known, spanFlags.endReported);
        states.recordProgress(known, endProgress[kind]);
        reconciliations.addSpan(known, nowMs);
        return "reconciled";
      default:
        unwatched.endIsKnown(known);
        return "duplicate";
    }
  }

  /** Work arrived that has no start of its own: a marker is decided a lateness later, or when its owner is. */
  #finish(
    known: number,
    kind: WorkKind,
    batch: SignalBatch,
    row: number,
    nowMs: number,
  ): SignalResult {
    const { store, openWork, retention, states, requested, finished, registry } = this.#parts;
    const { admission, duplicates } = this.#parts;
    const { spans } = store;
    if (kind === workKinds.other) {
      const link = duplicates.registerLink(known, batch, row, nowMs);
      return link === -1 ? "untracked" : "link";
    }
    const wasPresumedEvicted = known !== -1 && spans.hasFlag(known, spanFlags.presumedEvicted);
    const inner = known === -1 ? undefined : duplicates.below(known, batch, row);
    const span = registry.register(known, batch, row, nowMs);
    if (span === -1) {
      return admission.refuse(known, batch, row);
    }
    this.#recordOutcome(span, batch.flags.get(row));
    states.recordProgress(span, endProgress[kind]);
    if (wasPresumedEvicted && kind === workKinds.tool) {
      openWork.closeAsEvicted(span, nowMs);
      return "reconciled";
    }
    if (kind === workKinds.run) {
      this.#finishRun(span, batch.flags.get(row), nowMs);
      this.#endRun(span, batch, row, nowMs);
      return "finished";
    }
    if (kind === workKinds.modelCall) {
      this.#recordModelCall(span);
    }
    requested.onFinished(span, batch, row, nowMs);
    retention.awaitDecision(span, nowMs);
    openWork.releaseHoldsInside(span, nowMs);
    if (inner !== undefined) {
      duplicates.replace(inner, span, nowMs);
    }
    finished.add(span);
    return "finished";
  }

  #finishRun(run: number, flags: number, nowMs: number): void {
    const { limits, store, openWork, retention, splitRuns } = this.#parts;
    const { spans } = store;
    if (!spans.hasFlag(run, spanFlags.harness)) {
      openWork.finish(run, nowMs, { isCounted: !splitRuns.isSplit(run, nowMs) });
      return;
    }
    const tookMs = spans.closedMs.get(run) - spans.startMs.get(run);
    const isEndedByExporter = (flags & signalFlags.noOutcome) !== 0;
    if (isEndedByExporter && tookMs > limits.tombstoneTtlMs) {
      // It ended long ago and was counted then, by another span that may be forgotten.
      openWork.finish(run, nowMs, { isCounted: false });
    } else if (lacksInnerRun(store, spans.owner.get(run))) {
      retention.awaitDecision(run, nowMs);
    } else {
      openWork.finish(run, nowMs);
    }
  }

  #endOpen(
    span: number,
    correction: Correction,
    batch: SignalBatch,
    row: number,
    nowMs: number,
  ): void {
    const { store, openWork, orphanPolicy, ownership, states, openItems, registry } = this.#parts;
    const { spans, owners } = store;
    if (correction === "other_marker") {
      openWork.changeMarker(span, toWorkKind(batch.kind.get(row)));
    }
    const kind = toWorkKind(spans.kind.get(span));
    const endMs = batch.endMs.get(row);
    registry.linkParent(span, batch, row, nowMs);
    this.#recordOutcome(span, batch.flags.get(row));
    if (kind !== workKinds.run && spans.hasFlag(span, spanFlags.closedByRun)) {
      orphanPolicy.evictByRun(span, nowMs);
      states.recordProgress(span, endProgress[kind]);
      return;
    }
    states.recordProgress(span, endProgress[kind]);
    if (kind === workKinds.run) {
      registry.addReferences(span, batch, row);
      openWork.end(
        span,
        endMs,
        nowMs,
        correction === "no_run" ? toWorkKind(batch.kind.get(row)) : kind,
      );
      this.#endRun(span, batch, row, nowMs);
      return;
    }
    if (kind === workKinds.modelCall) {
      this.#recordModelCall(span);
    }
    const owner = spans.owner.get(span);
    const ownerEndMs = owners.endMs.get(owner);
    const isAfterOwner = ownership.hasEnded(owner) && ownerEndMs > 0 && endMs > ownerEndMs;
    openItems.recordEnd(span, owner, isAfterOwner);
    openWork.end(span, endMs, nowMs);
  }

  /** A run of an owner ended: with its last run the owner has. */
  #endRun(run: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { store, ownerEnds } = this.#parts;
    const { spans, owners } = store;
    const owner = spans.owner.get(run);
    owners.reportedOpen.set(owner, owners.reportedOpen.get(owner) + batch.reportedOpen.get(row));
    owners.reportedCompleted.set(
      owner,
      owners.reportedCompleted.get(owner) + batch.reportedCompleted.get(row),
    );
    ownerEnds.runEnded(run, {
      atMs: nowMs,
      timeMs: batch.endMs.get(row),
      seq: batch.seq.get(row),
    });
  }

  /** What an open run without open markers does depends on whether its last model call failed. */
  #recordModelCall(modelCall: number): void {
    const { spans, owners } = this.#parts.store;
    const owner = spans.owner.get(modelCall);
    if (owner === -1) {
      return;
    }
    const startMs = spans.startMs.get(modelCall);
    owners.lastModelMs.set(owner, Math.max(owners.lastModelMs.get(owner), startMs));
    if (spans.hasFlag(modelCall, spanFlags.failed)) {
      owners.setFlag(owner, ownerFlags.modelFailed);
    } else {
      owners.clearFlag(owner, ownerFlags.modelFailed);
    }
  }

  /** `flags`: of the signal. */
  #recordOutcome(span: number, flags: number): void {
    const { spans } = this.#parts.store;
    if ((flags & signalFlags.failed) !== 0) {
      spans.setFlag(span, spanFlags.failed);
    }
    const isDetached =
      (flags & signalFlags.detached) !== 0 || spans.hasFlag(span, spanFlags.detached);
    // An exporter that ends a span with its run does not know how a tool ends that outlives the run.
    if ((flags & signalFlags.closedByRun) !== 0 && !isDetached) {
      spans.setFlag(span, spanFlags.closedByRun);
    }
    if ((flags & signalFlags.aborted) !== 0) {
      spans.setFlag(span, spanFlags.aborted);
    }
  }
}

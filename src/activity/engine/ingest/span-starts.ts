import { dialects, type SignalResult } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { type SignalBatch, signalFlags } from "../../model/signal-batch.ts";
import { type Progress, toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import { leaseMsOf } from "../policy/leases.ts";
import type { OwnerEnds } from "../policy/owner-ends.ts";
import type { Pauses } from "../policy/pauses.ts";
import type { SessionEndPolicy } from "../policy/session-end-policy.ts";
import type { SessionStates } from "../policy/session-states.ts";
import type { SplitRuns } from "../policy/split-runs.ts";
import { type ActivityCounters, add } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { Retention } from "../store/retention.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Admission } from "./admission.ts";
import type { DuplicateSpans } from "./duplicate-spans.ts";
import type { GuessedKinds } from "./guessed-kinds.ts";
import type { KindCorrections } from "./kind-corrections.ts";
import type { Reconciliations } from "./reconciliations.ts";
import type { RequestRecords } from "./request-records.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import type { SpanRegistry } from "./span-registry.ts";
import type { SpanRepeats } from "./span-repeats.ts";

/** Dialects whose starts are sent when work begins. The others first report work that has been open for a while. */
const dialectsAtStart: ReadonlySet<number> = new Set([
  dialects.relay.storedId,
  dialects.liveSpan.storedId,
  dialects.logfirePending.storedId,
]);

const startProgress = {
  [workKinds.other]: "progress",
  [workKinds.run]: "run.start",
  [workKinds.tool]: "tool.start",
  [workKinds.modelCall]: "model_call.start",
} as const satisfies Record<WorkKind, Progress>;

/** What it needs of the engine. */
interface SpanStartsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly openWork: OpenWork;
  readonly retention: Retention;
  readonly ownerEnds: OwnerEnds;
  readonly sessionEndPolicy: SessionEndPolicy;
  readonly splitRuns: SplitRuns;
  readonly states: SessionStates;
  readonly pauses: Pauses;
  readonly requests: RequestRecords;
  readonly lookup: SignalLookup;
  readonly registry: SpanRegistry;
  readonly admission: Admission;
  readonly duplicates: DuplicateSpans;
  readonly reconciliations: Reconciliations;
  readonly repeats: SpanRepeats;
  readonly guesses: GuessedKinds;
  readonly corrections: KindCorrections;
}

/** Opens work when its start arrives, and reopens evicted work that is still reported. Keeps nothing. */
export class SpanStarts {
  readonly #parts: SpanStartsParts;

  constructor(parts: SpanStartsParts) {
    this.#parts = parts;
  }

  /** Work started, or is still open. */
  ingest(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { store, openWork, retention, lookup, admission } = this.#parts;
    const { duplicates, repeats, guesses, corrections } = this.#parts;
    const { spans } = store;
    if ((batch.flags.get(row) & signalFlags.undecided) !== 0) {
      guesses.guess(batch, row, nowMs);
    }
    const known = lookup.find(batch, row);
    const kind = duplicates.kindOf(known, batch, row);
    if (duplicates.hasArrived(known, kind)) {
      if (spans.state.get(known) === spanStates.open) {
        switch (corrections.of(known, batch, row)) {
          case "no_marker":
            return corrections.replaceMarker(known, { kind, nowMs }, () =>
              this.#startAs(known, kind, batch, row, nowMs),
            );
          case "other_marker":
            openWork.changeMarker(known, kind);
            break;
          default:
            break; // What is no run after all is corrected at its end: work below it may be its own.
        }
        corrections.confirm(known, batch, row);
        repeats.onRepeat(known, batch, row, nowMs);
        return "heartbeat";
      }
      if (
        repeats.isAfterEviction(known, batch, row, nowMs) &&
        admission.admitsAgain(known, batch, row)
      ) {
        this.#reopen(known, batch, row, nowMs);
        return "revived";
      }
      retention.retainLonger(known, nowMs);
      return "stale";
    }
    return this.#startAs(known, kind, batch, row, nowMs);
  }

  /** `known`: the row of the span where it was named before it arrived, or is a link; else -1. */
  #startAs(
    known: number,
    kind: WorkKind,
    batch: SignalBatch,
    row: number,
    nowMs: number,
  ): SignalResult {
    const { duplicates, states, pauses, guesses } = this.#parts;
    if (kind === workKinds.other) {
      const link = duplicates.registerLink(known, batch, row, nowMs);
      if (link === -1) {
        return "untracked";
      }
      guesses.noteStart(link, batch, row);
      if (pauses.open.size > 0 && pauses.concerns(link)) {
        states.reviewAbove(link);
      }
      return "link";
    }
    return this.#start(known, kind, batch, row, nowMs);
  }

  #start(
    known: number,
    kind: WorkKind,
    batch: SignalBatch,
    row: number,
    nowMs: number,
  ): SignalResult {
    const { store, counters, retention, requests, registry, admission, duplicates, guesses } =
      this.#parts;
    const { spans } = store;
    // Room first: making it may forget the very owner that the answer depends on.
    const hasRoom = known !== -1 || retention.makeRoom();
    const refusal = hasRoom ? admission.refusalOf(known, batch, row, nowMs) : "untracked";
    if (refusal === "late_start") {
      add(counters.lateStarts, kind, 1);
      return refusal;
    }
    const inner = known === -1 ? undefined : duplicates.below(known, batch, row);
    const span = refusal === undefined ? registry.register(known, batch, row, nowMs) : -1;
    if (span === -1) {
      return admission.refuse(known, batch, row);
    }
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)));
    this.#noteSnapshot(span, batch, row);
    if (dialectsAtStart.has(batch.dialect.get(row))) {
      spans.setFlag(span, spanFlags.reportedAtStart);
    }
    const isGuess = (batch.flags.get(row) & signalFlags.undecided) !== 0;
    if (isGuess) {
      spans.setFlag(span, spanFlags.guessed);
      guesses.noteStart(span, batch, row);
    }
    this.#open(span, kind, nowMs);
    if (inner !== undefined) {
      duplicates.replace(inner, span, nowMs);
    }
    const start = { atMs: nowMs, timeMs: batch.startMs.get(row), seq: batch.seq.get(row) };
    this.#recordWork(span, start);
    if (kind !== workKinds.tool) {
      return isGuess ? "guessed" : "started";
    }
    const process = batch.process.get(row);
    const key0 = batch.key0.get(row);
    const lateByMs = requests.evicted.take(process, key0, batch.key1.get(row), nowMs);
    if (lateByMs === undefined) {
      return isGuess ? "guessed" : "started";
    }
    this.#parts.reconciliations.add(kind, lateByMs);
    return "revived";
  }

  /** Opens evicted work again. It counts as started anew, because counters never decrease. */
  #reopen(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { store, registry, reconciliations } = this.#parts;
    const { spans } = store;
    reconciliations.addSpan(span, nowMs);
    const leaseMs = spans.leaseMs.get(span);
    registry.register(span, batch, row, nowMs);
    spans.leaseMs.set(span, leaseMsOf(batch.intervalMs.get(row)) || leaseMs);
    this.#noteSnapshot(span, batch, row);
    spans.clearFlag(span, spanFlags.reportedAtStart);
    this.#open(span, toWorkKind(spans.kind.get(span)), nowMs);
  }

  #noteSnapshot(span: number, batch: SignalBatch, row: number): void {
    if (batch.dialect.get(row) === dialects.datadogPartial.storedId) {
      this.#parts.store.spans.closedMs.set(span, batch.sentMs.get(row));
    }
  }

  /** Opens work; work of an ended session and a marker of an owner that has ended have a lateness to report how they ended. */
  #open(span: number, kind: WorkKind, nowMs: number): void {
    const { store, openWork, ownerEnds, sessionEndPolicy, splitRuns, states, pauses } = this.#parts;
    const isSplit = kind === workKinds.run && splitRuns.isSplit(span, nowMs);
    openWork.open(span, nowMs, { isCounted: !isSplit });
    states.recordProgress(span, startProgress[kind]);
    if (pauses.open.size > 0 && pauses.concerns(span)) {
      states.reviewAbove(span); // It was reported before to wait for a person, or is part of work that waits.
    }
    sessionEndPolicy.scheduleCheck(span, nowMs);
    const owner = store.spans.owner.get(span);
    if (kind !== workKinds.run) {
      ownerEnds.scheduleCheck(span, nowMs);
    } else if (store.owners.openMarkers.get(owner) > 0) {
      states.reviewAbove(span); // They may have been silent for longer than the run.
    }
  }

  /** Work started below runs. A run whose session was reported idle before that has not ended; its own end may be late. */
  #recordWork(span: number, start: Moment): void {
    const { limits, store } = this.#parts;
    const { spans, owners } = store;
    const own = spans.kind.get(span) === workKinds.run ? spans.owner.get(span) : -1;
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      const owner = spans.kind.get(at) === workKinds.run ? spans.owner.get(at) : -1;
      if (owner === -1 || owner === own) {
        continue;
      }
      owners.setLastWork(owner, start, limits.allowedLatenessMs);
      const idle = owners.idleOf(owner);
      if (
        Number.isFinite(idle.atMs) &&
        compareMoments(idle, start, limits.allowedLatenessMs) <= 0
      ) {
        owners.idleAtMs.set(owner, Number.NEGATIVE_INFINITY);
      }
    }
  }
}

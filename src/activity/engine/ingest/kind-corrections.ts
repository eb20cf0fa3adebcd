import type { ActivityLimits } from "../../model/limits.ts";
import { type SignalBatch, signalFlags } from "../../model/signal-batch.ts";
import { toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import { type ActivityCounters, add } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import { spanFlags } from "../store/span-table.ts";

/** What it needs of the engine. */
interface KindCorrectionsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly openWork: OpenWork;
}

/** What a signal of open work means for what the work was taken for. */
export type Correction =
  /** Nothing, or that it is right. */
  | "none"
  /** A marker is a marker of another kind. */
  | "other_marker"
  /** A marker is a run, or no work. */
  | "no_marker"
  /** A run is a marker, or no work. */
  | "no_run";

/**
 * Corrects what open work was taken for when a later signal of it says otherwise: it is the same work, and was counted once. What is
 * said at the end is what it was. Keeps nothing.
 */
export class KindCorrections {
  readonly #parts: KindCorrectionsParts;

  constructor(parts: KindCorrectionsParts) {
    this.#parts = parts;
  }

  /** What the signal in `row`, about the open span, means for its kind. */
  of(span: number, batch: SignalBatch, row: number): Correction {
    const { limits, store } = this.#parts;
    const { spans } = store;
    const from = toWorkKind(spans.kind.get(span));
    const to = toWorkKind(batch.kind.get(row));
    const isGuess = spans.hasFlag(span, spanFlags.guessed);
    // Who knows the work best has said what it is; and a span that says nothing any more is still what it said it is.
    const isSure = spans.hasFlag(span, spanFlags.relayed) || (to === workKinds.other && !isGuess);
    if (!limits.correctsKinds || from === to || isSure) {
      return "none";
    }
    if (from === workKinds.run) {
      return "no_run";
    }
    return to === workKinds.run || to === workKinds.other ? "no_marker" : "other_marker";
  }

  /** The signal in `row` says what the open span is: it is no guess any more, and has the name that the signal has. */
  confirm(span: number, batch: SignalBatch, row: number): void {
    const { spans } = this.#parts.store;
    const isDecided = (batch.flags.get(row) & signalFlags.undecided) === 0;
    if (!isDecided || batch.kind.get(row) === workKinds.other) {
      return;
    }
    const wasGuess = spans.hasFlag(span, spanFlags.guessed);
    spans.clearFlag(span, spanFlags.guessed);
    const name = batch.name.get(row);
    if (name !== 0 && (wasGuess || spans.name.get(span) === 0)) {
      spans.name.set(span, name);
      spans.nameHash.set(span, batch.nameHash.get(row));
    }
  }

  /** A marker is a link from now on; or, where `start` takes it in as `kind`, which it turned out to be, that. It is counted once. */
  replaceMarker<T>(
    span: number,
    { kind, nowMs }: { readonly kind: WorkKind; readonly nowMs: number },
    start: () => T,
  ): T {
    const { store, counters, openWork } = this.#parts;
    const { spans, owners } = store;
    const from = toWorkKind(spans.kind.get(span));
    const owner = spans.owner.get(span);
    const collects = owners.isUnresolved(owner) && owners.top.get(owner) === span;
    const before = counters.started[kind] ?? 0;
    spans.clearFlag(span, spanFlags.guessed);
    openWork.withdraw(span, nowMs, workKinds.other);
    if (collects && owners.memberCount.get(owner) > 0) {
      // What is below it waits there for its run, as it does below any link.
      spans.owner.set(span, owner);
      owners.top.set(owner, span);
    }
    const result = start();
    if (kind !== workKinds.other && (counters.started[kind] ?? 0) > before) {
      add(counters.started, kind, -1);
      add(counters.corrected[from], workKinds.other, -1);
      add(counters.corrected[from], kind, 1);
    }
    return result;
  }
}

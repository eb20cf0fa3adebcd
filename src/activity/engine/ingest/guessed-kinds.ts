import type { ActivityLimits } from "../../model/limits.ts";
import type { SignalBatch } from "../../model/signal-batch.ts";
import { toWorkKind, workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import { LearnedKinds } from "./learned-kinds.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** What it needs of the engine. */
interface GuessedKindsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly lookup: SignalLookup;
}

/**
 * Guesses what a span is whose start does not say it. Some libraries set the attributes that do only at the end of a span. Then finished
 * spans of the same process with the same name and scope count, and where there are none, the name of an operation of the GenAI
 * conventions.
 *
 * Keeps what finished spans taught (`LearnedKinds`).
 */
export class GuessedKinds {
  readonly #parts: GuessedKindsParts;
  readonly learned: LearnedKinds;

  constructor(parts: GuessedKindsParts) {
    this.#parts = parts;
    this.learned = new LearnedKinds({ ttlMs: parts.limits.maxAgeMs });
  }

  snapshot(io: SnapshotStream): void {
    this.learned.snapshot(io);
  }

  /** Writes the kind that an undecided start is taken for into its row, and the name of the tool if that is known. */
  guess(batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    const known = this.#parts.lookup.find(batch, row);
    if (known !== -1 && spans.state.get(known) !== spanStates.unknown) {
      const kind = toWorkKind(spans.kind.get(known));
      // A link that has ended, or reports the work of another span, stays one.
      const isLink = spans.closedMs.get(known) > 0 || spans.hasFlag(known, spanFlags.sameWork);
      if (kind !== workKinds.other || isLink) {
        batch.kind.set(row, kind);
        return;
      }
    }
    const shape = { shape0: batch.shape0.get(row), shape1: batch.shape1.get(row) };
    const learned = this.learned.of(batch.process.get(row), shape, nowMs);
    if (learned === undefined) {
      return; // What the name says is in the row already.
    }
    const byName = toWorkKind(batch.kind.get(row));
    const kind = learned.kind ?? workKinds.other;
    batch.kind.set(row, kind);
    if (kind !== byName || learned.name !== 0) {
      batch.name.set(row, learned.name);
      batch.nameHash.set(row, learned.name === 0 ? 0 : shape.shape0);
    }
  }

  /** An end arrived: it teaches what the next starts of its shape are. */
  learn(batch: SignalBatch, row: number, nowMs: number): void {
    const shape = { shape0: batch.shape0.get(row), shape1: batch.shape1.get(row) };
    if (shape.shape0 === 0 && shape.shape1 === 0) {
      return;
    }
    const kind = toWorkKind(batch.kind.get(row));
    const isNamedBySpan = kind === workKinds.tool && batch.nameHash.get(row) === shape.shape0;
    const name = isNamedBySpan ? batch.name.get(row) : 0;
    this.learned.teach(batch.process.get(row), shape, { kind, name, atMs: nowMs });
  }
}

import { OldestFirstMap } from "../../../collections/oldest-first-map.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type SignalBatch, signalFlags } from "../../model/signal-batch.ts";
import { toWorkKind, workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import { LearnedKinds, type Shape } from "./learned-kinds.ts";
import type { SignalLookup } from "./signal-lookup.ts";

const mostStarted = 16_384;

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
 * Keeps what finished spans taught (`LearnedKinds`), and the shapes of the last `mostStarted` spans that started without saying what they
 * are, each until it ends: some libraries change the name of a span at its end, and what starts next has the first name.
 */
export class GuessedKinds {
  readonly #parts: GuessedKindsParts;
  readonly learned: LearnedKinds;
  /** Shapes by the row of the span. */
  readonly #started = new OldestFirstMap<number, Shape>(mostStarted);

  constructor(parts: GuessedKindsParts) {
    this.#parts = parts;
    this.learned = new LearnedKinds({ ttlMs: parts.limits.maxAgeMs });
  }

  snapshot(io: SnapshotStream): void {
    this.learned.snapshot(io);
    const numbers = io.numbers(
      [...this.#started.entries()].flatMap(([span, { shape0, shape1 }]) => [span, shape0, shape1]),
    );
    for (let at = 0; io.isLoading && at + 3 <= numbers.length; at += 3) {
      const [span = 0, shape0 = 0, shape1 = 0] = numbers.slice(at, at + 3);
      this.#started.set(span, { shape0, shape1 });
    }
  }

  /** An undecided start was registered as `span`. */
  noteStart(span: number, batch: SignalBatch, row: number): void {
    if ((batch.flags.get(row) & signalFlags.undecided) !== 0 && !this.#started.has(span)) {
      this.#started.set(span, shapeOf(batch, row));
    }
  }

  /** Must be called before the row of a span is removed. */
  forgetSpan(span: number): void {
    this.#started.delete(span);
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
    const shape = shapeOf(batch, row);
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

  /** An end arrived: it teaches what the next starts of its shape, and of the shape of its own start, are. */
  learn(batch: SignalBatch, row: number, nowMs: number): void {
    const shape = shapeOf(batch, row);
    if (shape.shape0 === 0 && shape.shape1 === 0) {
      return;
    }
    const process = batch.process.get(row);
    const kind = toWorkKind(batch.kind.get(row));
    const isTool = kind === workKinds.tool;
    const nameOf = ({ shape0 }: Shape) =>
      isTool && batch.nameHash.get(row) === shape0 ? batch.name.get(row) : 0;
    this.learned.teach(process, shape, { kind, name: nameOf(shape), atMs: nowMs });
    const span = this.#parts.lookup.find(batch, row);
    const first = span === -1 ? undefined : this.#started.get(span);
    if (first === undefined) {
      return;
    }
    this.#started.delete(span);
    if (first.shape0 !== shape.shape0 || first.shape1 !== shape.shape1) {
      this.learned.teach(process, first, { kind, name: nameOf(first), atMs: nowMs });
    }
  }
}

function shapeOf(batch: SignalBatch, row: number): Shape {
  return { shape0: batch.shape0.get(row), shape1: batch.shape1.get(row) };
}

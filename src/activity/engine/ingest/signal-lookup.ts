import type { SignalBatch } from "../../model/signal-batch.ts";
import type { ActivityStore } from "../store/activity-store.ts";

/** Finds what a signal names among what is known. Changes and keeps nothing. */
export class SignalLookup {
  readonly #store: ActivityStore;

  constructor(store: ActivityStore) {
    this.#store = store;
  }

  /** The row of the parent that the span has, or that the signal names and it may have; -1 when it is not known. */
  parentOf(known: number, batch: SignalBatch, row: number): number {
    const { spans, tree } = this.#store;
    const linked = known === -1 ? -1 : spans.parentOf(known);
    const trace = this.findTrace(batch, row);
    if (linked !== -1 || trace === -1) {
      return linked;
    }
    const named = spans.find(trace, batch.parent0.get(row), batch.parent1.get(row));
    return named === -1 || known === -1 || tree.canLink(known, named) ? named : -1;
  }

  /** The group of the first known reference of the signal, or -1. */
  referencedGroupOf(batch: SignalBatch, row: number): number {
    const process = batch.process.get(row);
    const to = batch.referencesTo.get(row);
    for (let reference = batch.referencesFrom.get(row); reference < to; reference++) {
      const group = this.#store.references.groupOf(
        process,
        batch.referenceHi.get(reference),
        batch.referenceLo.get(reference),
      );
      if (group !== -1) {
        return group;
      }
    }
    return -1;
  }

  /** Whether a reference of the signal names a group. */
  refersTo(group: number, batch: SignalBatch, row: number): boolean {
    const process = batch.process.get(row);
    const to = batch.referencesTo.get(row);
    for (let reference = batch.referencesFrom.get(row); reference < to; reference++) {
      const hi = batch.referenceHi.get(reference);
      if (this.#store.references.groupOf(process, hi, batch.referenceLo.get(reference)) === group) {
        return true;
      }
    }
    return false;
  }

  /** The row of the span of a signal, or -1. */
  find(batch: SignalBatch, row: number): number {
    const trace = this.findTrace(batch, row);
    return trace === -1
      ? -1
      : this.#store.spans.find(trace, batch.span0.get(row), batch.span1.get(row));
  }

  /** The row of the trace of a signal, or -1. */
  findTrace(batch: SignalBatch, row: number): number {
    return this.#store.traces.find(
      batch.process.get(row),
      batch.trace0.get(row),
      batch.trace1.get(row),
      batch.trace2.get(row),
      batch.trace3.get(row),
    );
  }
}

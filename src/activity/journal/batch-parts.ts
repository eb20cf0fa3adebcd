import type { SignalBatch } from "../model/signal-batch.ts";

/** Rows of a batch: from the first up to the second. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/**
 * Of one call: a record of the journal holds 16 MiB at most, and the events of one call are one request. So many rows take less than
 * 2 MiB, and their events less than 16 MiB.
 */
const maxRows = 16_384;
/** Of one call, as each takes room in the record: 4 MiB, or 8 with what events show of them. */
const maxReferences = 524_288;

/**
 * Cuts a batch into the calls in which it is applied and recorded. Almost every batch is one. The parts are applied at the same
 * moment, so they change what one call would; a crash between two of their records leaves the first, and the sender, which has no
 * answer, sends all of it again.
 */
export function partsOf(batch: SignalBatch): readonly Rows[] {
  const parts: Rows[] = [];
  let from = 0;
  for (let row = 1; row < batch.count; row++) {
    const references = batch.referencesTo.get(row) - batch.referencesFrom.get(from);
    if (row - from >= maxRows || references > maxReferences) {
      parts.push({ from, to: row });
      from = row;
    }
  }
  parts.push({ from, to: batch.count });
  return parts;
}

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeSignals,
  SignalEncoder,
} from "../../../../src/processors/session_activity/memory/signal-codec.ts";
import { SignalBatch } from "../../../../src/processors/session_activity/signals/signal-batch.ts";
import { anySignal } from "../machine/any-signal.ts";
import { write } from "../machine/history.ts";

/** Everything that a batch says. */
function contentOf(batch: SignalBatch) {
  return Array.from({ length: batch.count }, (_, row) => ({
    ...Object.fromEntries(
      Object.entries(batch)
        .filter(([, column]) => typeof column === "object")
        .map(([name, column]) => [name, column.get(row)]),
    ),
    references: Array.from(
      { length: batch.referencesTo(row) - batch.referencesFrom(row) },
      (_, at) => [
        batch.referenceHi(batch.referencesFrom(row) + at),
        batch.referenceLo(batch.referencesFrom(row) + at),
      ],
    ),
  }));
}

test("signals are read back as they were written", () => {
  const encoder = new SignalEncoder();
  fc.assert(
    fc.property(
      fc.array(anySignal, { maxLength: 80 }),
      fc.double({ noNaN: true }),
      (all, nowMs) => {
        const batch = new SignalBatch();
        batch.clear();
        for (const signal of all) {
          write(batch, signal);
        }
        const read = new SignalBatch();
        expect(decodeSignals(encoder.encode(5, batch, nowMs), read)).toBe(nowMs);
        expect(contentOf(read)).toEqual(contentOf(batch));
      },
    ),
    { numRuns: 1000 },
  );
});

test("a span of a trace takes some forty bytes", () => {
  const batch = new SignalBatch();
  batch.clear();
  for (let span = 1; span <= 1000; span++) {
    write(batch, { type: "end", kind: "tool", span, parent: 1, start: 0, end: 1 });
  }
  expect(new SignalEncoder().encode(5, batch, 0).length / 1000).toBeLessThan(40);
});

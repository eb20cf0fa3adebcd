import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeSignals, SignalEncoder } from "../../../src/activity/journal/signal-codec.ts";
import { claimNames } from "../../../src/activity/model/diagnosis.ts";
import { dialectRows, dialects } from "../../../src/activity/model/dialects.ts";
import { SignalBatch, signalFlags, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import { anySignal } from "../engine/any-signal.ts";
import { write } from "../engine/history.ts";

const allFlags = Object.values(signalFlags).reduce((all, flag) => all | flag, 0);

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
      fc.array(
        fc
          .tuple(anySignal, fc.nat(), fc.nat())
          .map(([signal, scope, alias]) => ({ ...signal, scope, alias })),
        { maxLength: 80 },
      ),
      fc.double({ noNaN: true }),
      (all, nowMs) => {
        const batch = new SignalBatch();
        batch.clear();
        for (const signal of all) {
          write(batch, signal);
        }
        const read = new SignalBatch();
        expect(decodeSignals(encoder.encode(batch, nowMs), read)).toBe(nowMs);
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
  expect(new SignalEncoder().encode(batch, 0).length / 1000).toBeLessThan(40);
});

test("every type, dialect, kind and flag has its bits", () => {
  const batch = new SignalBatch();
  batch.clear();
  for (const type of Object.values(signalTypes)) {
    for (const { storedId: dialect } of dialectRows) {
      for (const kind of Object.values(workKinds)) {
        for (const flags of [0, ...Object.values(signalFlags), allFlags]) {
          const row = batch.add({
            ...{ type, dialect, kind, flags },
            ...{ process: 1, serviceHost: 1, startMs: 2, endMs: 3 },
          });
          batch.setTrace(row, 1, 2, 3, 4);
          batch.setSpan(row, 5, 6, 0, 0);
        }
      }
    }
  }
  const read = new SignalBatch();
  decodeSignals(new SignalEncoder().encode(batch, 1), read);
  expect(contentOf(read)).toEqual(contentOf(batch));
});

test("a claim is read back with its name, its counts, its order and its session", () => {
  const batch = new SignalBatch();
  batch.clear();
  const row = batch.add({
    type: signalTypes.claim,
    dialect: dialects.sessionClaim.storedId,
    kind: workKinds.tool,
    flags: 0,
    ...{ process: 1, serviceHost: 1, startMs: 2, endMs: 2 },
  });
  batch.setTrace(row, 1, 2, 3, 4);
  batch.setSpan(row, 5, 6, 0, 0);
  batch.reportedOpen.set(row, claimNames.indexOf("recovery"));
  batch.reportedCompleted.set(row, 2 ** 31 - 1);
  batch.name.set(row, 7);
  batch.seq.set(row, 41);
  batch.addReference(8, 9);
  const read = new SignalBatch();
  decodeSignals(new SignalEncoder().encode(batch, 1), read);
  expect(contentOf(read)).toEqual(contentOf(batch));
});

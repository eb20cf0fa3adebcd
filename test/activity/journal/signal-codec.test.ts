import { expect, test } from "vitest";
import { decodeSignals, SignalEncoder } from "../../../src/activity/journal/signal-codec.ts";
import { claimNames } from "../../../src/activity/model/diagnosis.ts";
import { dialectRows, dialects } from "../../../src/activity/model/dialects.ts";
import {
  maxReferences,
  SignalBatch,
  signalFlags,
  signalTypes,
} from "../../../src/activity/model/signal-batch.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import fc from "../../support/fast-check.ts";
import { anySignal } from "../engine/any-signal.ts";
import { write } from "../engine/history.ts";

const allFlags = Object.values(signalFlags).reduce((all, flag) => all | flag, 0);

/** Every row of a batch with its columns and references. */
function contentOf(batch: SignalBatch) {
  return Array.from({ length: batch.count }, (_, row) => ({
    ...Object.fromEntries(
      Object.entries(batch)
        .filter(([, column]) => typeof column === "object")
        .map(([name, column]) => [name, column.get(row)]),
    ),
    references: Array.from(
      { length: batch.referencesTo.get(row) - batch.referencesFrom.get(row) },
      (_, at) => [
        batch.referenceHi.get(batch.referencesFrom.get(row) + at),
        batch.referenceLo.get(batch.referencesFrom.get(row) + at),
      ],
    ),
  }));
}

test("a batch is decoded as it was encoded", () => {
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

test("a span in a trace takes less than 40 bytes", () => {
  const batch = new SignalBatch();
  batch.clear();
  for (let span = 1; span <= 1000; span++) {
    write(batch, { type: "end", kind: "tool", span, parent: 1, start: 0, end: 1 });
  }
  expect(new SignalEncoder().encode(batch, 0).length / 1000).toBeLessThan(40);
});

test("every type, dialect, kind and flag has room in a row", () => {
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

test("a claim is decoded with its name, its counts, its order and its session", () => {
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

/** Rows of one sender and trace. */
function batchOfRows(rows: number): SignalBatch {
  const batch = new SignalBatch();
  batch.clear();
  for (let row = 0; row < rows; row++) {
    batch.add({
      ...{ type: signalTypes.end, dialect: dialects.span.storedId, kind: workKinds.tool, flags: 0 },
      ...{ process: 1, serviceHost: 1, startMs: 2, endMs: 3 },
    });
    batch.setTrace(row, 1, 2, 3, 4);
    batch.setSpan(row, 5, row, 0, 0);
  }
  return batch;
}

function recoded(batch: SignalBatch): SignalBatch {
  const read = new SignalBatch();
  decodeSignals(new SignalEncoder().encode(batch, 1), read);
  return read;
}

for (const column of [
  ...([
    "process",
    "serviceHost",
    "trace0",
    "trace1",
    "trace2",
    "trace3",
    "span0",
    "span1",
  ] as const),
  ...(["parent0", "parent1", "startMs", "endMs", "name", "channel", "scopeHash"] as const),
  ...([
    "nameHash",
    "shape0",
    "shape1",
    "reportedOpen",
    "reportedCompleted",
    "intervalMs",
    "seq",
  ] as const),
  ...(["sentMs", "key0", "key1"] as const),
]) {
  test(`${column} is decoded when nothing else of a row differs from the rows around it`, () => {
    const batch = batchOfRows(3);
    batch[column].set(1, 77);
    expect(contentOf(recoded(batch))).toEqual(contentOf(batch));
  });
}

for (const references of [0, 1, 255, 256, 70_000]) {
  test(`what is applied of ${references} references of a signal is what is decoded`, () => {
    const batch = batchOfRows(2);
    for (let at = 0; at < references; at++) {
      batch.addReference(at, at + 1);
    }
    const kept = Math.min(references, maxReferences);
    const want = Array.from({ length: kept }, (_, at) => [at, at + 1]);
    expect(batch.ignoredReferences).toBe(references - kept);
    expect(contentOf(batch)[1]?.references).toEqual(want);
    expect(contentOf(recoded(batch))).toEqual(contentOf(batch));
  });
}

test("what events show of references is decoded, with its rank", () => {
  const batch = batchOfRows(3);
  batch.addReference(1, 2, 2 ** 48 - 1, 255);
  batch.addReference(3, 4, 1, 7);
  batch.addReference(5, 6);
  const again = recoded(batch);
  expect([0, 1, 2].map((at) => again.referenceShown.get(at))).toEqual([2 ** 48 - 1, 1, 0]);
  expect([0, 1, 2].map((at) => again.referenceRank.get(at))).toEqual([255, 7, 0]);
  expect(again.referencesTo.get(2)).toBe(3);
});

const anyInt = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 255, 256, 65_535, 65_536),
);
const anyNumber = fc.oneof(
  fc.double({ noNaN: true }).map((value) => value + 0),
  fc.constantFrom(0, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, -1, Number.POSITIVE_INFINITY),
);
const int32Columns = [
  ...(["process", "serviceHost", "trace0", "trace1", "trace2", "trace3", "span0"] as const),
  ...([
    "span1",
    "parent0",
    "parent1",
    "name",
    "channel",
    "scopeHash",
    "nameHash",
    "shape0",
    "shape1",
  ] as const),
  ...(["reportedOpen", "reportedCompleted", "seq", "key0", "key1"] as const),
];
const float64Columns = ["startMs", "endMs", "intervalMs", "sentMs"] as const;

/** A row of any numbers that its columns can hold. */
const anyRow = fc.record({
  type: fc.constantFrom(...Object.values(signalTypes)),
  dialect: fc.constantFrom(...dialectRows.map(({ storedId }) => storedId)),
  kind: fc.constantFrom(...Object.values(workKinds)),
  flags: fc.integer({ min: 0, max: allFlags }),
  ints: fc.tuple(...int32Columns.map(() => anyInt)),
  floats: fc.tuple(...float64Columns.map(() => anyNumber)),
  references: fc.oneof(
    { weight: 5, arbitrary: fc.nat(3) },
    { weight: 1, arbitrary: fc.nat(1_000) },
  ),
});

test("whatever numbers a batch has, and however it is cut, each part is decoded as it is applied", () => {
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 20 }), fc.nat(20), (all, cut) => {
      const batch = new SignalBatch();
      batch.clear();
      for (const { type, dialect, kind, flags, ints, floats, references } of all) {
        const row = batch.add({
          ...{ type, dialect, kind, flags },
          ...{ process: 0, serviceHost: 0, startMs: 0, endMs: 0 },
        });
        for (const [at, column] of int32Columns.entries()) {
          batch[column].set(row, ints[at]!);
        }
        for (const [at, column] of float64Columns.entries()) {
          batch[column].set(row, floats[at]!);
        }
        for (let at = 0; at < references; at++) {
          batch.addReference(at * 7, -at);
        }
      }
      const middle = Math.min(cut, batch.count);
      const whole = contentOf(batch).map(withoutPlaces);
      const parts = [
        { from: 0, to: middle },
        { from: middle, to: batch.count },
      ].flatMap((rows) => {
        const read = new SignalBatch();
        decodeSignals(new SignalEncoder().encode(batch, 1, rows), read);
        return contentOf(read).map(withoutPlaces);
      });
      expect(parts).toEqual(whole);
    }),
    { numRuns: 500 },
  );
});

/** Where the references of a row are differs between the parts of a batch. */
function withoutPlaces(row: object): object {
  const places = ["referencesFrom", "referencesTo", "referenceHi", "referenceLo"];
  return Object.fromEntries(Object.entries(row).filter(([name]) => !places.includes(name)));
}

test("the buffer of the encoder grows with the references of a row", () => {
  const batch = batchOfRows(120);
  for (let at = 0; at < 255; at++) {
    batch.addReference(at, at);
  }
  expect(contentOf(recoded(batch))).toEqual(contentOf(batch));
});

test("a type and a dialect of a later version are decoded as malformed and as span", () => {
  const record = new SignalEncoder().encode(batchOfRows(1), 1);
  record.set([250, 251], 13);
  const read = new SignalBatch();
  decodeSignals(record, read);
  expect([read.type.get(0), read.dialect.get(0)]).toEqual([
    signalTypes.malformed,
    dialects.span.storedId,
  ]);
});

test("a record that is cut off throws", () => {
  const record = new SignalEncoder().encode(batchOfRows(2), 1);
  for (let length = 1; length < record.length; length++) {
    expect(() => decodeSignals(record.subarray(0, length), new SignalBatch())).toThrow(RangeError);
  }
});

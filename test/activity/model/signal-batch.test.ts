import { expect, test } from "vitest";
import { dialects } from "../../../src/activity/model/dialects.ts";
import {
  SignalBatch,
  type SignalRow,
  signalFlags,
  signalTypes,
} from "../../../src/activity/model/signal-batch.ts";
import { workKinds } from "../../../src/activity/model/work.ts";

const tool: SignalRow = {
  type: signalTypes.end,
  dialect: dialects.relay.storedId,
  kind: workKinds.tool,
  flags: signalFlags.failed,
  process: 3,
  serviceHost: 4,
  startMs: 5,
  endMs: 6,
};

/** All columns with a cell for each signal; the others have one for each reference. */
function columnsOf(signals: SignalBatch) {
  const others = ["count", "referenceHi", "referenceLo", "referenceShown", "referenceRank"];
  return Object.entries(signals).filter(([name]) => !others.includes(name));
}

function rowOf(signals: SignalBatch, row: number) {
  return Object.fromEntries(columnsOf(signals).map(([name, column]) => [name, column.get(row)]));
}

function fill(signals: SignalBatch, row: number): void {
  for (const [, column] of columnsOf(signals)) {
    column.set(row, 1);
  }
}

test("every column keeps a row when the batch grows, and has room for new ones", () => {
  const signals = new SignalBatch();
  for (let row = 0; row < 100; row++) {
    signals.add(tool);
    fill(signals, row);
  }
  for (const row of [0, 15, 16, 99]) {
    expect(new Set(Object.values(rowOf(signals, row)))).toEqual(new Set([1]));
  }
});

test("a row has nothing of the one that was in its place before, but for the ids", () => {
  const signals = new SignalBatch();
  signals.add(tool);
  fill(signals, 0);
  signals.addReference(1, 2);
  signals.clear();
  signals.add(tool);
  signals.setTrace(0, 0, 0, 0, 0);
  signals.setSpan(0, 0, 0, 0, 0);
  const others = Object.entries(rowOf(signals, 0)).filter(([name]) => !(name in tool));
  expect(others.filter(([, value]) => value !== 0)).toEqual([]);
  expect(rowOf(signals, 0)).toMatchObject(tool);
  expect(signals.referencesTo.get(0)).toBe(signals.referencesFrom.get(0));
});

test("references belong to the row that was added last", () => {
  const signals = new SignalBatch();
  const ranges: string[] = [];
  for (const count of [0, 2, 1]) {
    signals.add(tool);
    for (let reference = 0; reference < count; reference++) {
      signals.addReference(count, reference);
    }
  }
  for (let row = 0; row < signals.count; row++) {
    ranges.push(`${signals.referencesFrom.get(row)}-${signals.referencesTo.get(row)}`);
  }
  expect(ranges).toEqual(["0-0", "0-2", "2-3"]);
  expect([signals.referenceHi.get(2), signals.referenceLo.get(1)]).toEqual([1, 1]);
});

test("a signal about another one has its span, times and sender, and nothing else of it", () => {
  const signals = new SignalBatch();
  signals.add(tool);
  signals.setTrace(0, 1, 2, 3, 4);
  signals.setSpan(0, 5, 6, 7, 8);
  const type = signalTypes.request;
  const row = signals.addAbout(0, { type, dialect: dialects.requestedTool.storedId });
  expect(rowOf(signals, row)).toMatchObject({
    type,
    ...{ trace0: 1, trace3: 4, span0: 5, span1: 6, parent0: 0, parent1: 0 },
    ...{ process: 3, serviceHost: 4, startMs: 5, endMs: 6, kind: workKinds.other, flags: 0 },
  });
});

import { expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { limits, type Signal } from "../history.ts";
import { batchOf, ingest, rowOf, run, tool } from "./ingested.ts";

function engineWith(...signals: readonly Signal[]) {
  const parts = new EngineParts(limits);
  ingest(parts, 0, ...signals);
  return parts;
}

test("finds a span by process, trace and id", () => {
  const parts = engineWith(run);
  for (const [signal, want] of [
    [run, rowOf(parts, 1)],
    [{ ...run, span: 2 }, -1],
    [{ ...run, trace: 2 }, -1],
    [{ ...run, process: 2 }, -1],
  ] as const) {
    expect(parts.lookup.find(batchOf(signal), 0)).toBe(want);
  }
});

test("finds the parent that a span has, or else the one that a signal names and it may have", () => {
  const parts = engineWith(run, tool, { ...run, span: 7 });
  const [first, second, known] = [rowOf(parts, 1), rowOf(parts, 7), rowOf(parts, 2)];
  const parentOf = (row: number, signal: Signal) => parts.lookup.parentOf(row, batchOf(signal), 0);
  expect(parentOf(-1, { ...tool, span: 9, parent: 7 })).toBe(second);
  expect(parentOf(known, { ...tool, parent: 7 })).toBe(first);
  expect(parentOf(-1, { ...tool, parent: 8 })).toBe(-1);
  expect(parentOf(-1, { ...tool, trace: 9 })).toBe(-1);
  // It is below the tool itself.
  expect(parentOf(first, { ...run, parent: 2 })).toBe(-1);
});

test("finds the group of the first reference that is known", () => {
  const parts = engineWith({ ...run, sessions: [3] }, { ...run, span: 2, trace: 2, sessions: [4] });
  const groupOf = (span: number, trace: number) => parts.store.groupOf(rowOf(parts, span, trace));
  const [third, fourth] = [groupOf(1, 1), groupOf(2, 2)];
  const batch = batchOf(
    { ...tool, sessions: [9, 4, 3] },
    { ...tool, sessions: [9] },
    { ...tool, sessions: [4], process: 2 },
    tool,
    { ...tool, sessions: [4] },
  );
  const { lookup } = parts;
  for (const [row, group, isThird] of [
    [0, fourth, true],
    [1, -1, false],
    [2, -1, false],
    [3, -1, false],
    [4, fourth, false],
  ] as const) {
    expect(lookup.referencedGroupOf(batch, row)).toBe(group);
    expect(lookup.refersTo(third, batch, row)).toBe(isThird);
  }
});

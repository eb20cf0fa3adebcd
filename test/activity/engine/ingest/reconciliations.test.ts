import { expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { limits } from "../history.ts";
import { ingest, rowOf, run, tool } from "./ingested.ts";

test("an eviction is corrected by how late it is", () => {
  const parts = new EngineParts(limits);
  ingest(parts, 0, run, tool);
  const row = rowOf(parts, 2);
  parts.openWork.evict(row, "max_age", 4_000);
  parts.reconciliations.addSpan(row, 9_000);
  expect(parts.counters.reconciled).toEqual([0, 0, 1, 0]);
  expect(parts.events).toEqual([{ type: "reconciled", kind: 2, lateByMs: 5_000 }]);
});

test("of a span that was never counted nothing is corrected", () => {
  const parts = new EngineParts(limits);
  ingest(parts, 0, run, tool);
  const row = rowOf(parts, 2);
  parts.openWork.evict(row, "max_age", 4_000);
  parts.store.spans.setFlag(row, spanFlags.uncounted);
  parts.reconciliations.addSpan(row, 9_000);
  expect([parts.counters.reconciled, parts.events]).toEqual([[0, 0, 0, 0], []]);
});

test("an implied tool is corrected once", () => {
  const parts = new EngineParts(limits);
  ingest(parts, 0, tool);
  const row = rowOf(parts, 1);
  parts.implied.markEvicted(row, 2_000);
  parts.reconciliations.addImplied(row, 5_000);
  expect(parts.events).toEqual([{ type: "reconciled", kind: 2, lateByMs: 3_000 }]);
  expect(parts.store.spans.hasFlag(row, spanFlags.presumedEvicted)).toBe(false);
});

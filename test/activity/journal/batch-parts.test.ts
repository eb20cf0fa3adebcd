import { expect, test } from "vitest";
import { partsOf } from "../../../src/activity/journal/batch-parts.ts";
import { SignalEncoder } from "../../../src/activity/journal/signal-codec.ts";
import { dialects } from "../../../src/activity/model/dialects.ts";
import {
  maxReferences,
  SignalBatch,
  signalTypes,
} from "../../../src/activity/model/signal-batch.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import { maxRecordBytes } from "../../../src/component/storage.ts";

/** Rows that take as much room as rows can. */
function batchOf(rows: number, references = 0): SignalBatch {
  const batch = new SignalBatch();
  batch.clear();
  for (let row = 0; row < rows; row++) {
    batch.add({
      ...{ type: signalTypes.end, dialect: dialects.span.storedId, kind: workKinds.tool, flags: 1 },
      ...{ process: 1 + row, serviceHost: 1, startMs: 2, endMs: 3 },
    });
    batch.setTrace(row, row, 2, 3, 4);
    batch.setSpan(row, 5, row + 1, 6, 7);
    batch.setKey(row, 1, 2);
    for (const column of ["name", "channel", "reportedOpen", "seq", "scopeHash"] as const) {
      batch[column].set(row, 1);
    }
    for (const column of ["intervalMs", "sentMs"] as const) {
      batch[column].set(row, 1);
    }
    for (let at = 0; at < references; at++) {
      batch.addReference(at, row);
    }
  }
  return batch;
}

for (const [title, batch, want] of [
  ["a batch without rows is one call", batchOf(0), 1],
  ["an ordinary batch is one call", batchOf(2_000, 2), 1],
  ["as many rows as a call has are one call", batchOf(16_384), 1],
  ["one row more is a second call", batchOf(16_385), 2],
  ["half a million rows are several calls", batchOf(500_000), 31],
  [
    "rows with as many references as they may have are several calls",
    batchOf(5_000, maxReferences),
    3,
  ],
] as const) {
  test(`${title}, and each finds room in a record`, () => {
    const parts = partsOf(batch);
    expect(parts.length).toBe(want);
    let from = 0;
    for (const part of parts) {
      expect(part.from).toBe(from);
      from = part.to;
      const record = new SignalEncoder().encode(batch, 1, part);
      expect(record.length).toBeLessThan(maxRecordBytes / 2);
    }
    expect(from).toBe(batch.count);
  });
}

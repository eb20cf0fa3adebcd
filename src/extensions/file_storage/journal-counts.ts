import type { DegradedReason } from "../../component/storage.ts";
import type { UnusableFile } from "./unusable-files.ts";

/** The counters of a journal. They never decrease; a scrape reads them. */
export interface JournalCounts {
  appendedRecords: number;
  /** Records that were not stored, by reason. `closed`: they were appended after `close`. */
  readonly droppedRecords: Record<DroppedReason, number>;
  logBytesWritten: number;
  snapshotBytesWritten: number;
  syncs: number;
  readonly writeErrors: Record<DegradedReason, number>;
  readonly snapshots: Record<"done" | "failed", number>;
  recoveredRecords: number;
  missingRecords: number;
  readonly cutBytes: Record<"torn" | "lost", number>;
  readonly unusableFiles: Record<UnusableFile, number>;
}

export type DroppedReason = DegradedReason | "closed";

export function zeroCounts(): JournalCounts {
  const reasons = { no_space: 0, io_error: 0, removed: 0, in_use: 0, too_slow: 0, too_large: 0 };
  return {
    appendedRecords: 0,
    droppedRecords: { ...reasons, closed: 0 },
    logBytesWritten: 0,
    snapshotBytesWritten: 0,
    syncs: 0,
    writeErrors: { ...reasons },
    snapshots: { done: 0, failed: 0 },
    recoveredRecords: 0,
    missingRecords: 0,
    cutBytes: { torn: 0, lost: 0 },
    unusableFiles: { log: 0, snapshot: 0, end: 0 },
  };
}

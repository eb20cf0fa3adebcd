import type { ReadFile } from "./file-reader.ts";
import type { RecoveredRecords } from "./recovered-records.ts";
import type { FinishedSegment } from "./segments.ts";

export interface LogOutcome {
  readonly kept: readonly FinishedSegment[];
  /** Files that are no longer needed. */
  readonly stale: readonly string[];
  /** Files that are cut to a size. */
  readonly cuts: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly tornBytes: number;
  readonly lostBytes: number;
  /** Files with a flaw that is not an interrupted write. */
  readonly damaged: number;
  /** The log has all records from `coveredFrom` up to this one. */
  readonly coveredTo: number;
}

/**
 * Passes the records of the segments to `recovered`, oldest first, from `recovered.next` on, and skips those before. Ends at the
 * first missing record: a state built from the records after a gap would be one that never existed.
 */
export async function recoverLog(
  logs: readonly { readonly name: string; readonly number: number }[],
  {
    read,
    recovered,
    hasBase,
    keptFrom,
    endMark,
    coveredFrom,
  }: {
    readonly read: ReadFile;
    readonly recovered: RecoveredRecords;
    readonly hasBase: boolean;
    /** Segments that end before this record are not needed. */
    readonly keptFrom: number;
    /** The records before this number were on the disk; 0 if that is not known. */
    readonly endMark: number;
    /** Whether the log has the records from this one on is found out. */
    readonly coveredFrom: number;
  },
): Promise<LogOutcome> {
  const base = recovered.next;
  const kept: FinishedSegment[] = [];
  const stale: string[] = [];
  const cuts: { readonly name: string; readonly sizeBytes: number }[] = [];
  let tornBytes = 0;
  let lostBytes = 0;
  let hasGap = !hasBase;
  let tornBefore = 0;
  let damaged = 0;
  let coveredTo = coveredFrom;

  for (const { name, number } of logs) {
    const file = { records: 0, frames: 0, endSequence: 0 };
    const reading = await read(name, { kind: "log", number }, (frame, payload) => {
      hasGap ||= frame.sequence > recovered.next;
      if (hasGap) {
        return false;
      }
      // The records continue without a gap, so the bytes that an earlier file lost were not needed.
      lostBytes = file.frames === 0 ? 0 : lostBytes;
      const end = frame.sequence + frame.records;
      coveredTo = frame.sequence <= coveredTo ? Math.max(coveredTo, end) : coveredTo;
      if (end > recovered.next) {
        recovered.add(payload, recovered.next - frame.sequence);
        recovered.next = end;
      }
      recovered.noteTimeOf(frame);
      file.records += frame.records;
      file.frames += 1;
      file.endSequence = end;
      return true;
    });

    const { sizeBytes, intactBytes, flaw } = reading;
    damaged += flaw === "damaged" ? 1 : 0;
    if (hasGap) {
      // Records are missing after the torn end of the file before, so it was not the end of the log.
      tornBytes -= tornBefore;
      lostBytes += tornBefore;
    }
    // The snapshot has all that was in it.
    const isReplaced = endMark > 0 && endMark <= base && (reading.header?.sequence ?? 0) < base;
    const flawedBytes = isReplaced ? 0 : sizeBytes - intactBytes;
    tornBefore = flaw === "torn" ? flawedBytes : 0;
    tornBytes += tornBefore;
    lostBytes += flaw === "damaged" || flaw === "stopped" ? flawedBytes : 0;
    // The last segment may contain only the time at which the journal was closed.
    const isOld = file.endSequence <= keptFrom || file.records === 0;
    if (file.frames === 0 || (isOld && number !== logs.at(-1)?.number)) {
      stale.push(name);
      continue;
    }
    kept.push({ number, endSequence: file.endSequence, sizeBytes: intactBytes });
    if (intactBytes < sizeBytes) {
      cuts.push({ name, sizeBytes: intactBytes });
    }
  }
  return { kept, stale, cuts, tornBytes, lostBytes, damaged, coveredTo };
}

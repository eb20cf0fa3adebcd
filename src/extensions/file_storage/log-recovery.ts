import type { ReadFile } from "./file-reader.ts";
import type { RecoveredRecords } from "./recovered-records.ts";
import type { FinishedSegment } from "./segments.ts";

export interface LogOutcome {
  readonly kept: readonly FinishedSegment[];
  /** Files that are of no use any more. */
  readonly stale: readonly string[];
  /** Files that are kept up to a size only. */
  readonly cuts: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly tornBytes: number;
  readonly lostBytes: number;
}

/**
 * Hands over the records of the segments, oldest first, from `taken.next` on. Records that are there already are
 * passed over. Where one is missing it ends: what comes after a hole is given up, for a state made of it would
 * be one that never was.
 */
export async function recoverLog(
  logs: readonly { readonly name: string; readonly number: number }[],
  {
    read,
    taken,
    hasBase,
  }: { readonly read: ReadFile; readonly taken: RecoveredRecords; readonly hasBase: boolean },
): Promise<LogOutcome> {
  const base = taken.next;
  const kept: FinishedSegment[] = [];
  const stale: string[] = [];
  const cuts: { readonly name: string; readonly sizeBytes: number }[] = [];
  let tornBytes = 0;
  let lostBytes = 0;
  let hasHole = !hasBase;
  let tornBefore = 0;

  for (const { name, number } of logs) {
    const file = { records: 0, frames: 0, endSequence: 0 };
    const reading = await read(name, { kind: "log", number }, (frame, payload) => {
      hasHole ||= frame.sequence > taken.next;
      if (hasHole) {
        return false;
      }
      // What a file before this one has lost was not needed: here the records go on without a hole.
      lostBytes = file.frames === 0 ? 0 : lostBytes;
      const end = frame.sequence + frame.records;
      if (end > taken.next) {
        taken.add(payload, taken.next - frame.sequence);
        taken.next = end;
      }
      taken.see(frame);
      file.records += frame.records;
      file.frames += 1;
      file.endSequence = end;
      return true;
    });

    const { sizeBytes, intactBytes, flaw } = reading;
    if (hasHole) {
      // What looked like the end of a process in the file before was more than that.
      tornBytes -= tornBefore;
      lostBytes += tornBefore;
    }
    tornBefore = flaw === "torn" ? sizeBytes - intactBytes : 0;
    tornBytes += tornBefore;
    lostBytes += flaw === "damaged" || flaw === "stopped" ? sizeBytes - intactBytes : 0;
    // The last one may hold nothing but the time at which the journal was closed.
    const isOld = file.endSequence <= base || file.records === 0;
    if (file.frames === 0 || (isOld && number !== logs.at(-1)?.number)) {
      stale.push(name);
      continue;
    }
    kept.push({ number, endSequence: file.endSequence, sizeBytes: intactBytes });
    if (intactBytes < sizeBytes) {
      cuts.push({ name, sizeBytes: intactBytes });
    }
  }
  return { kept, stale, cuts, tornBytes, lostBytes };
}

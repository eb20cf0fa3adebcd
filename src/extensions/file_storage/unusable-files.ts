import type { EndMarkContent } from "./end-mark.ts";
import type { KeptState } from "./format.ts";
import type { LogOutcome } from "./log-recovery.ts";
import type { SnapshotOutcome } from "./snapshot-recovery.ts";

/** The kinds of files that a start may find unusable. A closed list, fit for a label. */
export const unusableFileKinds = ["log", "snapshot", "end"] as const;
export type UnusableFile = (typeof unusableFileKinds)[number];

/** Files that are damaged, emptied, cut or gone, as no crash leaves them. */
export interface UnusableFiles {
  readonly log: number;
  readonly damagedSnapshots: number;
  readonly removedSnapshots: number;
  readonly end: number;
}

/** Compares the files that were found with those that the mark of the end names. */
export function unusableFilesOf(found: {
  readonly log: LogOutcome;
  readonly snapshot: SnapshotOutcome;
  /** The numbers of all snapshots. */
  readonly snapshots: readonly number[];
  /** The state that was recovered from a snapshot, and whether that has no records; see {@link KeptState}. */
  readonly base: number;
  readonly isBaseEmpty: boolean;
  readonly endMark: EndMarkContent | undefined;
  readonly isEndMissing: boolean;
  /** Whether records are lost. */
  readonly isIncomplete: boolean;
}): UnusableFiles & Pick<KeptState, "logFrom"> {
  const { log, snapshot, snapshots, base, endMark, isIncomplete } = found;
  const kept = endMark?.kept;
  const newest = Math.max(-1, ...snapshots);
  // A mark of before the newest snapshot names files that are not needed any more; so does one before an empty snapshot.
  const isCurrent = kept?.snapshot === newest && base === newest && !found.isBaseEmpty;
  const logFrom = isCurrent ? kept.logFrom : base;
  const isLogWhole = logFrom === base || log.coveredTo >= base;
  const hasPrevious = [0, base].includes(logFrom) || snapshots.includes(logFrom);
  const isNewestGone = kept !== undefined && kept.snapshot > newest;
  return {
    log: isIncomplete || !isLogWhole ? Math.max(1, log.damaged) : 0,
    damagedSnapshots: snapshot.damaged.length,
    removedSnapshots: (isNewestGone ? 1 : 0) + (hasPrevious ? 0 : 1),
    end: found.isEndMissing ? 1 : 0,
    logFrom: isLogWhole && hasPrevious ? logFrom : base,
  };
}

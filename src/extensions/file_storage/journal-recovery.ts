import { dirname, join } from "node:path";
import { errorCodeOf } from "../../component/error-code.ts";
import type { RecoverySummary } from "../../component/storage.ts";
import type { Disk } from "./disk.ts";
import { noSnapshot, readEndMark } from "./end-mark.ts";
import { parseFileName } from "./file-names.ts";
import { type ReadFile, readJournalFile, UnknownVersionError } from "./file-reader.ts";
import { formatVersion, type KeptState, recordHeaderBytes } from "./format.ts";
import { recoverLog } from "./log-recovery.ts";
import { explained, pathProblem } from "./path-problem.ts";
import { shown } from "./place.ts";
import { RecoveredRecords } from "./recovered-records.ts";
import type { FinishedSegment } from "./segments.ts";
import { recoverSnapshot } from "./snapshot-recovery.ts";
import { type UnusableFiles, unusableFilesOf } from "./unusable-files.ts";

/** The state of a journal's directory after its recovery. */
export interface Recovered {
  readonly summary: RecoverySummary;
  /** The number for the next record. */
  readonly sequence: number;
  readonly lastSegmentNumber: number;
  readonly segments: readonly FinishedSegment[];
  /** Bytes of the records after the snapshot, including their record headers. */
  readonly logBytes: number;
  readonly snapshotBytes: number;
  /** The number of the first record that the snapshot does not contain; 0 if there is none. */
  readonly baseSequence: number;
  /** The name of the snapshot; absent if there is none. */
  readonly snapshotName: string | undefined;
  /** From what it was recovered. */
  readonly kept: KeptState;
  readonly unusable: UnusableFiles;
  /**
   * Removes or cuts off the unusable files and parts of files, so that the log can continue after its last usable record. To be
   * called before anything is written, again if it fails. Rejects with an `Error` for an operator.
   */
  cleanUp(): Promise<void>;
}

/**
 * Reads the newest complete snapshot, then every later record of the log up to the first that is missing, and counts what is lost in the
 * summary. Changes nothing; `cleanUp` does. Rejects with an `Error` for an operator if a file cannot be read, and with the exception
 * of `take`.
 */
export async function recoverJournal({
  disk,
  directory,
  take,
}: {
  readonly disk: Disk;
  readonly directory: string;
  readonly take: (record: Uint8Array) => void;
}): Promise<Recovered> {
  const files = (await namesIn(disk, directory)).flatMap((name) => {
    const parsed = parseFileName(name);
    return parsed === undefined ? [] : [{ name, ...parsed }];
  });
  const snapshots = files.filter((file) => file.kind === "snapshot");
  const logs = files.filter((file) => file.kind === "log").toSorted((a, b) => a.number - b.number);
  let hadEndMark = false;
  let hasHeader = false;
  const readFile = readerOf(disk, directory);
  const read: ReadFile = async (...file) => {
    const reading = await readFile(...file);
    hadEndMark ||= reading.header?.hasEndMark === true;
    hasHeader ||= reading.header !== undefined;
    return reading;
  };
  const recovered = new RecoveredRecords(take);
  const endMark = await readEndMark({ disk, directory });
  const firstSequence = await sequenceOf(logs[0], read);
  const snapshot = await recoverSnapshot(snapshots, { read, recovered, firstSequence });
  const [snapshotRecords, snapshotContent] = [recovered.records, recovered.bytes];
  const baseSequence = recovered.next;
  const log = await recoverLog(logs, {
    read,
    recovered,
    hasBase: snapshot.isBase,
    keptFrom: snapshot.keptFrom,
    endMark: endMark?.sequence ?? 0,
    coveredFrom: endMark?.kept?.logFrom ?? 0,
  });

  const storage = dirname(directory);
  const temporary = files.filter(({ kind }) => kind === "temporary").map(({ name }) => name);
  const cleanUp = async () => {
    // Snapshots last: after a crash in between, the log must not look as if it had begun with an empty state.
    for (const name of [...temporary, ...log.stale, ...snapshot.stale]) {
      const path = join(directory, name);
      await disk
        .remove(path)
        .catch(explained(`the file ${shown(path)} cannot be removed`, { path, storage }));
    }
    for (const { name, sizeBytes } of log.cuts) {
      const path = join(directory, name);
      await cutFile(disk, path, sizeBytes).catch(
        explained(`the file ${shown(path)} cannot be cut`, { path, storage }),
      );
    }
    await disk.syncDirectory(directory).catch(
      explained(`the directory ${shown(directory)} cannot be synced`, {
        path: directory,
        storage,
      }),
    );
  };

  // A damaged snapshot is not a loss if an older one and the log reach as far.
  const lostSnapshots = snapshot.damaged.filter(
    ({ sequence }) => !snapshot.isBase || sequence > recovered.next,
  );
  const missingRecords = Math.max(0, (endMark?.sequence ?? 0) - recovered.next);
  // Files of which none has a header do not say whether a mark was kept. A crash leaves a mark beside them.
  const isUnknown = !hasHeader && snapshots.length + logs.length > 0;
  const isEndMissing = endMark === undefined && (hadEndMark || isUnknown);
  // A crash cuts off the last write only, and takes no record that was there before, and no mark.
  const isTailLost = missingRecords > 0 || isEndMissing;
  const [tornBytes, lostTail] = isTailLost ? [0, log.tornBytes] : [log.tornBytes, 0];
  const lostBytes = lostSnapshots.reduce(
    (sum, { sizeBytes }) => sum + sizeBytes,
    log.lostBytes + lostTail,
  );
  const { logFrom, ...unusable } = unusableFilesOf({
    log,
    snapshot,
    snapshots: snapshots.map(({ sequence }) => sequence),
    base: baseSequence,
    isBaseEmpty: snapshotRecords === 0,
    endMark,
    isEndMissing,
    isIncomplete: lostBytes > 0 || missingRecords > 0,
  });
  return {
    summary: {
      records: recovered.records,
      bytes: recovered.bytes,
      tornBytes,
      lostBytes,
      missingRecords,
      isEndMissing,
      ...(recovered.lastUnixMs === undefined ? {} : { lastWrittenUnixMs: recovered.lastUnixMs }),
    },
    sequence: recovered.next,
    lastSegmentNumber: logs.at(-1)?.number ?? 0,
    segments: log.kept,
    logBytes:
      recovered.bytes - snapshotContent + (recovered.records - snapshotRecords) * recordHeaderBytes,
    snapshotBytes: snapshot.sizeBytes,
    baseSequence,
    kept: { snapshot: snapshot.name === undefined ? noSnapshot : baseSequence, logFrom },
    unusable,
    snapshotName: snapshot.name,
    cleanUp,
  };
}

/** The files of a journal; none if its directory does not exist yet. */
async function namesIn(disk: Disk, directory: string): Promise<readonly string[]> {
  try {
    return await disk.names(directory);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") {
      return [];
    }
    const place = { path: directory, storage: dirname(directory) };
    throw await pathProblem(`the directory ${shown(directory)} cannot be read`, place, error);
  }
}

/** The number of the first record of a segment; `undefined` if it has none, or cannot be read. */
async function sequenceOf(
  segment: { readonly name: string; readonly number: number } | undefined,
  read: ReadFile,
): Promise<number | undefined> {
  if (segment === undefined) {
    return undefined;
  }
  const { name, number } = segment;
  return (await read(name, { kind: "log", number }, () => false)).header?.sequence;
}

function readerOf(disk: Disk, directory: string): ReadFile {
  return async (name, expected, onFrame) => {
    const path = join(directory, name);
    const file = await disk.open(path).catch(async (error: unknown) => {
      throw await unreadable(path, error);
    });
    let fromOwner: { readonly error: unknown } | undefined;
    try {
      return await readJournalFile(file, expected, (frame, payload) => {
        try {
          return onFrame(frame, payload);
        } catch (error) {
          fromOwner = { error };
          throw error;
        }
      });
    } catch (error) {
      throw fromOwner === undefined ? await unreadable(path, error) : error;
    } finally {
      await file.close();
    }
  };
}

async function unreadable(path: string, error: unknown): Promise<Error> {
  if (error instanceof UnknownVersionError) {
    return new Error(
      `${path} has format version ${error.version}, this program reads version ${formatVersion}. Use the version of the program that wrote it, or move the directory away to start without the stored state.`,
      { cause: error },
    );
  }
  const place = { path, storage: dirname(dirname(path)) };
  const problem = await pathProblem(`${shown(path)} cannot be read`, place, error);
  return new Error(
    `${problem.message} Or move the directory away to start without the stored state.`,
    { cause: error },
  );
}

async function cutFile(disk: Disk, path: string, sizeBytes: number): Promise<void> {
  const file = await disk.open(path);
  try {
    await file.cut(sizeBytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

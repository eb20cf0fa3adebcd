import { dirname, join } from "node:path";
import { errorCodeOf } from "../../component/error-code.ts";
import type { RecoverySummary } from "../../component/storage.ts";
import type { Disk } from "./disk.ts";
import { readEndMark } from "./end-mark.ts";
import { parseFileName } from "./file-names.ts";
import {
  type FileReading,
  type ReadFile,
  readJournalFile,
  UnknownVersionError,
} from "./file-reader.ts";
import { formatVersion, recordHeaderBytes } from "./format.ts";
import { recoverLog } from "./log-recovery.ts";
import { explained, pathProblem } from "./path-problem.ts";
import { shown } from "./place.ts";
import { RecoveredRecords } from "./recovered-records.ts";
import type { FinishedSegment } from "./segments.ts";

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
  /** Snapshots that could not be used, although nothing is lost. */
  readonly replacedSnapshots: number;
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
  const read = readerOf(disk, directory);
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
    endMark,
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
  return {
    summary: {
      records: recovered.records,
      bytes: recovered.bytes,
      tornBytes: log.tornBytes,
      lostBytes: lostSnapshots.reduce((sum, { sizeBytes }) => sum + sizeBytes, log.lostBytes),
      missingRecords: Math.max(0, endMark - recovered.next),
      ...(recovered.lastUnixMs === undefined ? {} : { lastWrittenUnixMs: recovered.lastUnixMs }),
    },
    sequence: recovered.next,
    lastSegmentNumber: logs.at(-1)?.number ?? 0,
    segments: log.kept,
    logBytes:
      recovered.bytes - snapshotContent + (recovered.records - snapshotRecords) * recordHeaderBytes,
    snapshotBytes: snapshot.sizeBytes,
    baseSequence,
    replacedSnapshots: snapshot.damaged.length - lostSnapshots.length,
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

interface Snapshot {
  readonly name: string;
  readonly sequence: number;
}

interface SnapshotOutcome {
  readonly name: string | undefined;
  readonly sizeBytes: number;
  /** Whether the log can be replayed on top: on a complete snapshot, or on an empty state if the log has all records. */
  readonly isBase: boolean;
  /** The number of the first record that is kept, in case the snapshot gets damaged. */
  readonly keptFrom: number;
  /** Snapshots that are no longer needed. */
  readonly stale: readonly string[];
  readonly damaged: readonly { readonly sequence: number; readonly sizeBytes: number }[];
}

async function recoverSnapshot(
  snapshots: readonly Snapshot[],
  {
    read,
    recovered,
    firstSequence,
  }: {
    readonly read: ReadFile;
    readonly recovered: RecoveredRecords;
    /** The number of the first record of the log. */
    readonly firstSequence: number | undefined;
  },
): Promise<SnapshotOutcome> {
  const expected = { kind: "snapshot", number: 0 } as const;
  const damaged: { readonly sequence: number; readonly sizeBytes: number }[] = [];
  const newestFirst = snapshots.toSorted((a, b) => b.sequence - a.sequence);
  for (const [index, { name, sequence }] of newestFirst.entries()) {
    // Checked first, because the owner must not get half a state.
    const reading = await read(name, expected, () => true);
    if (!isComplete(reading, sequence)) {
      damaged.push({ sequence, sizeBytes: reading.sizeBytes });
      continue;
    }
    await read(name, expected, (frame, payload) => {
      recovered.add(payload, 0);
      recovered.noteTimeOf(frame);
      return true;
    });
    recovered.next = sequence;
    // An empty snapshot says that nothing before it is needed, or wanted.
    const previous = recovered.records === 0 ? undefined : newestFirst[index + 1];
    const stale = newestFirst.filter((each) => each.name !== name && each !== previous);
    return {
      name,
      sizeBytes: reading.sizeBytes,
      isBase: true,
      keptFrom: previous?.sequence ?? (recovered.records === 0 ? sequence : 0),
      stale: stale.map((each) => each.name),
      damaged,
    };
  }
  // A log that has all records needs no snapshot, unless it began with one.
  const isWholeLog = firstSequence === 0 && newestFirst.at(-1)?.sequence !== 0;
  return {
    name: undefined,
    sizeBytes: 0,
    isBase: damaged.length === 0 || isWholeLog,
    keptFrom: 0,
    stale: newestFirst.map((each) => each.name),
    damaged,
  };
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

function isComplete({ header, flaw, last }: FileReading, sequence: number): boolean {
  return flaw === "none" && last?.records === 0 && header?.sequence === sequence;
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

import { join } from "node:path";
import type { RecoverySummary } from "../../component/storage.ts";
import type { Disk } from "./disk.ts";
import { parseFileName } from "./file-names.ts";
import {
  type FileReading,
  type ReadFile,
  readJournalFile,
  UnknownVersionError,
} from "./file-reader.ts";
import { formatVersion, recordHeaderBytes } from "./format.ts";
import { recoverLog } from "./log-recovery.ts";
import { RecoveredRecords } from "./recovered-records.ts";
import type { FinishedSegment } from "./segments.ts";
import { errorCodeOf } from "./write-failure.ts";

/** What a journal's directory holds after its recovery. */
export interface Recovered {
  readonly summary: RecoverySummary;
  /** The number for the next record. */
  readonly sequence: number;
  readonly lastSegmentNumber: number;
  readonly segments: readonly FinishedSegment[];
  /** Bytes of the records after the snapshot, with what each takes besides. */
  readonly logBytes: number;
  readonly snapshotBytes: number;
}

/**
 * Reads what is stored: the newest complete snapshot, then every record of the log after it up to the first that
 * is missing. What cannot be used is removed or cut off, so that the log can go on where it is whole, and is
 * told in the summary. Rejects with an `Error` an operator understands when something cannot be read, and with
 * what `take` throws; then nothing was changed.
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
  const files = (await disk.names(directory)).flatMap((name) => {
    const parsed = parseFileName(name);
    return parsed === undefined ? [] : [{ name, ...parsed }];
  });
  const snapshots = files.filter((file) => file.kind === "snapshot");
  const logs = files.filter((file) => file.kind === "log").toSorted((a, b) => a.number - b.number);
  const read = readerOf(disk, directory);
  const taken = new RecoveredRecords(take);

  const snapshot = await recoverSnapshot(snapshots, read, taken);
  const [snapshotRecords, snapshotContent] = [taken.records, taken.bytes];
  const log = await recoverLog(logs, { read, taken, hasBase: snapshot.isBase });

  const temporary = files.filter(({ kind }) => kind === "temporary").map(({ name }) => name);
  // Snapshots last: a crash in between must not make a log look as if it had begun with nothing.
  for (const name of [...temporary, ...log.stale, ...snapshot.stale]) {
    await disk.remove(join(directory, name));
  }
  for (const { name, sizeBytes } of log.cuts) {
    await cutFile(disk, join(directory, name), sizeBytes);
  }
  await disk.syncDirectory(directory);

  // A damaged snapshot is no loss if an older one and the log reach as far.
  const lostSnapshots = snapshot.damaged.filter(
    ({ sequence }) => !snapshot.isBase || sequence > taken.next,
  );
  return {
    summary: {
      records: taken.records,
      bytes: taken.bytes,
      tornBytes: log.tornBytes,
      lostBytes: lostSnapshots.reduce((sum, { sizeBytes }) => sum + sizeBytes, log.lostBytes),
      ...(taken.lastUnixMs === undefined ? {} : { lastWrittenUnixMs: taken.lastUnixMs }),
    },
    sequence: taken.next,
    lastSegmentNumber: logs.at(-1)?.number ?? 0,
    segments: log.kept,
    logBytes: taken.bytes - snapshotContent + (taken.records - snapshotRecords) * recordHeaderBytes,
    snapshotBytes: snapshot.sizeBytes,
  };
}

interface Snapshot {
  readonly name: string;
  readonly sequence: number;
}

interface SnapshotOutcome {
  readonly sizeBytes: number;
  /** Whether the log can go on from here: from a complete snapshot, or from nothing when there was none yet. */
  readonly isBase: boolean;
  /** Those that are of no use any more. */
  readonly stale: readonly string[];
  readonly damaged: readonly { readonly sequence: number; readonly sizeBytes: number }[];
}

async function recoverSnapshot(
  snapshots: readonly Snapshot[],
  read: ReadFile,
  taken: RecoveredRecords,
): Promise<SnapshotOutcome> {
  const expected = { kind: "snapshot", number: 0 } as const;
  const damaged: { readonly sequence: number; readonly sizeBytes: number }[] = [];
  for (const snapshot of snapshots.toSorted((a, b) => b.sequence - a.sequence)) {
    const { name, sequence } = snapshot;
    // First whether it is complete: half a state must not be handed over.
    const reading = await read(name, expected, () => true);
    if (!isComplete(reading, sequence)) {
      damaged.push({ sequence, sizeBytes: reading.sizeBytes });
      continue;
    }
    await read(name, expected, (frame, payload) => {
      taken.add(payload, 0);
      taken.see(frame);
      return true;
    });
    taken.next = sequence;
    const others = snapshots.filter((each) => each !== snapshot);
    const stale = others.map((each) => each.name);
    return { sizeBytes: reading.sizeBytes, isBase: true, stale, damaged };
  }
  const stale = snapshots.map((each) => each.name);
  return { sizeBytes: 0, isBase: damaged.length === 0, stale, damaged };
}

function isComplete({ header, flaw, last }: FileReading, sequence: number): boolean {
  return flaw === "none" && last?.records === 0 && header?.sequence === sequence;
}

function readerOf(disk: Disk, directory: string): ReadFile {
  return async (name, expected, onFrame) => {
    const path = join(directory, name);
    const file = await disk.open(path).catch((error: unknown) => {
      throw unreadable(path, error);
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
      throw fromOwner === undefined ? unreadable(path, error) : error;
    } finally {
      await file.close();
    }
  };
}

function unreadable(path: string, error: unknown): Error {
  return new Error(
    error instanceof UnknownVersionError
      ? `${path} has format version ${error.version}, this program reads version ${formatVersion}. Use the version of the program that wrote it, or move the directory away to begin without what is stored.`
      : `${path} cannot be read (${errorCodeOf(error)}). Look at its permissions and at the health of the disk, or move the directory away to begin without what is stored.`,
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

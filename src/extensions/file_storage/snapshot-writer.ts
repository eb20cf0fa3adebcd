import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Disk, DiskFile } from "./disk.ts";
import { parseFileName, snapshotName, temporarySuffix } from "./file-names.ts";
import {
  encodeFileHeader,
  encodeFrameHeader,
  frameHeaderBytes,
  Group,
  recordHeaderBytes,
} from "./format.ts";
import type { JournalCounts } from "./journal-counts.ts";

/** Small records share a frame up to this size, so that no step of the event loop takes long. */
const groupBytes = 1024 * 1024;
/** A record of at least this size is written without a copy, in a frame of its own. */
const largeRecordBytes = 64 * 1024;

export interface SnapshotTarget {
  readonly disk: Disk;
  readonly directory: string;
  readonly counts: JournalCounts;
  /** The number of the first record that the snapshot does not contain. */
  readonly sequence: number;
  readonly unixMs: () => number;
  /** Whether a file `end` is beside it. */
  readonly hasEndMark: boolean;
  /** Called before each record: whether to stop. */
  readonly isCancelled: () => boolean;
}

/**
 * Writes a snapshot beside the existing files and gives it its final name when all of it is on the disk. Returns its size, or
 * `undefined` if it was cancelled. Rejects with the system's error or with an exception of the iterable. A cancelled or failed
 * snapshot leaves no file.
 */
export async function writeSnapshot(
  target: SnapshotTarget,
  records: Iterable<Uint8Array>,
): Promise<number | undefined> {
  const { disk, directory, sequence } = target;
  const path = join(directory, snapshotName(sequence));
  const temporary = `${path}${temporarySuffix}`;
  await disk.remove(temporary);
  const file = await disk.create(temporary);
  try {
    const sizeBytes = await writeAll(file, target, records);
    if (sizeBytes === undefined) {
      await file.close();
      await disk.remove(temporary);
      return undefined;
    }
    await file.sync();
    await file.close();
    await disk.rename(temporary, path);
    await disk.syncDirectory(directory);
    return sizeBytes;
  } catch (error) {
    await file.close();
    await disk.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Removes the snapshots that a newer one has replaced. */
export async function removeSnapshotsBefore({
  disk,
  directory,
  sequence,
}: Pick<SnapshotTarget, "disk" | "directory" | "sequence">): Promise<void> {
  for (const name of await disk.names(directory)) {
    const file = parseFileName(name);
    if (file?.kind === "snapshot" && file.sequence < sequence) {
      await disk.remove(join(directory, name));
    }
  }
}

/** Returns the size of the whole file, or `undefined` if it was cancelled. */
async function writeAll(
  file: DiskFile,
  { counts, sequence, unixMs, hasEndMark, isCancelled }: SnapshotTarget,
  records: Iterable<Uint8Array>,
): Promise<number | undefined> {
  const group = new Group();
  let position = 0;
  let written = 0;
  const write = async (...parts: readonly Uint8Array[]) => {
    await file.write(parts, position);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    position += bytes;
    counts.snapshotBytesWritten += bytes;
  };
  const writeGroup = async () => {
    await write(group.seal({ sequence: written, unixMs: unixMs() }));
    written += group.count;
    group.clear();
  };

  const header = { kind: "snapshot", number: 0, sequence, unixMs: unixMs(), hasEndMark } as const;
  await write(encodeFileHeader(header));
  for (const record of records) {
    if (isCancelled()) {
      return undefined;
    }
    if (record.length < largeRecordBytes) {
      group.add(record);
      if (group.byteLength >= groupBytes) {
        await writeGroup();
      }
      continue;
    }
    if (group.count > 0) {
      await writeGroup();
    }
    await write(frameHeaderOf(record, { sequence: written, unixMs: unixMs() }), record);
    written += 1;
  }
  if (group.count > 0) {
    await writeGroup();
  }
  // A frame without records is the end mark; a snapshot without it is incomplete.
  await writeGroup();
  return position;
}

/** A frame with one record, without the bytes of the record itself. */
function frameHeaderOf(
  record: Uint8Array,
  { sequence, unixMs }: { readonly sequence: number; readonly unixMs: number },
): Uint8Array {
  const head = new Uint8Array(frameHeaderBytes + recordHeaderBytes);
  new DataView(head.buffer).setUint32(frameHeaderBytes, record.length, true);
  encodeFrameHeader(head, {
    payloadBytes: recordHeaderBytes + record.length,
    records: 1,
    unixMs,
    sequence,
    payloadCrc: crc32(record, crc32(head.subarray(frameHeaderBytes))),
  });
  return head;
}

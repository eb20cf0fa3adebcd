import type { FileReading, ReadFile } from "./file-reader.ts";
import type { RecoveredRecords } from "./recovered-records.ts";

interface Snapshot {
  readonly name: string;
  readonly sequence: number;
}

export interface SnapshotOutcome {
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

/** Passes the newest complete snapshot to `recovered`, which must be empty. Changes nothing. */
export async function recoverSnapshot(
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

function isComplete({ header, flaw, last }: FileReading, sequence: number): boolean {
  return flaw === "none" && last?.records === 0 && header?.sequence === sequence;
}

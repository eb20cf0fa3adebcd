import type { JournalState } from "../../../src/component/storage.ts";
import type { Disk } from "../../../src/extensions/file_storage/disk.ts";
import { type FileJournal, openJournal } from "../../../src/extensions/file_storage/journal.ts";
import { recordingLogger } from "../../service/fake-components.ts";
import { FakeClock } from "../../support/fake-clock.ts";

export const directory = "/storage/processor_sample";

export interface OpenOptions {
  readonly disk: Disk;
  readonly clock?: FakeClock;
  readonly fsync?: boolean;
  readonly maxSegmentBytes?: number;
  readonly compactsOnStart?: boolean;
  readonly take?: (record: Uint8Array) => void;
  readonly onSnapshotNeeded?: () => void;
  readonly onState?: (state: JournalState) => void;
}

export interface OpenedJournal {
  readonly journal: FileJournal;
  readonly clock: FakeClock;
  /** The records that were recovered, as texts. */
  readonly records: readonly string[];
  readonly lines: unknown[][];
  /** How often a snapshot was asked for. */
  readonly asked: () => number;
  readonly states: readonly JournalState[];
}

/** A journal on a disk, whose owner keeps texts. */
export async function open(options: OpenOptions): Promise<OpenedJournal> {
  const clock = options.clock ?? new FakeClock();
  const logger = recordingLogger();
  const records: string[] = [];
  const states: JournalState[] = [];
  let asked = 0;
  const journal = await openJournal({
    disk: options.disk,
    directory,
    directoryMode: 0o700,
    clock,
    logger,
    fsync: options.fsync ?? true,
    flushIntervalMs: 10,
    maxSegmentBytes: options.maxSegmentBytes ?? 1024 * 1024,
    compactsOnStart: options.compactsOnStart ?? false,
    name: "processor_sample",
    owner: {
      take: options.take ?? ((record) => records.push(textOf(record))),
      onSnapshotNeeded() {
        asked += 1;
        options.onSnapshotNeeded?.();
      },
      onState(state) {
        states.push(state);
        options.onState?.(state);
      },
    },
    onState: () => {},
  });
  return { journal, clock, records, lines: logger.lines, asked: () => asked, states };
}

/** What a start on this disk would find. */
export async function recovered(disk: Disk): Promise<readonly string[]> {
  return (await open({ disk })).records;
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** Lets everything run that does not wait for time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

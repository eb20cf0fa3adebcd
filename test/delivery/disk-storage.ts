import type { Journal, Storage } from "../../src/component/storage.ts";
import type { Disk } from "../../src/extensions/file_storage/disk.ts";
import { type FileJournal, openJournal } from "../../src/extensions/file_storage/journal.ts";
import { recordingLogger } from "../service/fake-components.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** A storage on a simulated disk, with small segments so that a few payloads fill several. */
export class DiskStorage implements Storage {
  readonly clock = new FakeClock();
  readonly #disk: Disk;
  readonly #maxSegmentBytes: number;
  journal: FileJournal | undefined;

  constructor(disk: Disk, { maxSegmentBytes = 1024 } = {}) {
    this.#disk = disk;
    this.#maxSegmentBytes = maxSegmentBytes;
  }

  async openJournal(owner: Parameters<Storage["openJournal"]>[0]): Promise<Journal> {
    this.journal = await openJournal({
      disk: this.#disk,
      directory: "/storage/exporter_otlp_http",
      directoryMode: 0o700,
      clock: this.clock,
      logger: recordingLogger(),
      fsync: true,
      flushIntervalMs: 10,
      maxSegmentBytes: this.#maxSegmentBytes,
      compactsOnStart: false,
      name: "exporter_otlp_http",
      owner,
      onState: () => {},
    });
    return this.journal;
  }
}

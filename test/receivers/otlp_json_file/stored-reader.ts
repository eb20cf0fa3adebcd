import type { ConsumeResult } from "../../../src/component/consumer.ts";
import { DiskStorage } from "../../delivery/disk-storage.ts";
import { FakeDisk } from "../../extensions/file_storage/fake-disk.ts";
import { settled } from "../../extensions/file_storage/open-journal.ts";
import { reader } from "./harness.ts";

/** A receiver with a storage, in a process that can end in two ways. */
export function stored(
  disk: FakeDisk,
  folder: string,
  section: Readonly<Record<string, unknown>> = {},
) {
  const storage = new DiskStorage(disk);
  const subject = reader({ storage: "file_storage", ...section }, { folder, storage });
  return {
    ...subject,
    setAnswer(answer: (text: string) => Promise<ConsumeResult>) {
      subject.answer = answer;
    },
    logBytes: () => storage.journal?.logBytes,
    /** Shuts down as the service does. Returns what is on the disk. */
    async end(): Promise<FakeDisk> {
      await subject.stop();
      await storage.journal?.close();
      return FakeDisk.of(disk.files());
    },
    /** What is on the disk after a kill at this moment, when the last group is written. */
    async killed(): Promise<FakeDisk> {
      await settled();
      storage.clock.advance(10);
      await settled();
      const left = FakeDisk.of(disk.files());
      await subject.stop(AbortSignal.abort());
      return left;
    },
  };
}

import { DirectoryWatch } from "../../../src/extensions/file_storage/directory-watch.ts";
import { EndMark } from "../../../src/extensions/file_storage/end-mark.ts";
import { zeroCounts } from "../../../src/extensions/file_storage/journal-counts.ts";
import { JournalDirectory } from "../../../src/extensions/file_storage/journal-directory.ts";
import { JournalLog } from "../../../src/extensions/file_storage/journal-log.ts";
import { JournalStatus } from "../../../src/extensions/file_storage/journal-status.ts";
import { recordingLogger } from "../../service/fake-components.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeDisk } from "./fake-disk.ts";
import { directory } from "./open-journal.ts";

export const name = "processor_sample";

/** The parts of a journal without what puts them together: an open log, its directory, and the watch over it. */
export async function openWatchedLog() {
  const disk = new FakeDisk();
  const clock = new FakeClock();
  const logger = recordingLogger();
  const counts = zeroCounts();
  let asked = 0;
  const claims: { answer: () => Promise<void> } = { answer: async () => {} };
  const status = new JournalStatus({
    counts,
    logger,
    name,
    owner: {
      take() {},
      onSnapshotNeeded() {
        asked += 1;
      },
    },
    onState() {},
  });
  const endMark = new EndMark({ disk, directory, clock, recovered: { snapshot: -1, logFrom: 0 } });
  const log = new JournalLog(
    {
      disk,
      directory,
      clock,
      fsync: true,
      flushIntervalMs: 10,
      maxSegmentBytes: 1_000,
      counts,
      endMark,
      onFailure: (...failure) => status.onGap(...failure),
    },
    { sequence: 0, lastSegmentNumber: 0, segments: [], logBytes: 0 },
  );
  const place = new JournalDirectory({
    disk,
    directory,
    mode: 0o700,
    claim: () => claims.answer(),
    cleanUp: async () => {},
    log,
    endMark,
    snapshotName: undefined,
  });
  await place.open();
  const watch = new DirectoryWatch({ place, log, status, logger, name });
  return { disk, clock, logger, claims, counts, status, log, place, watch, asked: () => asked };
}

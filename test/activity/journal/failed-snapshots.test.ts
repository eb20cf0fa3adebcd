import { expect, test } from "vitest";
import type { Journal, Storage } from "../../../src/component/storage.ts";
import { openJournal } from "../../../src/extensions/file_storage/journal.ts";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { FakeDisk } from "../../extensions/file_storage/fake-disk.ts";
import { settled } from "../../extensions/file_storage/open-journal.ts";

const mebibyte = 1 << 20;
const tickMs = 500;

/** A journal whose directory can be closed to new files, that pretends to have a long log, and notes when a snapshot is made. */
function longJournal(settings: ReturnType<typeof testSettings>) {
  const { clock } = settings;
  const disk = new FakeDisk();
  const snapshotsAtMs: number[] = [];
  let logBytes = 0;
  const storage: Storage = {
    async openJournal(owner) {
      const journal = await openJournal({
        disk,
        directory: "/storage/processor_session_activity",
        directoryMode: 0o700,
        clock,
        logger: settings.settings.logger,
        fsync: true,
        flushIntervalMs: 10,
        maxSegmentBytes: mebibyte,
        compactsOnStart: false,
        name: "processor_session_activity",
        owner,
        onState: () => {},
      });
      return new Proxy<Journal>(journal, {
        get(_, key) {
          switch (key) {
            case "logBytes":
              return logBytes;
            case "snapshot":
              return (records: Iterable<Uint8Array>) => {
                snapshotsAtMs.push(clock.nowMs());
                return journal.snapshot(records);
              };
            default: {
              const value: unknown = Reflect.get(journal, key);
              return typeof value === "function" ? value.bind(journal) : value;
            }
          }
        },
      });
    },
  };
  const grow = () => {
    logBytes = 17 * mebibyte;
  };
  /** A file that is open can still be written to. */
  const closeDirectory = () => {
    disk.fault = (name) => (["write", "sync", "cut"].includes(name) ? undefined : "EACCES");
  };
  return { storage, snapshotsAtMs, grow, closeDirectory };
}

test("a snapshot that fails because no file can be created is repeated at growing intervals", async () => {
  const settings = testSettings("session_activity");
  const { storage, snapshotsAtMs, grow, closeDirectory } = longJournal(settings);
  const component = createSessionActivity(
    { ...settings.settings, storage },
    schema.parse({ storage: "file_storage" }),
  );
  await component.start();
  const startedMs = settings.clock.nowMs();
  closeDirectory();
  grow();
  for (let tick = 0; tick < (10 * 60_000) / tickMs; tick += 1) {
    settings.clock.advance(tickMs);
    await settled();
  }
  await component.shutdown(noDeadline());

  expect(snapshotsAtMs[0]! - startedMs).toBeLessThanOrEqual(tickMs);
  const waits = snapshotsAtMs.slice(1).map((atMs, index) => (atMs - snapshotsAtMs[index]!) / 1000);
  for (const [index, seconds] of [2, 4, 8, 16, 32, 60, 60, 60].entries()) {
    // The owner starts it at its next tick.
    expect(waits[index]).toBeGreaterThanOrEqual(seconds);
    expect(waits[index]).toBeLessThan(seconds + 2);
  }
  expect(settings.log.filter(({ level }) => level === "error")).toEqual([
    {
      level: "error",
      message:
        "State is no longer stored. The disk refuses to write: check its health, that it is mounted writable, and the permissions of the directory.",
      fields: {
        journal: "processor_session_activity",
        reason: "io_error",
        "error.code": "EACCES",
      },
    },
  ]);
});

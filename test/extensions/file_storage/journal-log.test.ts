import { describe, expect, test } from "vitest";
import { zeroCounts } from "../../../src/extensions/file_storage/journal-counts.ts";
import { JournalLog } from "../../../src/extensions/file_storage/journal-log.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeDisk } from "./fake-disk.ts";
import { bytesOf, directory, open, settled } from "./open-journal.ts";

function created(disk = new FakeDisk()) {
  const failures: unknown[][] = [];
  const log = new JournalLog(
    {
      disk,
      directory,
      clock: new FakeClock(),
      fsync: true,
      flushIntervalMs: 10,
      maxSegmentBytes: 1_000,
      counts: zeroCounts(),
      endMark: { set() {}, isOpen: false },
      onFailure: (reason, _error, unwritten) => failures.push([reason, unwritten]),
    },
    { sequence: 5, lastSegmentNumber: 7, segments: [], logBytes: 100 },
  );
  return { disk, log, failures };
}

describe("the log of a journal", () => {
  test("continues with the numbers of what was recovered", async () => {
    const { disk, log } = created();
    await log.writer.open();
    expect([...disk.files().keys()]).toEqual([`${directory}/log-00000008`]);
    expect({ sequence: log.writer.sequence, bytes: log.bytes }).toEqual({
      sequence: 5,
      bytes: 100,
    });
  });

  test("says that it has failed once, with the records that are lost, and again after a restart", async () => {
    const { log, failures } = created();
    await log.writer.open();
    log.writer.add(bytesOf("lost"));
    log.writer.add(bytesOf("lost, too"));
    log.writer.fail("io_error", undefined);
    log.writer.fail("no_space", undefined);
    expect(failures).toEqual([["io_error", 2]]);
    log.restart();
    log.writer.add(bytesOf("lost again"));
    log.writer.fail("no_space", undefined);
    expect(failures).toEqual([
      ["io_error", 2],
      ["no_space", 1],
    ]);
  });

  test("skips a number at a restart, so that what follows is not taken for the continuation", async () => {
    const disk = new FakeDisk();
    const { log } = created(disk);
    await log.writer.open();
    log.writer.fail("io_error", undefined);
    log.restart();
    expect(log.writer.sequence).toBe(6);
    log.writer.add(bytesOf("after the gap"));
    await log.writer.written();
    await settled();
    const { journal, records } = await open({ disk });
    expect(records).toEqual([]);
    expect(journal.recovered.lostBytes).toBeGreaterThan(0);
  });

  test("has the size of its finished segments and of the open one", async () => {
    const { disk, log } = created();
    for (let index = 0; index < 3; index += 1) {
      log.writer.add(new Uint8Array(1_000));
      await log.writer.written();
    }
    const sizes = [...disk.files().values()].map(({ length }) => length);
    expect(sizes.length).toBe(3);
    expect(log.fileBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
  });
});

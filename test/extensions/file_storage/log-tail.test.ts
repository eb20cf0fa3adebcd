import { describe, expect, test } from "vitest";
import { Group } from "../../../src/extensions/file_storage/format.ts";
import { zeroCounts } from "../../../src/extensions/file_storage/journal-counts.ts";
import { LogTail } from "../../../src/extensions/file_storage/log-tail.ts";
import { Segments } from "../../../src/extensions/file_storage/segments.ts";
import { deferred } from "../../support/deferred.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeDisk } from "./fake-disk.ts";
import { bytesOf, directory, settled } from "./open-journal.ts";

async function opened({ fsync = true } = {}) {
  const disk = new FakeDisk();
  const clock = new FakeClock();
  const counts = zeroCounts();
  const segments = new Segments({ disk, directory }, { lastNumber: 0, segments: [] });
  const failures: unknown[] = [];
  const marks: number[] = [];
  const endMark = { set: (sequence: number) => marks.push(sequence), isOpen: true };
  const tail = new LogTail(
    { disk, directory, segments, clock, fsync, flushIntervalMs: 10, counts, endMark, sequence: 0 },
    (error) => failures.push(error),
  );
  await tail.roll();
  /** Writes one record. */
  const write = async (endSequence: number) => {
    const group = new Group();
    group.add(bytesOf("a"));
    const placed = tail.segment!.place(group, { endSequence, unixMs: clock.unixMs() });
    await placed.file.write(placed.parts, placed.position);
    tail.onWritten(placed);
  };
  const typesFrom = (index: number) => disk.operations.slice(index).map(({ type }) => type);
  return { disk, clock, counts, segments, failures, marks, tail, write, typesFrom };
}

describe("the tail of a log", () => {
  test("switches to a new segment when all of the old one is on the disk, and hands that over", async () => {
    const { disk, segments, tail, write, typesFrom } = await opened();
    await write(1);
    const first = tail.segment;
    const before = disk.operations.length;
    const gate = deferred<void>();
    disk.pause = (name) => (name === "sync" ? gate.promise : undefined);
    const rolling = tail.roll();
    await settled();
    expect(tail.segment).toBe(first);
    gate.resolve();
    await rolling;
    expect(typesFrom(before)).toEqual(["create", "syncDirectory", "sync"]);
    expect(tail.openSegment?.name).toBe("log-00000002");
    expect(segments.names).toEqual(["log-00000001"]);
    expect(tail.unsyncedRecords).toBe(0);
  });

  test("without fsync is not synced for a new segment, and has nothing that is unsynced", async () => {
    const { disk, clock, tail, write, typesFrom } = await opened({ fsync: false });
    const before = disk.operations.length;
    await write(1);
    await tail.roll();
    await tail.synced(1);
    clock.advance(10);
    await settled();
    expect(typesFrom(before)).toEqual(["write", "create"]);
    expect(tail.unsyncedRecords).toBe(0);
  });

  test("that ends during the switch keeps its segment and removes the new one", async () => {
    const { disk, segments, tail, write } = await opened();
    await write(1);
    const gate = deferred<void>();
    disk.pause = (name) => (name === "sync" ? gate.promise : undefined);
    const rolling = tail.roll();
    await settled();
    tail.end();
    tail.abandon();
    gate.resolve();
    await rolling;
    await tail.idle();
    expect([...disk.files().keys()]).toEqual([`${directory}/log-00000001`]);
    expect(segments.names).toEqual(["log-00000001"]);
    expect(tail.openSegment).toBeUndefined();
  });

  test("that cannot be synced for a new segment stays where it is", async () => {
    const { disk, segments, tail, write } = await opened();
    await write(1);
    disk.fault = (name) => (name === "sync" ? "EIO" : undefined);
    await expect(tail.roll()).rejects.toMatchObject({ code: "EIO" });
    expect(tail.openSegment?.name).toBe("log-00000001");
    expect(segments.names).toEqual([]);
  });

  test("says that a sync has failed, and lets nobody wait after its end", async () => {
    const { disk, clock, counts, failures, tail, write } = await opened();
    await write(1);
    disk.fault = (name) => (name === "sync" ? "EIO" : undefined);
    const synced = tail.synced(1);
    clock.advance(10);
    await settled();
    expect(failures).toMatchObject([{ code: "EIO" }]);
    expect({ unsynced: tail.unsyncedRecords, syncs: counts.syncs }).toEqual({
      unsynced: 1,
      syncs: 0,
    });
    tail.end();
    await synced;
  });

  test("does not go back when a write ends after a later one", async () => {
    const { clock, tail } = await opened();
    const [first, second] = [1, 2].map((endSequence) => {
      const group = new Group();
      group.add(bytesOf("a"));
      return tail.segment!.place(group, { endSequence, unixMs: clock.unixMs() });
    });
    tail.onWritten(second!);
    tail.onWritten(first!);
    expect(tail.writtenSequence).toBe(2);
  });
});

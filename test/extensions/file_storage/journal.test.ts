import { describe, expect, test } from "vitest";
import { maxRecordBytes } from "../../../src/component/storage.ts";
import type { FileJournal } from "../../../src/extensions/file_storage/journal.ts";
import { deferred } from "../../support/deferred.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeDisk } from "./fake-disk.ts";
import { bytesOf, directory, open, recovered, settled } from "./open-journal.ts";

/** What was done to the log and the snapshots, without the mark of the end. */
function operationsOf(disk: FakeDisk): FakeDisk["operations"] {
  const marks = disk.operations.flatMap((each) =>
    each.type === "create" && each.path === `${directory}/end` ? [each.inode] : [],
  );
  return disk.operations.filter((each) => !("inode" in each && marks.includes(each.inode)));
}
const writesOf = (disk: FakeDisk) =>
  operationsOf(disk).filter(({ type }) => type === "write").length;
const syncsOf = (disk: FakeDisk) => operationsOf(disk).filter(({ type }) => type === "sync").length;
const namesOn = (disk: FakeDisk) =>
  [...disk.files().keys()].map((path) => path.slice(directory.length + 1)).sort();

describe("a log", () => {
  test("gives back what was appended, in order, also what is empty", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    for (const text of ["a", "", "b", "c".repeat(100_000)]) {
      journal.append(bytesOf(text));
    }
    await journal.written();
    expect(await recovered(disk)).toEqual(["a", "", "b", "c".repeat(100_000)]);
  });

  test("copies a record: its owner may use the bytes again at once", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    const bytes = bytesOf("first");
    journal.append(bytes);
    bytes.fill(0);
    await journal.written();
    expect(await recovered(disk)).toEqual(["first"]);
  });

  test("writes what came in one go at once, and what comes during a write in the next one", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    const gate = deferred<void>();
    disk.pause = (name) => (name === "write" ? gate.promise : undefined);
    journal.append(bytesOf("a"));
    journal.append(bytesOf("b"));
    const first = journal.written();
    await settled();
    for (const text of ["c", "d", "e"]) {
      journal.append(bytesOf(text));
    }
    const second = journal.written();
    await settled();
    expect(writesOf(disk)).toBe(0);
    gate.resolve();
    await Promise.all([first, second]);
    expect(writesOf(disk)).toBe(2);
    expect(disk.mostWritesAtOnce).toBe(1);
    expect(await recovered(disk)).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("is written after the flush interval when nobody waits for it", async () => {
    const disk = new FakeDisk();
    const { journal, clock } = await open({ disk });
    journal.append(bytesOf("a"));
    await settled();
    expect(writesOf(disk)).toBe(0);
    clock.advance(10);
    await settled();
    expect(await recovered(disk)).toEqual(["a"]);
  });

  test("that grows fast is not gathered for long, whoever waits", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(new Uint8Array(1024 * 1024));
    await settled();
    expect(writesOf(disk)).toBe(1);
  });

  test("leaves nothing lying that is appended in the moment a write ends", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const [index, text] of texts.entries()) {
      journal.append(bytesOf(text));
      await journal.written();
      for (let microtask = 0; microtask < index; microtask += 1) {
        await undefined;
      }
    }
    expect(await recovered(disk)).toEqual(texts);
  });

  test("says at once that it is written when nothing was appended", async () => {
    const { journal } = await open({ disk: new FakeDisk() });
    await journal.written();
    await journal.synced();
  });

  test("is synced once for all groups of a flush interval", async () => {
    const disk = new FakeDisk();
    const { journal, clock } = await open({ disk });
    let isSynced = false;
    for (const text of ["a", "b", "c"]) {
      journal.append(bytesOf(text));
      await journal.written();
    }
    void journal.synced().then(() => {
      isSynced = true;
    });
    clock.advance(9);
    await settled();
    expect({ syncs: syncsOf(disk), isSynced }).toEqual({ syncs: 0, isSynced: false });
    clock.advance(1);
    await settled();
    expect({ syncs: syncsOf(disk), isSynced }).toEqual({ syncs: 1, isSynced: true });
    clock.advance(1_000);
    await settled();
    expect(syncsOf(disk)).toBe(1);
  });

  test("is synced again for what was written while it was being synced", async () => {
    const disk = new FakeDisk();
    const { journal, clock } = await open({ disk });
    const gate = deferred<void>();
    disk.pause = (name) => (name === "sync" ? gate.promise : undefined);
    journal.append(bytesOf("a"));
    await journal.written();
    clock.advance(10);
    journal.append(bytesOf("b"));
    await journal.written();
    let isSynced = false;
    void journal.synced().then(() => {
      isSynced = true;
    });
    gate.resolve();
    await settled();
    expect({ syncs: syncsOf(disk), isSynced }).toEqual({ syncs: 1, isSynced: false });
    clock.advance(10);
    await settled();
    expect({ syncs: syncsOf(disk), isSynced }).toEqual({ syncs: 2, isSynced: true });
  });

  test("without fsync is synced at its end only, and synced() waits for the writing", async () => {
    const disk = new FakeDisk();
    const { journal, clock } = await open({ disk, fsync: false });
    journal.append(bytesOf("a"));
    await journal.synced();
    clock.advance(1_000);
    await settled();
    expect({ writes: writesOf(disk), syncs: syncsOf(disk) }).toEqual({ writes: 1, syncs: 0 });
    await journal.close();
    expect(syncsOf(disk)).toBe(1);
  });

  test("goes on in a new file when one is full, and is read over all of them", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk, maxSegmentBytes: 1_000 });
    const texts = Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(100, "."));
    for (const text of texts) {
      journal.append(bytesOf(text));
      await journal.written();
    }
    expect(namesOn(disk).length).toBeGreaterThan(3);
    expect(await recovered(disk)).toEqual(texts);
  });

  test("leaves a full file only when all of it is on disk", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk, maxSegmentBytes: 100 });
    journal.append(new Uint8Array(200));
    await journal.written();
    journal.append(bytesOf("next"));
    await journal.written();
    const types = operationsOf(disk).map(({ type }) => type);
    expect(types.slice(types.indexOf("write")).slice(0, 4)).toEqual([
      "write",
      "create",
      "syncDirectory",
      "sync",
    ]);
  });

  test("knows when something was written last, also that it was closed later", async () => {
    const disk = new FakeDisk();
    const { journal, clock } = await open({ disk });
    journal.append(bytesOf("a"));
    await journal.written();
    const writtenUnixMs = clock.unixMs();
    const killed = await open({ disk: FakeDisk.of(disk.files()) });
    expect(killed.journal.recovered).toEqual({
      records: 1,
      bytes: 1,
      tornBytes: 0,
      lostBytes: 0,
      missingRecords: 0,
      isEndMissing: false,
      lastWrittenUnixMs: writtenUnixMs,
    });
    clock.advance(60_000);
    await journal.close();
    const closed = await open({ disk });
    expect(closed.journal.recovered.lastWrittenUnixMs).toBe(writtenUnixMs + 60_000);
  });

  test("that is opened and closed again and again without a record does not gather files", async () => {
    const disk = new FakeDisk();
    const first = await open({ disk });
    first.journal.append(bytesOf("a"));
    await first.journal.close();
    for (let start = 0; start < 20; start += 1) {
      const { journal, records } = await open({ disk });
      expect(records).toEqual(["a"]);
      await journal.close();
    }
    expect(namesOn(disk).length).toBeLessThanOrEqual(4);
  });
});

describe("appendNow", () => {
  test("has written the record, and all before it, when it returns", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("a"));
    expect(journal.appendNow(bytesOf("b"))).toBe(true);
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["a", "b"]);
    await journal.written();
    journal.append(bytesOf("c"));
    await journal.written();
    expect(await recovered(disk)).toEqual(["a", "b", "c"]);
  });

  test("does not wait for a write that is under way, and loses nothing of it", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    const gate = deferred<void>();
    disk.pause = (name) => (name === "write" ? gate.promise : undefined);
    journal.append(bytesOf("on its way"));
    const written = journal.written();
    await settled();
    journal.append(bytesOf("pending"));
    expect(journal.appendNow(bytesOf("now"))).toBe(true);
    const want = ["on its way", "pending", "now"];
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(want);
    gate.resolve();
    await written;
    await settled();
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(want);
  });

  test("says no when the disk is full", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    disk.fault = (name) => (name === "write" ? "ENOSPC" : undefined);
    expect(journal.appendNow(bytesOf("a"))).toBe(false);
    expect(journal.state()).toEqual({ status: "degraded", reason: "no_space" });
  });
});

describe("a snapshot", () => {
  test("replaces what was before it; what is appended after its call comes after it", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("old"));
    await journal.written();
    journal.append(bytesOf("old and pending"));
    const outcome = journal.snapshot(["state 1", "state 2"].map(bytesOf));
    journal.append(bytesOf("new"));
    expect(await outcome).toEqual({ status: "done" });
    await journal.written();
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["state 1", "state 2", "new"]);
    journal.append(bytesOf("newer"));
    await journal.close();
    expect(await recovered(disk)).toEqual(["state 1", "state 2", "new", "newer"]);
  });

  test("removes the files that the one before it has made superfluous, and no other", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk, maxSegmentBytes: 100 });
    for (let round = 0; round < 4; round += 1) {
      for (let index = 0; index < 5; index += 1) {
        journal.append(new Uint8Array(100));
        await journal.written();
      }
      expect(await journal.snapshot([bytesOf("state")])).toEqual({ status: "done" });
    }
    await settled();
    const names = namesOn(disk);
    expect(names.filter((name) => name.startsWith("snapshot-"))).toEqual([
      "snapshot-0000000000000015",
      "snapshot-0000000000000020",
    ]);
    // Five segments of the records between them, and the open one.
    expect(names.filter((name) => name.startsWith("log-"))).toHaveLength(6);
  });

  test("of nothing is a state, too", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("a"));
    expect(await journal.snapshot([])).toEqual({ status: "done" });
    expect(await recovered(disk)).toEqual([]);
  });

  test("may have large records and many small ones", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    const records = [
      "small",
      "L".repeat(3_000_000),
      ...Array.from({ length: 30_000 }, (_, index) => `${index}`.padEnd(100, "-")),
      "M".repeat(64 * 1024),
      "",
    ];
    expect(await journal.snapshot(records.map(bytesOf))).toEqual({ status: "done" });
    const found = await recovered(disk);
    expect(found.length).toBe(records.length);
    expect(found.every((record, index) => record === records[index])).toBe(true);
  });

  test("pulls its records one by one as the disk takes them, and never blocks for all of them", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    const pulledAtWrites: number[] = [];
    function* records() {
      for (let index = 0; index < 4; index += 1) {
        pulledAtWrites.push(writesOf(disk));
        yield new Uint8Array(100_000);
      }
    }
    expect(await journal.snapshot(records())).toEqual({ status: "done" });
    expect(pulledAtWrites).toEqual([1, 2, 3, 4]);
  });

  test("is refused while another one is written, and its records are not looked at", async () => {
    const { journal } = await open({ disk: new FakeDisk() });
    const first = journal.snapshot([bytesOf("first")]);
    const second = journal.snapshot(
      (function* () {
        yield* [bytesOf("second")];
        throw new Error("must not be pulled");
      })(),
    );
    expect(await Promise.all([first, second])).toEqual([{ status: "done" }, { status: "busy" }]);
  });

  test("whose records cannot be made rejects with the reason, and leaves what was stored", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("a"));
    const broken = function* () {
      yield bytesOf("half");
      throw new TypeError("a bug");
    };
    await expect(journal.snapshot(broken())).rejects.toThrow(new TypeError("a bug"));
    await expect(journal.snapshot([new Uint8Array(maxRecordBytes + 1)])).rejects.toThrow(
      RangeError,
    );
    journal.append(bytesOf("b"));
    await journal.written();
    expect(journal.state()).toEqual({ status: "ok" });
    expect(await recovered(disk)).toEqual(["a", "b"]);
  });

  test("that cannot be written leaves the log going on, and is asked for again later", async () => {
    const disk = new FakeDisk();
    const { journal, clock, asked, lines } = await open({ disk });
    journal.append(bytesOf("a"));
    disk.fault = (name, path) =>
      name === "write" && path.endsWith(".tmp") ? { partial: "ENOSPC" } : undefined;
    expect(await journal.snapshot([bytesOf("state")])).toEqual({
      status: "failed",
      reason: "no_space",
    });
    journal.append(bytesOf("b"));
    await journal.written();
    expect(journal.state()).toEqual({ status: "ok" });
    expect(namesOn(disk).some((name) => name.startsWith("snapshot-"))).toBe(false);
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["a", "b"]);
    expect(lines).toEqual([
      [
        "warn",
        "A snapshot could not be written. The log continues and grows.",
        { journal: "processor_sample", reason: "no_space", "error.code": "ENOSPC" },
      ],
    ]);
    clock.advance(1_999);
    await settled();
    expect(asked()).toBe(0);
    clock.advance(1);
    await settled();
    expect(asked()).toBe(1);
  });

  test("says how long the log after it is", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(new Uint8Array(96));
    journal.append(new Uint8Array(196));
    expect([journal.logBytes, journal.snapshotBytes]).toEqual([300, 0]);
    const done = journal.snapshot([new Uint8Array(1_000)]);
    journal.append(new Uint8Array(46));
    await done;
    const { logBytes, snapshotBytes } = journal;
    expect(logBytes).toBe(50);
    expect(snapshotBytes).toBeGreaterThan(1_000);
    await journal.close();
    const again = await open({ disk });
    expect(again.journal).toMatchObject({ logBytes, snapshotBytes });
  });

  test("is asked for after a start with a log when the user wants it", async () => {
    const disk = new FakeDisk();
    const first = await open({ disk, compactsOnStart: true });
    first.clock.advance(0);
    await settled();
    expect(first.asked()).toBe(0);
    first.journal.append(bytesOf("a"));
    await first.journal.close();
    const second = await open({ disk, compactsOnStart: true });
    expect(second.asked()).toBe(0);
    second.clock.advance(0);
    await settled();
    expect(second.asked()).toBe(1);
  });
});

describe("a disk that fails", () => {
  test("degrades the journal: what is appended is dropped and counted, and nobody waits", async () => {
    const disk = new FakeDisk();
    const { journal, lines, states } = await open({ disk });
    journal.append(bytesOf("stored"));
    await journal.written();
    disk.fault = (name) => (name === "write" ? { partial: "ENOSPC" } : undefined);
    journal.append(bytesOf("lost 1"));
    journal.append(bytesOf("lost 2"));
    await Promise.all([journal.written(), journal.synced()]);
    journal.append(bytesOf("lost 3"));
    await journal.written();
    expect(journal.counts.droppedRecords.no_space).toBe(3);
    expect(journal.counts.writeErrors.no_space).toBe(1);
    expect(states).toEqual([{ status: "degraded", reason: "no_space" }]);
    expect(lines).toEqual([
      [
        "error",
        "State is no longer stored. The disk is full: free some space.",
        { journal: "processor_sample", reason: "no_space", "error.code": "ENOSPC" },
      ],
    ]);
    expect(await recovered(disk)).toEqual(["stored"]);
  });

  test("is asked for a snapshot again and again, ever more rarely, until it takes one", async () => {
    const disk = new FakeDisk();
    const opened = await open({ disk });
    const { journal, clock, asked, lines, states } = opened;
    journal.append(bytesOf("stored"));
    await journal.written();
    disk.fault = (name) => (name === "write" || name === "create" ? "ENOSPC" : undefined);
    journal.append(bytesOf("lost"));
    await journal.written();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      let waitedMs = 0;
      const before = asked();
      while (asked() === before && waitedMs < 100_000) {
        clock.advance(500);
        waitedMs += 500;
        await settled();
      }
      waits.push(waitedMs);
      journal.append(bytesOf("lost as well"));
      const outcome = await journal.snapshot([bytesOf("state")]);
      expect(outcome).toEqual({ status: "failed", reason: "no_space" });
      await settled();
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["stored"]);
    expect(namesOn(disk).length).toBeLessThanOrEqual(2);

    disk.fault = () => undefined;
    const done = journal.snapshot([bytesOf("state")]);
    journal.append(bytesOf("new"));
    expect(await done).toEqual({ status: "done" });
    await journal.written();
    expect(states.at(-1)).toEqual({ status: "ok" });
    expect(lines.map(([level, message]) => [level, message])).toEqual([
      ["error", "State is no longer stored. The disk is full: free some space."],
      ["info", "State is stored again, beginning with a new snapshot."],
    ]);
    expect(lines.at(-1)?.[2]).toEqual({ journal: "processor_sample", dropped_records: 9 });
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["state", "new"]);
    clock.advance(600_000);
    await settled();
    expect(asked()).toBe(8);
  });

  test("asks no more when the owner made the snapshot at once", async () => {
    const disk = new FakeDisk();
    const opened = await open({
      disk,
      onSnapshotNeeded: () => void opened.journal.snapshot([bytesOf("state")]),
    });
    const { journal, clock, asked } = opened;
    disk.fault = (name) => (name === "write" ? "EIO" : undefined);
    journal.append(bytesOf("a"));
    await journal.written();
    disk.fault = () => undefined;
    for (let second = 0; second < 100; second += 1) {
      clock.advance(1_000);
      await settled();
    }
    expect(asked()).toBe(1);
    expect(journal.state()).toEqual({ status: "ok" });
  });

  test("asks again when the owner has not answered", async () => {
    const disk = new FakeDisk();
    const { journal, clock, asked } = await open({ disk });
    disk.fault = (name) => (name === "write" ? "EIO" : undefined);
    journal.append(bytesOf("a"));
    await journal.written();
    clock.advance(1_000);
    await settled();
    clock.advance(1_000);
    await settled();
    expect(asked()).toBe(2);
  });

  test("does not hand out what was appended after a hole, before a snapshot has closed it", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("stored"));
    await journal.written();
    disk.fault = (name) => (name === "write" ? "ENOSPC" : undefined);
    journal.append(bytesOf("lost"));
    await journal.written();
    const gate = deferred<void>();
    disk.fault = () => undefined;
    disk.pause = (name) => (name === "rename" ? gate.promise : undefined);
    const done = journal.snapshot([bytesOf("state")]);
    journal.append(bytesOf("after the hole"));
    await settled();
    const halfway = await open({ disk: FakeDisk.of(disk.files()) });
    expect(halfway.records).toEqual(["stored"]);
    expect(halfway.journal.recovered.lostBytes).toBeGreaterThan(0);
    gate.resolve();
    await done;
    await settled();
    expect(await recovered(disk)).toEqual(["state", "after the hole"]);
  });

  test("counts a hole also where nothing was written that is missing", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("stored"));
    await journal.written();
    journal.append(new Uint8Array(maxRecordBytes + 1));
    disk.fault = (name) => (name === "rename" ? "EIO" : undefined);
    const gate = deferred<void>();
    disk.pause = (name) => (name === "rename" ? gate.promise : undefined);
    const failed = journal.snapshot([bytesOf("state")]);
    journal.append(bytesOf("after the hole"));
    await settled();
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["stored"]);
    gate.resolve();
    expect(await failed).toEqual({ status: "failed", reason: "io_error" });
    expect(journal.counts.droppedRecords).toMatchObject({ too_large: 1, io_error: 1 });
  });

  test("stays degraded when the log fails again while the snapshot is written", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    disk.fault = (name) => (name === "write" ? "ENOSPC" : undefined);
    journal.append(bytesOf("lost"));
    await journal.written();
    disk.fault = (name, path) => (name === "write" && path.includes("log-") ? "ENOSPC" : undefined);
    const done = journal.snapshot([bytesOf("state")]);
    journal.append(bytesOf("lost, too"));
    expect(await done).toEqual({ status: "done" });
    await settled();
    expect(journal.state()).toEqual({ status: "degraded", reason: "no_space" });
    expect(await recovered(disk)).toEqual(["state"]);
  });

  test("that cannot sync is not believed when it says later that it could", async () => {
    const disk = new FakeDisk();
    const { journal, clock } = await open({ disk });
    journal.append(bytesOf("a"));
    await journal.written();
    const synced = journal.synced();
    disk.fault = (name) => (name === "sync" ? "EIO" : undefined);
    clock.advance(10);
    await synced;
    disk.fault = () => undefined;
    clock.advance(100);
    await settled();
    expect(journal.state()).toEqual({ status: "degraded", reason: "io_error" });
  });

  test("that is full at the start is no reason not to start", async () => {
    const disk = new FakeDisk();
    disk.fault = (name) => (name === "create" ? "ENOSPC" : undefined);
    const { journal, clock, asked } = await open({ disk });
    expect(journal.state()).toEqual({ status: "degraded", reason: "no_space" });
    clock.advance(1_000);
    await settled();
    expect(asked()).toBe(1);
  });

  test("that hangs costs no more memory than a bound, and is given nothing to do until it is back", async () => {
    const disk = new FakeDisk();
    const { journal, clock, asked } = await open({ disk });
    const gate = deferred<void>();
    disk.pause = () => gate.promise;
    const record = new Uint8Array(1024 * 1024);
    let appended = 0;
    let isWritten = false;
    while (journal.state().status === "ok" && appended < 1_000) {
      journal.append(record);
      void journal.written().then(() => {
        isWritten = true;
      });
      appended += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(appended).toBeLessThan(70);
    expect(journal.state()).toEqual({ status: "degraded", reason: "too_slow" });
    expect(journal.counts.droppedRecords.too_slow).toBe(appended);
    await settled();
    expect(isWritten).toBe(true);
    clock.advance(60_000);
    await settled();
    expect(asked()).toBe(0);
    gate.resolve();
    await settled();
    expect(asked()).toBe(1);
  });
});

describe("an owner with a bug", () => {
  test("that appends too large a record degrades the journal instead of being thrown at", async () => {
    const { journal } = await open({ disk: new FakeDisk() });
    journal.append(new Uint8Array(maxRecordBytes + 1));
    expect(journal.state()).toEqual({ status: "degraded", reason: "too_large" });
    expect(journal.counts.droppedRecords.too_large).toBe(1);
  });

  test("that throws in its state callback does not make an append throw", async () => {
    const disk = new FakeDisk();
    const { journal, lines } = await open({
      disk,
      onState() {
        throw new TypeError("a bug with a secret");
      },
    });
    disk.fault = (name) => (name === "write" ? "EIO" : undefined);
    expect(journal.appendNow(bytesOf("a"))).toBe(false);
    expect(lines[0]).toEqual([
      "error",
      "A component's journal callback failed because of a bug.",
      { journal: "processor_sample", "exception.type": "TypeError" },
    ]);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  test("that cannot take what was recovered hears its own exception, and nothing was removed", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("a"));
    await journal.close();
    const before = disk.files();
    await expect(
      open({
        disk,
        take() {
          throw new TypeError("a bug");
        },
      }),
    ).rejects.toThrow(new TypeError("a bug"));
    expect(disk.files()).toEqual(before);
  });
});

describe("a journal of which nothing is needed", () => {
  async function discarded(use: (opened: Awaited<ReturnType<typeof open>>) => unknown) {
    const disk = new FakeDisk();
    const opened = await open({ disk, maxSegmentBytes: 100 });
    for (const text of ["a", "b"]) {
      opened.journal.append(new Uint8Array(100));
      opened.journal.append(bytesOf(text));
      await opened.journal.written();
    }
    await opened.journal.snapshot([bytesOf("state")]);
    opened.journal.append(bytesOf("c"));
    opened.journal.discard();
    await use(opened);
    return { disk, ...opened };
  }

  test("is kept until it is closed, and then removed with its directory", async () => {
    const { disk, journal } = await discarded(({ journal }) => journal.written());
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["state", "c"]);
    await journal.close();
    expect(disk.files().size).toBe(0);
    await expect(disk.names(directory)).rejects.toThrow("ENOENT");
    const next = await open({ disk });
    expect(next.journal.recovered).toEqual({
      records: 0,
      bytes: 0,
      tornBytes: 0,
      lostBytes: 0,
      missingRecords: 0,
      isEndMissing: false,
    });
    expect(next.lines).toEqual([]);
  });

  test("is kept when anything was stored after that, in whatever way", async () => {
    for (const [store, want] of [
      [(journal) => journal.append(bytesOf("d")), ["state", "c", "d"]],
      [(journal) => journal.appendNow(bytesOf("d")), ["state", "c", "d"]],
      [(journal) => journal.snapshot([bytesOf("state 2")]), ["state 2"]],
    ] as const satisfies readonly (readonly [(journal: FileJournal) => unknown, unknown])[]) {
      const { disk, journal } = await discarded((opened) => store(opened.journal));
      await journal.close();
      expect(await recovered(disk)).toEqual(want);
    }
  });

  test("is removed when its log has failed before, so that it does not come back", async () => {
    const { disk, journal } = await discarded(async ({ journal }) => {
      await journal.written();
    });
    disk.fault = (name) => (name === "write" ? "ENOSPC" : undefined);
    journal.append(bytesOf("lost"));
    await journal.written();
    disk.fault = () => undefined;
    journal.discard();
    await journal.close();
    expect(disk.files().size).toBe(0);
  });

  test("leaves the files of others in its directory, and the directory", async () => {
    const { disk, journal } = await discarded(() => {});
    await disk.create(`${directory}/notes`);
    await journal.close();
    expect(namesOn(disk)).toEqual(["notes"]);
    expect(await disk.names(directory)).toEqual(["notes"]);
  });

  test("that cannot be removed is a warning, and stays as it was", async () => {
    const { disk, journal, lines } = await discarded(({ journal }) => journal.written());
    disk.fault = (name) => (name === "rename" ? "EIO" : undefined);
    await journal.close();
    expect(await recovered(disk)).toEqual(["state", "c"]);
    expect(lines).toEqual([
      [
        "warn",
        "Stored data that is not needed any more could not be removed. Remove the directory, because a later start from it could bring the data back.",
        { journal: "processor_sample", directory, "error.code": "EIO" },
      ],
    ]);
  });
});

describe("closing", () => {
  test("writes and syncs everything, also what nobody waited for, and drops what comes later", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("a"));
    await journal.close();
    journal.append(bytesOf("late"));
    expect(journal.appendNow(bytesOf("later"))).toBe(false);
    expect(await journal.snapshot([bytesOf("never")])).toEqual({ status: "busy" });
    await Promise.all([journal.written(), journal.synced(), journal.close()]);
    expect(journal.counts.droppedRecords.closed).toBe(2);
    // After it only the mark of the end.
    expect(disk.operations.slice(-2).map(({ type }) => type)).toEqual(["sync", "write"]);
    expect(await recovered(disk)).toEqual(["a"]);
  });

  test("gives up a snapshot that is being written, and keeps the log", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("a"));
    let pulled = 0;
    const endless = function* () {
      for (;;) {
        pulled += 1;
        yield new Uint8Array(100_000);
      }
    };
    const outcome = journal.snapshot(endless());
    await settled();
    await journal.close();
    expect(await outcome).toEqual({ status: "busy" });
    expect(pulled).toBeGreaterThan(0);
    expect(namesOn(disk).some((name) => name.startsWith("snapshot-"))).toBe(false);
    expect(await recovered(disk)).toEqual(["a"]);
  });

  test("on a disk that is full, or read-only, at the last write is an error, and what was lost is counted", async () => {
    for (const [code, reason, sentence] of [
      ["ENOSPC", "no_space", "The disk is full: free some space."],
      [
        "EROFS",
        "io_error",
        "The disk refuses to write: check its health, that it is mounted writable, and the permissions of the directory.",
      ],
    ] as const) {
      const disk = new FakeDisk();
      const { journal, lines } = await open({ disk });
      journal.append(bytesOf("a"));
      await journal.written();
      journal.append(bytesOf("b"));
      disk.fault = (name) => (name === "write" ? code : undefined);
      await journal.close();
      expect(lines).toEqual([
        [
          "error",
          `State is no longer stored. ${sentence}`,
          { journal: "processor_sample", reason, "error.code": code },
        ],
      ]);
      expect([journal.lostBecause, journal.counts.droppedRecords[reason]]).toEqual([reason, 1]);
      expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["a"]);
    }
  });

  test("a journal that is degraded ends without an answer from the disk", async () => {
    const disk = new FakeDisk();
    const { journal, clock, asked } = await open({ disk });
    disk.fault = (name) => (name === "write" ? "ENOSPC" : undefined);
    journal.append(bytesOf("a"));
    await journal.written();
    await journal.close();
    clock.advance(100_000);
    await settled();
    expect(asked()).toBe(0);
  });

  test("a clock that steps back does not shorten what is known of the time", async () => {
    const disk = new FakeDisk();
    const clock = new FakeClock();
    clock.advance(1_000_000);
    const first = await open({ disk, clock });
    first.journal.append(bytesOf("a"));
    await first.journal.close();
    const stepped = await open({ disk, clock: new FakeClock() });
    await stepped.journal.close();
    const { journal } = await open({ disk });
    expect(journal.recovered.lastWrittenUnixMs).toBe(clock.unixMs());
  });
});

import { describe, expect, test } from "vitest";
import type { FileJournal } from "../../../src/extensions/file_storage/journal.ts";
import { deferred } from "../../support/deferred.ts";
import { FakeDisk } from "./fake-disk.ts";
import { bytesOf, directory, type OpenOptions, open, recovered, settled } from "./open-journal.ts";

/** A journal with two full segments, a snapshot before them and an open segment, whose owner answers each request at once. */
async function opened(options: Partial<OpenOptions> = {}, disk = new FakeDisk()) {
  const state: { journal: FileJournal | undefined } = { journal: undefined };
  const records: string[] = [];
  const made = await open({
    disk,
    maxSegmentBytes: 300,
    onSnapshotNeeded() {
      void state.journal?.snapshot(records.map(bytesOf));
    },
    ...options,
  });
  const { journal } = made;
  state.journal = journal;
  const append = async (text: string) => {
    records.push(text);
    journal.append(bytesOf(text));
    await journal.written();
  };
  await append("before");
  await journal.snapshot(records.map(bytesOf));
  for (const text of ["a".repeat(300), "b".repeat(300), "c"]) {
    await append(text);
  }
  await settled();
  const names = await disk.names(directory);
  expect(names.filter((name) => name.startsWith("snapshot-"))).toHaveLength(1);
  expect(names.filter((name) => name.startsWith("log-")).length).toBeGreaterThan(2);
  return { ...made, disk, records, append, names };
}

const pathOf = (name: string) => `${directory}/${name}`;

describe("files that are removed while the journal is open", () => {
  test("degrade it at the next check, and are created again with a snapshot at once", async () => {
    const { disk, journal, append, records, states, lines, asked } = await opened();
    disk.removeTree(directory);
    await append("after");
    expect(journal.state()).toEqual({ status: "ok" });
    await journal.verify();
    expect(journal.state()).toEqual({ status: "degraded", reason: "removed" });
    await settled();
    expect(states).toEqual([{ status: "degraded", reason: "removed" }, { status: "ok" }]);
    expect(asked()).toBe(1);
    expect(lines).toEqual([
      [
        "error",
        "State is no longer stored. A directory of the state was removed or renamed while the program ran. It is created again; find out what removes it.",
        { journal: "processor_sample", reason: "removed", path: directory },
      ],
      [
        "info",
        "State is stored again, beginning with a new snapshot.",
        { journal: "processor_sample", dropped_records: 0 },
      ],
    ]);
    expect(journal.counts.writeErrors.removed).toBe(1);
    await append("later");
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(records);
    await journal.verify();
    await journal.close();
    expect(journal.lostBecause).toBeUndefined();
    expect(await recovered(disk)).toEqual(records);
  });

  test("are noticed one by one: each segment, the snapshot, and one that is replaced by a copy", async () => {
    const { names } = await opened();
    for (const name of names) {
      for (const how of ["removed", "replaced"]) {
        const { disk, journal, records, lines, append } = await opened();
        const isOpen =
          name ===
          names
            .filter((each) => each.startsWith("log-"))
            .toSorted()
            .at(-1);
        const bytes = disk.files().get(pathOf(name))!;
        disk.removeFile(pathOf(name));
        if (how === "replaced") {
          disk.replaceFile(pathOf(name), bytes);
        }
        await journal.verify();
        await settled();
        // A copy of a file that is done is as good as the file.
        const isLost = how === "removed" || isOpen;
        expect([name, how, lines[0]]).toEqual([
          name,
          how,
          isLost
            ? [
                "error",
                `State is no longer stored. A file of the state was ${how} while the program ran. A new snapshot replaces it; find out what removes it.`,
                { journal: "processor_sample", reason: "removed", path: pathOf(name) },
              ]
            : undefined,
        ]);
        await append("later");
        expect(await recovered(FakeDisk.of(disk.files()))).toEqual(records);
        expect(journal.state()).toEqual({ status: "ok" });
      }
    }
  });

  test("are not missed while all is well, whatever the journal does", async () => {
    const { disk, journal, append, lines } = await opened();
    for (let round = 0; round < 20; round += 1) {
      const checks = [journal.verify()];
      void append(`${round}`.padEnd(70));
      const snapshot = round % 3 === 0 ? journal.snapshot([bytesOf("state")]) : undefined;
      for (let turn = 0; turn < 10; turn += 1) {
        checks.push(journal.verify());
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all([...checks, snapshot]);
    }
    expect(lines).toEqual([]);
    await journal.close();
    expect((await recovered(disk)).length).toBeGreaterThan(1);
  });

  for (const [call, index] of [
    ["the names are", 1],
    ["the identity is", 2],
  ] as const) {
    test(`are not missed if the journal itself removes them while ${call} read`, async () => {
      const { disk, journal, records, lines } = await opened();
      const gate = deferred<void>();
      let reads = 0;
      disk.pause = (name) => {
        reads += name === "read" ? 1 : 0;
        return name === "read" && reads === index ? gate.promise : undefined;
      };
      const checked = journal.verify();
      await settled();
      expect(reads).toBe(index);
      expect(await journal.snapshot(records.map(bytesOf))).toEqual({ status: "done" });
      gate.resolve();
      await checked;
      expect(lines).toEqual([]);
    });
  }

  test("are noticed by name only where the file system does not tell files apart", async () => {
    const { disk, journal, names, lines } = await opened(
      {},
      Object.assign(new FakeDisk(), { hasIdentities: false }),
    );
    await journal.verify();
    expect(lines).toEqual([]);
    disk.removeFile(pathOf(names.find((name) => name.startsWith("log-"))!));
    await journal.verify();
    expect(journal.state()).toEqual({ status: "degraded", reason: "removed" });
  });

  test("are not taken for lost when the disk does not say", async () => {
    const { disk, journal, lines } = await opened();
    disk.names = () => Promise.reject(Object.assign(new Error("no"), { code: "EMFILE" }));
    await journal.verify();
    expect(lines).toEqual([]);
    expect(journal.state()).toEqual({ status: "ok" });
  });

  test("make waiting for them pointless", async () => {
    const { disk, journal } = await opened({ onSnapshotNeeded() {} });
    disk.removeTree(directory);
    const gate = deferred<void>();
    disk.pause = (name) => (name === "sync" ? gate.promise : undefined);
    journal.append(bytesOf("d"));
    const synced = journal.synced();
    await journal.verify();
    await synced;
    gate.resolve();
  });

  test("and cannot be created again, are asked for at growing intervals", async () => {
    const { disk, journal, clock, lines, asked } = await opened();
    disk.removeTree(directory);
    let attempts = 0;
    disk.makeDirectory = async () => {
      attempts += 1;
      throw Object.assign(new Error("no"), { code: "EROFS" });
    };
    await journal.verify();
    // The error says more than the fake disk knows, so it takes real time.
    const isWaiting = async () => {
      while (clock.pendingTimers === 0) {
        await settled();
      }
    };
    await isWaiting();
    expect([attempts, asked()]).toEqual([1, 0]);
    for (let second = 0; second < 63; second += 1) {
      clock.advance(1_000);
      await isWaiting();
    }
    // After 2, 4, 8, 16 and 32 s.
    expect([attempts, asked()]).toEqual([6, 0]);
    expect(lines.map(([level, message]) => [level, message])).toEqual([
      ["error", expect.stringContaining("State is no longer stored. A directory")],
      ["warn", "State is still not stored."],
    ]);
  });

  test("again and again, while they are created again, do not keep the disk busy", async () => {
    const { disk, journal, clock, asked } = await opened();
    const rename = disk.rename.bind(disk);
    disk.rename = async (from, to) => {
      disk.removeTree(directory);
      await rename(from, to);
    };
    disk.removeTree(directory);
    await journal.verify();
    for (let second = 0; second < 30; second += 1) {
      clock.advance(1_000);
      await settled();
    }
    expect(journal.state()).toEqual({ status: "degraded", reason: "removed" });
    expect(asked()).toBeLessThan(7);
    disk.rename = rename;
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1_000);
      await settled();
    }
    expect(journal.state()).toEqual({ status: "ok" });
  });
});

describe("a directory that is removed", () => {
  for (const name of ["create", "write", "rename", "syncDirectory"] as const) {
    test(`while a snapshot is written, before its ${name}, is stored again`, async () => {
      const { disk, journal, records, append, clock } = await opened();
      let isGone = false;
      disk.pause = (operation) => {
        if (operation === name && !isGone) {
          isGone = true;
          disk.removeTree(directory);
        }
      };
      const { status } = await journal.snapshot(records.map(bytesOf));
      if (status === "done") {
        await journal.verify();
      }
      clock.advance(2_000);
      await settled();
      expect([isGone, journal.state()]).toEqual([true, { status: "ok" }]);
      await append("later");
      expect(await recovered(FakeDisk.of(disk.files()))).toEqual(records);
    });
  }

  test("after a start that had to repair the log is stored again", async () => {
    const { disk: before, append } = await opened();
    await append("second in its segment");
    const name = (await before.names(directory)).find((each) => each.startsWith("log-"))!;
    before.replaceFile(pathOf(name), before.files().get(pathOf(name))!.slice(0, -1));
    const disk = FakeDisk.of(before.files());
    const { journal, asked } = await open({ disk });
    expect(journal.recovered.tornBytes).toBeGreaterThan(0);
    disk.removeTree(directory);
    await journal.verify();
    await settled();
    expect(asked()).toBe(1);
  });

  test("before a new segment is needed degrades the journal at that write", async () => {
    const { disk, journal, append, records, lines } = await opened();
    disk.removeTree(directory);
    await append("x".repeat(300));
    await append("y");
    await settled();
    expect(lines[0]).toEqual([
      "error",
      "State is no longer stored. Its files were removed or replaced while the program ran. They are created again; find out what removes them.",
      { journal: "processor_sample", reason: "removed", "error.code": "ENOENT" },
    ]);
    expect(journal.state()).toEqual({ status: "ok" });
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(records);
  });

  test("before the journal is closed is stored again if its owner can, else reported", async () => {
    for (const canStore of [true, false]) {
      const { disk, journal, records, append, lines } = await opened(
        canStore ? {} : { onSnapshotNeeded() {} },
      );
      disk.removeTree(directory);
      await append("last");
      await journal.close();
      expect(lines[0]?.[0]).toBe("error");
      expect([canStore, journal.lostBecause]).toEqual([canStore, canStore ? undefined : "removed"]);
      const found = await recovered(FakeDisk.of(disk.files()));
      expect(found).toEqual(canStore ? records : []);
    }
  });

  test("during the last write is reported", async () => {
    const { disk, journal, lines } = await opened();
    journal.append(bytesOf("last"));
    disk.pause = (name) => (name === "write" ? disk.removeTree(directory) : undefined);
    await journal.close();
    expect(lines.map(([level]) => level)).toEqual(["error"]);
    expect(journal.lostBecause).toBe("removed");
    await settled();
    await expect(disk.names(directory)).rejects.toThrow("ENOENT");
  });

  test("is no loss if nothing that was in it is needed", async () => {
    const { disk, journal } = await opened({ onSnapshotNeeded() {} });
    journal.discard();
    disk.removeTree(directory);
    await journal.close();
    expect(journal.state()).toEqual({ status: "degraded", reason: "removed" });
    expect(journal.lostBecause).toBeUndefined();
  });
});

describe("files of another process", () => {
  for (const name of ["log-00000099", "snapshot-0000000000000099"]) {
    test(`such as ${name} end the writing until a restart, and stay as they are`, async () => {
      const { disk, journal, clock, lines, asked } = await opened();
      disk.replaceFile(pathOf(name), bytesOf("of another"));
      await journal.verify();
      expect(journal.state()).toEqual({ status: "degraded", reason: "in_use" });
      expect(lines).toEqual([
        [
          "error",
          "State is no longer stored. Another process has written to the directory. Stop one of the two and start this one again.",
          { journal: "processor_sample", reason: "in_use", path: pathOf(name) },
        ],
      ]);
      const before = disk.files();
      expect(await journal.snapshot([bytesOf("state")])).toEqual({
        status: "failed",
        reason: "in_use",
      });
      journal.append(bytesOf("dropped"));
      expect(clock.pendingTimers).toBe(0);
      journal.discard();
      await journal.close();
      expect(asked()).toBe(0);
      expect(disk.files()).toEqual(before);
      expect([journal.counts.droppedRecords.in_use, journal.lostBecause]).toEqual([1, "in_use"]);
    });
  }

  test("end a snapshot that is being written, too", async () => {
    const { disk, journal, asked } = await opened();
    const gate = deferred<void>();
    disk.removeTree(directory);
    disk.pause = (name, path) =>
      name === "write" && path !== pathOf("end") ? gate.promise : undefined;
    await journal.verify();
    await settled();
    expect(asked()).toBe(1);
    journal.onTaken();
    disk.replaceFile(pathOf("log-00000001"), bytesOf("of another"));
    gate.resolve();
    await settled();
    expect(journal.state()).toEqual({ status: "degraded", reason: "in_use" });
    expect((await disk.names(directory)).filter((name) => name.startsWith("snapshot-"))).toEqual(
      [],
    );
    expect(await disk.names(directory)).toContain("log-00000001");
    await journal.close();
    expect(journal.lostBecause).toBe("in_use");
  });

  test("in a directory that was removed before are left alone, too", async () => {
    const { disk, journal, asked, clock } = await opened();
    disk.removeTree(directory);
    const { makeDirectory } = disk;
    disk.makeDirectory = async (path) => {
      await makeDirectory.call(disk, path);
      disk.replaceFile(pathOf("log-00000099"), bytesOf("of another"));
    };
    await journal.verify();
    await settled();
    clock.advance(60_000);
    await settled();
    expect(journal.state()).toEqual({ status: "degraded", reason: "in_use" });
    expect(asked()).toBe(0);
    expect(await disk.names(directory)).toEqual(["log-00000099"]);
  });
});

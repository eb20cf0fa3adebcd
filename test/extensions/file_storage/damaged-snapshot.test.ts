import { describe, expect, test } from "vitest";
import { FakeDisk, type Files } from "./fake-disk.ts";
import { bytesOf, directory, type OpenOptions, open } from "./open-journal.ts";

const snapshotPath = (sequence: number) =>
  `${directory}/snapshot-${String(sequence).padStart(16, "0")}`;

/** The files of a journal whose owner counts: its state is the numbers so far. */
async function counted(
  upTo: number,
  { snapshotsAt, ...options }: Partial<OpenOptions> & { readonly snapshotsAt: readonly number[] },
): Promise<FakeDisk> {
  const disk = new FakeDisk();
  const { journal } = await open({ disk, maxSegmentBytes: 200, ...options });
  for (let number = 0; number <= upTo; number += 1) {
    if (snapshotsAt.includes(number)) {
      const state = Array.from({ length: number }, (_, each) => bytesOf(`${each}`));
      expect(await journal.snapshot(state)).toEqual({ status: "done" });
    }
    if (number < upTo) {
      journal.append(bytesOf(`${number}`));
      await journal.written();
    }
  }
  await journal.close();
  return disk;
}

function changed(files: Files, path: string, change: (bytes: Uint8Array) => Uint8Array): Files {
  const bytes = files.get(path);
  expect(bytes).toBeDefined();
  return new Map([...files, [path, change(bytes!.slice())]]);
}

const damages: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  "a flipped bit": (bytes) => {
    bytes[bytes.length >> 1]! ^= 4;
    return bytes;
  },
  "another header": (bytes) => bytes.fill(1, 0, 64),
  "a missing end": (bytes) => bytes.subarray(0, bytes.length - 32),
  "nothing in it": () => new Uint8Array(0),
  zeros: (bytes) => bytes.fill(0),
};

async function recoveredFrom(files: Files) {
  const disk = FakeDisk.of(files);
  const { journal, records } = await open({ disk });
  const { missingRecords, lostBytes } = journal.recovered;
  return { disk, journal, numbers: records.map(Number), missingRecords, lostBytes };
}

const numbersUpTo = (end: number) => Array.from({ length: end }, (_, index) => index);

describe("a damaged snapshot", () => {
  for (const [damage, change] of Object.entries(damages)) {
    test(`is replaced by the one before it and the log: ${damage}`, async () => {
      for (const snapshotsAt of [
        [10, 20],
        [10, 20, 30],
        [5, 35],
        [20, 40],
      ]) {
        const disk = await counted(40, { snapshotsAt });
        const newest = snapshotsAt.at(-1)!;
        const files = changed(disk.files(), snapshotPath(newest), change);
        const { journal, numbers, missingRecords, lostBytes } = await recoveredFrom(files);
        expect(numbers).toEqual(numbersUpTo(40));
        expect({ missingRecords, lostBytes, unusable: journal.unusable }).toEqual({
          missingRecords: 0,
          lostBytes: 0,
          unusable: { log: 0, damagedSnapshots: 1, removedSnapshots: 0, end: 0 },
        });
      }
    });

    test(`is replaced by the whole log if it is the first: ${damage}`, async () => {
      const disk = await counted(40, { snapshotsAt: [25] });
      const { numbers, lostBytes } = await recoveredFrom(
        changed(disk.files(), snapshotPath(25), change),
      );
      expect([numbers, lostBytes]).toEqual([numbersUpTo(40), 0]);
    });
  }

  test("is replaced also after a start that has looked at the files", async () => {
    const disk = await counted(40, { snapshotsAt: [10, 20] });
    const again = await recoveredFrom(disk.files());
    again.journal.append(bytesOf("40"));
    await again.journal.close();
    const files = changed(again.disk.files(), snapshotPath(20), damages["zeros"]!);
    const { numbers, lostBytes } = await recoveredFrom(files);
    expect([numbers, lostBytes]).toEqual([numbersUpTo(41), 0]);
  });

  test("is lost, and all after it, if the one before it is damaged, too", async () => {
    const disk = await counted(40, { snapshotsAt: [10, 20, 30] });
    let files = disk.files();
    for (const at of [20, 30]) {
      files = changed(files, snapshotPath(at), damages["zeros"]!);
    }
    const { numbers, lostBytes, missingRecords } = await recoveredFrom(files);
    expect([numbers, missingRecords]).toEqual([[], 40]);
    expect(lostBytes).toBeGreaterThan(0);
  });

  test("in a log that has lost its beginning is not replaced by an empty state", async () => {
    const disk = await counted(40, { snapshotsAt: [25] });
    const first = `${directory}/log-00000001`;
    const files = new Map(
      [...changed(disk.files(), snapshotPath(25), damages["zeros"]!)].filter(
        ([path]) => path !== first,
      ),
    );
    const { numbers, lostBytes, missingRecords } = await recoveredFrom(files);
    expect([numbers, missingRecords]).toEqual([[], 40]);
    expect(lostBytes).toBeGreaterThan(0);
  });
});

const unusable = { log: 0, damagedSnapshots: 0, removedSnapshots: 0, end: 0 };

describe("a removed snapshot", () => {
  for (const [title, snapshotsAt, removedAt] of [
    ["is replaced by the one before it and the log", [10, 20], 20],
    ["is replaced by the whole log if it is the first", [25], 25],
    ["that was kept in the place of a newer one is missed, too", [10, 20], 10],
  ] as const) {
    test(`${title}, which is reported once`, async () => {
      const disk = await counted(40, { snapshotsAt });
      const files = new Map([...disk.files()].filter(([path]) => path !== snapshotPath(removedAt)));
      const {
        disk: after,
        journal,
        numbers,
        missingRecords,
        lostBytes,
      } = await recoveredFrom(files);
      expect([numbers, missingRecords, lostBytes]).toEqual([numbersUpTo(40), 0, 0]);
      expect(journal.unusable).toEqual({ ...unusable, removedSnapshots: 1 });
      expect(journal.counts.unusableFiles).toEqual({ log: 0, snapshot: 1, end: 0 });
      await journal.close();
      expect((await recoveredFrom(after.files())).journal.unusable).toEqual(unusable);
    });
  }
});

describe("a part of the log that only the snapshot before the newest one needs", () => {
  for (const [damage, change] of Object.entries({
    ...damages,
    "a cut end": damages["a missing end"]!,
  })) {
    test(`is reported once when it is damaged: ${damage}`, async () => {
      const disk = await counted(40, { snapshotsAt: [10, 20] });
      const olds = [...disk.files().keys()].filter((path) => path.includes("/log-")).toSorted();
      const files = changed(disk.files(), olds[0]!, change);
      const {
        disk: after,
        journal,
        numbers,
        missingRecords,
        lostBytes,
      } = await recoveredFrom(files);
      expect([numbers, missingRecords, lostBytes]).toEqual([numbersUpTo(40), 0, 0]);
      expect(journal.unusable).toEqual({ ...unusable, log: 1 });
      await journal.close();
      expect((await recoveredFrom(after.files())).journal.unusable).toEqual(unusable);
    });
  }

  test("is reported when it was removed", async () => {
    const disk = await counted(40, { snapshotsAt: [10, 20] });
    const [old] = [...disk.files().keys()].filter((path) => path.includes("/log-")).toSorted();
    const files = new Map([...disk.files()].filter(([path]) => path !== old));
    const { journal, numbers } = await recoveredFrom(files);
    expect([numbers, journal.unusable]).toEqual([numbersUpTo(40), { ...unusable, log: 1 }]);
  });

  test("is not missed when the disk was full, so that it was given up", async () => {
    const disk = await counted(40, { snapshotsAt: [10, 20] });
    const { journal } = await open({ disk });
    disk.fault = (name, path) => (name === "write" && path.endsWith(".tmp") ? "ENOSPC" : undefined);
    const before = disk.operations.length;
    await journal.snapshot([bytesOf("all")]);
    for (let count = before; count <= disk.operations.length; count += 1) {
      const killed = FakeDisk.after(disk.operations.slice(0, count));
      expect((await open({ disk: killed })).journal.unusable).toEqual(unusable);
    }
  });

  test("is not missed when a gap in the log was closed, at any moment", async () => {
    const disk = await counted(20, { snapshotsAt: [10] });
    const { journal } = await open({ disk });
    disk.fault = (name) => (name === "write" ? "EIO" : undefined);
    journal.append(bytesOf("dropped"));
    await journal.written();
    disk.fault = () => undefined;
    const before = disk.operations.length;
    await journal.snapshot([bytesOf("all")]);
    for (let count = before; count <= disk.operations.length; count += 1) {
      const killed = FakeDisk.after(disk.operations.slice(0, count));
      const { unusable: found, recovered } = (await open({ disk: killed })).journal;
      expect(found).toEqual({ ...unusable, log: recovered.lostBytes > 0 ? 1 : 0 });
    }
  });
});

describe("the snapshot before the newest one", () => {
  test("makes room when a new one does not fit on the disk", async () => {
    const disk = await counted(40, { snapshotsAt: [10, 20] });
    const { journal } = await open({ disk });
    disk.fault = (name, path) => (name === "write" && path.endsWith(".tmp") ? "ENOSPC" : undefined);
    expect(await journal.snapshot([bytesOf("all")])).toEqual({
      status: "failed",
      reason: "no_space",
    });
    expect(disk.files().has(snapshotPath(10))).toBe(false);
    expect(disk.files().has(snapshotPath(20))).toBe(true);
    disk.fault = () => undefined;
    expect(await journal.snapshot([bytesOf("all")])).toEqual({ status: "done" });
    await journal.close();
    expect((await open({ disk })).records).toEqual(["all"]);
  });

  test("is not kept after a gap, because what comes after the gap could not follow it", async () => {
    const disk = await counted(20, { snapshotsAt: [10] });
    const { journal } = await open({ disk });
    disk.fault = (name) => (name === "write" ? "EIO" : undefined);
    journal.append(bytesOf("dropped"));
    await journal.written();
    disk.fault = () => undefined;
    expect(await journal.snapshot([bytesOf("all")])).toEqual({ status: "done" });
    await journal.close();
    const snapshots = [...disk.files().keys()].filter((path) => path.includes("snapshot-"));
    expect(snapshots).toHaveLength(1);
    expect((await open({ disk })).journal.recovered).toMatchObject({
      lostBytes: 0,
      missingRecords: 0,
    });
  });

  test("does not come back once nothing of it is needed", async () => {
    const disk = await counted(20, { snapshotsAt: [10] });
    const { journal } = await open({ disk });
    await journal.snapshot([]);
    await journal.close();
    const again = await open({ disk });
    expect(again.records).toEqual([]);
    await again.journal.close();
    const snapshots = [...disk.files().keys()].filter((path) => path.includes("snapshot-"));
    expect(snapshots).toHaveLength(1);
  });
});

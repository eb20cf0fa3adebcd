import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { EndMark, readEndMark } from "../../../src/extensions/file_storage/end-mark.ts";
import { encodeFileHeader, fileHeaderBytes } from "../../../src/extensions/file_storage/format.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeDisk, type Files } from "./fake-disk.ts";
import { bytesOf, directory, open, settled } from "./open-journal.ts";

const markPath = `${directory}/end`;

/** A journal with five records, one a segment, as a killed process or a closed journal leaves it. */
async function stored({ isClosed = false, fsync = true } = {}): Promise<Files> {
  const disk = new FakeDisk();
  const clock = new FakeClock();
  const { journal } = await open({ disk, clock, fsync, maxSegmentBytes: 100 });
  for (let index = 0; index < 5; index += 1) {
    journal.append(bytesOf(`${index}`));
    await journal.written();
    clock.advance(1_000);
    await settled();
  }
  if (isClosed) {
    await journal.close();
  }
  return disk.files();
}

function logsOf(files: Files): readonly string[] {
  return [...files.keys()].filter((path) => path.includes("/log-")).toSorted();
}

const without = (files: Files, ...paths: readonly string[]): Files =>
  new Map([...files].filter(([path]) => !paths.includes(path)));
const emptied = (files: Files, ...paths: readonly string[]): Files =>
  new Map([...files].map(([path, bytes]) => [path, paths.includes(path) ? bytesOf("") : bytes]));

async function opened(files: Files) {
  const disk = FakeDisk.of(files);
  const { journal, records, lines } = await open({ disk });
  const { missingRecords, lostBytes } = journal.recovered;
  return { disk, journal, records, lines, missingRecords, lostBytes };
}

describe("the end of a log", () => {
  for (const life of [{ isClosed: true }, { isClosed: false }, { fsync: false }]) {
    const name = JSON.stringify(life);

    test(`is not missed while it is there, ${name}`, async () => {
      const { records, missingRecords } = await opened(await stored(life));
      expect([records.length, missingRecords]).toEqual([5, 0]);
    });

    test(`is missed if all of the log was emptied or removed, ${name}`, async () => {
      const files = await stored(life);
      for (const change of [emptied, without]) {
        const { records, missingRecords } = await opened(change(files, ...logsOf(files)));
        expect([records, missingRecords]).toEqual([[], 5]);
      }
    });

    test(`is missed if files at its end were emptied, cut or removed, ${name}`, async () => {
      const files = await stored(life);
      const last = logsOf(files).slice(3);
      for (const change of [
        emptied,
        without,
        (all: Files) =>
          new Map([...emptied(all, ...last), [last[0]!, files.get(last[0]!)!.subarray(0, 64)]]),
      ]) {
        const { records, missingRecords } = await opened(change(files, ...last));
        expect([records.length, missingRecords]).toEqual([3, 2]);
      }
    });
  }

  test("is reported once: the journal goes on from where the log ends now", async () => {
    const files = await stored({ isClosed: true });
    const first = await opened(without(files, ...logsOf(files)));
    const second = await opened(FakeDisk.of(first.disk.files()).files());
    expect(second.missingRecords).toBe(0);
    first.journal.append(bytesOf("new"));
    await first.journal.close();
    const third = await opened(first.disk.files());
    expect([third.records, third.missingRecords]).toEqual([["new"], 0]);
  });

  test("that is before a snapshot is not needed", async () => {
    const disk = FakeDisk.of(await stored());
    const { journal } = await open({ disk });
    await journal.snapshot([bytesOf("state")]);
    await journal.close();
    const files = disk.files();
    const { records, missingRecords, lostBytes } = await opened(without(files, ...logsOf(files)));
    expect([records, missingRecords, lostBytes]).toEqual([["state"], 0, 0]);
  });

  test("is unknown without a mark, or with one that cannot be read, which is reported once", async () => {
    const files = await stored({ isClosed: true });
    const logs = logsOf(files);
    for (const mark of [
      undefined,
      bytesOf(""),
      bytesOf("x".repeat(1_024)),
      files.get(logs[0]!)!,
      files.get(markPath)!.subarray(0, 63),
    ]) {
      const cut = new Map([...files, [logs[4]!, files.get(logs[4]!)!.subarray(0, 70)]]);
      for (const all of [files, emptied(files, logs[4]!), cut, emptied(files, ...logs.slice(1))]) {
        const changed =
          mark === undefined ? without(all, markPath) : new Map([...all, [markPath, mark]]);
        const first = await opened(changed);
        expect(first.journal.recovered).toMatchObject({ isEndMissing: true, tornBytes: 0 });
        expect(first.journal.counts.unusableFiles.end).toBe(1);
        expect(first.lostBytes).toBe(all === cut ? 70 - fileHeaderBytes : 0);
        first.journal.append(bytesOf("new"));
        await first.journal.close();
        const second = await opened(first.disk.files());
        expect(second.journal.recovered.isEndMissing).toBe(false);
        expect(second.records).toEqual([...first.records, "new"]);
      }
    }
  });

  test("is unknown when neither the mark nor any file beside it can be read, which is reported once", async () => {
    const files = await stored({ isClosed: true });
    const zeroed = (all: Files, ...paths: readonly string[]): Files =>
      new Map(
        [...all].map(([path, bytes]) => [
          path,
          paths.includes(path) ? new Uint8Array(bytes.length) : bytes,
        ]),
      );
    for (const spoil of [emptied, zeroed]) {
      for (const spoilMark of [without, emptied, zeroed]) {
        const spoilt = spoilMark(spoil(files, ...logsOf(files)), markPath);
        const first = await opened(spoilt);
        expect(first.journal.recovered.isEndMissing).toBe(true);
        expect(first.journal.counts.unusableFiles.end).toBe(1);
        const second = await opened(FakeDisk.of(first.disk.files()).files());
        expect(second.journal.recovered.isEndMissing).toBe(false);
      }
    }
  });

  test("is known from either of the two places in which the mark stands", async () => {
    const files = await stored({ isClosed: true });
    const emptyLog = emptied(files, ...logsOf(files));
    for (const at of [0, 512]) {
      const mark = files.get(markPath)!.slice();
      mark.fill(0, at, at + 64);
      const { journal } = await opened(new Map([...emptyLog, [markPath, mark]]));
      // One of them is older.
      expect(journal.recovered.missingRecords).toBeGreaterThanOrEqual(4);
      expect(journal.recovered.isEndMissing).toBe(false);
    }
  });

  test("of an earlier version, without a mark or with one that names no snapshots, is silent", async () => {
    const files = await stored({ isClosed: true });
    const log = new Map([...files].map(([path, bytes]) => [path, ofEarlierVersion(bytes)]));
    for (const earlier of [log, without(log, markPath)]) {
      const { journal, records, lines, disk } = await opened(earlier);
      expect([records.length, lines]).toEqual([5, []]);
      expect(journal.recovered).toMatchObject({ isEndMissing: false, missingRecords: 0 });
      expect(Object.values(journal.counts.unusableFiles)).toEqual([0, 0, 0]);
      await journal.close();
      // From now on a mark is kept.
      const next = await opened(without(disk.files(), markPath));
      expect(next.journal.recovered.isEndMissing).toBe(true);
    }
  });

  test("that an earlier version has written after this one counts", async () => {
    const files = await stored({ isClosed: true });
    const mark = files.get(markPath)!.slice();
    mark.set(
      ofEarlierVersion(
        encodeFileHeader({ kind: "end", number: 0, sequence: 2, unixMs: 0, hasEndMark: false }),
      ),
    );
    const { journal, records } = await opened(
      new Map([...without(files, ...logsOf(files).slice(2)), [markPath, mark]]),
    );
    expect([records.length, journal.recovered.missingRecords]).toEqual([2, 0]);
  });
});

/** As a version wrote it that knew neither flags nor a second place in the mark. */
function ofEarlierVersion(bytes: Uint8Array): Uint8Array {
  if (bytes.length < fileHeaderBytes) {
    return bytes;
  }
  const header = Buffer.from(bytes.subarray(0, fileHeaderBytes));
  const isMark = header.readUInt32LE(12) === 3;
  header.fill(0, 40);
  if (isMark) {
    header.writeDoubleLE(0, 16);
  }
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
  return isMark ? header : Buffer.concat([header, bytes.subarray(fileHeaderBytes)]);
}

describe("a mark of the end", () => {
  async function openedMark(disk: FakeDisk, sequence: number) {
    const mark = new EndMark({
      disk,
      directory,
      clock: new FakeClock(),
      recovered: { snapshot: -1, logFrom: 0 },
    });
    await mark.open(sequence);
    return mark;
  }
  const contentOf = (disk: FakeDisk) => readEndMark({ disk: FakeDisk.of(disk.files()), directory });
  const read = async (disk: FakeDisk) => (await contentOf(disk))?.sequence;

  test("says the highest number that it was given", async () => {
    const disk = new FakeDisk();
    const mark = await openedMark(disk, 0);
    expect(await read(disk)).toBe(0);
    for (const sequence of [3, 9, 7]) {
      mark.set(sequence);
    }
    await mark.close();
    expect(await read(disk)).toBe(9);
  });

  test("is lowered when it is opened, and never raised then: what a killed process wrote may not be on the disk", async () => {
    const disk = new FakeDisk();
    const mark = await openedMark(disk, 0);
    mark.set(9);
    await mark.close();
    await (await openedMark(disk, 20)).close();
    expect(await read(disk)).toBe(9);
    await (await openedMark(disk, 5)).close();
    expect(await read(disk)).toBe(5);
  });

  test("that cannot be created, written or synced is no failure, and is not missed later", async () => {
    for (const operation of ["create", "write", "sync"]) {
      const disk = new FakeDisk();
      disk.fault = (name, path) => (name === operation && path === markPath ? "ENOSPC" : undefined);
      const { journal, lines } = await open({ disk });
      journal.append(bytesOf("a"));
      await journal.close();
      expect(journal.state()).toEqual({ status: "ok" });
      expect(lines).toEqual([]);
      const next = await opened(without(disk.files(), markPath));
      expect([next.records, next.journal.recovered.isEndMissing]).toEqual([["a"], false]);
    }
  });

  test("names the newest snapshot, and the one before it when the log reaches from there to the newest", async () => {
    const disk = new FakeDisk();
    const mark = await openedMark(disk, 0);
    mark.set(3);
    await mark.onSnapshot({ snapshot: 5, logFrom: 2 });
    expect(await contentOf(disk)).toEqual({ sequence: 5, kept: { snapshot: 5, logFrom: 5 } });
    mark.set(5);
    await mark.close();
    expect(await contentOf(disk)).toEqual({ sequence: 5, kept: { snapshot: 5, logFrom: 2 } });
  });
});

import { describe, expect, test } from "vitest";
import { EndMark, readEndMark } from "../../../src/extensions/file_storage/end-mark.ts";
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
  const { journal, records } = await open({ disk });
  const { missingRecords, lostBytes } = journal.recovered;
  return { disk, journal, records, missingRecords, lostBytes };
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

  test("is unknown without a mark, or with one that is damaged", async () => {
    const files = await stored({ isClosed: true });
    const emptyLog = emptied(files, ...logsOf(files));
    for (const mark of [
      undefined,
      bytesOf(""),
      bytesOf("x".repeat(64)),
      files.get(logsOf(files)[0]!)!,
    ]) {
      const all = without(emptyLog, markPath);
      const changed = mark === undefined ? all : new Map([...all, [markPath, mark]]);
      expect((await opened(changed)).missingRecords).toBe(0);
    }
  });
});

describe("a mark of the end", () => {
  async function openedMark(disk: FakeDisk, sequence: number) {
    const mark = new EndMark({ disk, directory, clock: new FakeClock() });
    await mark.open(sequence);
    return mark;
  }
  const read = (disk: FakeDisk) => readEndMark({ disk: FakeDisk.of(disk.files()), directory });

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

  test("that cannot be written or created is no failure", async () => {
    const disk = new FakeDisk();
    disk.fault = (_, path) => (path === markPath ? "ENOSPC" : undefined);
    const { journal, lines } = await open({ disk });
    journal.append(bytesOf("a"));
    await journal.close();
    expect(journal.state()).toEqual({ status: "ok" });
    expect(lines).toEqual([]);
    expect((await opened(disk.files())).records).toEqual(["a"]);
  });
});

import { beforeAll, describe, expect, test } from "vitest";
import {
  encodeFileHeader,
  fileHeaderBytes,
  formatVersion,
  frameHeaderBytes,
} from "../../../src/extensions/file_storage/format.ts";
import { recoverJournal } from "../../../src/extensions/file_storage/journal-recovery.ts";
import fc from "../../support/fast-check.ts";
import { FakeDisk, type Files } from "./fake-disk.ts";
import { bytesOf, directory, open, textOf } from "./open-journal.ts";

/** A log with its frames: how many records each file has after so many bytes. */
interface Log {
  readonly files: Files;
  readonly history: readonly string[];
  readonly frames: readonly {
    readonly path: string;
    readonly endBytes: number;
    /** Records in the log up to and with this frame. */
    readonly records: number;
  }[];
}

async function makeLog(): Promise<Log> {
  const disk = new FakeDisk();
  const { journal } = await open({ disk, maxSegmentBytes: 300 });
  const history: string[] = [];
  const frames: Log["frames"][number][] = [];
  for (let group = 0; group < 13; group += 1) {
    for (let index = 0; index <= group % 4; index += 1) {
      const text = `${group}.${index}`.padEnd(group * 3, "x");
      history.push(text);
      journal.append(bytesOf(text));
    }
    await journal.written();
    const [path, bytes] = [...disk.files()].toSorted(([a], [b]) => (a < b ? -1 : 1)).at(-1)!;
    frames.push({ path, endBytes: bytes.length, records: history.length });
  }
  return { files: disk.files(), history, frames };
}

let log: Log;
beforeAll(async () => {
  log = await makeLog();
});

/** The segments, without the mark of the end. */
function logFiles(): readonly (readonly [string, Uint8Array])[] {
  return [...log.files].filter(([path]) => path.includes("/log-"));
}

/** How many records are whole when a file is as it was up to a byte only. */
function recordsUntil(path: string, goodBytes: number): number {
  const whole = log.frames.filter(
    (frame) => frame.path < path || (frame.path === path && frame.endBytes <= goodBytes),
  );
  return whole.at(-1)?.records ?? 0;
}

async function recover(files: Files) {
  const disk = FakeDisk.of(files);
  disk.takesTurns = false;
  const records: string[] = [];
  const { summary, cleanUp } = await recoverJournal({
    disk,
    directory,
    take: (record) => records.push(textOf(record)),
  });
  await cleanUp();
  return { disk, records, summary };
}

const withFile = (files: Files, path: string, bytes: Uint8Array): Files =>
  new Map([...files, [path, bytes]]);

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1 << bit;
  return copy;
}

describe("a log whose file was cut off", () => {
  test("gives back, for a cut at any byte, exactly the records of the whole frames before it", async () => {
    const lastPath = log.frames.at(-1)!.path;
    for (const [path, bytes] of logFiles()) {
      for (let size = 0; size < bytes.length; size += 1) {
        const cut = await recover(withFile(log.files, path, bytes.subarray(0, size)));
        const want = recordsUntil(path, size);
        expect({ path, size, records: cut.records }).toEqual({
          path,
          size,
          records: log.history.slice(0, want),
        });
        if (path === lastPath) {
          // Nothing comes after it: a write was interrupted, which is no damage.
          expect(cut.summary.lostBytes).toBe(0);
        } else {
          expect(cut.summary.lostBytes).toBeGreaterThan(0);
        }
      }
    }
  });
});

describe("a log with a flipped bit", () => {
  test("gives back, for any byte, exactly the records of the frames before it", async () => {
    for (const [path, bytes] of logFiles()) {
      for (let at = 0; at < bytes.length; at += 1) {
        const bit = (at * 7) % 8;
        const { records, summary } = await recover(
          withFile(log.files, path, flipped(bytes, at, bit)),
        );
        const want = at < fileHeaderBytes ? recordsUntil(path, 0) : recordsUntil(path, at);
        expect({ path, at, records }).toEqual({ path, at, records: log.history.slice(0, want) });
        // Only the last write of all may be one that did not get there as a whole.
        const isTorn = path === log.frames.at(-1)!.path && at >= lastPayloadAt();
        expect({ at, torn: summary.tornBytes > 0, lost: summary.lostBytes > 0 }).toEqual({
          at,
          torn: isTorn,
          lost: !isTorn,
        });
      }
    }
  });

  function lastPayloadAt(): number {
    const last = log.frames.at(-1)!;
    const before = log.frames.filter(
      ({ path, endBytes }) => path === last.path && endBytes < last.endBytes,
    );
    return (before.at(-1)?.endBytes ?? fileHeaderBytes) + frameHeaderBytes;
  }
});

describe("a log with zeros at its end, as a power cut leaves them", () => {
  test("was torn, not damaged", async () => {
    const { path, endBytes } = log.frames.at(-1)!;
    const bytes = new Uint8Array(endBytes + 5_000);
    bytes.set(log.files.get(path)!);
    const { records, summary } = await recover(withFile(log.files, path, bytes));
    expect(records).toEqual(log.history);
    expect({ torn: summary.tornBytes, lost: summary.lostBytes }).toEqual({ torn: 5_000, lost: 0 });
  });
});

describe("a log that somebody has made longer than a disk is large, with a hole", () => {
  test("is reported as damaged without reading the hole", async () => {
    const sizeBytes = 8 * 1024 ** 4;
    for (const path of log.files.keys()) {
      const disk = FakeDisk.of(log.files);
      disk.takesTurns = false;
      let reads = 0;
      const { open: openFile } = disk;
      disk.open = async (opened) => {
        const file = await openFile.call(disk, opened);
        return {
          ...file,
          size: async () => (opened === path ? sizeBytes : file.size()),
          async read(into, position) {
            reads += 1;
            into.fill(0);
            await file.read(into, position);
            return into.length;
          },
        };
      };
      const records: string[] = [];
      const { summary } = await recoverJournal({
        disk,
        directory,
        take: (record) => records.push(textOf(record)),
      });
      expect(records).toEqual(log.history);
      expect(reads).toBeLessThan(100);
      // In another one the records go on in the next file.
      const isLast = path === log.frames.at(-1)!.path;
      expect(summary.lostBytes > sizeBytes / 2).toBe(isLast);
    }
  });
});

describe("after any damage", () => {
  test("the log goes on where it is whole, and what was given up never comes back", async () => {
    const paths = [...log.files.keys()];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(paths.length - 1),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        fc.nat(8),
        async (fileIndex, where, change) => {
          const path = paths[fileIndex]!;
          const bytes = log.files.get(path)!;
          const at = Math.floor(where * bytes.length);
          const damaged = change === 8 ? bytes.subarray(0, at) : flipped(bytes, at, change);
          const disk = FakeDisk.of(withFile(log.files, path, damaged));
          const first = await open({ disk });
          expect(first.records).toEqual(log.history.slice(0, first.records.length));
          for (const text of ["new 1", "new 2"]) {
            first.journal.append(bytesOf(text));
          }
          await first.journal.close();
          const second = await open({ disk });
          expect(second.records).toEqual([...first.records, "new 1", "new 2"]);
          expect(second.journal.recovered.lostBytes).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("damage", () => {
  test("is cut off, so that it cannot come back as something that is read well the next time", async () => {
    const { path, endBytes } = log.frames.at(-2)!;
    const { disk } = await recover(
      withFile(log.files, path, flipped(log.files.get(path)!, endBytes - 1, 0)),
    );
    const before = log.frames.findLast((frame) => frame.path === path && frame.endBytes < endBytes);
    expect(disk.files().get(path)?.length ?? 0).toBe(before?.endBytes ?? 0);
  });

  test("in a file that a snapshot has made superfluous is no loss", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    journal.append(bytesOf("a"));
    journal.append(bytesOf("b"));
    await journal.written();
    disk.fault = (name, path) => (name === "remove" && path.includes("log-") ? "EIO" : undefined);
    expect(await journal.snapshot([bytesOf("a, b")])).toEqual({ status: "done" });
    journal.append(bytesOf("c"));
    await journal.written();
    const old = `${directory}/log-00000001`;
    const bytes = disk.files().get(old)!;
    const { records, summary } = await recover(
      withFile(disk.files(), old, flipped(bytes, fileHeaderBytes + 3, 1)),
    );
    expect(records).toEqual(["a, b", "c"]);
    expect(summary.lostBytes).toBe(0);
  });

  test("of a snapshot with which everything began takes the log with it", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    await journal.snapshot([bytesOf("imported")]);
    journal.append(bytesOf("a change of it"));
    await journal.close();
    const path = `${directory}/snapshot-0000000000000000`;
    const { records, summary } = await recover(
      withFile(disk.files(), path, flipped(disk.files().get(path)!, 100, 3)),
    );
    expect(records).toEqual([]);
    expect(summary.lostBytes).toBeGreaterThan(0);
  });
});

describe("a history of appends, snapshots and restarts", () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant("append" as const), size: fc.nat(200) }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("snapshot" as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("close" as const) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("kill" as const) }) },
  );

  async function live(steps: readonly { readonly type: string; readonly size?: number }[]) {
    let disk = new FakeDisk();
    let { journal } = await open({ disk, maxSegmentBytes: 500 });
    const history: string[] = [];
    for (const { type, size } of steps) {
      if (type === "append") {
        const text = `${history.length}`.padEnd(size ?? 0, "y");
        history.push(text);
        journal.append(bytesOf(text));
        await journal.written();
      } else if (type === "snapshot") {
        expect(await journal.snapshot(history.map(bytesOf))).toEqual({ status: "done" });
      } else {
        if (type === "close") {
          await journal.close();
        }
        disk = FakeDisk.of(disk.files());
        const opened = await open({ disk, maxSegmentBytes: 500 });
        expect(opened.records).toEqual(history);
        journal = opened.journal;
      }
    }
    return { files: disk.files(), history };
  }

  test("is given back whole, and after damage anywhere as something that once was", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(8)), { minLength: 1, maxLength: 3 }),
        async (steps, damages) => {
          const { files, history } = await live(steps);
          expect((await recover(files)).records).toEqual(history);
          let damaged = files;
          for (const [file, where, change] of damages) {
            const [path, bytes] = [...damaged][file % damaged.size]!;
            if (bytes.length > 0) {
              const at = where % bytes.length;
              const changed = change === 8 ? bytes.subarray(0, at) : flipped(bytes, at, change);
              damaged = withFile(damaged, path, changed);
            }
          }
          const { records } = await recover(damaged);
          expect(records).toEqual(history.slice(0, records.length));
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("what is no journal of ours", () => {
  test("a file of another format version is an error that says what to do, and nothing is touched", async () => {
    const [path, bytes] = [...log.files][1]!;
    const other = bytes.slice();
    const header = encodeFileHeader({
      kind: "log",
      number: 2,
      sequence: 0,
      unixMs: 0,
      hasEndMark: false,
    });
    other.set(versioned(header, formatVersion + 1));
    const disk = FakeDisk.of(withFile(log.files, path, other));
    const before = disk.files();
    await expect(recoverJournal({ disk, directory, take: () => {} })).rejects.toThrow(
      `${path} has format version 2, this program reads version 1. Use the version of the program that wrote it, or move the directory away to start without the stored state.`,
    );
    expect(disk.files()).toEqual(before);
  });

  test("files with other names are left alone", async () => {
    const path = `${directory}/notes.txt`;
    const { records, disk } = await recover(withFile(log.files, path, bytesOf("mine")));
    expect(records).toEqual(log.history);
    expect(disk.files().get(path)).toEqual(Uint8Array.from(bytesOf("mine")));
  });

  test("a file under the name of another one is not believed", async () => {
    const [first, second] = [...log.files.keys()].sort();
    const { records } = await recover(withFile(log.files, second!, log.files.get(first!)!));
    expect(records).toEqual(log.history.slice(0, recordsUntil(first!, Number.POSITIVE_INFINITY)));
  });

  test("random bytes for files are survived", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 2, maxLength: 2 }),
        async ([a, b]) => {
          const files = new Map([
            [`${directory}/log-00000001`, a!],
            [`${directory}/snapshot-0000000000000005`, b!],
          ]);
          expect((await recover(files)).records).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** The header as another version of the program would write it. */
function versioned(header: Uint8Array, version: number): Uint8Array {
  const bytes = header.slice();
  const view = new DataView(bytes.buffer);
  view.setUint32(8, version, true);
  view.setUint32(60, crc32Of(bytes.subarray(0, 60)), true);
  return bytes;
}

/** CRC-32 by its definition, so that the format is checked against something else than itself. */
function crc32Of(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}

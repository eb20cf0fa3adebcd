import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Component } from "../../../src/component/component.ts";
import { schema } from "../../../src/extensions/file_storage/config.ts";
import type { Disk } from "../../../src/extensions/file_storage/disk.ts";
import { createFileStorage } from "../../../src/extensions/file_storage/extension.ts";
import { instruments } from "../../../src/extensions/file_storage/storage-instruments.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { deferred } from "../../support/deferred.ts";
import { bytesOf, settled, textOf } from "./open-journal.ts";

const processor = { kind: "processor", id: "session_activity" } as const;

let folder = "";
const started: Component[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "file-storage-"));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((component) => component.shutdown(noDeadline())));
  rmSync(folder, { recursive: true });
});

function create(section: object = {}, disk: Disk = systemDisk) {
  const test = testSettings("file_storage");
  const config = schema.parse({ directory: join(folder, "data"), ...section });
  const component = createFileStorage(test.settings, config, disk);
  started.push(component);
  const records: string[] = [];
  const openJournal = (of: { kind: "processor" | "exporter"; id: string } = processor) =>
    component.storage!.openJournal(of, {
      take: (record) => records.push(textOf(record)),
      onSnapshotNeeded() {},
    });
  return { ...test, component, openJournal, records };
}

async function start(section: object = {}, disk?: Disk) {
  const made = create(section, disk);
  await made.component.start();
  return made;
}

/** Why one more cannot start, after its time of waiting is over. */
async function startWhileTimePasses(): Promise<string> {
  const { component, clock } = create();
  let why = "";
  const ending = component.start().then(
    () => {
      why = "It has started.";
    },
    (error: Error) => {
      why = error.message;
    },
  );
  while (why === "") {
    await settled();
    // Only while it waits for the lock, besides the limit of the whole start: what the disk does takes no time of this clock.
    clock.advance(clock.pendingTimers > 1 ? 100 : 0);
  }
  await ending;
  return why;
}

const modeOf = (...path: string[]) => statSync(join(folder, ...path)).mode & 0o777;

/** A disk on which writing fails with this code for as long as it is set. */
function failingDisk() {
  const state: { code: string | undefined } = { code: undefined };
  const disk: Disk = {
    ...systemDisk,
    create: async (path) => {
      const file = await systemDisk.create(path);
      return {
        ...file,
        write: async (parts, position) => {
          if (state.code !== undefined) {
            throw Object.assign(new Error("as the test wanted it"), { code: state.code });
          }
          await file.write(parts, position);
        },
      };
    },
  };
  return { disk, state };
}

describe("what is stored", () => {
  test("is there after a restart, for each component its own", async () => {
    const first = await start();
    const [a, b] = [
      await first.openJournal(),
      await first.openJournal({ kind: "exporter", id: "otlp_http/Backup" }),
    ];
    a.append(bytesOf("of the processor"));
    b.append(bytesOf("of the exporter"));
    await first.component.shutdown(noDeadline());
    expect(readdirSync(join(folder, "data")).sort()).toEqual([
      "exporter_otlp_http.~0042ackup",
      "lock",
      "processor_session_activity",
    ]);

    const second = await start();
    await second.openJournal();
    expect(second.records).toEqual(["of the processor"]);
    expect(second.log.at(-1)).toEqual({
      level: "info",
      message: "Recovered the stored state.",
      fields: {
        journal: "processor_session_activity",
        records: 1,
        bytes: 16,
        torn_bytes: 0,
      },
    });
  });

  test("is readable for the user of the program only", async () => {
    const { openJournal } = await start();
    const journal = await openJournal();
    journal.append(bytesOf("a"));
    await journal.written();
    await journal.snapshot([bytesOf("b")]);
    const owned = ["data", "processor_session_activity"];
    expect([modeOf("data"), modeOf(...owned), modeOf("data", "lock")]).toEqual([
      0o700, 0o700, 0o600,
    ]);
    const names = readdirSync(join(folder, ...owned));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) {
      expect(modeOf(...owned, name)).toBe(0o600);
    }
  });

  test("has the permissions for directories that the user wants, whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      const { openJournal } = await start({ directory_permissions: "0770" });
      await openJournal();
    } finally {
      process.umask(before);
    }
    expect([modeOf("data"), modeOf("data", "processor_session_activity")]).toEqual([0o770, 0o770]);
  });

  test("that is damaged is logged as an error with numbers, and no content", async () => {
    const first = await start({ max_segment_size: "64KiB" });
    const journal = await first.openJournal();
    for (let index = 0; index < 5; index += 1) {
      journal.append(Buffer.alloc(60_000, "secret"));
      await journal.written();
    }
    await first.component.shutdown(noDeadline());
    const file = join(folder, "data", "processor_session_activity", "log-00000001");
    const bytes = readFileSync(file);
    bytes[500]! ^= 1;
    writeFileSync(file, bytes);
    const second = await start();
    await second.openJournal();
    const line = second.log.at(-1);
    expect(line).toMatchObject({
      level: "error",
      message: "Stored data is damaged. The damaged part and everything after it were discarded.",
      fields: { journal: "processor_session_activity", records: 0 },
    });
    expect(Number(line?.fields?.["lost_bytes"])).toBeGreaterThan(240_000);
    expect(JSON.stringify(second.log)).not.toContain("secret");
    expect(await second.ownMetrics()).toMatch(
      /otelcol_file_storage_cut_bytes\{[^}]*cause="lost"[^}]*\} 3\d{5}/,
    );
  });

  test("whose log was emptied is logged as an error, and counted", async () => {
    const first = await start();
    const journal = await first.openJournal();
    for (const text of ["a", "b", "c"]) {
      journal.append(bytesOf(text));
    }
    await journal.written();
    await first.component.shutdown(noDeadline());
    writeFileSync(join(folder, "data", "processor_session_activity", "log-00000001"), "");
    const second = await start();
    await second.openJournal();
    expect(second.log.at(-1)).toMatchObject({
      level: "error",
      message: expect.stringMatching(/^The end of the stored log is missing/),
      fields: { journal: "processor_session_activity", records: 0, missing_records: 3 },
    });
    expect(await second.ownMetrics()).toMatch(/otelcol_file_storage_missing_records\{[^}]*\} 3/);
  });

  for (const [title, isChanged, message, fields, metric] of [
    [
      "whose file end was removed is used, with a warning that its end is not known",
      (names: readonly string[]) => names.find((name) => name === "end"),
      /^The file "end" of the stored state was removed, emptied or overwritten/,
      { file: "end", records: 2 },
      'file="end"',
    ],
    [
      "whose newest snapshot was removed goes on from the one before, with a warning",
      (names: readonly string[]) => names.findLast((name) => name.startsWith("snapshot-")),
      /^A stored snapshot was removed\. .*nothing is lost/,
      { file: "snapshot", removed_snapshots: 1, records: 3 },
      'file="snapshot"',
    ],
    [
      "whose log before the newest snapshot was removed goes on from that, with a warning",
      (names: readonly string[]) => names.find((name) => name.startsWith("log-")),
      /^A part of the stored log that the newest snapshot contains is damaged or was removed\./,
      { file: "log", damaged_logs: 1, records: 2 },
      'file="log"',
    ],
  ] as const) {
    test(title, async () => {
      const first = await start();
      const journal = await first.openJournal();
      for (const text of ["a", "b"]) {
        journal.append(bytesOf(text));
        await journal.written();
        expect((await journal.snapshot([bytesOf(`up to ${text}`)])).status).toBe("done");
      }
      journal.append(bytesOf("c"));
      await journal.written();
      await first.component.shutdown(noDeadline());
      const directory = join(folder, "data", "processor_session_activity");
      rmSync(join(directory, isChanged(readdirSync(directory).toSorted()) ?? ""));
      const second = await start();
      await second.openJournal();
      expect(second.log.at(-1)).toMatchObject({
        level: "warn",
        message: expect.stringMatching(message),
        fields,
      });
      const page = await second.ownMetrics();
      const [line] = page
        .split("\n")
        .filter((each) => each.includes("unusable_files{") && each.includes(metric));
      expect(line).toMatch(/ 1$/);
    });
  }

  test("whose newest snapshot is damaged goes on from the one before, with a warning", async () => {
    const first = await start();
    const journal = await first.openJournal();
    for (const text of ["a", "b"]) {
      journal.append(bytesOf(text));
      expect((await journal.snapshot([bytesOf(`up to ${text}`)])).status).toBe("done");
    }
    await first.component.shutdown(noDeadline());
    const directory = join(folder, "data", "processor_session_activity");
    const newest = readdirSync(directory)
      .filter((name) => name.startsWith("snapshot-"))
      .toSorted();
    writeFileSync(join(directory, newest.at(-1)!), "");
    const second = await start();
    await second.openJournal();
    expect(second.records).toEqual(["up to a", "b"]);
    expect(second.log.at(-1)).toMatchObject({
      level: "warn",
      message: expect.stringMatching(/^A stored snapshot is damaged\. .*nothing is lost/),
      fields: { damaged_snapshots: 1, records: 2 },
    });
  });
});

describe("the start", () => {
  test("is refused when another one uses the directory", async () => {
    await start();
    expect(await startWhileTimePasses()).toContain(
      `the directory ${join(folder, "data")} is in use by another `,
    );
  });

  for (const [title, section, message] of [
    [
      "is refused without the directory when it may not be made",
      { create_directory: false },
      "cannot be used (ENOENT). Create it, or set create_directory: true.",
    ],
    [
      "is refused when the directory is a file",
      { directory: "file", create_directory: false },
      "is not a directory. Name another one in directory.",
    ],
    [
      "is refused when the directory cannot be made",
      { directory: "file/sub" },
      "cannot be created (ENOTDIR).",
    ],
  ] as const) {
    test(title, async () => {
      writeFileSync(join(folder, "file"), "");
      const directory = "directory" in section ? join(folder, section.directory) : undefined;
      const { component } = create({
        ...section,
        ...(directory === undefined ? {} : { directory }),
      });
      await expect(component.start()).rejects.toThrow(message);
    });
  }

  test("warns when everyone may write to the directory, and takes it", async () => {
    mkdirSync(join(folder, "data"));
    chmodSync(join(folder, "data"), 0o777);
    const { log } = await start();
    expect(log[0]).toEqual({
      level: "warn",
      message:
        "Everyone may write to the directory of the storage. Take that permission away, e.g. with chmod o-w, or name another directory.",
      fields: { directory: join(folder, "data") },
    });
  });

  test("of a component fails in plain words on files of another version", async () => {
    mkdirSync(join(folder, "data", "processor_session_activity"), { recursive: true });
    const first = await start();
    const journal = await first.openJournal();
    journal.append(bytesOf("a"));
    await first.component.shutdown(noDeadline());
    const file = join(folder, "data", "processor_session_activity", "log-00000001");
    const bytes = readFileSync(file);
    bytes.set(otherVersion(bytes));
    writeFileSync(file, bytes);
    const second = await start();
    await expect(second.openJournal()).rejects.toThrow(`${file} has format version 7`);
    expect(readFileSync(file)).toEqual(bytes);
  });
});

describe("a disk that is full", () => {
  test("is a status that others can see, and metrics, until it has room again", async () => {
    const { disk, state } = failingDisk();
    const { openJournal, statuses, ownMetrics } = await start({}, disk);
    const journal = await openJournal();
    const series =
      'extension="file_storage",otelcol_component_id="session_activity",otelcol_component_kind="processor"';
    expect(statuses).toEqual([{ status: "ok" }]);
    expect(await ownMetrics()).toContain(`otelcol_file_storage_degraded{${series}} 0`);

    state.code = "ENOSPC";
    journal.append(bytesOf("a"));
    await journal.written();
    expect(statuses.at(-1)).toEqual({
      status: "recoverable_error",
      message: "State is not stored. The disk is full: free some space.",
    });
    const page = await ownMetrics();
    expect(page).toContain(`otelcol_file_storage_degraded{${series}} 1`);
    expect(page).toContain(`otelcol_file_storage_dropped_records{${series},reason="no_space"} 1`);
    expect(page).toContain(`otelcol_file_storage_write_errors{${series},reason="no_space"} 1`);

    state.code = undefined;
    expect(await journal.snapshot([bytesOf("state")])).toEqual({ status: "done" });
    expect(statuses.at(-1)).toEqual({ status: "ok" });
    expect(await ownMetrics()).toContain(`otelcol_file_storage_degraded{${series}} 0`);
  });
});

test("every instrument of the list is published, with the attributes it lists", async () => {
  const { openJournal, ownMetrics } = await start();
  await openJournal();
  const page = await ownMetrics();
  for (const { name, attributes } of instruments) {
    const labels = new RegExp(`^${name}\\{(.*)\\} `, "m").exec(page)?.[1] ?? "";
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).sort();
    expect([name, names]).toEqual([
      name,
      Object.keys(attributes)
        .map((key) => key.replaceAll(".", "_"))
        .sort(),
    ]);
  }
});

describe("the shutdown", () => {
  test("is safe before the start, and twice", async () => {
    const { component } = create();
    await component.shutdown(noDeadline());
    await component.start();
    await component.shutdown(noDeadline());
    await component.shutdown(noDeadline());
  });

  test("gives up a disk that hangs when its deadline passes, logs that, and keeps the directory locked", async () => {
    const gate = deferred<void>();
    const disk = hangingDisk("write", gate.promise);
    const { component, openJournal, log } = await start({}, disk);
    const journal = await openJournal();
    journal.append(bytesOf("a"));
    const deadline = new AbortController();
    const ended = component.shutdown(deadline.signal);
    deadline.abort();
    await expect(ended).rejects.toThrow(
      "Records were not stored before the end: processor_session_activity.",
    );
    expect(log.at(-1)).toEqual({
      level: "error",
      message: "The disk was too slow to store all records before the shutdown deadline.",
      fields: { journal: "processor_session_activity", unwritten_records: 1 },
    });
    expect(await startWhileTimePasses()).toContain("is in use by another ");
    gate.resolve();
    await settled();
  });

  test("whose deadline has passed, because others hang, stores everything and reports nothing", async () => {
    const { component, openJournal, log, clock } = await start();
    const journal = await openJournal();
    journal.append(bytesOf("a"));
    const linesBefore = log.length;
    await component.shutdown(AbortSignal.abort());
    expect(log.slice(linesBefore)).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
    const next = await start();
    await next.openJournal();
    expect(next.records).toEqual(["a"]);
  });

  test("whose deadline has passed waits no longer than a moment for the disk", async () => {
    const gate = deferred<void>();
    const { component, openJournal, clock } = await start({}, hangingDisk("write", gate.promise));
    const journal = await openJournal();
    journal.append(bytesOf("a"));
    const ended = component.shutdown(AbortSignal.abort());
    const isPending = () => Promise.race([ended.catch(() => false), settled().then(() => true)]);
    clock.advance(199);
    expect(await isPending()).toBe(true);
    clock.advance(1);
    await expect(ended).rejects.toThrow("Records were not stored before the end");
    gate.resolve();
  });

  test("on a disk that syncs slowly reports records that are written and not synced as that", async () => {
    for (const fsync of [true, false]) {
      const gate = deferred<void>();
      const { component, openJournal, log, clock } = await start(
        { fsync, directory: join(folder, `${fsync}`) },
        hangingDisk("sync", gate.promise),
      );
      const journal = await openJournal();
      journal.append(bytesOf("a"));
      await journal.written();
      const linesBefore = log.length;
      const ended = component.shutdown(AbortSignal.abort());
      await settled();
      clock.advance(200);
      await ended;
      expect(log.slice(linesBefore)).toEqual(
        fsync
          ? [
              {
                level: "warn",
                message:
                  "The disk was too slow to sync all records before the shutdown deadline. They are written, but a power cut in the next seconds can lose them.",
                fields: { journal: "processor_session_activity", unsynced_records: 1 },
              },
            ]
          : [],
      );
      gate.resolve();
    }
  });

  /** A disk on which one call hangs. */
  function hangingDisk(call: "write" | "sync", gate: Promise<void>): Disk {
    return {
      ...systemDisk,
      create: async (path) => {
        const file = await systemDisk.create(path);
        // The mark of the end is written when the journal is opened, which does not fail here.
        return path.endsWith("/end")
          ? file
          : {
              ...file,
              async write(parts, position) {
                await (call === "write" ? gate : undefined);
                await file.write(parts, position);
              },
              async sync() {
                await (call === "sync" ? gate : undefined);
                await file.sync();
              },
            };
      },
    };
  }
});

/** A header that says version 7, with a checksum that is right. */
function otherVersion(file: Uint8Array): Uint8Array {
  const header = Buffer.from(file.subarray(0, 64));
  header.writeUInt32LE(7, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
  return header;
}

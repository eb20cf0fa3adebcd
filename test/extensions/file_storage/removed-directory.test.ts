import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Component } from "../../../src/component/component.ts";
import type { Journal } from "../../../src/component/storage.ts";
import { schema } from "../../../src/extensions/file_storage/config.ts";
import type { Disk } from "../../../src/extensions/file_storage/disk.ts";
import { createFileStorage } from "../../../src/extensions/file_storage/extension.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { startChild } from "../../support/child.ts";
import { bytesOf, settled, textOf } from "./open-journal.ts";

let folder = "";
let directory = "";
const started: Component[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "removed-"));
  directory = join(folder, "data");
});
afterEach(async () => {
  // A storage that could not store rejects.
  await Promise.allSettled(started.splice(0).map((component) => component.shutdown(noDeadline())));
  rmSync(folder, { recursive: true });
});

/** A storage with a journal of which the owner answers each request for a snapshot at once, unless `isMute`. */
async function start({ section = {}, isMute = false, disk = systemDisk as Disk } = {}) {
  const settings = testSettings("file_storage");
  const component = createFileStorage(
    settings.settings,
    schema.parse({ directory, ...section }),
    disk,
  );
  started.push(component);
  await component.start();
  const records: string[] = [];
  const stored: { journal: Journal | undefined } = { journal: undefined };
  const journal = await component.storage!.openJournal(
    { kind: "processor", id: "sample" },
    {
      take: (record) => records.push(textOf(record)),
      onSnapshotNeeded() {
        if (!isMute) {
          void stored.journal?.snapshot(records.map(bytesOf));
        }
      },
    },
  );
  stored.journal = journal;
  const append = async (text: string) => {
    records.push(text);
    journal.append(bytesOf(text));
    await journal.written();
  };
  await append("before");
  const { clock, log } = settings;
  /** Waits for something that the next check of the files, or a request after it, brings about. */
  const until = async (isDone: () => boolean) => {
    clock.advance(5_000);
    await expect.poll(isDone, { timeout: 20_000, interval: 5 }).toBe(true);
  };
  const lines = () => log.filter(({ level }) => level !== "info");
  return { ...settings, component, journal, records, append, until, lines };
}

/** What a program that is killed now would leave, as the next start finds it. */
async function found(): Promise<readonly string[]> {
  const { records, component } = await start();
  await component.shutdown(noDeadline());
  return records.slice(0, -1);
}

/** What another process says that wants the directory. */
async function saidBySecondProcess(): Promise<string> {
  const child = startChild("test/extensions/file_storage/lock-child.ts", [directory, "0"]);
  await child.ended;
  return child.stdout();
}

const isOk = ({ journal }: { readonly journal: Journal }) => journal.state().status === "ok";

describe("a directory that is removed while the program runs", () => {
  for (const [how, remove] of [
    ["removed", () => rmSync(directory, { recursive: true })],
    ["renamed", () => renameSync(directory, join(folder, "elsewhere"))],
    [
      "replaced",
      () => {
        renameSync(directory, join(folder, "elsewhere"));
        mkdirSync(directory);
      },
    ],
    ["removed in part", () => rmSync(join(directory, "processor_sample"), { recursive: true })],
  ] as const) {
    test(`${how}, is an error within 5 s, and is created and locked again with all of the state`, async () => {
      const { append, until, lines, statuses, ownMetrics, component, records } = await start();
      remove();
      await append("after");
      expect(lines()).toEqual([]);
      await until(() => statuses.length === 3);
      expect(lines()).toEqual([
        {
          level: "error",
          message: expect.stringMatching(
            /^State is no longer stored\. A directory of the state was removed or renamed while the program ran\./,
          ),
          fields: {
            journal: "processor_sample",
            reason: "removed",
            path: join(directory, "processor_sample"),
          },
        },
      ]);
      expect(statuses).toEqual([
        { status: "ok" },
        {
          status: "recoverable_error",
          message:
            "State is not stored. Its files were removed or replaced while the program ran. They are created again; find out what removes them.",
        },
        { status: "ok" },
      ]);
      expect(await ownMetrics()).toMatch(
        /otelcol_file_storage_write_errors\{[^}]*reason="removed"[^}]*\} 1/,
      );
      await append("later");
      expect(await saidBySecondProcess()).toContain("is in use by another process");
      await component.shutdown(noDeadline());
      expect(await found()).toEqual(records);
    });
  }

  test("and is elsewhere now is not locked there any more", async () => {
    const { until, statuses } = await start();
    const elsewhere = join(folder, "elsewhere");
    renameSync(directory, elsewhere);
    await until(() => statuses.length === 3);
    const child = startChild("test/extensions/file_storage/lock-child.ts", [elsewhere, "0"]);
    await child.said("locked");
    child.kill("SIGKILL");
    await child.ended;
  });

  test("is found at the stop of the service already, so that the state is stored before the end", async () => {
    const { beginStop, component, records, append, statuses } = await start();
    rmSync(directory, { recursive: true });
    await append("after");
    beginStop();
    while (statuses.length < 3) {
      await settled();
    }
    await component.shutdown(noDeadline());
    expect(await found()).toEqual(records);
  });

  test("and whose state cannot be stored again is reported at the end, which is no success", async () => {
    const { component, append, lines } = await start({ isMute: true });
    rmSync(directory, { recursive: true });
    await append("after");
    await expect(component.shutdown(noDeadline())).rejects.toThrow(
      "Records were not stored before the end: processor_sample.",
    );
    expect(lines().at(-1)).toEqual({
      level: "error",
      message: expect.stringMatching(/^State was not stored when the program ended\. Its files/),
      fields: { journal: "processor_sample", reason: "removed" },
    });
  });

  test("and must not be created is waited for, and used when it is there", async () => {
    mkdirSync(directory);
    const made = await start({ section: { create_directory: false } });
    const { until, lines, clock } = made;
    rmSync(directory, { recursive: true });
    await until(() => lines().length === 2);
    expect(lines()[1]).toEqual({
      level: "warn",
      message: "State is still not stored.",
      fields: {
        journal: "processor_sample",
        because: `the directory ${directory} cannot be used (ENOENT). Create it, or set create_directory: true.`,
      },
    });
    mkdirSync(directory);
    await until(() => isOk(made));
    expect(clock.pendingTimers).toBeGreaterThan(0);
  });
});

describe("a lock file that is removed while the program runs", () => {
  test("is created and locked again within 5 s, with a warning", async () => {
    const { until, lines, journal } = await start();
    unlinkSync(join(directory, "lock"));
    await until(() => lines().length > 0);
    expect(lines()).toEqual([
      {
        level: "warn",
        message: expect.stringMatching(
          /^The lock file of the storage was removed\. The directory is locked again;/,
        ),
        fields: { directory },
      },
    ]);
    expect(await saidBySecondProcess()).toContain("is in use by another process");
    expect(journal.state()).toEqual({ status: "ok" });
  });

  test("lets another process in, and then this one stores nothing more until a restart", async () => {
    const { until, lines, journal, component, log, clock } = await start();
    unlinkSync(join(directory, "lock"));
    const child = startChild("test/extensions/file_storage/lock-child.ts", [directory, "0"]);
    await child.said("locked");
    const before = readdirSync(join(directory, "processor_sample"));
    await until(() => journal.state().status !== "ok");
    expect(journal.state()).toEqual({ status: "degraded", reason: "in_use" });
    expect(lines()[0]).toEqual({
      level: "error",
      message:
        "State is no longer stored. Another process has taken the directory, because the lock on it was removed. Stop one of the two and start this one again.",
      fields: { journal: "processor_sample", reason: "in_use" },
    });
    child.kill("SIGTERM");
    await child.ended;
    journal.append(bytesOf("after"));
    for (let round = 0; round < 20; round += 1) {
      clock.advance(5_000);
      await settled();
    }
    expect(journal.state()).toEqual({ status: "degraded", reason: "in_use" });
    await expect(component.shutdown(noDeadline())).rejects.toThrow("Records were not stored");
    expect(readdirSync(join(directory, "processor_sample"))).toEqual(before);
    expect(log.filter(({ message }) => message.includes("locked again"))).toEqual([]);
  });

  test("and cannot be created again is an error, once", async () => {
    let isFull = false;
    const { until, lines, clock, journal } = await start({
      disk: {
        ...systemDisk,
        async makeDirectory(path, mode) {
          if (isFull) {
            throw Object.assign(new Error("as the test wanted it"), { code: "ENOSPC" });
          }
          await systemDisk.makeDirectory(path, mode);
        },
      },
    });
    unlinkSync(join(directory, "lock"));
    isFull = true;
    await until(() => lines().length > 0);
    for (let round = 0; round < 10; round += 1) {
      clock.advance(5_000);
      await settled();
    }
    expect(lines()).toEqual([
      {
        level: "error",
        message: "The directory of the storage is not locked any more.",
        fields: {
          directory,
          because: `the directory ${directory} cannot be created (ENOSPC). The disk is full: free some space.`,
        },
      },
    ]);
    expect(journal.state()).toEqual({ status: "ok" });
    isFull = false;
    await until(() => existsSync(join(directory, "lock")));
  });
});

test("a storage that has stopped looks at nothing more", async () => {
  const { component, clock, beginStop } = await start();
  await component.shutdown(noDeadline());
  expect(clock.pendingTimers).toBe(0);
  rmSync(directory, { recursive: true });
  beginStop();
  await settled();
  expect(existsSync(directory)).toBe(false);
});

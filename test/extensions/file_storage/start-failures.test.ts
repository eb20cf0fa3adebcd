import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Component } from "../../../src/component/component.ts";
import { schema } from "../../../src/extensions/file_storage/config.ts";
import type { Disk } from "../../../src/extensions/file_storage/disk.ts";
import { createFileStorage } from "../../../src/extensions/file_storage/extension.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { startChild } from "../../support/child.ts";
import type { FakeClock } from "../../support/fake-clock.ts";
import { canMount, mountDisk, unmountDisk } from "./mounted-disk.ts";
import { bytesOf, settled, textOf } from "./open-journal.ts";

let folder = "";
const components: Component[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "start-failures-"));
  chmodSync(folder, 0o755);
});
afterEach(async () => {
  // A storage that could not store rejects.
  await Promise.allSettled(
    components.splice(0).map((component) => component.shutdown(noDeadline())),
  );
  unmountDisk(folder);
  rmSync(folder, { recursive: true });
});

function create(directory: string, section: object = {}, disk: Disk = systemDisk) {
  const settings = testSettings("file_storage");
  const config = schema.parse({ directory, ...section });
  const component = createFileStorage(settings.settings, config, disk);
  components.push(component);
  const records: string[] = [];
  let asked = 0;
  const openJournal = () =>
    component.storage!.openJournal(
      { kind: "processor", id: "sample" },
      {
        take: (record) => records.push(textOf(record)),
        onSnapshotNeeded: () => {
          asked += 1;
        },
      },
    );
  return { ...settings, component, openJournal, records, asked: () => asked };
}

/** Whether files can be made immutable: it takes a privilege and a file system that can do it. */
const canMakeImmutable = ((): boolean => {
  const probe = mkdtempSync(join(tmpdir(), "immutable-"));
  try {
    execFileSync("chattr", ["+i", probe], { stdio: "pipe" });
    execFileSync("chattr", ["-i", probe], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true });
  }
})();

/** Why a storage in the directory does not start; `undefined` if it does. */
async function problemOf(directory: string, section: object = {}): Promise<string | undefined> {
  return create(directory, section)
    .component.start()
    .then(
      () => undefined,
      (error: Error) => error.message,
    );
}

/** What a process of another user says. */
async function saidBy(user: number, directory: string, section: object = {}): Promise<string> {
  const child = startChild("test/extensions/file_storage/start-child.ts", [
    directory,
    `${user}`,
    JSON.stringify(section),
  ]);
  await child.ended;
  return child.stdout().trim();
}

describe("a directory that cannot be used is refused with the path, the error, and what to do", () => {
  test("when a file is in its place, or above it", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const notDirectory = `${file} is not a directory. Name another one in directory.`;
    expect(await problemOf(file)).toBe(
      `the directory ${file} cannot be created (EEXIST). ${notDirectory}`,
    );
    expect(await problemOf(file, { create_directory: false })).toBe(notDirectory);
    expect(await problemOf(join(file, "a", "b"))).toBe(
      `the directory ${file}/a/b cannot be created (ENOTDIR). ${notDirectory}`,
    );
  });

  test("when it is a link to nowhere, or below one", async () => {
    const link = join(folder, "link");
    symlinkSync("nowhere", link);
    const advice = `${link} is a symbolic link to nowhere, which does not exist. Create that directory, or correct the link.`;
    expect(await problemOf(link)).toBe(
      `the directory ${link} cannot be created (EEXIST). ${advice}`,
    );
    expect(await problemOf(join(link, "data"), { create_directory: false })).toBe(
      `the directory ${link}/data cannot be used (ENOENT). ${advice}`,
    );
  });

  test("when its links lead in a circle", async () => {
    symlinkSync("b", join(folder, "a"));
    symlinkSync("a", join(folder, "b"));
    const advice = (link: string, target: string) =>
      `${folder}/${link} is a symbolic link to ${target}, and the links lead in a circle. Correct them, or name another directory.`;
    expect(await problemOf(join(folder, "a"))).toBe(
      `the directory ${folder}/a cannot be created (EEXIST). ${advice("a", "b")}`,
    );
    expect(await problemOf(join(folder, "b"), { create_directory: false })).toBe(
      `the directory ${folder}/b cannot be used (ELOOP). ${advice("b", "a")}`,
    );
    expect(await problemOf(join(folder, "a", "data"))).toBe(
      `the directory ${folder}/a/data cannot be created (ELOOP). ${advice("a", "b")}`,
    );
  });

  test("when a name, or the whole path, is too long, and shows only the beginning of it", async () => {
    const name = "n".repeat(300);
    const problem = await problemOf(join(folder, name));
    expect(problem).toContain(
      "… cannot be created (ENAMETOOLONG). A name in the path has 300 bytes; most file systems allow 255. Choose a shorter one.",
    );
    expect(problem).not.toContain(name);
    expect(await problemOf(join(folder, "d/".repeat(2_100)))).toMatch(
      /… cannot be created \(ENAMETOOLONG\)\. The path has 4\d{3} bytes, more than the system allows\. Name a directory with a shorter path\.$/,
    );
  });

  test("when it is missing and must not be created", async () => {
    const directory = join(folder, "data");
    expect(await problemOf(directory, { create_directory: false })).toBe(
      `the directory ${directory} cannot be used (ENOENT). Create it, or set create_directory: true.`,
    );
  });

  for (const [path, name] of [
    ["/proc/data", "proc"],
    ["/proc/self/task/data/deeper", "proc"],
    ["/proc", "proc"],
    ["/sys/data", "sysfs"],
  ] as const) {
    test.runIf(process.platform === "linux")(`when it is ${path}, at once`, async () => {
      expect(await problemOf(path)).toMatch(
        new RegExp(
          `^the directory ${path} cannot be used\\. /\\S+ is in ${name}, which stores no files\\. Name a directory on a disk\\.$`,
        ),
      );
    });
  }

  test.runIf(process.platform === "linux")(
    "when the system denies a directory that it has",
    async () => {
      // Creating directories recursively never ends there.
      await expect(systemDisk.makeDirectory("/proc/a/b/c", 0o700)).rejects.toThrow("ENOENT");
    },
  );

  test("when it does not answer", async () => {
    const { component, clock } = create(
      join(folder, "data"),
      {},
      {
        ...systemDisk,
        makeDirectory: () => new Promise(() => {}),
      },
    );
    const problem = component.start().catch((error: Error) => error.message);
    await settled();
    clock.advance(31_000);
    expect(await problem).toBe(
      `the directory ${folder}/data did not answer within 30 s. Check the disk or the network file system that it is on, or name another directory.`,
    );
    components.length = 0; // Its shutdown would wait for the disk.
  });

  test("when its lock is something else than a file", async () => {
    mkdirSync(join(folder, "data", "lock"), { recursive: true });
    expect(await problemOf(join(folder, "data"))).toBe(
      `the lock file ${folder}/data/lock cannot be opened: it is not a file. Remove it, or name another directory.`,
    );
  });

  test.runIf(canMount)("when it is on a read-only file system, new or used before", async () => {
    mountDisk(folder);
    await create(join(folder, "used")).component.start();
    await components.pop()!.shutdown(noDeadline());
    execFileSync("mount", ["-o", "remount,ro", folder]);
    const readOnly = (storage: string) =>
      `is on a read-only file system. Mount a writable volume at ${folder}/${storage}, or name another directory.`;
    expect(await problemOf(join(folder, "new"))).toBe(
      `the directory ${folder}/new cannot be created (EROFS). ${folder} ${readOnly("new")}`,
    );
    expect(await problemOf(join(folder, "used"))).toBe(
      `the lock file ${folder}/used/lock cannot be opened (EROFS). ${folder}/used/lock ${readOnly("used")}`,
    );
  });
});

describe.runIf(process.getuid?.() === 0)(
  "files of another user are refused with whose they are",
  () => {
    const user = 65_532;
    const runsAs = `this program runs as user ${user}, group ${user}`;
    const advice = (storage: string) =>
      `If nothing else uses ${storage}, give it to this user with everything in it (chown -R ${user}:${user} ${storage}), or name another directory.`;

    test("a directory in which it cannot be created, which is left to its owner", async () => {
      expect(await saidBy(user, join(folder, "a", "b"))).toBe(
        `the directory ${folder}/a/b cannot be created (EACCES). ${folder} belongs to user 0, group 0 (mode 0755), and ${runsAs}. Create ${folder}/a/b for this user (install -d -o ${user} -g ${user} -m 700 ${folder}/a/b), or name another directory.`,
      );
      const said = await saidBy(user, "/state-of-a-test");
      expect(said).toContain("/ belongs to user 0");
      expect(said).toContain(`(install -d -o ${user} -g ${user} -m 700 /state-of-a-test)`);
    });

    test("with the permissions of the config, and a name that a shell would take apart in quotes", async () => {
      const name = "a b; rm -rf '$HOME'";
      const said = await saidBy(user, join(folder, name), { directory_permissions: "0750" });
      const command = /\((install .*)\), or/.exec(said)?.[1] ?? "";
      execFileSync("sh", ["-c", command]);
      expect(readdirSync(folder)).toEqual([name]);
      const { uid, gid, mode } = statSync(join(folder, name));
      expect([uid, gid, mode & 0o777]).toEqual([user, user, 0o750]);
      expect(await saidBy(user, join(folder, name))).toBe("started");
    });

    test("a directory on the way that may not be entered", async () => {
      mkdirSync(join(folder, "closed", "data"), { recursive: true });
      chmodSync(join(folder, "closed"), 0o700);
      expect(await saidBy(user, join(folder, "closed", "data"))).toBe(
        `the directory ${folder}/closed/data cannot be created (EACCES). ${folder}/closed belongs to user 0, group 0 (mode 0700), and ${runsAs}. Let this user enter it, or name another directory.`,
      );
    });

    test("the directory itself", async () => {
      mkdirSync(join(folder, "data"));
      expect(await saidBy(user, join(folder, "data"))).toBe(
        `the directory ${folder}/data cannot be written to (EACCES). ${folder}/data belongs to user 0, group 0 (mode 0755), and ${runsAs}. ${advice(join(folder, "data"))}`,
      );
    });

    test("the directory itself, through a link, if a user can own it", async () => {
      mkdirSync(join(folder, "real"));
      chownSync(join(folder, "real"), 1, 1);
      symlinkSync("real", join(folder, "data"));
      expect(await saidBy(user, join(folder, "data"))).toContain(
        ` Run the program as user 1, or, if nothing else uses ${folder}/data, give it to this user with everything in it (chown -R ${user}:${user} ${folder}/real), or name another directory.`,
      );
    });

    test("the directory itself, but not if it contains other things", async () => {
      mkdirSync(join(folder, "etc", "exporter_file"), { recursive: true });
      mkdirSync(join(folder, "etc", "lost+found"));
      writeFileSync(join(folder, "etc", "lock"), "");
      expect(await saidBy(user, join(folder, "etc"))).toContain("(chown -R ");
      writeFileSync(join(folder, "etc", "passwd"), "");
      const said = await saidBy(user, join(folder, "etc"));
      expect(said).not.toContain("chown");
      expect(said).toContain(
        ` It also contains other things, so create a directory in it for this user (install -d -o ${user} -g ${user} -m 700 ${folder}/etc/file_storage) and name that one, or name another directory.`,
      );
    });

    test("the lock in a directory of its own", async () => {
      const directory = join(folder, "data");
      mkdirSync(directory);
      chownSync(directory, user, user);
      writeFileSync(join(directory, "lock"), "", { mode: 0o600 });
      expect(await saidBy(user, directory)).toBe(
        `the lock file ${directory}/lock cannot be opened (EACCES). ${directory}/lock belongs to user 0, group 0 (mode 0600), and ${runsAs}. ${advice(directory)}`,
      );
    });

    for (const [title, mode, what] of [
      ["the folder of a journal", 0o700, "cannot be read"],
      ["the folder of a journal that it may only read", 0o755, "cannot be written to"],
    ] as const) {
      test(title, async () => {
        const journal = join(folder, "data", "processor_sample");
        mkdirSync(journal, { recursive: true });
        chmodSync(journal, mode);
        chownSync(join(folder, "data"), user, user);
        expect(await saidBy(user, join(folder, "data"))).toBe(
          `the directory ${journal} ${what} (EACCES). ${journal} belongs to user 0, group 0 (mode 0${mode.toString(8)}), and ${runsAs}. ${advice(join(folder, "data"))}`,
        );
      });
    }

    test("a file of a journal", async () => {
      const { component, openJournal } = create(join(folder, "data"));
      await component.start();
      (await openJournal()).append(bytesOf("a"));
      await components.pop()!.shutdown(noDeadline());
      const journal = join(folder, "data", "processor_sample");
      chownSync(join(folder, "data"), user, user);
      chownSync(join(folder, "data", "lock"), user, user);
      chownSync(journal, user, user);
      const file = join(journal, "log-00000001");
      expect(await saidBy(user, join(folder, "data"))).toBe(
        `${file} cannot be read (EACCES). ${file} belongs to user 0, group 0 (mode 0600), and ${runsAs}. ${advice(join(folder, "data"))} Or move the directory away to start without the stored state.`,
      );
    });

    test("an unfinished snapshot that is in a directory of another user", async () => {
      const journal = join(folder, "data", "processor_sample");
      mkdirSync(journal, { recursive: true });
      const file = join(journal, "snapshot-0000000000000001.tmp");
      writeFileSync(file, "");
      for (const path of [join(folder, "data"), file]) {
        chownSync(path, user, user);
      }
      expect(await saidBy(user, join(folder, "data"))).toContain(
        `the file ${file} cannot be removed (EACCES). ${journal} belongs to user 0, group 0 (mode 0755), and `,
      );
    });

    test.runIf(canMakeImmutable)(
      "its own directory that the permissions do not close",
      async () => {
        const directory = join(folder, "data");
        mkdirSync(directory);
        chownSync(directory, user, user);
        execFileSync("chattr", ["+i", directory]);
        const said = await saidBy(user, directory);
        execFileSync("chattr", ["-i", directory]);
        expect(said).toMatch(
          /These permissions allow it, so something else refuses: check SELinux, AppArmor, .*, or name another directory\.$/,
        );
      },
    );

    test("its own directory without the permission to write", async () => {
      const directory = join(folder, "data");
      mkdirSync(directory);
      chownSync(directory, user, user);
      chmodSync(directory, 0o500);
      expect(await saidBy(user, directory)).toBe(
        `the directory ${directory} cannot be written to (EACCES). ${directory} belongs to user ${user}, group ${user} (mode 0500), and ${runsAs}. Allow it (chmod u+rwx ${directory}), or name another directory.`,
      );
    });
  },
);

describe("a disk that is full at the start", () => {
  const degraded = {
    status: "recoverable_error",
    message: "State is not stored. The disk is full: free some space.",
  };

  test("lets the storage start without storing, and store from when there is room", async () => {
    let isFull = true;
    const { component, openJournal, statuses, log, clock, asked } = create(
      join(folder, "data"),
      {},
      {
        ...systemDisk,
        makeDirectory: async (path, mode) => {
          if (isFull) {
            throw Object.assign(new Error("as the test wanted it"), { code: "ENOSPC" });
          }
          await systemDisk.makeDirectory(path, mode);
        },
      },
    );
    await component.start();
    expect(log).toEqual([
      {
        level: "error",
        message: "State is not stored. The disk is full: free some space.",
        fields: { directory: join(folder, "data"), "error.code": "ENOSPC" },
      },
    ]);
    const journal = await openJournal();
    expect(journal.state()).toEqual({ status: "degraded", reason: "no_space" });
    expect(statuses.at(-1)).toEqual(degraded);
    journal.append(bytesOf("lost"));
    await journal.written();
    expect(await journal.snapshot([bytesOf("too early")])).toEqual({
      status: "failed",
      reason: "no_space",
    });

    const startMs = clock.nowMs();
    await advance(clock, 70_000, () => asked() > 0);
    expect(log.filter(({ level }) => level === "warn").length).toBe(1);
    isFull = false;
    await advance(clock, 130_000, () => asked() > 0);
    // It tries after 1, 2, 4, 8, 16 and 32 s, in sum 63, and then after 60.
    expect(clock.nowMs() - startMs).toBe(123_000);
    expect(asked()).toBe(1);
    expect(await journal.snapshot([bytesOf("state")])).toEqual({ status: "done" });
    expect(statuses.at(-1)).toEqual({ status: "ok" });
    journal.append(bytesOf("after"));
    await components.pop()!.shutdown(noDeadline());

    const next = create(join(folder, "data"));
    await next.component.start();
    await next.openJournal();
    expect(next.records).toEqual(["state", "after"]);
  });

  test.runIf(canMount)(
    "keeps what is stored there, locked or not, and adds to it when there is room",
    async () => {
      mountDisk(folder, "size=1m,nr_inodes=20");
      const directory = join(folder, "data");
      const first = create(directory);
      await first.component.start();
      (await first.openJournal()).append(bytesOf("before"));
      await components.pop()!.shutdown(noDeadline());
      for (const hasLock of [true, false]) {
        if (!hasLock) {
          rmSync(join(directory, "lock"));
        }
        const fillers = fillUp(folder);
        const { component, openJournal, records, clock, asked, statuses } = create(directory);
        await component.start();
        const journal = await openJournal();
        expect(records).toContain("before");
        expect(journal.state()).toEqual({ status: "degraded", reason: "no_space" });
        expect(statuses.at(-1)).toEqual(degraded);
        for (const path of fillers) {
          rmSync(path);
        }
        await advance(clock, 10_000, () => asked() > 0);
        expect(await journal.snapshot([bytesOf("before"), bytesOf("after")])).toEqual({
          status: "done",
        });
        await components.pop()!.shutdown(noDeadline());
        expect(await saidBy(0, directory)).toBe("started");
      }
    },
  );

  test("does not write to a directory that another process has locked meanwhile, and says so once", async () => {
    let isFull = true;
    const { component, openJournal, log, clock } = create(
      join(folder, "data"),
      {},
      {
        ...systemDisk,
        makeDirectory: async (path, mode) => {
          if (isFull) {
            throw Object.assign(new Error("as the test wanted it"), { code: "EDQUOT" });
          }
          await systemDisk.makeDirectory(path, mode);
        },
      },
    );
    await component.start();
    const journal = await openJournal();
    isFull = false;
    const other = create(join(folder, "data"));
    await other.component.start();
    await advance(clock, 20_000, () => false);
    expect(journal.state().status).toBe("degraded");
    expect(log.filter(({ level }) => level === "warn")).toEqual([
      {
        level: "warn",
        message: "State is still not stored.",
        fields: {
          journal: "processor_sample",
          because: expect.stringContaining(`the directory ${folder}/data is in use by another `),
        },
      },
    ]);
  });
});

/** Creates empty files until the file system has no room for another one. */
function fillUp(directory: string): readonly string[] {
  const paths: string[] = [];
  for (let index = 0; index < 100; index += 1) {
    const path = join(directory, `filler-${index}`);
    try {
      writeFileSync(path, "");
    } catch {
      return paths;
    }
    paths.push(path);
  }
  throw new Error("The file system does not fill up.");
}

/** Lets time pass, each second when the storage waits for time again and not for the disk, until it is enough. */
async function advance(clock: FakeClock, ms: number, isEnough: () => boolean): Promise<void> {
  // The check of the files is always waiting.
  const isWaiting = () => isEnough() || clock.pendingTimers > 1;
  for (let passedMs = 0; passedMs < ms && !isEnough(); passedMs += 1_000) {
    clock.advance(1_000);
    while (!isWaiting()) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDirectory } from "../../../src/extensions/file_storage/lock.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { type Child, startChild } from "../../support/child.ts";
import { FakeClock } from "../../support/fake-clock.ts";

let folder = "";
const children: Child[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    await child.ended;
  }
  rmSync(folder, { recursive: true });
});

function locker(timeoutMs = 0, directory = folder): Child {
  const path = "test/extensions/file_storage/lock-child.ts";
  const child = startChild(path, [directory, `${timeoutMs}`]);
  children.push(child);
  return child;
}

/** Linux lists who holds a lock, under a device that is not always that of the file when layers lie over each other. */
const overlay = 0x794c7630;
const isListed = existsSync("/proc/locks") && statfsSync(tmpdir()).type !== overlay;
const pidIs = (pid: number) => (isListed ? ` (${pid})` : "");

const refused = (directory: string, pid: number) =>
  `the directory ${directory} is in use by another process${pidIs(pid)}. Stop it, or give each a directory of its own.`;

const refusedToItself = (directory: string) =>
  isListed
    ? `the directory ${directory} is in use by another storage of this process. Give each a directory of its own.`
    : refused(directory, process.pid);

const now = () => ({ disk: systemDisk, clock: new FakeClock(), timeoutMs: 0 });

test("a second process is refused, in words that say who holds it and what to do", async () => {
  const first = locker();
  await first.said("locked");
  const second = locker();
  await second.ended;
  expect(second.stdout()).toBe(`${refused(folder, first.pid)}\n`);
  await expect(lockDirectory(folder, now())).rejects.toThrow(refused(folder, first.pid));
});

test("a process killed with SIGKILL leaves nothing that keeps the next one out", async () => {
  for (let round = 0; round < 3; round += 1) {
    const child = locker();
    await child.said("locked");
    child.kill("SIGKILL");
    await child.ended;
  }
  (await lockDirectory(folder, now())).release();
});

test("of several that start at once after a kill exactly one gets in", async () => {
  const killed = locker();
  await killed.said("locked");
  killed.kill("SIGKILL");
  const starters = Array.from({ length: 4 }, () => locker());
  await killed.ended;
  const losers = await Promise.all(
    starters.map((child) =>
      Promise.race([
        child.said("locked").then(
          () => "in",
          () => "out",
        ),
        child.ended.then(() => "out"),
      ]),
    ),
  );
  expect(losers.filter((outcome) => outcome === "in")).toHaveLength(1);
});

test("one that waits gets in when the other one ends", async () => {
  const first = locker();
  await first.said("locked");
  const second = locker(20_000);
  first.kill("SIGTERM");
  await first.ended;
  await second.said("locked");
});

test("waiting lasts for the timeout and not longer", async () => {
  const first = locker();
  await first.said("locked");
  const waitsMs: number[] = [];
  class ClockThatRuns extends FakeClock {
    override after(delayMs: number, run: () => void) {
      waitsMs.push(delayMs);
      queueMicrotask(() => this.advance(delayMs));
      return super.after(delayMs, run);
    }
  }
  await expect(
    lockDirectory(folder, { disk: systemDisk, clock: new ClockThatRuns(), timeoutMs: 1_000 }),
  ).rejects.toThrow(refused(folder, first.pid));
  expect(waitsMs.reduce((sum, each) => sum + each, 0)).toBe(1_000);
});

test("two storages of one process with the same directory are kept apart as well", async () => {
  const lock = await lockDirectory(folder, now());
  await expect(lockDirectory(folder, now())).rejects.toThrow(refusedToItself(folder));
  // The failed attempt has not taken the lock away from the first one.
  const child = locker();
  await child.ended;
  expect(child.stdout()).toBe(`${refused(folder, process.pid)}\n`);
  lock.release();
  (await lockDirectory(folder, now())).release();
});

test("a directory reached by another path is the same directory", async () => {
  mkdirSync(join(folder, "sub"));
  const lock = await lockDirectory(folder, now());
  const roundabout = join(folder, "sub", "..", ".");
  await expect(lockDirectory(`${folder}/sub/..`, now())).rejects.toThrow("is in use");
  await expect(lockDirectory(roundabout, now())).rejects.toThrow("is in use");
  lock.release();
});

test("the lock is an empty file that only its user can read", async () => {
  const lock = await lockDirectory(folder, now());
  const file = join(folder, "lock");
  expect(readFileSync(file, "utf8")).toBe("");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  lock.release();
});

test("there is no other file, and one that an earlier program left behind does not matter", async () => {
  const lock = await lockDirectory(folder, now());
  expect(readdirSync(folder)).toEqual(["lock"]);
  lock.release();
  writeFileSync(join(folder, "lock-journal"), new Uint8Array(512));
  (await lockDirectory(folder, now())).release();
});

test("a file under its name that is no lock is an error and stays as it is", async () => {
  const file = join(folder, "lock");
  writeFileSync(file, "my notes, which are longer than the header of a database".repeat(40));
  const before = readFileSync(file, "utf8");
  await expect(lockDirectory(folder, now())).rejects.toThrow(
    `the directory ${folder} cannot be locked: file is not a database. Use a directory on a disk of this machine.`,
  );
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("loading what locks says nothing on stderr", async () => {
  const child = locker();
  await child.said("locked");
  expect(child.stderr()).toBe("");
});

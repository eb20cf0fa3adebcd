import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recoverJournal } from "../../../src/extensions/file_storage/journal-recovery.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { type Child, startChild } from "../../support/child.ts";
import { canMount, mountDisk, unmountDisk } from "./mounted-disk.ts";

let folder = "";
let child: Child | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "full-disk-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await child?.ended;
  unmountDisk(folder);
  rmSync(folder, { recursive: true });
});

async function recordsIn(directory: string): Promise<readonly string[]> {
  const records: string[] = [];
  await recoverJournal({
    disk: systemDisk,
    directory,
    take: (record) => records.push(Buffer.from(record).toString()),
  });
  return records;
}

const error = (code: string) =>
  `error State is no longer stored. The disk is full: free some space. {"journal":"sample","reason":"no_space","error.code":"${code}"}`;

/** Mounting takes a privilege; the same by a limit on the size of files, which takes none, is the next test. */
test.runIf(canMount)(
  "a disk that is full costs the process nothing but what it could not store, and room on it makes it whole again",
  async () => {
    mountDisk(folder);
    const filler = join(folder, "filler");
    writeFileSync(filler, Buffer.alloc(1024 * 1024));
    const directory = join(folder, "journal");
    child = startChild("test/extensions/file_storage/disk-child.ts", [directory]);
    await child.said("\nstored ");
    const stored = Number(/^stored (\d+)$/m.exec(child.stdout())?.[1]);
    expect(stored).toBeGreaterThan(50);
    expect(child.stdout().split("\n").slice(0, 2)).toEqual(["state degraded", error("ENOSPC")]);
    // Whatever was promised before is there for a restart now.
    const copy = join(folder, "..", `${folder.split("/").at(-1)}-copy`);
    child.kill("SIGSTOP");
    execFileSync("cp", ["-r", directory, copy]);
    child.kill("SIGCONT");
    expect(await recordsIn(copy)).toHaveLength(stored);
    rmSync(copy, { recursive: true });

    rmSync(filler);
    await child.said("\nstored again\n");
    expect(await child.ended).toEqual({ exitCode: 0, signal: null });
    expect(child.stdout()).toMatch(
      /^info State is stored again, beginning with a new snapshot\. /m,
    );
    expect(child.stderr()).toBe("");
    expect(await recordsIn(directory)).toEqual(["snapshot", "after"]);
  },
);

test("a limit on the size of files is survived like a full disk", async () => {
  const directory = join(folder, "journal");
  // In blocks of 512 bytes: 100 KiB, less than a segment.
  child = startChild("test/extensions/file_storage/disk-child.ts", [directory], {
    shell: "ulimit -f 200",
  });
  await child.said("\nstored again\n");
  expect(await child.ended).toEqual({ exitCode: 0, signal: null });
  const [first, second] = child.stdout().split("\n");
  expect([first, second]).toEqual(["state degraded", error("EFBIG")]);
  expect(await recordsIn(directory)).toEqual(["snapshot", "after"]);
  expect(existsSync(directory)).toBe(true);
});

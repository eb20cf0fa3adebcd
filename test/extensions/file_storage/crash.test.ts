import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recoverJournal } from "../../../src/extensions/file_storage/journal-recovery.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { startChild } from "../../support/child.ts";
import { Replay } from "./crash-records.ts";

/** How many processes are killed; `npm run test:crash` kills more. */
const kills = Number(process.env["CRASH_KILLS"] ?? 100);
const chains = 2;

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "crash-"));
  // The first one leaves the others the sources as JavaScript, so that they are at work sooner.
  const child = startCrashChild(join(folder, "first"), 1);
  await child.said("found");
  child.kill("SIGKILL");
  await child.ended;
});
afterAll(() => rmSync(folder, { recursive: true }));

function startCrashChild(directory: string, seed: number) {
  return startChild("test/extensions/file_storage/crash-child.ts", [directory, `${seed}`], {
    env: { NODE_COMPILE_CACHE: join(folder, "compile-cache") },
  });
}

/** The number in the last line of this kind. */
function lastNumber(lines: readonly string[], kind: string): number | undefined {
  const last = lines.findLast((line) => line.startsWith(`${kind} `));
  return last === undefined ? undefined : Number(last.split(" ")[1]);
}

/** Kills one process after the other on one journal, and holds what each finds against what the ones before said. */
async function chain(directory: string, seeds: readonly number[]): Promise<number> {
  let stored = 0;
  let appended = 0;
  let checked = 0;
  for (const seed of seeds) {
    const child = startCrashChild(directory, seed);
    // Every fourth somewhere in its start, the others when they are at work.
    if (seed % 4 !== 0) {
      await child.said("found");
    }
    await new Promise((resolve) =>
      setTimeout(resolve, (seed * 7919) % (seed % 4 === 0 ? 120 : 25)),
    );
    child.kill("SIGKILL");
    const { signal } = await child.ended;
    // A line that the kill cut off is not a word.
    const lines = child.stdout().split("\n").slice(0, -1);
    expect([signal, child.stderr(), lines.filter((line) => line.startsWith("bad"))]).toEqual([
      "SIGKILL",
      "",
      [],
    ]);
    const found = lastNumber(lines, "found");
    if (found !== undefined) {
      checked += 1;
      expect(found).toBeGreaterThanOrEqual(stored);
      expect(found).toBeLessThanOrEqual(appended);
      // What was in the files but never promised is gone or kept for good now.
      stored = found;
      appended = found;
    }
    stored = Math.max(stored, lastNumber(lines, "stored") ?? 0);
    appended = Math.max(appended, lastNumber(lines, "append") ?? 0);
  }
  const replay = new Replay();
  const { summary, unusable, cleanUp } = await recoverJournal({
    disk: systemDisk,
    directory,
    take: (record) => replay.take(record),
  });
  await cleanUp();
  expect([summary.lostBytes, summary.missingRecords, summary.isEndMissing]).toEqual([0, 0, false]);
  expect(Object.values(unusable).every((files) => files === 0)).toBe(true);
  expect(replay.end()).toBeGreaterThanOrEqual(stored);
  expect(replay.end()).toBeLessThanOrEqual(appended);
  return checked;
}

test(`of ${kills} processes killed at any moment, each finds what the one before was promised, in order, once, and nothing else`, {
  timeout: 30_000 + kills * 2_000,
}, async () => {
  const checked = await Promise.all(
    Array.from({ length: chains }, (_, index) =>
      chain(
        join(folder, `journal-${index}`),
        Array.from({ length: kills / chains }, (_, run) => 1 + index * 1_000_003 + run),
      ),
    ),
  );
  expect(Math.min(...checked)).toBeGreaterThan(kills / chains / 2);
});

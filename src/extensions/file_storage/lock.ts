import { constants } from "node:fs";
import { access, lstat, open } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../component/clock.ts";
import { errorCodeOf } from "../../component/error-code.ts";
import type { Disk } from "./disk.ts";
import { lockName } from "./file-names.ts";
import { lockHolder } from "./lock-holder.ts";
import { explained } from "./path-problem.ts";
import { shown } from "./place.ts";

/** Held until `release` or the end of this process, also after a crash. */
export interface DirectoryLock {
  /** Whether the lock file is still there. If it was removed, the lock keeps no other process out. */
  isInPlace(): Promise<boolean>;
  release(): void;
}

/** Another process has locked the directory. The message is for an operator. */
export class DirectoryInUse extends Error {
  /** Names the process if the system does. */
  static async at(directory: string, path: string): Promise<DirectoryInUse> {
    const pid = await lockHolder(path);
    const where = `the directory ${shown(directory)} is in use by`;
    return new DirectoryInUse(
      pid === process.pid
        ? `${where} another storage of this process. Give each a directory of its own.`
        : `${where} another process${pid === undefined ? "" : ` (${pid})`}. Stop it, or give each a directory of its own.`,
    );
  }
}

const retryMs = 50;
const busy = 5;

/**
 * Locks a directory for this process, and waits up to `timeoutMs` for another process to release it. Rejects with an `Error`
 * whose message is for an operator. DESIGN.md explains why SQLite holds the lock. Nothing else in this process may open and
 * close the lock file.
 */
export async function lockDirectory(
  directory: string,
  {
    disk,
    clock,
    timeoutMs,
  }: { readonly disk: Disk; readonly clock: Clock; readonly timeoutMs: number },
): Promise<DirectoryLock> {
  const path = join(directory, lockName);
  await createFile(path).catch(
    explained(`the directory ${shown(directory)} cannot be written to`, {
      path: directory,
      storage: directory,
    }),
  );
  await checkFile(path, directory);
  const database = openDatabase(path);
  const deadlineMs = clock.nowMs() + timeoutMs;
  for (;;) {
    const outcome = tryToLock(database);
    if (outcome === "locked") {
      const identity = await disk.identityOf(path);
      return {
        isInPlace: async () => (await disk.identityOf(path).catch(() => identity)) === identity,
        release: () => database.close(),
      };
    }
    if (outcome !== "busy" || clock.nowMs() >= deadlineMs) {
      database.close();
      throw outcome === "busy"
        ? await DirectoryInUse.at(directory, path)
        : new Error(
            `the directory ${directory} cannot be locked: ${outcome}. Use a directory on a disk of this machine.`,
          );
    }
    await new Promise<void>((resolve) => clock.after(retryMs, resolve));
  }
}

/** Creates the lock file, readable for this user only; leaves an existing one, without opening it. */
async function createFile(path: string): Promise<void> {
  try {
    await (await open(path, "wx", 0o600)).close();
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") {
      throw error;
    }
  }
}

/** Finds what SQLite would only call "unable to open database file". */
async function checkFile(path: string, storage: string): Promise<void> {
  const failed = `the lock file ${shown(path)} cannot be opened`;
  if (!(await lstat(path).catch(explained(failed, { path, storage }))).isFile()) {
    throw new Error(`${failed}: it is not a file. Remove it, or name another directory.`);
  }
  await access(path, constants.R_OK | constants.W_OK).catch(explained(failed, { path, storage }));
}

function openDatabase(path: string): DatabaseSync {
  // Node 22 warns on stderr that its SQLite API may still change. No reader of the log can act on that.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    const sqlite = process.getBuiltinModule("node:sqlite");
    if (sqlite === undefined) {
      throw new Error("this Node was built without SQLite, which locks the directory.");
    }
    return new sqlite.DatabaseSync(path, { timeout: 0 });
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Returns `locked`, `busy`, or SQLite's message for any other failure. */
function tryToLock(database: DatabaseSync): string {
  try {
    // With its rollback journal in memory SQLite creates no second file, so a full disk does not make this fail. Node ignores `OFF`.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return "locked";
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === busy) {
      return "busy";
    }
    return error instanceof Error ? error.message : String(error);
  }
}

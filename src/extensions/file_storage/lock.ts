import { open } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../component/clock.ts";
import { errorCodeOf } from "./write-failure.ts";

/** Held until `release`, or until this process ends, however it ends. */
export interface DirectoryLock {
  release(): void;
}

const retryMs = 50;
const busy = 5;

/**
 * Makes sure that no other process uses a directory, waiting up to `timeoutMs` for one that does. Rejects with an
 * `Error` an operator understands. DESIGN.md says why SQLite holds the lock. Nothing else in this process may open and
 * close the lock file.
 */
export async function lockDirectory(
  directory: string,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<DirectoryLock> {
  const path = join(directory, "lock");
  await makeFile(path).catch((error: unknown) => {
    throw new Error(`the directory ${directory} cannot be written to (${errorCodeOf(error)}).`, {
      cause: error,
    });
  });
  const database = openDatabase(path);
  const deadlineMs = clock.nowMs() + timeoutMs;
  for (;;) {
    const outcome = tryToLock(database);
    if (outcome === "locked") {
      return { release: () => database.close() };
    }
    if (outcome !== "busy" || clock.nowMs() >= deadlineMs) {
      database.close();
      throw new Error(
        outcome === "busy"
          ? `the directory ${directory} is in use by another process. Stop it, or give each a directory of its own.`
          : `the directory ${directory} cannot be locked: ${outcome}. Use a directory on a disk of this machine.`,
      );
    }
    await new Promise<void>((resolve) => clock.after(retryMs, resolve));
  }
}

/** Makes the file that is locked, readable for this user only; leaves one that is there, without opening it. */
async function makeFile(path: string): Promise<void> {
  try {
    await (await open(path, "wx", 0o600)).close();
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") {
      throw error;
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  // Node 22 says on stderr that its SQLite may still change. Nobody who reads our log can do anything about it.
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

/** What SQLite says when it is neither of the two. */
function tryToLock(database: DatabaseSync): string {
  try {
    // Without a rollback journal there is no second file, and a full disk is no reason to fail.
    database.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    return "locked";
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === busy) {
      return "busy";
    }
    return error instanceof Error ? error.message : String(error);
  }
}

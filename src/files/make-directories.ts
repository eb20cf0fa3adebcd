import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Creates a directory and those above it; leaves one that exists as it is. Throws what the file system throws. Not `mkdir` with `recursive`,
 * which never ends below /proc: there the system denies that a directory exists in which it refuses to create another one.
 */
export function makeDirectoriesSync(path: string, mode: number): void {
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if (isDirectory(path)) {
      return;
    }
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isMissing || dirname(path) === path) {
      throw error;
    }
    makeDirectoriesSync(dirname(path), mode);
    mkdirSync(path, mode);
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

import { join } from "node:path";
import type { Disk } from "./disk.ts";
import { parseFileName } from "./file-names.ts";
import { LostFiles, reasonOf } from "./write-failure.ts";

/** The files that a journal has. */
export interface ExpectedFiles {
  readonly names: readonly string[];
  /** The segment that records are appended to. Without an identity, only its name counts. */
  readonly open: { readonly name: string; readonly identity: string | undefined } | undefined;
  /** The number of the newest segment, and that of the next record. */
  readonly lastNumber: number;
  readonly sequence: number;
}

/**
 * Compares the files of a journal with those in its directory; `undefined` if all is well, or cannot be found out. It costs a few calls
 * to the file system and changes nothing. `expected` is called again after each of them, because the journal goes on meanwhile.
 */
export async function findLostFiles(
  { disk, directory }: { readonly disk: Disk; readonly directory: string },
  expected: () => ExpectedFiles,
): Promise<LostFiles | undefined> {
  const before = expected();
  let names: readonly string[];
  try {
    names = await disk.names(directory);
  } catch (error) {
    return reasonOf(error) === "removed"
      ? new LostFiles("removed", directory, removed("directory", "removed or renamed"))
      : undefined;
  }
  const after = expected();
  const missing = before.names.find((name) => after.names.includes(name) && !names.includes(name));
  if (missing !== undefined) {
    return new LostFiles("removed", join(directory, missing), removed("file", "removed"));
  }
  const foreign = names.find((name) => isForeign(name, after));
  if (foreign !== undefined) {
    return new LostFiles(
      "in_use",
      join(directory, foreign),
      "Another process has written to the directory. Stop one of the two and start this one again.",
    );
  }
  const { name, identity } = before.open ?? {};
  if (name === undefined || identity === undefined) {
    return undefined;
  }
  const found = await disk.identityOf(join(directory, name)).catch(() => identity);
  return found === identity || expected().open?.name !== name
    ? undefined
    : new LostFiles("removed", join(directory, name), removed("file", "replaced"));
}

/** Whether a file with this name is newer than everything that the journal has written. */
function isForeign(name: string, { lastNumber, sequence }: ExpectedFiles): boolean {
  const file = parseFileName(name);
  switch (file?.kind) {
    case "log":
      return file.number > lastNumber;
    case "snapshot":
      return file.sequence > sequence;
    default:
      return false;
  }
}

function removed(what: "directory" | "file", how: string): string {
  const again = what === "directory" ? "It is created again" : "A new snapshot replaces it";
  return `A ${what} of the state was ${how} while the program ran. ${again}; find out what removes it.`;
}

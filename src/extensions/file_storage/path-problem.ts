import { lstat, readlink, stat, statfs } from "node:fs/promises";
import { errorCodeOf } from "../../component/error-code.ts";
import { accessAdvice } from "./access-advice.ts";
import { ancestors, deepestExisting, type Place, shown } from "./place.ts";

const longestName = 255;

/** File systems that contain no files of users, by the number that `statfs` gives them on Linux. */
const pseudoFileSystems: Readonly<Record<number, string>> = {
  40864: "proc",
  1650812274: "sysfs",
  2613483: "cgroup",
  1667723888: "cgroup2",
  1684170528: "debugfs",
  1953653091: "tracefs",
  1935894131: "securityfs",
  1650812272: "configfs",
  1634035564: "pstore",
  3405662737: "bpf",
  7377: "devpts",
  3730735588: "efivarfs",
  427819522: "mqueue",
};

/**
 * An `Error` for an operator about a path that cannot be used: what failed, the system's error, the cause as far as the file system
 * shows it (whose file it is, its permissions), and what to do. `failed` is the beginning of the sentence and names the path.
 */
export async function pathProblem(failed: string, place: Place, error: unknown): Promise<Error> {
  const code = errorCodeOf(error);
  const why = await explain(place, code).catch(() => "Check the path and the health of the disk.");
  return new Error(`${failed} (${code}). ${why}`, { cause: error });
}

/** For `catch`: throws the problem. */
export function explained(failed: string, place: Place): (error: unknown) => Promise<never> {
  return async (error) => {
    throw await pathProblem(failed, place, error);
  };
}

/** What to do about a path on a file system that stores no files; `undefined` on any other. The path need not exist. */
export async function pseudoFileSystemAt(path: string): Promise<string | undefined> {
  const existing = await deepestExisting(path);
  const { type } = await statfs(existing);
  const name = pseudoFileSystems[type];
  return name === undefined
    ? undefined
    : `${shown(existing)} is in ${name}, which stores no files. Name a directory on a disk.`;
}

async function explain(place: Place, code: string): Promise<string> {
  const { path, storage } = place;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return (await pseudoFileSystemAt(path)) ?? (await accessAdvice(place));
    case "EROFS":
      return `${shown(await deepestExisting(path))} is on a read-only file system. Mount a writable volume at ${shown(storage)}, or name another directory.`;
    case "ENOENT":
      return (
        (await brokenLink(path)) ??
        (await pseudoFileSystemAt(path)) ??
        "Create it, or set create_directory: true."
      );
    case "ENOTDIR":
    case "EEXIST":
      return (
        (await brokenLink(path)) ??
        `${shown(await firstThatIsNoDirectory(path))} is not a directory. Name another one in directory.`
      );
    case "ELOOP":
      return (
        (await brokenLink(path)) ??
        "Its symbolic links lead in a circle. Correct them, or name another directory."
      );
    case "ENAMETOOLONG":
      return nameTooLong(path);
    case "ENOSPC":
    case "EDQUOT":
      return "The disk is full: free some space.";
    case "EMFILE":
    case "ENFILE":
      return "Too many files are open: raise the limit (ulimit -n).";
    default:
      return "Check the health of the disk and the permissions of the directory, or name another directory.";
  }
}

/** The first link on the way that leads nowhere or in a circle. */
async function brokenLink(path: string): Promise<string | undefined> {
  for (const each of [...ancestors(path), path]) {
    const found = await lstat(each).catch(() => undefined);
    if (found?.isSymbolicLink()) {
      const code = await stat(each).then(() => "", errorCodeOf);
      const link = `${shown(each)} is a symbolic link to ${shown(await readlink(each))}`;
      if (code === "ELOOP") {
        return `${link}, and the links lead in a circle. Correct them, or name another directory.`;
      }
      if (code === "ENOENT") {
        return `${link}, which does not exist. Create that directory, or correct the link.`;
      }
    }
  }
  return undefined;
}

async function firstThatIsNoDirectory(path: string): Promise<string> {
  for (const each of [...ancestors(path), path]) {
    const found = await stat(each).catch(() => undefined);
    if (found !== undefined && !found.isDirectory()) {
      return each;
    }
  }
  return path;
}

function nameTooLong(path: string): string {
  const long = path.split("/").find((name) => Buffer.byteLength(name) > longestName);
  return long === undefined
    ? `The path has ${Buffer.byteLength(path)} bytes, more than the system allows. Name a directory with a shorter path.`
    : `A name in the path has ${Buffer.byteLength(long)} bytes; most file systems allow ${longestName}. Choose a shorter one.`;
}

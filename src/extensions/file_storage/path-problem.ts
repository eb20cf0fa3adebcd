import { constants } from "node:fs";
import { access, lstat, readlink, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCodeOf } from "../../component/error-code.ts";

/** Longer paths are cut in messages. */
const longestShown = 300;
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
export async function pathProblem(failed: string, path: string, error: unknown): Promise<Error> {
  const code = errorCodeOf(error);
  const why = await explain(path, code).catch(() => "Check the path and the health of the disk.");
  return new Error(`${failed} (${code}). ${why}`, { cause: error });
}

/** For `catch`: throws the problem. */
export function explained(failed: string, path: string): (error: unknown) => Promise<never> {
  return async (error) => {
    throw await pathProblem(failed, path, error);
  };
}

/** The path as it is shown in messages. */
export function shown(path: string): string {
  return path.length <= longestShown ? path : `${path.slice(0, longestShown)}…`;
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

async function explain(path: string, code: string): Promise<string> {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return (await pseudoFileSystemAt(path)) ?? (await whoMayUse(path));
    case "EROFS":
      return `${shown(await deepestExisting(path))} is on a read-only file system. Mount a writable volume there, or name another directory.`;
    case "ENOENT":
      return (
        (await danglingLink(path)) ??
        (await pseudoFileSystemAt(path)) ??
        "Create it, or set create_directory: true."
      );
    case "ENOTDIR":
    case "EEXIST":
      return (
        (await danglingLink(path)) ??
        `${shown(await firstThatIsNoDirectory(path))} is not a directory. Name another one in directory.`
      );
    case "ELOOP":
      return "Its symbolic links lead in a circle. Correct them, or name another directory.";
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

/** Whose file keeps this program out: the first directory on the way that it may not enter, or else the file itself. */
async function whoMayUse(path: string): Promise<string> {
  const existing = await deepestExisting(path);
  let culprit = existing;
  for (const each of ancestors(existing)) {
    if (!(await may(each, constants.X_OK))) {
      culprit = each;
      break;
    }
  }
  const { uid, gid, mode } = await stat(culprit);
  const [user, group] = [process.geteuid?.(), process.getegid?.()];
  const owner = `${shown(culprit)} belongs to user ${uid}, group ${gid} (mode ${octal(mode)})`;
  if (user === undefined || group === undefined) {
    return `${owner}. Give this program access to it, or name another directory.`;
  }
  const advice =
    uid === user
      ? `Allow it (chmod u+rwx ${shown(culprit)})`
      : `Run the program as user ${uid}, give it the directory (chown -R ${user}:${group} ${shown(culprit)})`;
  return `${owner}, and this program runs as user ${user}, group ${group}. ${advice}, or name another directory.`;
}

async function danglingLink(path: string): Promise<string | undefined> {
  for (const each of [...ancestors(path), path]) {
    const found = await lstat(each).catch(() => undefined);
    if (found?.isSymbolicLink() && !(await exists(each))) {
      const target = shown(await readlink(each));
      return `${shown(each)} is a symbolic link to ${target}, which does not exist. Create that directory, or correct the link.`;
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

/** The path itself if it exists, or the directory above it that does. */
async function deepestExisting(path: string): Promise<string> {
  for (const each of [path, ...ancestors(path).toReversed()]) {
    if (await exists(each)) {
      return each;
    }
  }
  return dirname(path);
}

/** The directories above a path, from the root on. */
function ancestors(path: string): readonly string[] {
  const above: string[] = [];
  for (let each = path; dirname(each) !== each; each = dirname(each)) {
    above.unshift(dirname(each));
  }
  return above;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}

import { constants } from "node:fs";
import { access, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isJournalName, lockName } from "./file-names.ts";
import { ancestors, deepestExisting, longestShown, type Place, shown } from "./place.ts";

const { R_OK, W_OK, X_OK } = constants;

/** What keeps this program out. */
interface Obstacle {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whose file or directory keeps this program out, and what to do. An operator may run the command as root without a second look, so
 * it changes nothing but the directory of the storage, and that only if nothing else is in it.
 */
export async function accessAdvice(place: Place): Promise<string> {
  const obstacle = await obstacleOn(place.path);
  const { path, uid, gid, mode } = obstacle;
  const owner = `${shown(path)} belongs to user ${uid}, group ${gid} (mode ${octal(mode)})`;
  const user = { uid: process.geteuid?.(), gid: process.getegid?.() };
  if (user.uid === undefined || user.gid === undefined) {
    return `${owner}. Give this program access to it, or name another directory.`;
  }
  const self = { uid: user.uid, gid: user.gid };
  return `${owner}, and this program runs as user ${self.uid}, group ${self.gid}. ${await adviceFor(obstacle, place, self)}, or name another directory.`;
}

/** The first directory on the way that this program may not enter, or else the path, or the deepest directory above it that exists. */
async function obstacleOn(path: string): Promise<Obstacle> {
  const existing = await deepestExisting(path);
  for (const each of ancestors(existing)) {
    if (!(await may(each, X_OK))) {
      return obstacleAt(each);
    }
  }
  const found = await obstacleAt(existing);
  // A file that may be read and written can still not be removed from a directory that may not be changed.
  return !found.isDirectory && (await may(existing, R_OK | W_OK))
    ? obstacleAt(dirname(existing))
    : found;
}

async function obstacleAt(path: string): Promise<Obstacle> {
  const found = await stat(path);
  const { uid, gid, mode } = found;
  return { path, isDirectory: found.isDirectory(), uid, gid, mode };
}

/** The advice, up to "or name another directory". */
async function adviceFor(obstacle: Obstacle, place: Place, user: User): Promise<string> {
  const { path, isDirectory, uid, mode } = obstacle;
  const { storage } = place;
  const rights = isDirectory ? 0o700 : 0o600;
  if (uid === user.uid) {
    return (mode & rights) === rights
      ? "These permissions allow it, so something else refuses: check SELinux, AppArmor, the attributes of the file (lsattr) and the capabilities of the program"
      : `Allow it${command(`chmod u+${isDirectory ? "rwx" : "rw"}`, path)}`;
  }
  if (path !== storage && !path.startsWith(join(storage, "/"))) {
    return (await may(path, X_OK))
      ? `Create ${shown(storage)} for this user${command(installing(place, user), storage)}`
      : "Let this user enter it";
  }
  const condition = uid === 0 ? "If" : `Run the program as user ${uid}, or, if`;
  const real = await realpath(storage).catch(() => storage);
  return (await hasOthersData(storage))
    ? `It also contains other things, so create a directory in it for this user${command(installing(place, user), join(real, "file_storage"))} and name that one`
    : `${condition} nothing else uses ${shown(storage)}, give it to this user with everything in it${command(`chown -R ${user.uid}:${user.gid}`, real)}`;
}

/** Whether the directory contains something that no storage has put there. Not if that cannot be found out. */
async function hasOthersData(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  return names.some((name) => name !== lockName && name !== "lost+found" && !isJournalName(name));
}

function installing({ mode = 0o700 }: Place, { uid, gid }: User): string {
  return `install -d -o ${uid} -g ${gid} -m ${mode.toString(8)}`;
}

/** A command for a path, in brackets; none if the path is too long to be shown. */
function command(words: string, path: string): string {
  return path.length <= longestShown ? ` (${words} ${quoted(path)})` : "";
}

/** The path as a word of a shell. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
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

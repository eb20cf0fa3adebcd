import * as fs from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { errorCodeOf } from "../../component/error-code.ts";
import { unwritten } from "../../files/partial-write.ts";
import type { Disk, DiskFile } from "./disk.ts";

const ownerOnly = 0o600;
const closedMessage = "The file is closed.";

/** The file system of the machine. */
export const systemDisk: Disk = {
  async makeDirectory(path, mode) {
    if (await makeDirectories(path, mode)) {
      // The process's umask may have removed permissions.
      await chmod(path, mode);
    }
  },
  names: (directory) => readdir(directory),
  async create(path) {
    const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
    return fileOf(await calls.open(path, O_CREAT | O_EXCL | O_WRONLY, ownerOnly));
  },
  open: async (path) => fileOf(await calls.open(path, fs.constants.O_RDWR)),
  async identityOf(path) {
    try {
      return identityIn(await stat(path, { bigint: true }));
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(errorCodeOf(error))) {
        return undefined;
      }
      throw error;
    }
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  removeDirectory: rmdir,
  async syncDirectory(path) {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } catch (error) {
      // Some network file systems do not support this call; then names may not survive a power cut.
      if (!["EINVAL", "ENOTSUP"].includes(errorCodeOf(error))) {
        throw error;
      }
    } finally {
      await handle.close();
    }
  },
};

/**
 * Creates a directory and those above it; returns whether it did. Not `mkdir` with `recursive`, which never ends below /proc: there
 * the system denies that a directory exists in which it refuses to create another one.
 */
async function makeDirectories(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, mode);
    return true;
  } catch (error) {
    if (await isDirectory(path)) {
      return false;
    }
    if (errorCodeOf(error) !== "ENOENT" || dirname(path) === path) {
      throw error;
    }
  }
  await makeDirectories(dirname(path), mode);
  await mkdir(path, mode);
  return true;
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The calls of `node:fs` as promises. Every request waits for a write, and these cost half as much as a `FileHandle`. */
const calls = {
  open: promisify(fs.open),
  stat: promisify(fs.fstat),
  statExactly: (fd: number) => promisify(fs.fstat)(fd, { bigint: true }),
  read: promisify(fs.read),
  write: promisify(fs.writev),
  cut: promisify(fs.ftruncate),
  sync: promisify(fs.fdatasync),
  close: promisify(fs.close),
} as const;

/** An open file. It counts the calls in progress, so that `close` waits for them. */
function fileOf(fd: number): DiskFile {
  let inProgress = 0;
  let closing: Promise<void> | undefined;
  let onIdle: (() => void) | undefined;

  /** Keeps the descriptor open until the call is done, because another file could get its number. */
  async function holding<Arguments extends readonly unknown[], Result>(
    call: (fd: number, ...rest: Arguments) => Promise<Result>,
    ...rest: Arguments
  ): Promise<Result> {
    if (closing !== undefined) {
      throw new Error(closedMessage);
    }
    inProgress += 1;
    try {
      return await call(fd, ...rest);
    } finally {
      inProgress -= 1;
      if (inProgress === 0) {
        onIdle?.();
      }
    }
  }

  return {
    identity: () => holding(async (held) => identityIn(await calls.statExactly(held))),
    size: () => holding(sizeOf),
    read: (into, position) => holding(readInto, into, position),
    write: (parts, position) => holding(writeAll, parts, position),
    writeNow(parts, position) {
      if (closing !== undefined) {
        throw new Error(closedMessage);
      }
      let [rest, at] = [parts, position];
      while (rest.length > 0) {
        const bytes = fs.writevSync(fd, rest, at);
        rest = unwritten(rest, bytes);
        at += bytes;
      }
    },
    cut: (sizeBytes) => holding(calls.cut, sizeBytes),
    sync: () => holding(calls.sync),
    close() {
      closing ??= (async () => {
        if (inProgress > 0) {
          await new Promise<void>((resolve) => {
            onIdle = resolve;
          });
        }
        // If closing fails, there is nothing left to do.
        await calls.close(fd).catch(() => {});
      })();
      return closing;
    },
  };
}

/** Device and inode, as numbers that may be larger than JavaScript's are exact. */
function identityIn({ dev, ino }: fs.BigIntStats): string {
  return `${dev}:${ino}`;
}

async function sizeOf(fd: number): Promise<number> {
  return (await calls.stat(fd)).size;
}

async function readInto(fd: number, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const [at, length] = [position + filled, into.length - filled];
    const { bytesRead } = await calls.read(fd, into, filled, length, at);
    if (bytesRead === 0) {
      break;
    }
    filled += bytesRead;
  }
  return filled;
}

async function writeAll(fd: number, parts: readonly Uint8Array[], position: number): Promise<void> {
  let [rest, at] = [parts, position];
  while (rest.length > 0) {
    const { bytesWritten } = await calls.write(fd, rest, at);
    rest = unwritten(rest, bytesWritten);
    at += bytesWritten;
  }
}

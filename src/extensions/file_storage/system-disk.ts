import * as fs from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import type { Disk, DiskFile } from "./disk.ts";
import { errorCodeOf } from "./write-failure.ts";

const ownerOnly = 0o600;

/** The file system of the machine. */
export const systemDisk: Disk = {
  async makeDirectory(path, mode) {
    const made = await mkdir(path, { recursive: true, mode });
    if (made !== undefined) {
      // The process's umask may have taken something away.
      await chmod(path, mode);
    }
  },
  names: (directory) => readdir(directory),
  async create(path) {
    const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
    return fileOf(await openedFile(path, O_CREAT | O_EXCL | O_WRONLY));
  },
  open: async (path) => fileOf(await openedFile(path, fs.constants.O_RDWR)),
  rename,
  remove: (path) => rm(path, { force: true }),
  async syncDirectory(path) {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } catch (error) {
      // Some network file systems have no such call; what they do with names is up to them.
      if (!["EINVAL", "ENOTSUP"].includes(errorCodeOf(error))) {
        throw error;
      }
    } finally {
      await handle.close();
    }
  },
};

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/** A call of `node:fs` as a promise. Writes are on every sender's way: this costs half of what a `FileHandle` does. */
function called<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null) {
        resolve(value);
      } else {
        reject(error);
      }
    });
  });
}

function openedFile(path: string, flags: number): Promise<number> {
  return called<number>((done) => fs.open(path, flags, ownerOnly, done));
}

/** An open file. It counts the calls that are under way, so that `close` waits for them. */
function fileOf(fd: number): DiskFile {
  let underWay = 0;
  let closing: Promise<void> | undefined;
  let onIdle = () => {};

  /** Keeps the descriptor open until the call is done: another file could get its number. */
  async function holding<T>(call: () => Promise<T>): Promise<T> {
    mustBeOpen();
    underWay += 1;
    try {
      return await call();
    } finally {
      underWay -= 1;
      if (underWay === 0) {
        onIdle();
      }
    }
  }
  function mustBeOpen(): void {
    if (closing !== undefined) {
      throw new Error("The file is closed.");
    }
  }

  return {
    size: () => holding(async () => (await called<fs.Stats>((done) => fs.fstat(fd, done))).size),
    read: (into, position) =>
      holding(async () => {
        let filled = 0;
        while (filled < into.length) {
          const [at, length] = [position + filled, into.length - filled];
          const bytes = await called<number>((done) => fs.read(fd, into, filled, length, at, done));
          if (bytes === 0) {
            break;
          }
          filled += bytes;
        }
        return filled;
      }),
    write: (parts, position) =>
      holding(async () => {
        let [rest, at] = [parts, position];
        while (rest.length > 0) {
          const bytes = await called<number>((done) => fs.writev(fd, rest, at, done));
          rest = without(rest, bytes);
          at += bytes;
        }
      }),
    writeNow(parts, position) {
      mustBeOpen();
      let [rest, at] = [parts, position];
      while (rest.length > 0) {
        const bytes = fs.writevSync(fd, rest, at);
        rest = without(rest, bytes);
        at += bytes;
      }
    },
    cut: (sizeBytes) => holding(() => called<void>((done) => fs.ftruncate(fd, sizeBytes, done))),
    sync: () => holding(() => called<void>((done) => fs.fdatasync(fd, done))),
    close() {
      closing ??= (async () => {
        if (underWay > 0) {
          await new Promise<void>((resolve) => {
            onIdle = resolve;
          });
        }
        // A failure to close leaves nothing that anyone could do.
        await called<void>((done) => fs.close(fd, done)).catch(() => {});
      })();
      return closing;
    },
  };
}

/** What a write that stopped early left: a disk that fills up takes the first part of it. */
function without(parts: readonly Uint8Array[], writtenBytes: number): readonly Uint8Array[] {
  let left = writtenBytes;
  return parts.flatMap((part) => {
    const taken = Math.min(left, part.length);
    left -= taken;
    return taken === part.length ? [] : [part.subarray(taken)];
  });
}

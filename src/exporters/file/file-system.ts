import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCodeOf } from "../../component/error-code.ts";
import { unwritten } from "../../files/partial-write.ts";

/** The file system as the exporter uses it: every call may fail with one of Node's error codes. Tests pass one whose disk fails. */
export interface FileSystem {
  /** `undefined` when there is nothing at the path. */
  facts(path: string): Promise<FileFacts | undefined>;
  /** Opens a file for reading and writing; creates it for this user only. */
  open(path: string): Promise<OpenFile>;
  /** Replaces a file at `to`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  names(directory: string): Promise<readonly string[]>;
  /** Creates a directory and those above it; leaves existing ones unchanged. */
  makeDirectory(path: string, mode: number): Promise<void>;
}

export interface FileFacts {
  /** The same for every path that leads to the file, and no other file has it at the same time. */
  readonly identity: string;
  readonly sizeBytes: number;
  readonly kind: "file" | "directory" | "other";
}

export interface OpenFile {
  facts(): Promise<FileFacts>;
  /** Reads up to the length of `into`; fewer bytes mean the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all parts, or rejects after writing some of the bytes. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  cut(sizeBytes: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const ownerOnly = 0o600;

/** The file system of the machine. */
export const systemFiles: FileSystem = {
  async facts(path) {
    try {
      return factsOf(await stat(path, { bigint: true }));
    } catch (error) {
      if (errorCodeOf(error) === "ENOENT") {
        return undefined;
      }
      throw error;
    }
  },
  open: async (path) =>
    openFileOf(await open(path, constants.O_RDWR | constants.O_CREAT, ownerOnly)),
  rename,
  remove: (path) => rm(path, { force: true }),
  names: (directory) => readdir(directory),
  makeDirectory,
};

/** Not with `recursive`: below /proc, Node then tries without an end. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === "ENOENT" && dirname(path) !== path) {
      await makeDirectory(dirname(path), mode);
      await mkdir(path, mode);
    } else if (code !== "EEXIST") {
      throw error;
    }
  }
}

function factsOf(stats: {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  isFile(): boolean;
  isDirectory(): boolean;
}): FileFacts {
  const kind = stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other";
  return { identity: `${stats.dev}:${stats.ino}`, sizeBytes: Number(stats.size), kind };
}

function openFileOf(handle: FileHandle): OpenFile {
  return {
    facts: async () => factsOf(await handle.stat({ bigint: true })),
    async read(into, position) {
      let filled = 0;
      while (filled < into.length) {
        const { bytesRead } = await handle.read(
          into,
          filled,
          into.length - filled,
          position + filled,
        );
        if (bytesRead === 0) {
          break;
        }
        filled += bytesRead;
      }
      return filled;
    },
    async write(parts, position) {
      let [rest, at] = [parts, position];
      while (rest.length > 0) {
        const { bytesWritten } = await handle.writev([...rest], at);
        rest = unwritten(rest, bytesWritten);
        at += bytesWritten;
      }
    },
    cut: (sizeBytes) => handle.truncate(sizeBytes),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

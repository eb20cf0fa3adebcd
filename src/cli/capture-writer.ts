import {
  closeSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { errorCodeOf } from "../component/error-code.ts";
import { makeDirectoriesSync } from "../files/make-directories.ts";
import type { Signal } from "../otlp/payload.ts";

/** Only the user who records may read it. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** A folder that `replay` reads: bodies, and `index.jsonl` with a line for each of them. */
export class CaptureWriter {
  readonly #folder: string;
  readonly #index: number;
  readonly #files = ["index.jsonl"];
  #count = 0;
  bytes = 0;

  /** Throws what the file system throws, and `UnfitFolder` if the folder has something in it. */
  constructor(folder: string) {
    makeDirectoriesSync(folder, directoryMode);
    if (readdirSync(folder).length > 0) {
      throw new UnfitFolder("It is not empty. Name a folder that does not exist yet.");
    }
    this.#folder = folder;
    this.#index = openSync(join(folder, "index.jsonl"), "wx", fileMode);
  }

  get requests(): number {
    return this.#count;
  }

  /** Adds a body in protobuf that arrived at a time in Unix milliseconds. */
  add(signal: Signal, body: Uint8Array, atUnixMs: number): void {
    this.#count += 1;
    const id = String(this.#count).padStart(6, "0");
    this.file(`${id}-${signal}.bin`, body);
    const line = {
      id,
      at: Math.round(atUnixMs),
      signal,
      contentType: "application/x-protobuf",
      size: body.length,
    };
    const text = `${JSON.stringify(line)}\n`;
    writeSync(this.#index, text);
    this.bytes += text.length;
  }

  file(name: string, content: string | Uint8Array): void {
    this.#files.push(name);
    writeFileSync(join(this.#folder, name), content, { mode: fileMode, flag: "wx" });
    this.bytes += content.length;
  }

  /** Writes a file again that `file` has written. */
  replace(name: string, content: string): void {
    writeFileSync(join(this.#folder, name), content, { mode: fileMode });
  }

  close(): void {
    closeSync(this.#index);
  }

  /** Closes, and removes what it wrote, and the folder if nothing else is in it. What cannot be removed stays. */
  discard(): void {
    this.close();
    try {
      for (const name of this.#files) {
        rmSync(join(this.#folder, name), { force: true });
      }
      rmdirSync(this.#folder);
    } catch {
      // Another try says that the folder is not empty.
    }
  }
}

/** The message is for an operator. */
export class UnfitFolder extends Error {}

/** Why nothing can be written into the folder, and what to do, from what a `CaptureWriter` throws. */
export function writeProblem(error: unknown): string {
  if (error instanceof UnfitFolder) {
    return error.message;
  }
  const code = errorCodeOf(error);
  return `${advice[code] ?? "Check the disk, or name another folder."} (${code})`;
}

const advice: Readonly<Record<string, string>> = {
  EEXIST: "It is a file. Name a folder that does not exist yet.",
  ENOTDIR: "A part of the path is a file. Name a folder in a directory.",
  EACCES: "This user may not write there. Name a folder in a directory of this user.",
  EPERM: "This user may not write there. Name a folder in a directory of this user.",
  EROFS: "The file system is read-only. Name a folder on a writable one.",
  ENOENT: "No folder can be created there. Name a folder on a disk.",
  ENAMETOOLONG: "The name is too long. Name a folder with a shorter one.",
  ELOOP: "Its symbolic links lead in a circle. Name another folder.",
  ENOSPC: "The disk is full. Free some space, or name a folder on another disk.",
  EDQUOT: "The disk is full. Free some space, or name a folder on another disk.",
  EMFILE: "Too many files are open. Raise the limit (ulimit -n).",
};

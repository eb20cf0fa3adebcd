import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { open, stat } from "node:fs/promises";

/** Why a file was not read, as the end of a sentence that begins with the file. */
export class UnreadableFile extends Error {
  /** The code of the system; of what is no file, `EISDIR`, `EPIPE` or `ENODEV`; of what is too large, `EFBIG`. */
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** The same in the words of options that name a file of credentials or certificates: `is not a file.` */
export function unreadableWords(error: unknown): string {
  const code = error instanceof UnreadableFile ? error.code : "unknown";
  switch (code) {
    case "EISDIR":
    case "EPIPE":
    case "ENODEV":
      return "is not a file.";
    case "EFBIG":
      return "is too large: it may have 1 MiB.";
    default:
      return `cannot be read (${code}).`;
  }
}

/** A file that is no file is not opened for writing or waited for: opening a pipe would wait for its writer, and a device may act on it. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK;

/** A piece that is read at a time. A file of the system has no size to ask for. */
const pieceBytes = 64 * 1024;

/**
 * Reads a whole file of at most `maxBytes`. A directory, a pipe, a socket or a device is not read, also at the end of a link. Rejects with an
 * {@link UnreadableFile}.
 */
export async function readRegularFile(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    check(await stat(path), maxBytes);
    const file = await open(path, flags);
    try {
      const { size } = check(await file.stat(), maxBytes);
      const pieces = new Pieces(size, maxBytes);
      for (let into = pieces.next(); into !== undefined; into = pieces.next()) {
        const { bytesRead } = await file.read(into, 0, into.length, null);
        pieces.add(bytesRead);
      }
      return pieces.whole();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explained(error);
  }
}

/** The same at once, while the program starts. */
export function readRegularFileSync(path: string, maxBytes: number): Uint8Array {
  try {
    check(statSync(path), maxBytes);
    const file = openSync(path, flags);
    try {
      const { size } = check(fstatSync(file), maxBytes);
      const pieces = new Pieces(size, maxBytes);
      for (let into = pieces.next(); into !== undefined; into = pieces.next()) {
        pieces.add(readSync(file, into, 0, into.length, null));
      }
      return pieces.whole();
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw explained(error);
  }
}

/** The bytes that were read so far, and one more than may be. */
class Pieces {
  #bytes: Uint8Array;
  #length = 0;
  #isWhole = false;
  readonly #maxBytes: number;

  constructor(size: number, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#bytes = new Uint8Array(Math.min(size, maxBytes) + 1);
  }

  /** Where to read to; undefined when there is nothing more. */
  next(): Uint8Array | undefined {
    if (this.#isWhole) {
      return undefined;
    }
    if (this.#length === this.#bytes.length) {
      if (this.#length > this.#maxBytes) {
        throw tooLarge(this.#maxBytes);
      }
      const larger = new Uint8Array(
        Math.min(this.#maxBytes + 1, Math.max(2 * this.#length, pieceBytes)),
      );
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return this.#bytes.subarray(this.#length);
  }

  add(length: number): void {
    this.#length += length;
    this.#isWhole = length === 0;
  }

  whole(): Uint8Array {
    if (this.#length > this.#maxBytes) {
      throw tooLarge(this.#maxBytes);
    }
    return this.#bytes.subarray(0, this.#length);
  }
}

interface Found {
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}

function check<F extends Found>(found: F, maxBytes: number): F {
  if (!found.isFile()) {
    throw notAFile(found);
  }
  if (found.size > maxBytes) {
    throw tooLarge(maxBytes);
  }
  return found;
}

function notAFile(found: Found): UnreadableFile {
  if (found.isDirectory()) {
    return new UnreadableFile("EISDIR", "it is a directory.");
  }
  if (found.isFIFO() || found.isSocket()) {
    return new UnreadableFile("EPIPE", "it is a pipe or a socket, not a file.");
  }
  return new UnreadableFile("ENODEV", "it is a device, not a file.");
}

function tooLarge(maxBytes: number): UnreadableFile {
  const limit = maxBytes % 2 ** 20 === 0 ? `${maxBytes / 2 ** 20} MiB` : `${maxBytes} bytes`;
  return new UnreadableFile("EFBIG", `it is larger than ${limit}.`);
}

function explained(error: unknown): UnreadableFile {
  if (error instanceof UnreadableFile) {
    return error;
  }
  const code =
    error instanceof Error && "code" in error && typeof error.code === "string"
      ? error.code
      : "unknown";
  return new UnreadableFile(code, reasons.get(code) ?? `of the error ${code}.`, error);
}

const reasons = new Map([
  ["ENOENT", "there is no such file."],
  ["ENOTDIR", "there is no such file."],
  ["ENXIO", "it is a pipe or a socket, not a file."],
  ["EACCES", "permission denied."],
  ["EPERM", "permission denied."],
  ["ELOOP", "its symbolic links lead to each other."],
  ["ENAMETOOLONG", "its name is too long."],
  ["ERR_INVALID_ARG_VALUE", "its name contains a zero byte."],
]);

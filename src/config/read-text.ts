import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** The result of reading a file. `reason` completes "cannot be read: ". */
export type ReadText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** More than any config has, and little enough to be parsed in no time. */
const maxBytes = 2 ** 20;

/** Reads a whole file of at most 1 MiB as UTF-8, without its byte order mark. Never throws. */
export function readText(path: string): ReadText {
  try {
    return textOf(readBytes(path));
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

/** Decodes what is read from anywhere, with the same limits. */
export function textOf(bytes: Uint8Array): ReadText {
  const reason = notTextReason(bytes);
  if (reason !== undefined) return { ok: false, reason };
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

/** Reads one byte more than is allowed, at most. A pipe or a device has no size to ask for. */
function readBytes(path: string): Uint8Array {
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).isDirectory()) return readNothing();
    const bytes = new Uint8Array(maxBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(file, bytes, length, bytes.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function readNothing(): never {
  throw Object.assign(new Error("It is a directory."), { code: "EISDIR" });
}

function notTextReason(bytes: Uint8Array): string | undefined {
  if (bytes.length > maxBytes) return "it is larger than 1 MiB, the most that a config may have.";
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return "it is UTF-16 text; save it as UTF-8.";
  }
  if (first === 0x1f && second === 0x8b) return "it is compressed with gzip; decompress it first.";
  const zero = bytes.indexOf(0);
  if (zero < 0) return undefined;
  // Without a byte order mark, every other byte of ASCII in UTF-16 is zero.
  return bytes.length > 3 && bytes[zero + 1] !== 0 && bytes[zero + 2] === 0
    ? "it is UTF-16 text; save it as UTF-8."
    : "it is not text but binary data.";
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such file.";
    case "EACCES":
    case "EPERM":
      return "permission denied.";
    case "EISDIR":
      return "it is a directory.";
    case "ELOOP":
      return "its symbolic links lead to each other.";
    case "ERR_INVALID_ARG_VALUE":
      return "its name contains a zero byte.";
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return "it is not UTF-8 text.";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

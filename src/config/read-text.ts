import { readRegularFileSync, UnreadableFile } from "../files/regular-file.ts";

/** The result of reading a file. `reason` completes "cannot be read: ". */
export type ReadText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** More than any config has, and little enough to be parsed in no time. */
const maxBytes = 2 ** 20;

/** Reads a whole file of at most 1 MiB as UTF-8, without its byte order mark. Never throws. */
export function readText(path: string): ReadText {
  try {
    return textOf(readRegularFileSync(path, maxBytes));
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

function notTextReason(bytes: Uint8Array): string | undefined {
  if (bytes.length > maxBytes) return tooLarge;
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

const tooLarge = "it is larger than 1 MiB, the most that a part of a config may have.";

function reasonOf(error: unknown): string {
  if (error instanceof UnreadableFile) {
    switch (error.code) {
      case "EFBIG":
        return tooLarge;
      case "EPIPE":
      case "ENXIO":
        return "it is a pipe or a socket; a config is read again at a reload, so write it to a file, or give it in a variable with --config env:NAME.";
      default:
        return error.message;
    }
  }
  return error instanceof Error &&
    "code" in error &&
    error.code === "ERR_ENCODING_INVALID_ENCODED_DATA"
    ? "it is not UTF-8 text."
    : String(error);
}

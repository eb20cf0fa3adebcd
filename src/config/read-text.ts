import { readFileSync } from "node:fs";

/** The result of reading a file. `reason` completes "cannot be read: ". */
export type ReadText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** Reads a whole file as UTF-8, without its byte order mark. Never throws. */
export function readText(path: string): ReadText {
  try {
    return { ok: true, text: new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path)) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
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
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return "it is not UTF-8 text.";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

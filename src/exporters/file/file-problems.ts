import { dirname } from "node:path";
import { errorCodeOf } from "../../component/error-code.ts";

/** Whether room on the disk is all that is missing. */
export function isDiskFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].includes(errorCodeOf(error));
}

/** An error for an operator, from a failure to open the file: which file, why, and what to do. */
export function openError(
  {
    path,
    create_directory: isCreated,
  }: { readonly path: string; readonly create_directory: boolean },
  error: unknown,
): Error {
  if (error instanceof UnfitFile) {
    return error;
  }
  const code = errorCodeOf(error);
  return new Error(
    `the file ${path} cannot be opened for writing (${code}). ${isCreated && code === "ENOENT" ? noFolderThere(path) : advice(path, code)}`,
    {
      cause: error,
    },
  );
}

/** The path leads to something that the exporter does not write. Its message is for an operator. */
export class UnfitFile extends Error {}

/** The directory was to be created, so it is not only missing: /proc and the like, or a link that leads nowhere. */
function noFolderThere(path: string): string {
  return `The directory ${dirname(path)} cannot be created there. Set a path on a disk.`;
}

function advice(path: string, code: string): string {
  const directory = dirname(path);
  switch (code) {
    case "ENOENT":
      return `The directory ${directory} does not exist. Create it, or set create_directory: true.`;
    case "ENOTDIR":
      return "A part of the path is a file and not a directory. Correct path.";
    case "EACCES":
    case "EPERM":
      // Not the owner of the directory: that may be /var/log.
      return `This user (id ${process.getuid?.() ?? "unknown"}) may not write it. Give the file to this user, or set a path in a directory of this user.`;
    case "EROFS":
      return `${directory} is on a read-only file system. Set a path on a writable one.`;
    default:
      return `Check ${directory}, or set another path.`;
  }
}

/** What the status says while the file cannot be written. */
export function statusMessage(error: unknown): string {
  return isDiskFull(error)
    ? "The disk is full, so nothing can be written to the file."
    : "The file cannot be written.";
}

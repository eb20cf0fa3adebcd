import { errorCodeOf } from "../../component/error-code.ts";
import type { DegradedReason } from "../../component/storage.ts";

/** Files of a journal are not there any more, or are not its own. The message has what happened and what to do. */
export class LostFiles extends Error {
  readonly reason: "removed" | "in_use";
  /** What was lost or found. */
  readonly path: string;

  constructor(reason: "removed" | "in_use", path: string, message: string) {
    super(message);
    this.reason = reason;
    this.path = path;
  }
}

/** The reason why a write failed, from the system's error. */
export function reasonOf(
  error: unknown,
): Extract<DegradedReason, "no_space" | "io_error" | "removed"> {
  switch (errorCodeOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "no_space";
    case "ENOENT":
    case "ENOTDIR":
    case "ESTALE":
      return "removed";
    default:
      return "io_error";
  }
}

const refusals: readonly string[] = [
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOENT",
  "ENOTDIR",
  "ELOOP",
  "ENAMETOOLONG",
];

/** Whether this program may not, or cannot, write to the path at all, so that trying again is in vain until somebody changes that. */
export function isRefusal(error: unknown): boolean {
  return refusals.includes(errorCodeOf(error));
}

/** A sentence for an operator about each reason, with what to do. */
export const reasonSentences = {
  no_space: "The disk is full: free some space.",
  io_error:
    "The disk refuses to write: check its health, that it is mounted writable, and the permissions of the directory.",
  removed:
    "Its files were removed or replaced while the program ran. They are created again; find out what removes them.",
  in_use:
    "Another process has taken the directory, because the lock on it was removed. Stop one of the two and start this one again.",
  too_slow: "The disk is too slow for the amount of state: use a faster one.",
  too_large: "A component stored a record that is too large; please report it.",
} as const satisfies Record<DegradedReason, string>;

/** The sentence about a failed write. */
export function failureSentence(reason: DegradedReason, error: unknown): string {
  return error instanceof LostFiles ? error.message : reasonSentences[reason];
}

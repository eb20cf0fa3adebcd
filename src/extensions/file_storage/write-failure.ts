import { errorCodeOf } from "../../component/error-code.ts";
import type { DegradedReason } from "../../component/storage.ts";

/** The reason why a write failed, from the system's error. */
export function reasonOf(error: unknown): Extract<DegradedReason, "no_space" | "io_error"> {
  switch (errorCodeOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "no_space";
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
  io_error: "The disk refuses to write: check its health and the permissions of the directory.",
  too_slow: "The disk is too slow for the amount of state: use a faster one.",
  too_large: "A component stored a record that is too large; please report it.",
} as const satisfies Record<DegradedReason, string>;

const removedSentence =
  "The directory of the state was removed: restart the collector, which creates it again.";

/** The sentence about a failed write. */
export function failureSentence(reason: DegradedReason, error: unknown): string {
  return errorCodeOf(error) === "ENOENT" ? removedSentence : reasonSentences[reason];
}

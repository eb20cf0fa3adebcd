import type { DegradedReason } from "../../component/storage.ts";

/** Why a write failed, from what the system said. */
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

/** The system's code, e.g. `ENOSPC`; the name of the exception where it has none. */
export function errorCodeOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return typeof error;
  }
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** What each reason is in a sentence for an operator, and what to do. */
export const reasonSentences = {
  no_space: "The disk is full: free some space.",
  io_error:
    "The disk refuses to write: look at its health and at the permissions of the directory.",
  too_slow: "The disk does not keep up with what is to be stored.",
  too_large: "A component stored a record that is too large; please report it.",
} as const satisfies Record<DegradedReason, string>;

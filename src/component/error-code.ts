/** The system's code of an error or of its cause, e.g. `ENOSPC`, or the name of the exception if there is none. */
export function errorCodeOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return typeof error;
  }
  if ("code" in error && typeof error.code === "string") {
    return error.code;
  }
  return error.cause instanceof Error ? errorCodeOf(error.cause) : error.name;
}

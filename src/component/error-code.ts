/** The system's code of an error, e.g. `ENOSPC`, or the name of the exception if it has none. */
export function errorCodeOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return typeof error;
  }
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/**
 * An exception as fields of a log line, named as OpenTelemetry names them: its type and where it was
 * thrown. Its message is left out: a message of the runtime may quote data of a sender ("Unexpected
 * token … in …"), and the log never contains a sender's ids.
 */
export function exceptionFields(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof Error)) {
    return { "exception.type": typeof error };
  }
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return {
    "exception.type": error.name,
    "exception.stacktrace": frames
      .slice(0, 10)
      .map((line) => line.trim())
      .join("\n"),
  };
}

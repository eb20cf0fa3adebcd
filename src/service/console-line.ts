/** The properties of every line; all others are fields. */
interface LogRecord {
  readonly ts: string;
  readonly level: string;
  readonly msg: string;
}

/**
 * Formats a log line for people, in the Collector's form: time, level, message and the other fields as
 * JSON, separated by tabs. The input is pino's output: one JSON object with `ts`, `level` and `msg`.
 */
export function consoleLine(json: string): string {
  const record: LogRecord = JSON.parse(json);
  const { ts, level, msg, ...fields } = record;
  const columns = [ts, level, msg.replaceAll(/\s+/g, " ")];
  if (Object.keys(fields).length > 0) {
    // On one line with a space after each comma and colon. Line breaks inside strings are escaped already.
    const spaced = JSON.stringify(fields, undefined, 1)
      .replaceAll(/([{[])\n\s*/g, "$1")
      .replaceAll(/\n\s*([}\]])/g, "$1")
      .replaceAll(/\n\s*/g, " ");
    columns.push(spaced);
  }
  return `${columns.join("\t")}\n`;
}

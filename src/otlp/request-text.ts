import { parseExactJson } from "./exact-json.ts";
import { readJson } from "./json-reader.ts";
import { requestNames, signals } from "./request-names.ts";

/** The lists around the records of a request, and the records, by their depth, as they can be in the text. */
const lists = [
  signals.flatMap((signal) => requestNames(signal)),
  ["scopeSpans", "scope_spans", "scopeMetrics", "scope_metrics", "scopeLogs", "scope_logs"],
  ["spans", "metrics", "logRecords", "log_records"],
] as const;

/** Reading a longer text with care would keep other senders waiting. */
const maxCarefulLength = 4 << 20;

/** `position` is where a text is no JSON any more, if that is known. It quotes nothing of the text. */
export type ParsedRequest =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly position?: string };

/**
 * Reads the JSON of a request. Integers are exact. A list around the records, or of records, that an object has twice is whole:
 * `JSON.parse` would lose the first half without a word. Of a text above 4 Mi characters the first half is lost, and no position is known.
 *
 * `whole`: nothing may follow the request. Otherwise, as in the Collector, what follows is not read.
 */
export function parseRequest(
  text: string,
  { whole = false }: { readonly whole?: boolean } = {},
): ParsedRequest {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    // The message of the parser quotes the text, so it is not used. It also fails for integers that are nested deep.
    const end = endOfValue(error);
    return end === undefined || whole
      ? readCarefully(text, whole)
      : parseRequest(text.slice(0, end));
  }
  return { ok: true, value: withWholeLists(text, value) };
}

/** Where the value ends that is followed by something else, if that is the fault. */
function endOfValue(error: unknown): number | undefined {
  const message = error instanceof SyntaxError ? error.message : "";
  const [, position] =
    /^Unexpected non-whitespace character after JSON at position (\d+)/.exec(message) ?? [];
  return position === undefined ? undefined : Number(position);
}

function readCarefully(text: string, whole: boolean): ParsedRequest {
  if (text.length > maxCarefulLength) {
    return { ok: false };
  }
  const reading = readJson(text);
  if (!reading.ok) {
    return { ok: false, position: positionOf(text, reading.at) };
  }
  const rest = text.slice(reading.end).trimStart();
  return whole && rest !== ""
    ? { ok: false, position: positionOf(text, text.length - rest.length) }
    : { ok: true, value: reading.value };
}

function withWholeLists(text: string, value: unknown): unknown {
  // A name that is in the text more often than in the value is one that is lost, or the text of something else.
  if (text.length > maxCarefulLength || listsInText(text) === listsIn(value, 0)) {
    return value;
  }
  const reading = readJson(text);
  return reading.ok ? reading.value : value;
}

function listsInText(text: string): number {
  let count = 0;
  for (const name of lists.flat()) {
    const quoted = `"${name}"`;
    for (let at = text.indexOf(quoted); at >= 0; at = text.indexOf(quoted, at + 1)) {
      count += 1;
    }
  }
  return count;
}

function listsIn(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) {
    return 0;
  }
  let count = 0;
  for (const name of lists[depth] ?? []) {
    const parts: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
    count += parts === undefined ? 0 : 1;
    for (const part of depth < 2 && Array.isArray(parts) ? parts : []) {
      count += listsIn(part, depth + 1);
    }
  }
  return count;
}

function positionOf(text: string, at: number): string {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return `line ${line}, column ${at - before.lastIndexOf("\n")}`;
}

import { decodedText, firstValueOf, type JsonText, parseExactJson } from "./exact-json.ts";
import { readJson } from "./json-reader.ts";
import { type OverLimit, overLimit } from "./request-limits.ts";
import { requestNames, signals } from "./request-names.ts";

/** The lists around the records of a request, and the records, by their depth, as they can be in the text. */
const lists = [
  signals.flatMap((signal) => requestNames(signal)),
  ["scopeSpans", "scope_spans", "scopeMetrics", "scope_metrics", "scopeLogs", "scope_logs"],
  ["spans", "metrics", "logRecords", "log_records"],
] as const;

/** Reading a longer text with care would keep other senders waiting. */
const maxCarefulBytes = 4 << 20;
/** One with more values would take too much memory: reading with care takes several times the weight. */
const maxCarefulWeight = 12 << 20;

/** Those of JSON, which are fewer than those of JavaScript. */
const blanks = /^[ \t\n\r]+/;

/** `position` is where a text is no JSON any more, if that is known. It quotes nothing of the text. */
export type ParsedRequest =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly position?: string }
  | OverLimit;

/**
 * Reads the JSON of a request. Integers are exact. A list around the records, or of records, that an object has twice is whole:
 * `JSON.parse` would lose the first half without a word. Of a text that is too long or too heavy to read with care the first half is lost,
 * and no position is known.
 *
 * `whole`: nothing may follow the request. Otherwise, as in the Collector, what follows is not read.
 */
export function parseRequest(
  text: JsonText,
  { whole = false }: { readonly whole?: boolean } = {},
): ParsedRequest {
  // Before anything is read: neither the time nor the stack of `JSON.parse` has a bound.
  if (text.exceeds !== undefined) {
    return overLimit(text.exceeds);
  }
  const first = whole ? undefined : firstValueOf(text);
  if (first !== undefined) {
    return parseRequest(first);
  }
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    // The message of the parser quotes the text, so it is not used.
    return readCarefully(text, whole);
  }
  return { ok: true, value: withWholeLists(text, value) };
}

function readCarefully(text: JsonText, whole: boolean): ParsedRequest {
  if (!isReadWithCare(text)) {
    return { ok: false };
  }
  const decoded = decodedText(text);
  const reading = readJson(decoded);
  if (!reading.ok) {
    return { ok: false, position: positionOf(decoded, reading.at) };
  }
  const rest = decoded.slice(reading.end).replace(blanks, "");
  return whole && rest !== ""
    ? { ok: false, position: positionOf(decoded, decoded.length - rest.length) }
    : { ok: true, value: reading.value };
}

function isReadWithCare({ bytes, weightBytes }: JsonText): boolean {
  return bytes.length <= maxCarefulBytes && weightBytes <= maxCarefulWeight;
}

function withWholeLists(text: JsonText, value: unknown): unknown {
  if (!isReadWithCare(text)) {
    return value;
  }
  const decoded = decodedText(text);
  // A name that is in the text more often than in the value is one that is lost, or the text of something else.
  if (listsInText(decoded) === listsIn(value, 0)) {
    return value;
  }
  const reading = readJson(decoded);
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

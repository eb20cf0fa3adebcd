import { exactInteger } from "./exact-integer.ts";
import { type JsonFinds, type JsonScan, scanJson } from "./json-scan.ts";

/** A JSON text that was looked through, so that its reader can decide whether to parse it. */
export interface JsonText extends JsonScan {
  readonly bytes: Uint8Array;
}

/** Looks through a text in UTF-8, which need not be valid JSON. */
export function jsonText(bytes: Uint8Array): JsonText {
  return { bytes, ...scanJson(bytes) };
}

/**
 * `JSON.parse` that keeps integers exact: an integer beyond the precision of a double becomes a `bigint`.
 * Throws the exceptions of `JSON.parse`.
 */
export function parseExactJson(text: JsonText): unknown {
  return text.longIntegers === 0
    ? JSON.parse(decodedText(text))
    : withIntegers(JSON.parse(new TextDecoder().decode(withMarks(text))), 0);
}

/** The first value of a text that has something else behind it; undefined if nothing is. */
export function firstValueOf(text: JsonText): JsonText | undefined {
  const { bytes, end } = text;
  return end === undefined || end === bytes.length ? undefined : jsonText(bytes.subarray(0, end));
}

/** The text itself. */
export function decodedText({ bytes }: JsonText): string {
  return new TextDecoder().decode(bytes);
}

/** The value of a number that is written so, exact if it is an integer. */
export function exactNumber(source: string): number | bigint {
  const number = Number(source);
  return Number.isSafeInteger(number) || !Number.isInteger(number)
    ? number
    : (exactInteger(source) ?? number);
}

/**
 * Long integers are given to `JSON.parse` as texts that begin with U+0000, which only an escape can have; texts that begin with it
 * get another one. A reviver of `JSON.parse` would do it too, but takes three times as long and several times the memory.
 */
const mark = Buffer.from("\\u0000");
const quote = Buffer.from('"');

function withMarks({ bytes, longIntegers, nulTexts }: JsonText): Uint8Array {
  const marked = new Uint8Array(
    bytes.length + longIntegers * (mark.length + 2) + nulTexts * mark.length,
  );
  let copied = 0;
  let length = 0;
  const add = (part: Uint8Array) => {
    marked.set(part, length);
    length += part.length;
  };
  const copyTo = (at: number) => {
    add(bytes.subarray(copied, at));
    copied = at;
  };
  const finds: JsonFinds = {
    longInteger(start, end) {
      copyTo(start);
      add(quote);
      add(mark);
      copyTo(end);
      add(quote);
    },
    nulText(start) {
      copyTo(start);
      add(mark);
    },
  };
  scanJson(bytes, finds);
  copyTo(bytes.length);
  return marked.subarray(0, length);
}

/** Deeper values are in no message of OTLP, so nothing reads them. */
const maxDepth = 512;

/** The value, in which the marked texts were replaced. */
function withIntegers(value: unknown, depth: number): unknown {
  if (typeof value === "string") {
    return value.charCodeAt(0) === 0 ? unmarked(value.slice(1)) : value;
  }
  if (depth > maxDepth) {
    return value;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const before: unknown = value[index];
      const after = withIntegers(before, depth + 1);
      if (after !== before) {
        value[index] = after;
      }
    }
  } else if (isRecord(value)) {
    for (const key of Object.keys(value)) {
      const before = value[key];
      const after = withIntegers(before, depth + 1);
      if (after !== before) {
        value[key] = after;
      }
    }
  }
  return value;
}

function unmarked(text: string): unknown {
  return text.charCodeAt(0) === 0 ? text : exactNumber(text);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

import { exactInteger } from "./exact-integer.ts";

/** Matches text with a number that may be an integer beyond the precision of a double. */
const longNumber = /[:[,]\s*-?[\d.eE+-]{16,}/;

/**
 * `JSON.parse` that keeps integers exact: an integer beyond the precision of a double becomes a `bigint`.
 * Throws the exceptions of `JSON.parse`.
 */
export function parseExactJson(text: string): unknown {
  // Reading with a reviver takes several times as long, and senders write long numbers as strings.
  return longNumber.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
}

/** The same for the first value of a text: as in the Collector, what follows an object is not read. */
export function parseFirstValue(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    const end = endOfObject(text);
    if (end === undefined || text.slice(end).trim() === "") {
      throw error;
    }
    return parseExactJson(text.slice(0, end));
  }
}

/** Where the object ends with which the text begins. */
function endOfObject(text: string): number | undefined {
  if (!/^\s*\{/.test(text)) {
    return undefined;
  }
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      isInString = !isInString;
    } else if (isInString) {
      at += character === "\\" ? 1 : 0;
    } else if (character === "{") {
      depth += 1;
    } else if (character === "}") {
      depth -= 1;
      if (depth === 0) {
        return at + 1;
      }
    }
  }
  return undefined;
}

function exactNumber(_key: string, value: unknown, ...[context]: unknown[]): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !Number.isInteger(value)) {
    return value;
  }
  const isPrimitive = typeof context === "object" && context !== null && "source" in context;
  return (isPrimitive ? exactInteger(String(context.source)) : undefined) ?? value;
}

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

/** The value of a number that is read, exact if it is an integer: a reviver for `JSON.parse`. */
export function exactNumber(_key: string, value: unknown, ...[context]: unknown[]): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !Number.isInteger(value)) {
    return value;
  }
  const isPrimitive = typeof context === "object" && context !== null && "source" in context;
  return (isPrimitive ? exactInteger(String(context.source)) : undefined) ?? value;
}

import { textOf } from "./authorization.ts";
import { isTokenByte } from "./byte-classes.ts";
import { type Found, none } from "./detected.ts";
import { closingQuote, type Text } from "./value-ends.ts";

const colon = 0x3a;
const comma = 0x2c;
const dot = 0x2e;
const plus = 0x2b;
/** What may be before the first text: brackets, blanks, keys, and values that are no texts. */
const maxSteps = 64;
/** A value of JSON that is no text, also as Python and JavaScript write it. */
const noText = /^(?:-?[0-9][0-9.eE+-]*|true|false|null|True|False|None|undefined)$/;
const maxNoText = 32;

/**
 * The texts in the JSON array or map at `open`, from the first one, without its quote, to the last one, so that quotes and brackets stay in pairs:
 * `["x", "y"]` is found from `x` to `y`, and `{"value": "x"}` from `x` on. None if there is no text among the first items.
 */
export function structuredValue(bytes: Uint8Array, open: number, text: Text): Found {
  let at = open;
  let depth = 0;
  for (let step = 0; step < maxSteps && at < text.end; step++) {
    const byte = bytes[at];
    if (isQuote(byte)) {
      const close = closingQuote(bytes, at, text);
      if (!isKey(bytes, close, text)) {
        return { start: at + 1, end: lastTextEnd(bytes, open, text, close) };
      }
      at = close + 1;
    } else if (isOpening(byte)) {
      depth += 1;
      at += 1;
    } else if (isClosing(byte) && depth > 1) {
      depth -= 1;
      at += 1;
    } else if (isBlank(byte) || byte === colon) {
      at += 1;
    } else {
      const to = noTextEnd(bytes, at, text.end);
      if (to < 0) {
        return none;
      }
      at = to;
    }
  }
  return none;
}

/** Where a number, a truth value or `null` ends that begins at `from`; -1 for none. */
function noTextEnd(bytes: Uint8Array, from: number, end: number): number {
  const max = Math.min(end, from + maxNoText);
  let to = from;
  while (to < max && (isTokenByte(bytes[to]) || bytes[to] === dot || bytes[to] === plus)) {
    to += 1;
  }
  return to > from && noText.test(textOf(bytes, from, to)) ? to : -1;
}

/** Where the last text ends before the bracket closes that is at `open`; the end of everything if it does not. */
function lastTextEnd(bytes: Uint8Array, open: number, text: Text, first: number): number {
  let depth = 0;
  let last = first;
  for (let at = open; at < text.end; at++) {
    const byte = bytes[at];
    if (isQuote(byte)) {
      const close = closingQuote(bytes, at, text);
      last = isKey(bytes, close, text) ? last : close;
      at = close;
    } else if (isOpening(byte)) {
      depth += 1;
    } else if (isClosing(byte)) {
      depth -= 1;
      if (depth === 0) {
        return last;
      }
    }
  }
  return text.end;
}

function isKey(bytes: Uint8Array, close: number, { end }: Text): boolean {
  let to = close + 1;
  while (to < end && to - close < maxSteps && isBlank(bytes[to])) {
    to += 1;
  }
  return to < end && bytes[to] === colon;
}

function isQuote(byte: number | undefined): boolean {
  return byte === 0x22 || byte === 0x27;
}

function isOpening(byte: number | undefined): boolean {
  return byte === 0x5b || byte === 0x7b;
}

function isClosing(byte: number | undefined): boolean {
  return byte === 0x5d || byte === 0x7d;
}

function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && (byte <= 0x20 || byte === comma);
}

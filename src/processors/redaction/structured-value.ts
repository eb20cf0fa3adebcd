import { type Found, none } from "./detected.ts";
import { closingQuote, type Text } from "./value-ends.ts";

const colon = 0x3a;
const comma = 0x2c;
/** What may be before the first text: brackets, blanks and keys. */
const maxSteps = 32;

/**
 * The texts in the JSON array or map at `open`, from the first one, without its quote, to the last one, so that quotes and brackets stay in pairs:
 * `["x", "y"]` is found from `x` to `y`, and `{"value": "x"}` from `x` on. None if it does not begin with a text.
 */
export function structuredValue(bytes: Uint8Array, open: number, text: Text): Found {
  let at = open;
  for (let step = 0; step < maxSteps && at < text.end; step++) {
    if (isQuote(bytes[at])) {
      const close = closingQuote(bytes, at, text);
      if (!isKey(bytes, close, text)) {
        return { start: at + 1, end: lastTextEnd(bytes, open, text, close) };
      }
      at = close + 1;
    } else if (isBlank(bytes[at]) || isOpening(bytes[at]) || bytes[at] === colon) {
      at += 1;
    } else {
      return none;
    }
  }
  return none;
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
    } else if (byte === 0x5d || byte === 0x7d) {
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

function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && (byte <= 0x20 || byte === comma);
}

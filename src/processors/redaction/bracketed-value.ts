import { textOf } from "./authorization.ts";
import { isTokenByte } from "./byte-classes.ts";
import { urlLevelOf } from "./decoded-text.ts";
import { type Found, none, type Place } from "./detected.ts";
import { isOrdinaryValue, longestOrdinary } from "./ordinary-values.ts";
import { bareEnd } from "./value-ends.ts";

const equals = 0x3d;
const space = 0x20;
const comma = 0x2c;
const openBrace = 0x7b;

/**
 * The value without quotes right behind `=` that begins with the bracket at `open`, but is no list and no map: `[x]y`, `{x}y`, `[x9`. A bracket that closes at its end makes it one, as
 * does code behind that, such as `[x].length`.
 */
export function bracketedValue(bytes: Uint8Array, open: number, place: Place): Found {
  const { at, end, levels } = place;
  if (bytes[at] !== equals || open !== at + 1) {
    return none;
  }
  const max = Math.min(end, open + longestOrdinary);
  const to = bareEnd(bytes, open, at, { end: max, levels });
  let close = closingBracket(bytes, open, to);
  while (close >= 0 && close + 1 < to && opening.includes(bytes[close + 1] ?? 0)) {
    close = closingBracket(bytes, close + 1, to);
  }
  const isPart =
    close < 0 ? !isCode(bytes, open, to, end) : close + 1 < to && goesOn(bytes, close + 1, place);
  return isPart ? { start: open, end: to < max ? to : bareEnd(bytes, open, at, place) } : none;
}

/** A list behind `=` in quotes with what goes on behind its bracket: `["x"]y`. Only the last bracket is looked at. */
export function withTail(bytes: Uint8Array, value: Found, open: number, place: Place): Found {
  const tail = value.end + 2;
  const isPart =
    bytes[place.at] === equals &&
    open === place.at + 1 &&
    value.end >= 0 &&
    tail < place.end &&
    closing.includes(bytes[tail - 1] ?? 0) &&
    goesOn(bytes, tail, place);
  return isPart ? { start: value.start, end: bareEnd(bytes, tail, place.at, place) } : value;
}

/** Where the bracket closes that is at `open`; -1 if it does not. */
function closingBracket(bytes: Uint8Array, open: number, end: number): number {
  let depth = 0;
  for (let at = open; at < end; at++) {
    if (opening.includes(bytes[at] ?? 0)) {
      depth += 1;
    } else if (closing.includes(bytes[at] ?? 0)) {
      depth -= 1;
      if (depth === 0) {
        return at;
      }
    }
  }
  return -1;
}

/** Whether a bracket without an end is the beginning of a list, of code or of JSON, or a placeholder. */
function isCode(bytes: Uint8Array, open: number, to: number, end: number): boolean {
  const next = to < end ? bytes[to] : undefined;
  const isBrace = bytes[open] === openBrace;
  return (
    next === comma ||
    quotes.includes(next ?? 0) ||
    (isBrace && next !== undefined && next <= space) ||
    isOrdinaryValue(textOf(bytes, open, to))
  );
}

/** Whether the value goes on behind its bracket. */
function goesOn(bytes: Uint8Array, from: number, { at, levels }: Place): boolean {
  const byte = bytes[from];
  return (
    isTokenByte(byte) ||
    signs.includes(byte ?? 0) ||
    urlLevelOf(levels, from) > urlLevelOf(levels, at)
  );
}

const opening = Buffer.from("[{");
const closing = Buffer.from("]}");
const quotes = Buffer.from("\"'`");
/** What no code has behind a bracket. */
const signs = Buffer.from("!#$%@^~");

import { isScheme, textOf } from "./authorization.ts";
import { terminalSequence } from "./decoded-text.ts";
import { type Found, isAt, none, type Place } from "./detected.ts";
import {
  hasPlaceholder,
  isOrdinaryValue,
  isPlaceholder,
  longestOrdinary,
} from "./ordinary-values.ts";
import { bareEnd, closingQuote, isLineEnd, quotedEnd } from "./value-ends.ts";

/** Between a name and its value: `"password" : "x"`. */
export const maxSeparators = 12;
/** Before an item on a line of its own. */
const maxIndent = 64;
const blank = 0x20;
const tab = 0x09;
const backquote = 0x60;
const arrow = Buffer.from(" =>");
const literalPrefixes = Buffer.from("bBfFrRuUN$@");

/** The value that begins at `from`, in quotes or without. */
export function writtenValue(bytes: Uint8Array, from: number, place: Place): Found {
  return isQuote(bytes[from]) ? quotedValue(bytes, from, place) : bareValue(bytes, from, place);
}

function quotedValue(bytes: Uint8Array, open: number, place: Place): Found {
  const close = isTriple(bytes, open, place)
    ? tripleEnd(bytes, open, place)
    : quotedEnd(bytes, open, place);
  const isTemplate = bytes[open] === backquote;
  const isOne =
    close > open + 1 &&
    !isOrdinary(bytes, open + 1, close, isTemplate ? hasPlaceholder : isPlaceholder);
  return isOne ? { start: open + 1, end: close } : none;
}

/** Whether three quotes open the value, as in Python and TOML. Two are an empty text. */
function isTriple(bytes: Uint8Array, at: number, { end, levels }: Place): boolean {
  return (
    at + 2 < end &&
    bytes[at + 1] === bytes[at] &&
    bytes[at + 2] === bytes[at] &&
    levels?.[at + 1] === levels?.[at] &&
    levels?.[at + 2] === levels?.[at]
  );
}

/** Where the last one is of the three quotes that close the value. */
function tripleEnd(bytes: Uint8Array, open: number, place: Place): number {
  for (let to = open + 3; to < place.end; to++) {
    const isSame = bytes[to] === bytes[open] && place.levels?.[to] === place.levels?.[open];
    if (isSame && isTriple(bytes, to, place)) {
      return to + 2;
    }
  }
  return place.end;
}

/** Where the quote is of a literal with a letter before it, as in `b'x'` and `rb"x"`; else `from`. */
export function behindLiteralPrefix(bytes: Uint8Array, from: number): number {
  const second = isLiteralPrefix(bytes[from]) ? from + 1 : from;
  const to = isLiteralPrefix(bytes[second]) ? second + 1 : second;
  return isQuote(bytes[to]) && bytes[to] !== backquote ? to : from;
}

function isLiteralPrefix(byte: number | undefined): boolean {
  return byte !== undefined && literalPrefixes.includes(byte);
}

/** A value without quotes; behind a blank, and the name of a scheme, the credentials, too. */
function bareValue(bytes: Uint8Array, from: number, place: Place): Found {
  const { at, end } = place;
  let to = bareEnd(bytes, from, at, place);
  if (to === from || isOrdinary(bytes, from, to, isOrdinaryValue) || isAt(bytes, to, end, arrow)) {
    return none;
  }
  if (bytes[to] === blank && isScheme(bytes, from, to)) {
    const next = skipBlanks(bytes, to, end);
    const isQuoted = isQuote(bytes[next]);
    to = Math.max(
      to,
      isQuoted ? closingQuote(bytes, next, place) : bareEnd(bytes, next, at, place),
    );
  }
  return { start: from, end: to };
}

export function isOrdinary(
  bytes: Uint8Array,
  from: number,
  to: number,
  is: (value: string) => boolean,
) {
  return to - from <= longestOrdinary && is(textOf(bytes, from, to));
}

export function skipBlanks(bytes: Uint8Array, from: number, end: number): number {
  let to = from;
  while (to < end && to - from < maxSeparators && isBlank(bytes[to])) {
    to += 1;
  }
  return to;
}

export function isBlank(byte: number | undefined): boolean {
  return byte === blank || byte === tab || byte === terminalSequence;
}

/** The same over lines: in JSON the next item may be on a line of its own. */
export function skipWhite(bytes: Uint8Array, from: number, end: number): number {
  let to = from;
  while (to < end && to - from < maxIndent && (isBlank(bytes[to]) || isLineEnd(bytes[to]))) {
    to += 1;
  }
  return to;
}

export function isQuote(byte: number | undefined): boolean {
  return byte === 0x22 || byte === 0x27 || byte === backquote;
}

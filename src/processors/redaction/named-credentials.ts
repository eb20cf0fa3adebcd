import { isScheme, textOf } from "./authorization.ts";
import { bracedValue } from "./braced-value.ts";
import { bracketedValue } from "./bracketed-value.ts";
import { isTokenByte } from "./byte-classes.ts";
import { isComparison } from "./comparison.ts";
import { backslashesOf, terminalSequence } from "./decoded-text.ts";
import { type Found, isAt, none, type Place } from "./detected.ts";
import { letterOf } from "./escape-letters.ts";
import {
  hasPlaceholder,
  isOrdinaryValue,
  isPlaceholder,
  longestOrdinary,
} from "./ordinary-values.ts";
import { isValueOfSecret } from "./paired-names.ts";
import { couldBeSecretName, isHeaderName, isSecretName } from "./secret-names.ts";
import { structuredValue } from "./structured-value.ts";
import { bareEnd, closingQuote, headerEnd, quotedEnd } from "./value-ends.ts";

const maxName = 64;
/** Between a name and its value: `"password" : "x"`. */
const maxSeparators = 12;
const blank = 0x20;
const tab = 0x09;
const equals = 0x3d;
const colon = 0x3a;
const greater = 0x3e;
const dash = 0x2d;
const openBracket = 0x5b;
const backquote = 0x60;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const comma = 0x2c;
const arrow = Buffer.from(" =>");
const literalPrefixes = Buffer.from("bBfFrRuUN$@");

/** The value that `=`, `:`, `:=` or `=>` at `at` gives to a name of a secret: `password=x`, `"api_key": "x"`, `Authorization: x`. */
export function assignedValue(bytes: Uint8Array, place: Place): Found {
  const { at, end } = place;
  const next = at + 1 < end ? bytes[at + 1] : undefined;
  const isArrow = bytes[at] === equals && next === greater;
  // `==` in code, `=>` behind a word without quotes, and `::` give no value.
  if (
    next === undefined ||
    (next === (bytes[at] ?? 0) && isComparison(bytes, place)) ||
    (isArrow && !isBehindQuote(bytes, place))
  ) {
    return none;
  }
  const nameEnd = beforeSeparators(bytes, place.start, at);
  const name = nameAt(bytes, nameEnd, place);
  const isOne =
    name.end < 0
      ? isValueOfSecret(bytes, nameEnd, place)
      : !isAlternative(bytes, name.start, place);
  if (!isOne) {
    return none;
  }
  const from = behindLiteralPrefix(
    bytes,
    skipBlanks(bytes, isArrow || next === equals ? at + 2 : at + 1, end),
  );
  if (isQuote(bytes[from])) {
    return quotedValue(bytes, from, place);
  }
  if (bytes[from] === openBracket || bytes[from] === openBrace) {
    const value = bracketedValue(bytes, from, place);
    return value.end < 0 ? bracketValue(bytes, from, place) : value;
  }
  const isHeader =
    bytes[at] === colon && name.end > 0 && isHeaderName(textOf(bytes, name.start, name.end));
  const value = bareValue(bytes, from, place);
  if (!isHeader || value.end < 0) {
    return value;
  }
  const isQuoted = name.start > place.start && isQuote(bytes[name.start - 1]);
  const to = headerEnd(bytes, from, isQuoted ? name.start - 1 : -1, place);
  return { start: from, end: Math.max(value.end, to) };
}

/**
 * The value of an option of a command behind the blank, or the comma of a list, at `at`: `--token x`, `"--password", "x"`, and the user and
 * password of `curl -u user:password`.
 */
export function optionValue(bytes: Uint8Array, place: Place): Found {
  const { start, at, end } = place;
  const last = bytes[at - 1];
  if (isQuote(last)) {
    if (!couldBeOption(bytes, start, at - 1)) {
      return none;
    }
  } else if (bytes[at] === comma || at === start || !couldBeOption(bytes, start, at)) {
    return none;
  }
  const nameEnd = isQuote(last) ? at - 1 : at;
  const isUser = isUserOption(bytes, start, nameEnd);
  const name = isUser ? none : nameAt(bytes, nameEnd, place);
  if (!isUser && (name.end < 0 || bytes[name.start] !== dash)) {
    return none;
  }
  const from = skipBlanks(bytes, at + 1, end);
  if (bytes[from] === dash) {
    return none; // the next option
  }
  if (isUser && !hasColon(bytes, from, end)) {
    return none;
  }
  const value = isQuote(bytes[from])
    ? quotedValue(bytes, from, place)
    : bareValue(bytes, from, place);
  return !isUser || isUserAndPassword(bytes, value) ? value : none;
}

function quotedValue(bytes: Uint8Array, open: number, place: Place): Found {
  const close = quotedEnd(bytes, open, place);
  const isTemplate = bytes[open] === backquote;
  const isOne =
    close > open + 1 &&
    !isOrdinary(bytes, open + 1, close, isTemplate ? hasPlaceholder : isPlaceholder);
  return isOne ? { start: open + 1, end: close } : none;
}

/** Where the quote is of a literal with a letter before it, as in `b'x'` and `rb"x"`; else `from`. */
function behindLiteralPrefix(bytes: Uint8Array, from: number): number {
  const second = isLiteralPrefix(bytes[from]) ? from + 1 : from;
  const to = isLiteralPrefix(bytes[second]) ? second + 1 : second;
  return isQuote(bytes[to]) && bytes[to] !== backquote ? to : from;
}

function isLiteralPrefix(byte: number | undefined): boolean {
  return byte !== undefined && literalPrefixes.includes(byte);
}

/** In JSON and lists of texts; `{…}` right behind `=` is a value in a connection string. */
function bracketValue(bytes: Uint8Array, open: number, place: Place): Found {
  const { at } = place;
  const isMap = bytes[open] === openBrace;
  if (!isMap || isBehindQuote(bytes, place)) {
    return structuredValue(bytes, open, place);
  }
  if (bytes[at] !== equals || open !== at + 1) {
    return none;
  }
  return bracedValue(bytes, open, place.end);
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

function isOrdinary(bytes: Uint8Array, from: number, to: number, is: (value: string) => boolean) {
  return to - from <= longestOrdinary && is(textOf(bytes, from, to));
}

/** The name of a secret that ends before `end`. */
function nameAt(bytes: Uint8Array, end: number, { start, levels }: Place): Found {
  // Most words are no name of a secret, without a look at the whole name.
  if (end === start || !couldBeSecretName(bytes, start, end)) {
    return none;
  }
  let from = end;
  while (from > start && end - from < maxName && isTokenByte(bytes[from - 1])) {
    from -= 1;
  }
  if (from === end) {
    return none;
  }
  const name = textOf(bytes, from, end);
  if (isSecretName(name)) {
    return { start: from, end };
  }
  // In `C:\token` it is no escape.
  const letter =
    from > start && backslashesOf(levels, from - 1) > 0 ? letterOf(bytes[from - 1]) : 0;
  return letter > 0 && isSecretName(String.fromCharCode(letter) + name)
    ? { start: from, end }
    : none;
}

function beforeSeparators(bytes: Uint8Array, start: number, at: number): number {
  let to = at;
  for (let i = 0; i < maxSeparators && to > start && isSeparator(bytes, to - 1); i++) {
    to -= 1;
  }
  return to;
}

function skipBlanks(bytes: Uint8Array, from: number, end: number): number {
  let to = from;
  while (to < end && to - from < maxSeparators && isBlank(bytes[to])) {
    to += 1;
  }
  return to;
}

/** Whether the name is in quotes, or is a key in brackets: `["password"]`. */
function isBehindQuote(bytes: Uint8Array, { start, at }: Place): boolean {
  let to = at;
  while (
    to > start &&
    at - to < maxSeparators &&
    (isBlank(bytes[to - 1]) || bytes[to - 1] === closeBracket)
  ) {
    to -= 1;
  }
  return to > start && isQuote(bytes[to - 1]);
}

/** `condition ? token : other` */
function isAlternative(bytes: Uint8Array, nameStart: number, { start, at }: Place): boolean {
  return (
    bytes[at] === colon &&
    nameStart - 2 >= start &&
    bytes[nameStart - 1] === blank &&
    bytes[nameStart - 2] === 0x3f
  );
}

/** Most words are none, without a look at more than their ends. */
function couldBeOption(bytes: Uint8Array, start: number, end: number): boolean {
  const last = bytes[end - 1] ?? 0;
  return last === 0x75 || last === 0x55 || last === 0x72 || couldBeSecretName(bytes, start, end);
}

/** `-u`, `-U`, `--user` and `--proxy-user`. */
function isUserOption(bytes: Uint8Array, start: number, end: number): boolean {
  const last = (bytes[end - 1] ?? 0) | 0x20;
  if (last === 0x75) {
    const dashAt = end - 2;
    return (
      dashAt >= start &&
      bytes[dashAt] === dash &&
      (dashAt === start || isSeparator(bytes, dashAt - 1))
    );
  }
  return last === 0x72 && end - 6 >= start && textOf(bytes, end - 5, end) === "-user";
}

/** Whether a user comes first, and something else after a colon. Without a look at the rest, which may be long. */
function hasColon(bytes: Uint8Array, from: number, end: number): boolean {
  const max = Math.min(end, from + maxName);
  let to = from;
  while (to < max && bytes[to] !== colon && bytes[to] !== blank) {
    to += 1;
  }
  return to > from && to < max && bytes[to] === colon;
}

/** Both are there, and they are no numbers of a user and a group. */
function isUserAndPassword(bytes: Uint8Array, { start, end }: Found): boolean {
  let colonAt = -1;
  let areDigits = true;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === colon && colonAt < 0) {
      colonAt = i;
    } else {
      areDigits &&= byte >= 0x30 && byte <= 0x39;
    }
  }
  return colonAt > start && colonAt < end - 1 && !areDigits;
}

function isSeparator(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at];
  return isBlank(byte) || isQuote(byte) || (byte === closeBracket && isQuote(bytes[at - 1]));
}

export function isBlank(byte: number | undefined): boolean {
  return byte === blank || byte === tab || byte === terminalSequence;
}

export function isQuote(byte: number | undefined): boolean {
  return byte === 0x22 || byte === 0x27 || byte === backquote;
}

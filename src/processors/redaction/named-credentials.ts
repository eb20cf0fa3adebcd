import { isScheme, textOf } from "./authorization.ts";
import { blockScalar } from "./block-scalar.ts";
import { bracedValue } from "./braced-value.ts";
import { bracketedValue, withTail } from "./bracketed-value.ts";
import { isComparison } from "./comparison.ts";
import { type Found, isAt, none, type Place } from "./detected.ts";
import { nameAt } from "./name-before.ts";
import { isNoSecret, longestAmbiguous } from "./named-values.ts";
import { isPlaceholder, longestOrdinary } from "./ordinary-values.ts";
import { isValueOfSecret } from "./paired-names.ts";
import { isHeaderName } from "./secret-names.ts";
import { structuredValue } from "./structured-value.ts";
import { headerEnd, isLineEnd } from "./value-ends.ts";
import {
  behindLiteralPrefix,
  isBlank,
  isOrdinary,
  isQuote,
  maxSeparators,
  skipBlanks,
  skipWhite,
  writtenValue,
} from "./written-value.ts";

const blank = 0x20;
const equals = 0x3d;
const colon = 0x3a;
const semicolon = 0x3b;
const greater = 0x3e;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const bar = 0x7c;
const dumped = /^string\([0-9]{1,7}\) (?=")/;
const longestDumped = 20;
const wideColon = Buffer.from("：");

/** The value that `=`, `:`, `:=` or `=>` at `at` gives to a name of a secret: `password=x`, `"api_key": "x"`, `Authorization: x`. */
export function assignedValue(bytes: Uint8Array, place: Place): Found {
  const { at, end } = place;
  const isWide = isWideSign(bytes, place);
  const next = at + 1 < end ? bytes[at + 1] : undefined;
  const isArrow = bytes[at] === equals && next === greater;
  const isPrinted = isArrow && isPrintedKey(bytes, place);
  // `==` in code, `=>` behind a word without quotes, and `::` give no value.
  if (
    next === undefined ||
    (next === (bytes[at] ?? 0) && isComparison(bytes, place)) ||
    (isArrow && !isPrinted && !isBehindQuote(bytes, place))
  ) {
    return none;
  }
  const nameEnd = isPrinted ? at - 2 : beforeSeparators(bytes, place.start, at);
  const name = nameAt(bytes, nameEnd, place);
  const isOne =
    name.end < 0
      ? isValueOfSecret(bytes, nameEnd, place)
      : !isAlternative(bytes, name.start, place);
  if (!isOne) {
    return none;
  }
  const valueFrom = behindLiteralPrefix(
    bytes,
    skipBlanks(bytes, isWide ? at + 3 : isArrow || next === equals ? at + 2 : at + 1, end),
  );
  const from = isLineEnd(bytes[valueFrom]) ? onNextLine(bytes, valueFrom, place) : valueFrom;
  if ((bytes[from] === bar || bytes[from] === greater) && bytes[at] === colon) {
    return blockScalar(bytes, from, place);
  }
  if (bytes[from] === openBracket || bytes[from] === openBrace) {
    const value = bracketedValue(bytes, from, place);
    return value.end < 0 ? bracketValue(bytes, from, place) : value;
  }
  const value = writtenValue(bytes, from, place);
  if (value.end < 0 || name.end < 0) {
    return value;
  }
  const isHeader = bytes[at] === colon && isHeaderName(textOf(bytes, name.start, name.end));
  if (isHeader) {
    return headerValue(bytes, value, name, place);
  }
  return isAmbiguous(bytes, value, name, place) ? none : value;
}

/** Whether the key is in brackets and no quotes, as PHP prints arrays: `[password] => x`. */
function isPrintedKey(bytes: Uint8Array, { start, at }: Place): boolean {
  return (
    at - 3 >= start &&
    bytes[at - 1] === blank &&
    bytes[at - 2] === closeBracket &&
    !isQuote(bytes[at - 3])
  );
}

/** Where a value in quotes begins on the line below its name, which is in quotes, too; `from` if there is none. As PHP dumps it, its type comes first. */
function onNextLine(bytes: Uint8Array, from: number, place: Place): number {
  if (!isBehindQuote(bytes, place)) {
    return from;
  }
  const next = skipWhite(bytes, from, place.end);
  const [type = ""] =
    dumped.exec(textOf(bytes, next, Math.min(place.end, next + longestDumped))) ?? [];
  return isQuote(bytes[next + type.length]) ? next + type.length : from;
}

/** Whether the colon of full width is at `at`, as in Chinese and Japanese texts: `password：x`. */
export function isWideSign(bytes: Uint8Array, { at, end }: Pick<Place, "at" | "end">): boolean {
  return isAt(bytes, at, end, wideColon);
}

/** The whole line of a header, or what its quotes hold. A scheme in quotes of its own is the beginning of one: `Authorization: 'Token' x`. */
function headerValue(bytes: Uint8Array, value: Found, name: Found, place: Place): Found {
  const isInQuotes = isQuote(bytes[value.start - 1]);
  if (isInQuotes && !(isScheme(bytes, value.start, value.end) && bytes[value.end + 1] === blank)) {
    return value;
  }
  const isQuoted = name.start > place.start && isQuote(bytes[name.start - 1]);
  const from = isInQuotes ? value.end + 1 : value.start;
  const end = Math.max(value.end, headerEnd(bytes, from, isQuoted ? name.start - 1 : -1, place));
  return isOrdinary(bytes, value.start, end, isPlaceholder) ? none : { start: value.start, end };
}

/** Whether the name means something else, too, and the value shows that it does. */
function isAmbiguous(bytes: Uint8Array, value: Found, name: Found, { start, at }: Place): boolean {
  if (name.end - name.start > longestAmbiguous || value.end - value.start > longestOrdinary) {
    return false;
  }
  return isNoSecret({
    name: textOf(bytes, name.start, name.end),
    value: textOf(bytes, value.start, value.end),
    isBehindColon: bytes[at] === colon,
    isQuoted: isQuote(bytes[value.start - 1]),
    isBehindSemicolon: name.start > start && bytes[name.start - 1] === semicolon,
  });
}

/** In JSON and lists of texts; `{…}` right behind `=` is a value in a connection string. */
function bracketValue(bytes: Uint8Array, open: number, place: Place): Found {
  const { at } = place;
  const isMap = bytes[open] === openBrace;
  if (!isMap || isBehindQuote(bytes, place)) {
    return withTail(bytes, structuredValue(bytes, open, place), open, place);
  }
  if (bytes[at] !== equals || open !== at + 1) {
    return none;
  }
  return bracedValue(bytes, open, place.end);
}

function beforeSeparators(bytes: Uint8Array, start: number, at: number): number {
  let to = at;
  for (let i = 0; i < maxSeparators && to > start && isSeparator(bytes, to - 1); i++) {
    to -= 1;
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

function isSeparator(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at];
  return isBlank(byte) || isQuote(byte) || (byte === closeBracket && isQuote(bytes[at - 1]));
}

import { requestLimits } from "./request-limits.ts";

/**
 * What the values of a JSON text cost in memory, in bytes, measured in V8 of Node 24. The costliest texts, in which each object has keys of
 * its own, take a quarter more; those of SDKs take a quarter of it.
 */
const weights = {
  object: 56,
  array: 40,
  /** A key, beside its text. */
  key: 32,
  /** More for a key that may be an index: an object keeps those in a table, which begins with room for 17. */
  indexKey: 96,
  /** A text, beside its characters. */
  text: 16,
  /** The place of an element or a member. */
  value: 16,
  /** A number, which may take more in protobuf than in JSON. */
  number: 8,
  /** More for an integer that is kept exact. */
  longInteger: 64,
} as const;

/** What a JSON text has, found before it is parsed. */
export interface JsonScan {
  /** Where the object or array ends with which the text begins; undefined if it begins with something else, or does not end. */
  readonly end: number | undefined;
  /** About the memory that it takes to parse the text and to convert its values. */
  readonly weightBytes: number;
  readonly longIntegers: number;
  readonly nulTexts: number;
  /** A limit of requests that the text exceeds. */
  readonly exceeds: "jsonDepth" | undefined;
}

/** What `JSON.parse` cannot be given as it is. */
export interface JsonFinds {
  /** An integer that may be beyond the precision of a double: its first byte, and the one after its last. */
  longInteger(start: number, end: number): void;
  /** A text that begins with an escaped U+0000: its first byte after the quote. */
  nulText(start: number): void;
}

const nothing: JsonFinds = { longInteger() {}, nulText() {} };

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** An integer of fewer characters is exact as a double. */
const minLongInteger = 16;
/** One of more characters is none of OTLP. */
const maxLongInteger = 64;
/** As JSON allows it. A number with a fraction and without an exponent is left to be a double. */
const integer = /^-?(?:0|[1-9]\d*)(?:(?:\.\d+)?[eE][+-]?\d+)?$/;

/** Looks through a text up to the end of its first value. The text need not be valid JSON. Reads each byte about once and keeps nothing. */
export function scanJson(bytes: Uint8Array, finds: JsonFinds = nothing): JsonScan {
  const { length } = bytes;
  let valueBytes = 0;
  let textBytes = 0;
  let longIntegers = 0;
  let nulTexts = 0;
  let highBits = 0;
  let hasUnicodeEscape = false;
  let depth = 0;
  let deepest = 0;
  /** The last byte that is neither white space nor in a text. */
  let last = 0;
  /** The byte with which the last text begins. */
  let textStart = 0;
  let at = beginsWithMark(bytes) ? 3 : 0;
  let isWhole = false;

  while (at < length && !isWhole) {
    const byte = bytes[at] ?? 0;
    if (byte <= 0x20) {
      at += 1;
      continue;
    }
    let next = at + 1;
    if (byte === quote) {
      const start = next;
      textStart = bytes[start] ?? 0;
      while (next < length) {
        const each = bytes[next] ?? 0;
        if (each === quote) {
          break;
        }
        highBits |= each;
        if (each === backslash) {
          hasUnicodeEscape ||= bytes[next + 1] === 0x75;
          next += 2;
        } else {
          next += 1;
        }
      }
      if (textStart === backslash && isEscapedNul(bytes, start)) {
        nulTexts += 1;
        finds.nulText(start);
      }
      valueBytes += weights.text;
      textBytes += next - start;
      next += 1;
    } else if (byte === colon) {
      valueBytes +=
        weights.key + (isDigit(textStart) || textStart === backslash ? weights.indexKey : 0);
    } else if (byte === comma) {
      valueBytes += weights.value;
    } else if (byte === openBrace || byte === openBracket) {
      depth += 1;
      deepest = Math.max(depth, deepest);
      valueBytes += weights.value + (byte === openBrace ? weights.object : weights.array);
    } else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      isWhole = depth <= 0;
    } else if (isDigit(byte) || byte === 0x2d) {
      next = endOfNumber(bytes, at);
      valueBytes += weights.number;
      const isLong = next - at >= minLongInteger && next - at <= maxLongInteger;
      const isValue = last === colon || last === comma || last === openBracket || last === 0;
      if (isLong && isValue && isInteger(bytes, at, next) && !isFollowedByColon(bytes, next)) {
        longIntegers += 1;
        finds.longInteger(at, next);
      }
    }
    last = byte;
    at = next;
  }

  const charBytes = highBits >= 0x80 || hasUnicodeEscape ? 2 : 1;
  return {
    end: isWhole ? at : undefined,
    weightBytes:
      valueBytes +
      // The text, and the texts in it: as values, and as they are written to protobuf.
      bytes.length * charBytes +
      textBytes * (charBytes + 1) +
      (longIntegers === 0 ? 0 : bytes.length + longIntegers * weights.longInteger),
    longIntegers,
    nulTexts,
    exceeds: deepest > requestLimits.jsonDepth ? "jsonDepth" : undefined,
  };
}

/** A byte order mark, which is no part of the text. */
function beginsWithMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function endOfNumber(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let byte = bytes[at]; byte !== undefined && isInNumber(byte); byte = bytes[at]) {
    at += 1;
  }
  return at;
}

/** A digit, `.`, `e`, `E`, `+` or `-`. */
function isInNumber(byte: number): boolean {
  return (
    isDigit(byte) ||
    byte === 0x2e ||
    byte === 0x65 ||
    byte === 0x45 ||
    byte === 0x2b ||
    byte === 0x2d
  );
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isInteger(bytes: Uint8Array, start: number, end: number): boolean {
  // Nearly all are times: digits, the first of which is no zero.
  let at = start;
  while (at < end && isDigit(bytes[at] ?? 0)) {
    at += 1;
  }
  return at === end && bytes[start] !== 0x30
    ? true
    : integer.test(String.fromCharCode(...bytes.subarray(start, end)));
}

/** A number where a key belongs, which makes the text invalid. As a text it would not. */
function isFollowedByColon(bytes: Uint8Array, end: number): boolean {
  let at = end;
  while (at < bytes.length && (bytes[at] ?? 0) <= 0x20) {
    at += 1;
  }
  return bytes[at] === colon;
}

function isEscapedNul(bytes: Uint8Array, start: number): boolean {
  return (
    bytes[start + 1] === 0x75 &&
    bytes[start + 2] === 0x30 &&
    bytes[start + 3] === 0x30 &&
    bytes[start + 4] === 0x30 &&
    bytes[start + 5] === 0x30
  );
}

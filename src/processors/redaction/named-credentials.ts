import { isBase64Byte, isInWord, isTokenByte, isValueByte } from "./byte-classes.ts";
import { type Found, none, type Place } from "./detected.ts";
import { couldBeSecretName, isSecretName } from "./secret-names.ts";

const maxName = 64;
const maxUserInfo = 256;
/** Between a name and its value: `"password" : "x"`, also as escaped JSON in JSON. */
const maxSeparators = 12;
const minCredential = 8;
const blank = 0x20;
const colon = 0x3a;
const slash = 0x2f;
const dash = 0x2d;
const doubleQuote = 0x22;
const singleQuote = 0x27;

/** The credentials behind `Bearer` or `Basic` and the blank at `at`. */
export function authorizationAt(bytes: Uint8Array, { start, at, end }: Place): Found {
  const scheme = bytes[at - 1];
  const length =
    scheme === 0x72 || scheme === 0x52 ? 6 : scheme === 0x63 || scheme === 0x43 ? 5 : 0;
  const from = at - length;
  if (length === 0 || from < start || isInWord(bytes, from, start)) {
    return none;
  }
  const word = textOf(bytes, from, at).toLowerCase();
  if (word !== "bearer" && word !== "basic") {
    return none;
  }
  let to = at + 1;
  let hasSign = false;
  while (to < end && isBase64Byte(bytes[to])) {
    hasSign ||= !isLowerLetter(bytes[to]);
    to += 1;
  }
  // "Basic authentication" and "bearer credentials" are words.
  return to - at - 1 >= minCredential && hasSign ? { start: at + 1, end: to } : none;
}

/** The value that `=` or `:` at `at` gives to a name of a secret: `password=x`, `"api_key": "x"`, `Authorization: x`. In a URL it may be `%3D` or `%3A`. */
export function assignedValue(bytes: Uint8Array, place: Place): Found {
  const { at, end } = place;
  if (nameBefore(bytes, place) < 0) {
    return none;
  }
  const value = valueFrom(bytes, bytes[at] === 0x25 ? at + 3 : at + 1, end);
  if (!value.isQuoted && bytes[value.end] === blank && isScheme(bytes, value.start, value.end)) {
    let to = value.end + 1;
    while (to < end && isValueByte(bytes[to])) {
      to += 1;
    }
    return { start: value.start, end: to };
  }
  return value.end > value.start ? value : none;
}

/**
 * The value of an option of a command behind the blank, or the comma of a list, at `at`: `--token x`, `"--password", "x"`, and the user and
 * password of `curl -u user:password`.
 */
export function optionValue(bytes: Uint8Array, place: Place): Found {
  const { start, at, end } = place;
  const last = bytes[at - 1];
  if (bytes[at] === 0x2c && last !== doubleQuote && last !== singleQuote) {
    return none;
  }
  const nameEnd = beforeSeparators(bytes, start, at);
  if (isUserOption(bytes, start, nameEnd)) {
    const value = valueFrom(bytes, at + 1, end);
    return isUserAndPassword(bytes, value) ? value : none;
  }
  const nameStart = nameBefore(bytes, place);
  if (nameStart < 0 || bytes[nameStart] !== dash) {
    return none;
  }
  const value = valueFrom(bytes, at + 1, end);
  return value.end > value.start && bytes[value.start] !== dash ? value : none;
}

/** The user and the password in a URL whose `://` is at `at`. */
export function userInfoAt(bytes: Uint8Array, { at, end }: Place): Found {
  if (bytes[at + 1] !== slash || bytes[at + 2] !== slash) {
    return none;
  }
  const from = at + 3;
  const max = Math.min(end, from + maxUserInfo);
  for (let to = from; to < max && bytes[to] !== slash && isValueByte(bytes[to]); to++) {
    if (bytes[to] === 0x40) {
      return to > from ? { start: from, end: to } : none;
    }
  }
  return none;
}

/** Where the name of a secret begins that is right before `at`, but for quotes and blanks; -1 for none. */
function nameBefore(bytes: Uint8Array, { start, at }: Place): number {
  const nameEnd = beforeSeparators(bytes, start, at);
  // Most words are no name of a secret, without a look at the whole name.
  if (nameEnd === start || !couldBeSecretName(bytes, start, nameEnd)) {
    return -1;
  }
  let nameStart = nameEnd;
  while (nameStart > start && nameEnd - nameStart < maxName && isTokenByte(bytes[nameStart - 1])) {
    nameStart -= 1;
  }
  return nameStart < nameEnd && isSecretName(textOf(bytes, nameStart, nameEnd)) ? nameStart : -1;
}

function beforeSeparators(bytes: Uint8Array, start: number, at: number): number {
  let to = at;
  for (let i = 0; i < maxSeparators && to > start && isSeparator(bytes[to - 1]); i++) {
    to -= 1;
  }
  return to;
}

/** A value behind quotes and blanks, up to its end or its closing quote. */
function valueFrom(bytes: Uint8Array, from: number, end: number): Found & { isQuoted: boolean } {
  let start = from;
  let isQuoted = false;
  for (let i = 0; i < maxSeparators && start < end && isSeparator(bytes[start]); i++) {
    isQuoted ||= bytes[start] === doubleQuote || bytes[start] === singleQuote;
    start += 1;
  }
  let to = start;
  while (to < end && (isQuoted ? isQuotedByte(bytes[to]) : isValueByte(bytes[to]))) {
    to += 1;
  }
  return { start, end: to, isQuoted };
}

/** `-u`, `-U`, `--user` and `--proxy-user`. */
function isUserOption(bytes: Uint8Array, start: number, end: number): boolean {
  const last = (bytes[end - 1] ?? 0) | 0x20;
  if (last === 0x75) {
    const dashAt = end - 2;
    return (
      dashAt >= start &&
      bytes[dashAt] === dash &&
      (dashAt === start || isSeparator(bytes[dashAt - 1]))
    );
  }
  return last === 0x72 && end - 6 >= start && textOf(bytes, end - 5, end) === "-user";
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

/** `Authorization: Bearer x` */
function isScheme(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from < 10 && /^(?:bearer|basic|token|digest|bot)$/i.test(textOf(bytes, from, to));
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}

function isSeparator(byte: number | undefined): boolean {
  return byte === blank || byte === doubleQuote || byte === singleQuote || byte === 0x5c;
}

/** In quotes a value may have blanks. */
function isQuotedByte(byte: number | undefined): boolean {
  return byte !== doubleQuote && byte !== singleQuote && byte !== 0x5c;
}

function isLowerLetter(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x61 && byte <= 0x7a;
}

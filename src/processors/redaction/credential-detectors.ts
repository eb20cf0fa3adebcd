import { isBase64Byte, isTokenByte, isValueByte, isWordByte } from "./byte-classes.ts";
import { isSecretName } from "./secret-names.ts";

/** A text from `start` up to `end`, and the byte in it at which something may be recognized. */
interface Place {
  readonly start: number;
  readonly at: number;
  readonly end: number;
}

/** A range; `end` is -1 for none. */
export interface Found {
  readonly start: number;
  readonly end: number;
}

const none: Found = { start: 0, end: -1 };
const maxName = 64;
const maxUserInfo = 256;
/** Between a name and its value: `"password" : "x"`, also as escaped JSON in JSON. */
const maxSeparators = 12;
const minCredential = 8;
const colon = 0x3a;
const slash = 0x2f;

/** The prefixes that issuers give their keys, how many characters follow at least, and which one is looked at first; by default the last. */
const prefixes: readonly (readonly [prefix: string, min: number, trigger?: number])[] = [
  ["sk-", 16],
  ["pk-lf-", 16],
  ["sess-", 24],
  ["xoxa-", 10],
  ["xoxb-", 10],
  ["xoxe-", 10],
  ["xoxp-", 10],
  ["xoxr-", 10],
  ["xoxs-", 10],
  ["xapp-", 10],
  ["xai-", 20],
  ["glpat-", 16],
  ["pypi-", 16],
  ["tvly-", 16],
  ["pplx-", 16],
  ["ghp_", 16],
  ["gho_", 16],
  ["ghu_", 16],
  ["ghs_", 16],
  ["ghr_", 16],
  ["github_pat_", 16],
  ["sk_live_", 10],
  ["sk_test_", 10],
  ["rk_live_", 10],
  ["rk_test_", 10],
  ["whsec_", 16],
  ["npm_", 20],
  ["hf_", 20],
  ["gsk_", 20],
  ["lsv2_", 16],
  ["AKIA", 16],
  ["ASIA", 16],
  ["AIza", 30, 2],
];

interface Prefix {
  readonly bytes: Uint8Array;
  readonly min: number;
  readonly trigger: number;
}

const byTrigger = new Map<number, Prefix[]>();
for (const [prefix, min, trigger = prefix.length - 1] of prefixes) {
  const bytes = Buffer.from(prefix);
  const byte = bytes[trigger] ?? 0;
  byTrigger.set(byte, [...(byTrigger.get(byte) ?? []), { bytes, min, trigger }]);
}
const jwt = Buffer.from("eyJ");
const pemBegin = Buffer.from("-----BEGIN ");
const pemEnd = Buffer.from("-----END ");

/** The bytes that begin or end what this file recognizes; `tokenAt` is asked for no other. */
export const tokenTriggers = [...byTrigger.keys(), ...Buffer.from("J:-")];

/** A key with a prefix of its issuer, a JSON web token, a private key, or the token of a Telegram bot. */
export function tokenAt(bytes: Uint8Array, place: Place): Found {
  const { start, at, end } = place;
  const byte = bytes[at] ?? 0;
  for (const prefix of byTrigger.get(byte) ?? []) {
    const from = at - prefix.trigger;
    if (
      from < start ||
      !isAt(bytes, from, end, prefix.bytes) ||
      isLetterBefore(bytes, from, start)
    ) {
      continue;
    }
    const to = tokenRun(bytes, from + prefix.bytes.length, end);
    if (to - from - prefix.bytes.length >= prefix.min) {
      return { start: from, end: to };
    }
  }
  switch (byte) {
    case 0x4a:
      return webToken(bytes, at - 2, place);
    case 0x2d:
      return privateKey(bytes, at, end);
    case colon:
      return botToken(bytes, place);
    default:
      return none;
  }
}

/** The credentials behind `Bearer` or `Basic` and the blank at `at`. */
export function authorizationAt(bytes: Uint8Array, { start, at, end }: Place): Found {
  const scheme = bytes[at - 1];
  const length =
    scheme === 0x72 || scheme === 0x52 ? 6 : scheme === 0x63 || scheme === 0x43 ? 5 : 0;
  const from = at - length;
  if (length === 0 || from < start || isLetterBefore(bytes, from, start)) {
    return none;
  }
  const word = Buffer.from(bytes.subarray(from, at)).toString("latin1").toLowerCase();
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

/** The value that `=` or `:` at `at` gives to a name of a secret: `password=x`, `"api_key": "x"`, `Authorization: x`. */
export function assignedValue(bytes: Uint8Array, { start, at, end }: Place): Found {
  let nameEnd = at;
  for (let i = 0; i < maxSeparators && nameEnd > start && isSeparator(bytes[nameEnd - 1]); i++) {
    nameEnd -= 1;
  }
  let nameStart = nameEnd;
  while (nameStart > start && nameEnd - nameStart < maxName && isTokenByte(bytes[nameStart - 1])) {
    nameStart -= 1;
  }
  // Every name of a secret ends with one of these letters: most words are none without a look at the list.
  if (nameStart === nameEnd || !lastLetters.includes((bytes[nameEnd - 1] ?? 0) | 0x20)) {
    return none;
  }
  const name = Buffer.from(bytes.subarray(nameStart, nameEnd)).toString("latin1");
  if (!isSecretName(name)) {
    return none;
  }
  let from = at + 1;
  let isQuoted = false;
  for (let i = 0; i < maxSeparators && from < end && isSeparator(bytes[from]); i++) {
    isQuoted ||= bytes[from] === 0x22 || bytes[from] === 0x27;
    from += 1;
  }
  let to = from;
  while (to < end && (isQuoted ? isQuotedByte(bytes[to]) : isValueByte(bytes[to]))) {
    to += 1;
  }
  if (!isQuoted && bytes[to] === 0x20 && isScheme(bytes, from, to)) {
    for (to += 1; to < end && isValueByte(bytes[to]); ) {
      to += 1;
    }
  }
  return to > from ? { start: from, end: to } : none;
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

/** `Authorization: Bearer x` */
function isScheme(bytes: Uint8Array, from: number, to: number): boolean {
  return (
    to - from < 10 &&
    /^(?:bearer|basic|token|digest|bot)$/i.test(
      Buffer.from(bytes.subarray(from, to)).toString("latin1"),
    )
  );
}

const lastLetters = Buffer.from("detyslnrgh");

function webToken(bytes: Uint8Array, from: number, { start, end }: Place): Found {
  // A run of such bytes is looked at once: only its beginning can be one.
  if (
    from < start ||
    !isAt(bytes, from, end, jwt) ||
    (from > start && isTokenByte(bytes[from - 1]))
  ) {
    return none;
  }
  const header = tokenRun(bytes, from, end);
  const payload = bytes[header] === 0x2e ? tokenRun(bytes, header + 1, end) : header;
  if (header - from < 10 || payload - header < 5) {
    return none;
  }
  return {
    start: from,
    end: bytes[payload] === 0x2e ? tokenRun(bytes, payload + 1, end) : payload,
  };
}

/** Up to the end of its last line, or of a text that was cut off. */
function privateKey(bytes: Uint8Array, at: number, end: number): Found {
  if (!isAt(bytes, at, end, pemBegin)) {
    return none;
  }
  const kind = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(60, end - at));
  if (!kind.includes("PRIVATE KEY")) {
    return none;
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end);
  const last = text.indexOf(pemEnd, at + pemBegin.length);
  const close = last < 0 ? -1 : text.indexOf("KEY-----", last);
  return { start: at, end: close < 0 ? end : close + "KEY-----".length };
}

function botToken(bytes: Uint8Array, { start, at, end }: Place): Found {
  let from = at;
  while (from > start && at - from < 11 && isDigit(bytes[from - 1])) {
    from -= 1;
  }
  if (at - from < 8 || at - from > 10) {
    return none;
  }
  let to = at + 1;
  while (to < end && to - at <= 36 && isTokenByte(bytes[to])) {
    to += 1;
  }
  return to - at - 1 === 35 ? { start: from, end: to } : none;
}

function tokenRun(bytes: Uint8Array, from: number, end: number): number {
  let to = from;
  while (to < end && isTokenByte(bytes[to])) {
    to += 1;
  }
  return to;
}

function isAt(bytes: Uint8Array, from: number, end: number, literal: Uint8Array): boolean {
  if (from + literal.length > end) {
    return false;
  }
  for (let i = 0; i < literal.length; i++) {
    if (bytes[from + i] !== literal[i]) {
      return false;
    }
  }
  return true;
}

/** Part of another word: `task-force` is no `sk-`. */
function isLetterBefore(bytes: Uint8Array, from: number, start: number): boolean {
  return from > start && isWordByte(bytes[from - 1]) && bytes[from - 1] !== 0x5f;
}

function isSeparator(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x22 || byte === 0x27 || byte === 0x5c;
}

/** In quotes a value may have blanks. */
function isQuotedByte(byte: number | undefined): boolean {
  return byte !== 0x22 && byte !== 0x27 && byte !== 0x5c;
}

function isLowerLetter(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x61 && byte <= 0x7a;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

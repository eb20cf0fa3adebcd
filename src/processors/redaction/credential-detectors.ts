import { isTokenByte } from "./byte-classes.ts";
import { type Found, isAt, none, type Place } from "./detected.ts";
import { prefixedKeyAt, prefixTriggers } from "./known-prefixes.ts";

const dot = 0x2e;
const slash = 0x2f;
const dash = 0x2d;
const jwt = Buffer.from("eyJ");
const pemBegin = Buffer.from("-----BEGIN ");
const pemEnd = Buffer.from("-----END ");
/** What is before the secret part of the URL of a webhook, and where: of Discord, Slack and Teams. */
const webhooks = ["webhooks", "webhook", "services", "workflows", "triggers", "webhookb2"].map(
  (name) => Buffer.from(name),
);
const minWebhook = 24;
const maxWebhook = 512;
const uuidLength = 36;

/** The bytes at which something may be recognized; `tokenAt` is asked for these. */
export const tokenTriggers = [...prefixTriggers, ...Buffer.from("J:-./")];

/** A key with a prefix of its issuer, a JSON web token, a private key, the token of a bot of Telegram or Discord, or the URL of a webhook. */
export function tokenAt(bytes: Uint8Array, place: Place): Found {
  const { at, end } = place;
  const byte = bytes[at] ?? 0;
  const prefixed = prefixedKeyAt(bytes, place);
  if (prefixed.end >= 0) {
    return prefixed;
  }
  switch (byte) {
    case 0x4a:
      return webToken(bytes, at - 2, place);
    case dash:
      return privateKey(bytes, at, end);
    case 0x3a:
      return telegramToken(bytes, place);
    case dot:
      return discordToken(bytes, place);
    case slash:
      return webhookAt(bytes, place);
    default:
      return none;
  }
}

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
  const payload = bytes[header] === dot ? tokenRun(bytes, header + 1, end) : header;
  if (header - from < 10 || payload - header < 5) {
    return none;
  }
  return {
    start: from,
    end: bytes[payload] === dot ? tokenRun(bytes, payload + 1, end) : payload,
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

/** 8 to 12 digits, a colon and at least 34 characters: `110201543:AAHdqTcv…`. */
function telegramToken(bytes: Uint8Array, { start, at, end }: Place): Found {
  let from = at;
  while (from > start && at - from < 13 && isDigit(bytes[from - 1])) {
    from -= 1;
  }
  if (at - from < 8 || at - from > 12) {
    return none;
  }
  const to = tokenRun(bytes, at + 1, end);
  return to - at - 1 >= 34 ? { start: from, end: to } : none;
}

/** Three parts with dots between, the first of which is the number of the bot in base64; the first dot is at `at`. */
function discordToken(bytes: Uint8Array, { start, at, end }: Place): Found {
  const second = bytes[at + 7] === dot ? at + 7 : bytes[at + 8] === dot ? at + 8 : -1;
  if (second < 0 || second >= end || tokenRun(bytes, at + 1, second) !== second) {
    return none;
  }
  let from = at;
  while (from > start && at - from < 32 && isTokenByte(bytes[from - 1])) {
    from -= 1;
  }
  const first = bytes[from] ?? 0;
  const isNumber = first >= 0x4d && first <= 0x4f; // M, N and O: base64 of a digit
  const to = tokenRun(bytes, second + 1, end);
  return isNumber && at - from >= 20 && at - from <= 30 && to - second > 27
    ? { start: from, end: to }
    : none;
}

/** What makes the URL of a webhook a secret: all behind the name of the collection whose slash is at `at`. */
function webhookAt(bytes: Uint8Array, { start, at, end }: Place): Found {
  const last = bytes[at - 1];
  if (last !== 0x73 && last !== 0x32 && last !== 0x6b) {
    return none;
  }
  const isOne = webhooks.some((name) => {
    const from = at - name.length;
    return from > start && bytes[from - 1] === slash && isAt(bytes, from, at, name);
  });
  // The ids of Discord are numbers, those of Slack begin with T, the secret of Teams is long, and that of its older URLs begins with two UUIDs and an `@` between.
  const first = bytes[at + 1];
  const isKnown =
    last === 0x6b
      ? bytes[at + 1 + uuidLength] === 0x40
      : isDigit(first) || first === 0x54 || last === 0x32;
  if (!isOne || !isKnown) {
    return none;
  }
  const max = Math.min(end, at + 1 + maxWebhook);
  let to = at + 1;
  let slashes = 0;
  while (to < max && (isTokenByte(bytes[to]) || bytes[to] === slash || bytes[to] === 0x40)) {
    slashes += bytes[to] === slash ? 1 : 0;
    to += 1;
  }
  return slashes > 0 && to - at > minWebhook ? { start: at + 1, end: to } : none;
}

function tokenRun(bytes: Uint8Array, from: number, end: number): number {
  let to = from;
  while (to < end && isTokenByte(bytes[to])) {
    to += 1;
  }
  return to;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

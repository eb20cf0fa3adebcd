import { isAddressCharacter, isSessionKeyByte, isWordByte } from "./byte-classes.ts";
import {
  assignedValue,
  authorizationAt,
  type Found,
  tokenAt,
  tokenTriggers,
  userInfoAt,
} from "./credential-detectors.ts";

/** What a rule can look for in texts by name. */
export const valueKinds = ["session_key", "email", "secret"] as const;

export type ValueKind = (typeof valueKinds)[number];

/** Called with the range of a value that was found. */
export type OnFound = (kind: ValueKind, start: number, end: number) => void;

const at = 0x40;
const colon = 0x3a;
const equals = 0x3d;
const blank = 0x20;
const percent = 0x25;
const maxLocalPart = 64;
const maxDomain = 253;

/** The bytes at which something can be recognized. Nearly all other bytes of a text cost one look at this table. */
const triggers = new Uint8Array(256);
for (const byte of [at, colon, equals, blank, percent, ...tokenTriggers]) {
  triggers[byte] = 1;
}

/**
 * Finds session keys, mail addresses and secrets in UTF-8 from `start` up to `end`, in one pass. The time is in proportion to the length: what is
 * looked at before a trigger is bounded, and what was found is not looked at again. The ranges of one kind do not overlap.
 */
export function findValues(bytes: Uint8Array, start: number, end: number, found: OnFound): void {
  let keysFrom = start;
  let addressesFrom = start;
  let secretsFrom = start;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (triggers[byte] === 0) {
      continue;
    }
    if (byte === at) {
      const from = localPartStart(bytes, Math.max(addressesFrom, i - maxLocalPart), i);
      const to = from < i ? domainEnd(bytes, i + 1, Math.min(end, i + 1 + maxDomain)) : -1;
      if (to > 0) {
        found("email", from, to);
        addressesFrom = to;
      }
      continue;
    }
    if ((byte === colon || byte === percent) && i >= keysFrom) {
      const to = sessionKeyEnd(bytes, { start: keysFrom, at: i, end });
      if (to > 0) {
        found("session_key", i - agent.length, to);
        keysFrom = to;
      }
    }
    if (i >= secretsFrom && byte !== percent) {
      const secret = secretAt(bytes, { start: secretsFrom, at: i, end });
      if (secret.end > secret.start) {
        found("secret", secret.start, secret.end);
        secretsFrom = secret.end;
      }
    }
  }
}

function secretAt(
  bytes: Uint8Array,
  place: { readonly start: number; readonly at: number; readonly end: number },
): Found {
  switch (bytes[place.at]) {
    case blank:
      return authorizationAt(bytes, place);
    case equals:
      return assignedValue(bytes, place);
    case colon: {
      const value = assignedValue(bytes, place);
      const info = value.end < 0 ? userInfoAt(bytes, place) : value;
      return info.end < 0 ? tokenAt(bytes, place) : info;
    }
    default:
      return tokenAt(bytes, place);
  }
}

const agent = Buffer.from("agent");

/** Where a session key of OpenClaw ends whose first colon is at `at`; -1 for none. In a URL the colon may be `%3A`. */
function sessionKeyEnd(
  bytes: Uint8Array,
  {
    start,
    at: colonAt,
    end,
  }: { readonly start: number; readonly at: number; readonly end: number },
): number {
  const from = colonAt - agent.length;
  if (from < start || !isAgent(bytes, from) || (from > start && isWordByte(bytes[from - 1]))) {
    return -1;
  }
  let to = colonAt + 1;
  if (bytes[colonAt] === percent) {
    if (bytes[colonAt + 1] !== 0x33 || ((bytes[colonAt + 2] ?? 0) | 0x20) !== 0x61) {
      return -1;
    }
    to = colonAt + 3;
  }
  const tail = to;
  while (to < end && isSessionKeyByte(bytes[to])) {
    to += 1;
  }
  // The end of a sentence is none of the key.
  while (to > tail && isPunctuation(bytes[to - 1])) {
    to -= 1;
  }
  return to > tail ? to : -1;
}

function isAgent(bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < agent.length; i++) {
    if (((bytes[from + i] ?? 0) | 0x20) !== agent[i]) {
      return false;
    }
  }
  return true;
}

function isPunctuation(byte: number | undefined): boolean {
  return byte === 0x2e || byte === colon || byte === 0x21 || byte === 0x3f;
}

function localPartStart(bytes: Uint8Array, min: number, atSign: number): number {
  let from = atSign;
  while (from > min && isAddressCharacter(bytes[from - 1])) {
    from -= 1;
  }
  return from;
}

/** Where a domain of at least two labels ends, the last of them of letters; -1 for none. */
function domainEnd(bytes: Uint8Array, from: number, max: number): number {
  let good = -1;
  let label = from;
  let areLetters = true;
  let hasDot = false;
  let i = from;
  for (; i <= max; i++) {
    const byte = i < max ? (bytes[i] ?? 0) : 0;
    const lower = byte | 0x20;
    if ((lower >= 0x61 && lower <= 0x7a) || byte >= 0x80) {
      continue;
    }
    if ((byte >= 0x30 && byte <= 0x39) || byte === 0x2d) {
      areLetters = false;
      continue;
    }
    if (hasDot && areLetters && i - label >= 2) {
      good = i;
    }
    if (byte !== 0x2e || i === label) {
      break;
    }
    hasDot = true;
    areLetters = true;
    label = i + 1;
  }
  return good;
}

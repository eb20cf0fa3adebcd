import { isAddressCharacter } from "./byte-classes.ts";
import { tokenAt, tokenTriggers } from "./credential-detectors.ts";
import { type Found, none, type Place } from "./detected.ts";
import { assignedValue, authorizationAt, optionValue, userInfoAt } from "./named-credentials.ts";
import { sessionKeyEnd, sessionKeyStart } from "./session-keys.ts";
import { escapeEnd } from "./url-escapes.ts";

/** What a rule can look for in texts by name. */
export const valueKinds = ["session_key", "email", "secret"] as const;

export type ValueKind = (typeof valueKinds)[number];

/** Called with the range of a value that was found. */
export type OnFound = (kind: ValueKind, start: number, end: number) => void;

const at = 0x40;
const colon = 0x3a;
const equals = 0x3d;
const blank = 0x20;
const comma = 0x2c;
const percent = 0x25;
const maxLocalPart = 64;
const maxDomain = 253;

/** The bytes at which something can be recognized. Nearly all other bytes of a text cost one look at this table. */
const triggers = new Uint8Array(256);
for (const byte of [at, colon, equals, blank, comma, percent, ...tokenTriggers]) {
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
    if (byte === at || byte === percent) {
      const domain = byte === at ? i + 1 : escapeEnd(bytes, i, end, at);
      const from =
        domain < 0 ? i : localPartStart(bytes, Math.max(addressesFrom, i - maxLocalPart), i);
      const to = from < i ? domainEnd(bytes, domain, Math.min(end, domain + maxDomain)) : -1;
      if (to > 0) {
        found("email", from, to);
        addressesFrom = to;
      }
      if (domain >= 0) {
        continue;
      }
    }
    if ((byte === colon || byte === percent) && i >= keysFrom) {
      const to = sessionKeyEnd(bytes, { start: keysFrom, at: i, end });
      if (to > 0) {
        found("session_key", sessionKeyStart(i), to);
        keysFrom = to;
      }
    }
    if (i >= secretsFrom) {
      const secret = secretAt(bytes, { start: secretsFrom, at: i, end });
      if (secret.end > secret.start) {
        found("secret", secret.start, secret.end);
        secretsFrom = secret.end;
      }
    }
  }
}

function secretAt(bytes: Uint8Array, place: Place): Found {
  switch (bytes[place.at]) {
    case blank: {
      const credentials = authorizationAt(bytes, place);
      return credentials.end < 0 ? optionValue(bytes, place) : credentials;
    }
    case comma:
      return optionValue(bytes, place);
    case equals:
      return assignedValue(bytes, place);
    case percent:
      return escapedSecret(bytes, place);
    case colon: {
      const value = assignedValue(bytes, place);
      const info = value.end < 0 ? userInfoAt(bytes, place) : value;
      return info.end < 0 ? tokenAt(bytes, place) : info;
    }
    default:
      return tokenAt(bytes, place);
  }
}

/** Behind `%3D` or `%3A`, as in a URL that is a parameter of another one. */
function escapedSecret(bytes: Uint8Array, place: Place): Found {
  const isColon = escapeEnd(bytes, place.at, place.end, colon) === place.at + 3;
  if (!isColon && escapeEnd(bytes, place.at, place.end, equals) !== place.at + 3) {
    return none;
  }
  const value = assignedValue(bytes, place);
  return value.end < 0 && isColon ? tokenAt(bytes, place) : value;
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

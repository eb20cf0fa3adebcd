import { addressEnd } from "./address-end.ts";
import { authorizationAt } from "./authorization.ts";
import { isAddressCharacter } from "./byte-classes.ts";
import { commandPassword } from "./command-password.ts";
import { tokenAt, tokenTriggers } from "./credential-detectors.ts";
import { DecodedText, isEscapeAt, mayBeEscape } from "./decoded-text.ts";
import { type Found, none, type Place } from "./detected.ts";
import { elementText } from "./element-text.ts";
import { localPartWithSigns } from "./local-part.ts";
import { assignedValue, isWideSign } from "./named-credentials.ts";
import { optionValue } from "./option-value.ts";
import { oracleUserAt } from "./oracle-user.ts";
import { sessionKeyEnd, sessionKeyStart } from "./session-keys.ts";
import { userInfoAt } from "./user-info.ts";

/** What a rule can look for in texts by name. */
export const valueKinds = ["session_key", "email", "secret"] as const;

export type ValueKind = (typeof valueKinds)[number];

/** Called with the range of a value that was found. */
export type OnFound = (kind: ValueKind, start: number, end: number) => void;

const at = 0x40;
const colon = 0x3a;
const equals = 0x3d;
const greater = 0x3e;
const blank = 0x20;
const tab = 0x09;
const comma = 0x2c;
const percent = 0x25;
const backslash = 0x5c;
const escapeByte = 0x1b;
/** The first byte of `：`. */
const wideSign = 0xef;
/** More of a kind are not shown. */
export const maxFindings = 10_001;
const maxLocalPart = 64;

/** The bytes at which something can be recognized. Nearly all other bytes of a text cost one look at this table. */
const triggers = new Uint8Array(256);
for (const byte of [
  at,
  colon,
  equals,
  greater,
  blank,
  tab,
  comma,
  percent,
  backslash,
  escapeByte,
  wideSign,
  ...tokenTriggers,
]) {
  triggers[byte] = 1;
}

/**
 * Finds session keys, mail addresses and secrets in UTF-8 from `start` up to `end`, also where JSON and URLs escape them. The time is in proportion to the length: what is
 * looked at before a trigger is bounded, and what was found is not looked at again. The ranges of one kind do not overlap, and there are at most `maxFindings`.
 */
export function findValues(bytes: Uint8Array, start: number, end: number, found: OnFound): void {
  const plain = findingsIn(bytes, { start, end, levels: undefined });
  if (plain !== undefined) {
    for (const { kind, from, to } of plain) {
      found(kind, from, to);
    }
    return;
  }
  findDecodedValues(new DecodedText(bytes, start, end), found);
}

/** The same in a text whose escapes have been decoded. The ranges are those of its source. */
export function findDecodedValues(
  text: Pick<DecodedText, "bytes" | "levels" | "length" | "sourceStart" | "sourceEnd">,
  found: OnFound,
): void {
  const { bytes, length, levels } = text;
  for (const { kind, from, to } of findingsIn(bytes, { start: 0, end: length, levels }) ?? []) {
    found(kind, text.sourceStart(from), text.sourceEnd(to));
  }
}

interface Finding {
  readonly kind: ValueKind;
  readonly from: number;
  readonly to: number;
}

interface Findings {
  readonly all: Finding[];
  readonly counts: Record<ValueKind, number>;
}

const nothing: readonly Finding[] = [];

function added(found: Findings | undefined, kind: ValueKind, from: number, to: number): Findings {
  const findings = found ?? { all: [], counts: { session_key: 0, email: 0, secret: 0 } };
  if (findings.counts[kind] < maxFindings) {
    findings.counts[kind] += 1;
    findings.all.push({ kind, from, to });
  }
  return findings;
}

/** Undefined if something is escaped in a text that has not been decoded. */
function findingsIn(
  bytes: Uint8Array,
  { start, end, levels }: Pick<Place, "start" | "end" | "levels">,
): readonly Finding[] | undefined {
  let found: Findings | undefined;
  let keysFrom = start;
  let addressesFrom = start;
  let secretsFrom = start;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (triggers[byte] === 0) {
      continue;
    }
    if (mayBeEscape(byte)) {
      if (levels === undefined && isEscapeAt(bytes, i, end)) {
        return undefined;
      }
      continue;
    }
    if (byte === at) {
      const min = Math.max(addressesFrom, i - maxLocalPart);
      const from = numberStart(bytes, min, localPartStart(bytes, min, i));
      const to = from < i ? addressEnd(bytes, { from, at: i, end }) : -1;
      if (to > 0) {
        const first = localPartWithSigns(bytes, { start, min, from, to, end });
        found = added(found, "email", first, to);
        addressesFrom = to;
      }
      continue;
    }
    if (byte === colon && i >= keysFrom) {
      const to = sessionKeyEnd(bytes, { start: keysFrom, at: i, end, levels });
      if (to > 0) {
        found = added(found, "session_key", sessionKeyStart(i), to);
        keysFrom = to;
      }
    }
    if (i >= secretsFrom) {
      const secret = secretAt(bytes, { start: secretsFrom, at: i, end, levels });
      if (secret.end > secret.start) {
        found = added(found, "secret", secret.start, secret.end);
        secretsFrom = secret.end;
      }
    }
  }
  return found?.all ?? nothing;
}

/** What a blank or a comma is before. */
function spacedValue(bytes: Uint8Array, place: Place): Found {
  const value = optionValue(bytes, place);
  return value.end < 0 ? commandPassword(bytes, place) : value;
}

function secretAt(bytes: Uint8Array, place: Place): Found {
  switch (bytes[place.at]) {
    case blank:
    case tab: {
      const credentials = authorizationAt(bytes, place);
      return credentials.end < 0 ? spacedValue(bytes, place) : credentials;
    }
    case comma:
      return spacedValue(bytes, place);
    case equals: {
      const value = assignedValue(bytes, place);
      return value.end < 0 ? optionValue(bytes, place) : value;
    }
    case greater:
      return elementText(bytes, place);
    case colon: {
      const value = assignedValue(bytes, place);
      const info = value.end < 0 ? userInfoAt(bytes, place) : value;
      const user = info.end < 0 ? oracleUserAt(bytes, place) : info;
      return user.end < 0 ? tokenAt(bytes, place) : user;
    }
    case wideSign:
      return isWideSign(bytes, place) ? assignedValue(bytes, place) : none;
    default:
      return tokenAt(bytes, place);
  }
}

/** Where the number begins whose device is at `from`, as in `4915112345678:12@s.whatsapp.net`; `from` if there is none. */
function numberStart(bytes: Uint8Array, min: number, from: number): number {
  const colonAt = from - 1;
  let to = colonAt;
  while (to > min && bytes[colonAt] === colon && isDigit(bytes[to - 1])) {
    to -= 1;
  }
  return colonAt - to >= 7 && isDigit(bytes[from]) ? to : from;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function localPartStart(bytes: Uint8Array, min: number, atSign: number): number {
  let from = atSign;
  while (from > min && isAddressCharacter(bytes[from - 1])) {
    from -= 1;
  }
  return from;
}

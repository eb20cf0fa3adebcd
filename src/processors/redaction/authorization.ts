import { isBase64Byte, isInWord } from "./byte-classes.ts";
import { type Found, none, type Place } from "./detected.ts";

const minCredential = 8;
const schemes =
  /^(?:bearer|basic|token|digest|bot|apikey|api-key|key|ssws|ntlm|negotiate|hawk|hmac|hmac-sha256|aws4-hmac-sha256|oauth|dpop|splunk|geniekey|sso-key)$/i;
const longestScheme = 16;

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

/** `Bearer` and the like, behind which the credentials come. */
export function isScheme(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from <= longestScheme && schemes.test(textOf(bytes, from, to));
}

export function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}

function isLowerLetter(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x61 && byte <= 0x7a;
}

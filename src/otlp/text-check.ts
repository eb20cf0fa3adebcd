import { isUtf8 } from "node:buffer";

/** From this length on a call of native code costs less than reading four bytes at a time. */
const longText = 256;
const highBits = 0x8080_8080 | 0;

/** Whether the bytes from `start` up to `end` are valid UTF-8. Short ASCII, which nearly all texts are, is read in place. */
export function isText(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  const size = end - start;
  if (size >= longText) {
    return isUtf8(bytes.subarray(start, end));
  }
  if (size < 4) {
    for (let at = start; at < end; at++) {
      if ((bytes[at] ?? 0) >= 0x80) {
        return isUtf8(bytes.subarray(start, end));
      }
    }
    return true;
  }
  const last = end - 4; // overlaps the four bytes before
  let bits = view.getInt32(last);
  for (let at = start; at < last; at += 4) {
    bits |= view.getInt32(at);
  }
  return (bits & highBits) === 0 || isUtf8(bytes.subarray(start, end));
}

/**
 * The end of the valid sequence that begins at `at`, or, negated, of the invalid one: the longest beginning of a character, or one byte.
 * As `TextDecoder` does, which writes one U+FFFD for each of those.
 */
export function sequenceEnd(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) {
    return at + 1;
  }
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0) {
    return -(at + 1);
  }
  // The second byte excludes overlong forms, surrogates, and what is beyond U+10FFFF.
  let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let next = at + 1; next < at + length; next++) {
    const byte = next < end ? (bytes[next] ?? 0) : 0;
    if (byte < low || byte > high) {
      return -next;
    }
    low = 0x80;
    high = 0xbf;
  }
  return at + length;
}

import { isScalarTag, valueTags } from "./value-text.ts";

/** Whether the `AnyValue` from `start` up to `end` is one text, number, truth value or bytes, and nothing else, as nearly all are. */
export function isPlainValue(bytes: Uint8Array, start: number, end: number): boolean {
  const tag = bytes[start] ?? 0;
  if (end - start < 2) {
    return false;
  }
  return tag === valueTags.string || tag === valueTags.bytes
    ? contentStart(bytes, start + 1, end) >= 0
    : isScalarTag(tag) && isWholeScalar(bytes, start, end);
}

/** Where the content begins whose length is at `at`, if the content ends at `end`; else -1. */
export function contentStart(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) {
    return at + 1 + first === end ? at + 1 : -1; // as of nearly all
  }
  let length = 0;
  let scale = 1; // not shifts: the fifth byte reaches past 31 bits
  for (let from = at; from < end && from < at + 5; scale *= 0x80) {
    const byte = bytes[from] ?? 0;
    from += 1;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      return from + length === end ? from : -1;
    }
  }
  return -1;
}

/** Whether a number or truth value behind its tag is all there is. */
export function isWholeScalar(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === valueTags.double) {
    return end - start === 9;
  }
  for (let at = start + 1; at < end - 1; at++) {
    if ((bytes[at] ?? 0) < 0x80) {
      return false;
    }
  }
  return end - start > 1 && end - start <= 11 && (bytes[end - 1] ?? 0) < 0x80;
}

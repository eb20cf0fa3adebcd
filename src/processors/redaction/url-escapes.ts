const percent = 0x25;
/** How often a URL in a URL in a URL … is looked into. */
const maxLevels = 4;

/** Whether `%` and two hex digits are there. */
export function isEscapeAt(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === percent && at + 3 <= end && hexOf(bytes[at + 1]) + hexOf(bytes[at + 2]) < 32;
}

/** Where the escape of this character ends that begins at `at`, also if it is escaped again as in `%253A`; -1 for none. */
export function escapeEnd(bytes: Uint8Array, at: number, end: number, character: number): number {
  if (bytes[at] !== percent) {
    return -1;
  }
  let to = at + 1;
  for (let i = 1; i < maxLevels && bytes[to] === 0x32 && bytes[to + 1] === 0x35; i++) {
    to += 2;
  }
  return to + 2 <= end && hexOf(bytes[to]) * 16 + hexOf(bytes[to + 1]) === character ? to + 2 : -1;
}

/** The bytes without escapes, also of escapes. */
export function unescaped(text: Uint8Array): Uint8Array {
  let result = text;
  for (let level = 0; level < maxLevels; level++) {
    const next = unescapedOnce(result);
    if (next.length === result.length) {
      return next;
    }
    result = next;
  }
  return result;
}

function unescapedOnce(text: Uint8Array): Uint8Array {
  if (!text.includes(percent)) {
    return text;
  }
  const out = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    if (isEscapeAt(text, i, text.length)) {
      out[length] = hexOf(text[i + 1]) * 16 + hexOf(text[i + 2]);
      i += 2;
    } else {
      out[length] = text[i] ?? 0;
    }
    length += 1;
  }
  return out.subarray(0, length);
}

/** The value of a hex digit; 32 for anything else. */
function hexOf(byte: number | undefined): number {
  if (byte === undefined) {
    return 32;
  }
  if (byte >= 0x30 && byte <= 0x39) {
    return byte - 0x30;
  }
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : 32;
}

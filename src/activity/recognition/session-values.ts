/**
 * Texts that programs write where they have no session, in lower case: how languages print nothing (`None` of Python, `null`, `undefined`,
 * `<nil>` of Go, `(null)` of C, `NaN`), what JavaScript makes of an object, the UUID of zeros, and words for it. As a session each would connect runs
 * that have nothing to do with each other.
 */
export const noSessionTexts: readonly string[] = [
  "none",
  "null",
  "nil",
  "undefined",
  "nan",
  "<none>",
  "<null>",
  "<nil>",
  "(none)",
  "(null)",
  "n/a",
  "-",
  "unknown",
  "default",
  "[object object]",
  "00000000-0000-0000-0000-000000000000",
];

const placeholders = new Set(noSessionTexts);
const longest = Math.max(...noSessionTexts.map((text) => text.length));
const space = 0x20;
const tab = 0x09;
const carriageReturn = 0x0d;

/** Whether the text that is `bytes` from `start` up to `end` is no session: blank or a placeholder, in any case and with white space around it. */
export function isNoSession(bytes: Uint8Array, start: number, end: number): boolean {
  let from = start;
  let to = end;
  while (from < to && isSpace(bytes[from])) {
    from++;
  }
  while (to > from && isSpace(bytes[to - 1])) {
    to--;
  }
  if (to - from > longest) {
    return false;
  }
  return from === to || isPlaceholder(bytes, from, to);
}

/** The same for a text. */
export function isNoSessionText(text: string): boolean {
  const trimmed = text.replace(/^[ \t-\r]+|[ \t-\r]+$/g, "");
  return trimmed === "" || (trimmed.length <= longest && placeholders.has(trimmed.toLowerCase()));
}

/** The digits of a signed integer of 64 bits in two words. */
export function int64Text(hi: number, lo: number): string {
  return String((BigInt(hi | 0) << 32n) | BigInt(lo >>> 0));
}

/** Ids of sessions are seldom as short as a placeholder, so only those become a string. */
function isPlaceholder(bytes: Uint8Array, from: number, to: number): boolean {
  return placeholders.has(Buffer.from(bytes.subarray(from, to)).toString("latin1").toLowerCase());
}

/** ASCII only: what other characters mean depends on the encoding. */
function isSpace(byte = 0): boolean {
  return byte === space || (byte >= tab && byte <= carriageReturn);
}

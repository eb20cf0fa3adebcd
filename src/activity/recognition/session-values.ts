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

/** How such texts begin that end in any way: Logfire replaces attributes with "session" in their name by this, unless it is told not to. */
export const noSessionBeginnings: readonly string[] = ["[scrubbed due to "];

const placeholders = new Set(noSessionTexts);
const beginnings = noSessionBeginnings.map((text) => Buffer.from(text));
const longest = Math.max(...noSessionTexts.map((text) => text.length));
/** By their length. */
const placeholderBytes = Array.from({ length: longest + 1 }, (_, length) =>
  noSessionTexts.filter((text) => text.length === length).map((text) => Buffer.from(text)),
);
const space = 0x20;
const tab = 0x09;
const carriageReturn = 0x0d;
const upperA = 0x41;
const upperZ = 0x5a;
const lowerDistance = 0x20;

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
  if (beginnings.some((beginning) => beginsWith(bytes, from, to, beginning))) {
    return true;
  }
  return from === to || (to - from <= longest && isPlaceholder(bytes, from, to));
}

/** The same for a text. */
export function isNoSessionText(text: string): boolean {
  const trimmed = text.replace(/^[ \t-\r]+|[ \t-\r]+$/g, "");
  const lower = trimmed.slice(0, longest + 1).toLowerCase();
  return (
    trimmed === "" ||
    noSessionBeginnings.some((beginning) => lower.startsWith(beginning)) ||
    placeholders.has(lower)
  );
}

/** The digits of a signed integer of 64 bits in two words. */
export function int64Text(hi: number, lo: number): string {
  return String((BigInt(hi | 0) << 32n) | BigInt(lo >>> 0));
}

/** Creates no string: it is done for every session of every span. */
function isPlaceholder(bytes: Uint8Array, from: number, to: number): boolean {
  return (placeholderBytes[to - from] ?? []).some((each) => beginsWith(bytes, from, to, each));
}

/** Whether the text begins so, in any case. */
function beginsWith(bytes: Uint8Array, from: number, to: number, beginning: Uint8Array): boolean {
  let at = 0;
  while (at < beginning.length && from + at < to && toLower(bytes[from + at]) === beginning[at]) {
    at++;
  }
  return at === beginning.length;
}

function toLower(byte = 0): number {
  return byte >= upperA && byte <= upperZ ? byte + lowerDistance : byte;
}

/** ASCII only: what other characters mean depends on the encoding. */
function isSpace(byte = 0): boolean {
  return byte === space || (byte >= tab && byte <= carriageReturn);
}

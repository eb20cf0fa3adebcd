import { isSessionKeyByte, isWordByte } from "./byte-classes.ts";
import { DecodedText, mayBeEscape, urlLevelOf } from "./decoded-text.ts";
import { isAt, type Place } from "./detected.ts";

const agent = Buffer.from("agent");
const colon = 0x3a;
const slash = 0x2f;
const underscore = 0x5f;
const maxPathWord = 24;

/** Where a session key of OpenClaw whose first colon is at `at` begins. */
export function sessionKeyStart(at: number): number {
  return at - agent.length;
}

/** Where the session key ends whose first colon is at `at`; -1 for none. What follows in a URL is none of it. */
export function sessionKeyEnd(bytes: Uint8Array, { start, at, end, levels }: Place): number {
  const from = sessionKeyStart(at);
  if (from < start || !isAgent(bytes, from, end)) {
    return -1;
  }
  const before = from > start ? bytes[from - 1] : undefined;
  if (isWordByte(before) && before !== underscore) {
    return -1;
  }
  const isInUrl =
    urlLevelOf(levels, at) > 0 ||
    before === 0x3d ||
    before === slash ||
    (from > start && urlLevelOf(levels, from - 1) > 0);
  let to = at + 1;
  let colons = 1;
  for (; to < end && isSessionKeyByte(bytes[to]); to++) {
    colons += bytes[to] === colon ? 1 : 0;
    if (isInUrl && isEndInUrl(bytes, to, end)) {
      break;
    }
  }
  // The end of a sentence is none of the key.
  while (to > at + 1 && isPunctuation(bytes[to - 1])) {
    to -= 1;
  }
  // `sub_agent:x` is another word, `session_agent:main:x` is a key.
  return to > at + 1 && (before !== underscore || colons > 1) ? to : -1;
}

/** A session key without the escapes of URLs and JSON, so that it has one hash in every form; any other text as it is. */
export function plainSessionKey(text: Uint8Array): Uint8Array {
  const first = text[0] ?? 0;
  if (((first | 0x20) !== 0x61 && !mayBeEscape(first)) || !text.some(mayBeEscape)) {
    return text;
  }
  const { bytes, length } = new DecodedText(text, 0, text.length);
  return isAgent(bytes, 0, length) && bytes[agent.length] === colon
    ? bytes.subarray(0, length)
    : text;
}

/** `&`, `#` and `?`, unless a channel is called so, and a word of a path such as `/messages`. A group of Signal may have a slash. */
function isEndInUrl(bytes: Uint8Array, at: number, end: number): boolean {
  const byte = bytes[at];
  if (byte === 0x26 || byte === 0x23 || byte === 0x3f) {
    return bytes[at - 1] !== colon;
  }
  if (byte !== slash) {
    return false;
  }
  let to = at + 1;
  while (to < end && to - at <= maxPathWord && isPathLetter(bytes[to])) {
    to += 1;
  }
  const next = to < end ? bytes[to] : undefined;
  return (
    to - at <= maxPathWord &&
    (next === slash || next === 0x3f || next === 0x23 || !isSessionKeyByte(next))
  );
}

function isAgent(bytes: Uint8Array, from: number, end: number): boolean {
  if (isAt(bytes, from, end, agent)) {
    return true;
  }
  return (
    from + agent.length <= end && agent.every((byte, i) => ((bytes[from + i] ?? 0) | 0x20) === byte)
  );
}

function isPathLetter(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x61 && byte <= 0x7a) || byte === 0x2d || byte === 0x5f);
}

function isPunctuation(byte: number | undefined): boolean {
  return byte === 0x2e || byte === colon || byte === 0x21 || byte === 0x3f;
}

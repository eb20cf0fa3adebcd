import { isSessionKeyByte, isWordByte } from "./byte-classes.ts";
import { isAt, type Place } from "./detected.ts";
import { escapeEnd, isEscapeAt, unescaped } from "./url-escapes.ts";

const agent = Buffer.from("agent");
const colon = 0x3a;
const percent = 0x25;
const slash = 0x2f;
const maxPathWord = 24;

/** Where a session key of OpenClaw whose first colon is at `at` begins. */
export function sessionKeyStart(at: number): number {
  return at - agent.length;
}

/** Where the session key ends whose first colon is at `at`; -1 for none. In a URL its colons may be `%3A`, and what follows in the URL is none of it. */
export function sessionKeyEnd(bytes: Uint8Array, { start, at, end }: Place): number {
  const from = sessionKeyStart(at);
  if (from < start || !isAgent(bytes, from, end)) {
    return -1;
  }
  const before = from > start ? bytes[from - 1] : undefined;
  const isBehindEscape = from - 3 >= start && isEscapeAt(bytes, from - 3, end);
  if (isWordByte(before) && !isBehindEscape) {
    return -1;
  }
  const tail = bytes[at] === percent ? escapeEnd(bytes, at, end, colon) : at + 1;
  if (tail < 0) {
    return -1;
  }
  let isInUrl = bytes[at] === percent || before === 0x3d || before === slash || isBehindEscape;
  let to = tail;
  for (; to < end && isSessionKeyByte(bytes[to]); to++) {
    if (isEscapeAt(bytes, to, end)) {
      isInUrl = true;
      if (isEndEscaped(bytes, to)) {
        break;
      }
    } else if (isInUrl && isEndInUrl(bytes, to, end)) {
      break;
    }
  }
  // The end of a sentence is none of the key.
  while (to > tail && isPunctuation(bytes[to - 1])) {
    to -= 1;
  }
  return to > tail ? to : -1;
}

/** A session key without the escapes of a URL, so that it has one hash in every form; any other text as it is. */
export function unescapedSessionKey(text: Uint8Array): Uint8Array {
  return isAgent(text, 0, text.length) &&
    (text[agent.length] === colon || escapeEnd(text, agent.length, text.length, colon) > 0)
    ? unescaped(text)
    : text;
}

/** An escape of what no session key has: `%22`, `%20`, and `%26`, which separates parameters. */
function isEndEscaped(bytes: Uint8Array, at: number): boolean {
  const hex = Buffer.from(bytes.subarray(at + 1, at + 3)).toString("latin1");
  const byte = Number.parseInt(hex, 16);
  return byte === 0x26 || !isSessionKeyByte(byte);
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

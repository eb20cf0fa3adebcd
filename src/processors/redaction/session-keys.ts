import { endsWordAt } from "./beyond-ascii.ts";
import { isInWord, isSessionKeyByte, isTokenByte } from "./byte-classes.ts";
import { DecodedText, mayBeEscape, terminalSequence, urlLevelOf } from "./decoded-text.ts";
import { isAt, type Place } from "./detected.ts";

const agent = Buffer.from("agent");
const colon = 0x3a;
const slash = 0x2f;
const dot = 0x2e;
const maxPathWord = 24;
const maxAgentId = 256;

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
  if (isInWord(bytes, from, start)) {
    return -1;
  }
  const before = from > start ? bytes[from - 1] : undefined;
  const isInUrl =
    urlLevelOf(levels, at) > 0 ||
    before === 0x3d ||
    before === slash ||
    (from > start && urlLevelOf(levels, from - 1) > 0);
  const rest = agentIdEnd(bytes, at + 1, end) + 1;
  let to = rest;
  for (; to < end && isSessionKeyByte(bytes[to]); to++) {
    if ((isInUrl && isEndInUrl(bytes, to, end)) || endsWordAt(bytes, to, end)) {
      break;
    }
  }
  // The end of a sentence is none of the key, nor what emphasizes it in Markdown.
  while (to > rest && isPunctuation(bytes[to - 1])) {
    to -= 1;
  }
  return rest > 0 && to > rest ? to : -1;
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

/** Where the id of the agent ends, at the colon before the rest of the key; -2 if there is none: `user-agent:curl/8.0` and `http://agent:8080/` are no keys. */
function agentIdEnd(bytes: Uint8Array, from: number, end: number): number {
  const max = Math.min(end, from + maxAgentId);
  let to = from;
  while (to < max && (isTokenByte(bytes[to]) || bytes[to] === dot || (bytes[to] ?? 0) >= 0x80)) {
    to += 1;
  }
  return to > from && to < max && bytes[to] === colon ? to : -2;
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
  return (
    byte === dot ||
    byte === colon ||
    byte === 0x21 ||
    byte === 0x3f ||
    byte === terminalSequence ||
    byte === 0x2a
  );
}

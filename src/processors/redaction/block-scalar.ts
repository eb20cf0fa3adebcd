import { backslashesOf, urlLevelOf } from "./decoded-text.ts";
import { type Found, none, type Place } from "./detected.ts";

const blank = 0x20;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;
const heads = Buffer.from("-+123456789");

/** The lines of a text of YAML that `|` or `>` at `from` begins, as far as they have the indent of the first one. */
export function blockScalar(bytes: Uint8Array, from: number, { end, levels }: Place): Found {
  let at = from + 1;
  while (at < from + 3 && heads.includes(bytes[at] ?? 0)) {
    at += 1;
  }
  if (bytes[at] === carriageReturn) {
    at += 1;
  }
  if (at >= end || bytes[at] !== lineFeed) {
    return none;
  }
  const newline = at;
  /** A quote around the whole text is escaped less than what is in it. */
  const isAround = (to: number) =>
    urlLevelOf(levels, to) < urlLevelOf(levels, newline) ||
    (bytes[to] === quote && backslashesOf(levels, to) < backslashesOf(levels, newline));
  const start = indentEnd(bytes, newline + 1, end);
  const indent = start - newline - 1;
  if (indent === 0 || start >= end || bytes[start] === lineFeed) {
    return none;
  }
  let last = start;
  for (let to = start; to < end && !isAround(to); to++) {
    if (bytes[to] === lineFeed) {
      const next = indentEnd(bytes, to + 1, Math.min(end, to + 1 + indent));
      const isInner = next === to + 1 + indent || bytes[next] === lineFeed;
      if (!isInner) {
        break;
      }
    } else if ((bytes[to] ?? 0) > blank) {
      last = to + 1;
    }
  }
  return last > start ? { start, end: last } : none;
}

function indentEnd(bytes: Uint8Array, from: number, end: number): number {
  let to = from;
  while (to < end && bytes[to] === blank) {
    to += 1;
  }
  return to;
}

import { isTokenByte, isWordByte } from "./byte-classes.ts";
import { backslashesOf, isDoubtful, isInnerQuote, urlLevelOf } from "./decoded-text.ts";
import type { Place } from "./detected.ts";

/** A text in which the end of a value is looked for. */
export type Text = Pick<Place, "end" | "levels">;

const equals = 0x3d;
const colon = 0x3a;
const maxName = 64;

/**
 * Where the quote is that closes the one at `open`; `end` if none does. A quote with more backslashes than that one is a part of the value, unless these are
 * backslashes of the value themselves, and so is a quote that is written twice.
 */
export function closingQuote(bytes: Uint8Array, open: number, { end, levels }: Text): number {
  for (let to = open + 1; to < end; to++) {
    if (bytes[to] !== bytes[open] || !closes(levels, open, to)) {
      continue;
    }
    const isTwice =
      to > open + 1 &&
      to + 1 < end &&
      bytes[to + 1] === bytes[open] &&
      levels?.[to + 1] === levels?.[to];
    if (!isTwice) {
      return to;
    }
    to += 1;
  }
  return end;
}

/**
 * Where the value ends whose quote is at `open`: at the quote that closes it, but not at one with a word right behind it, as in `'it's x'`. If no other one closes it,
 * as in `'abc'def` of a shell, at the end of that word.
 */
export function quotedEnd(bytes: Uint8Array, open: number, place: Place): number {
  let close = closingQuote(bytes, open, place);
  while (close + 1 < place.end && bytes[close + 1] !== 0x2d && isTokenByte(bytes[close + 1])) {
    const next = closingQuote(bytes, close, place);
    if (next >= place.end || opensValue(bytes[next - 1])) {
      return bareEnd(bytes, close + 1, place.at, place);
    }
    close = next;
  }
  return close;
}

/** Whether the quote behind this byte opens the next value. */
function opensValue(byte: number | undefined): boolean {
  return byte !== undefined && (byte <= 0x20 || openers.includes(byte));
}

/** Whether the quote at `to` may close the same one at `open`, by what is before them. */
function closes(levels: Text["levels"], open: number, to: number): boolean {
  const backslashes = backslashesOf(levels, open);
  const here = backslashesOf(levels, to);
  // JSON in JSON in JSON … has 0, 1, 3, 7 … backslashes before a quote, and twice as many and two before each further backslash.
  const period = 2 * (backslashes + 1);
  return (
    urlLevelOf(levels, to) <= urlLevelOf(levels, open) &&
    (isInnerQuote(levels, open) || !isInnerQuote(levels, to)) &&
    (here < backslashes || here % period === backslashes)
  );
}

/**
 * Where a value without quotes ends that begins at `from` and was given by the sign at `at`: at a blank, at a quote or a closing bracket that is not in a word, and at a
 * comma, a semicolon, a bar, `&` or a letter behind a backslash that may be no escape, with a blank, an end or another name with that sign behind it. What is escaped more deeply than the sign belongs to the value.
 */
export function bareEnd(bytes: Uint8Array, from: number, at: number, text: Text): number {
  const { end, levels } = text;
  const urlLevel = urlLevelOf(levels, at);
  let open = 0;
  for (let to = from; to < end; to++) {
    const kind = kinds[bytes[to] ?? 0];
    if (kind === 0) {
      continue;
    }
    const level = urlLevelOf(levels, to);
    if (level > urlLevel) {
      continue;
    }
    switch (kind) {
      case ends.blank:
        if (!isDoubtful(levels, to) || beginsItem(bytes, to + 1, bytes[at], end)) {
          return to;
        }
        break;
      case ends.quote:
        if (to === from || !isWordByte(bytes[to + 1]) || to + 1 >= end) {
          return to;
        }
        break;
      case ends.opening:
        if (bytes[to] === 0x3c && bytes[to + 1] === 0x2f) {
          return to; // </name>
        }
        open += 1;
        break;
      case ends.closing:
        if (open === 0 && (to + 1 >= end || !isWordByte(bytes[to + 1]))) {
          return to;
        }
        open = Math.max(0, open - 1);
        break;
      default:
        if (level < urlLevel || beginsItem(bytes, to + 1, bytes[at], end)) {
          return to;
        }
    }
  }
  return end;
}

/**
 * Where a line ends that is a header behind `from`: at the end of the line or at a quote around the header, but not at quotes around its parameters. A quote
 * that was opened before the name of the header is at `quote`; -1 for none.
 */
export function headerEnd(bytes: Uint8Array, from: number, quote: number, text: Text): number {
  const { end, levels } = text;
  const urlLevel = urlLevelOf(levels, from - 1);
  /** The quote around a parameter, while one is open. */
  let open = -1;
  let to = from;
  for (; to < end; to++) {
    // What a cookie escapes belongs to it.
    if (urlLevelOf(levels, to) > urlLevel) {
      continue;
    }
    if (isLineEnd(bytes[to])) {
      if (!isDoubtful(levels, to) || beginsItem(bytes, to + 1, colon, end)) {
        break;
      }
    }
    if (kinds[bytes[to] ?? 0] !== ends.quote) {
      continue;
    }
    if (open >= 0) {
      open = bytes[to] === bytes[open] && closes(levels, open, to) ? -1 : open;
    } else if (quote >= 0 && bytes[to] === bytes[quote] && closes(levels, quote, to)) {
      break;
    } else if (bytes[to - 1] === equals || opensWord(bytes, to)) {
      open = to;
    } else if (!isWordByte(bytes[to + 1]) || !isWordByte(bytes[to - 1])) {
      break;
    }
  }
  while (to > from && bytes[to - 1] === 0x20) {
    to -= 1;
  }
  return to;
}

/** Whether a blank, an end or another name with this sign is at `from`, so that what is before it separates items. */
function beginsItem(
  bytes: Uint8Array,
  from: number,
  sign: number | undefined,
  end: number,
): boolean {
  let to = from;
  while (to < end && to - from < maxName && (isTokenByte(bytes[to]) || bytes[to] === 0x2e)) {
    to += 1;
  }
  const next = to < end ? bytes[to] : undefined;
  if (to === from) {
    return next === undefined || kinds[next] !== 0;
  }
  return (
    ((next === equals || next === colon) && next === sign) ||
    (next === 0x3b && bytes[from - 1] === 0x26)
  );
}

/** Whether the quote at `at` is behind a scheme, a comma or a bracket, and before a word: `Bearer "x"`. */
function opensWord(bytes: Uint8Array, at: number): boolean {
  const before = bytes[at - 1];
  return (
    (before === 0x20 || before === 0x2c || before === 0x7b || before === 0x5b) &&
    isWordByte(bytes[at + 1])
  );
}

export function isLineEnd(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d;
}

const ends = { blank: 1, quote: 2, opening: 3, closing: 4, separator: 5 } as const;

const openers = Buffer.from("=:,([{<+");

/** Which bytes may end a value; 0 for those that do not. */
const kinds = new Uint8Array(256);
kinds.fill(ends.blank, 0, 0x21);
for (const [kind, signs] of [
  [ends.quote, "\"'`"],
  [ends.opening, "([{<"],
  [ends.closing, ")]}>"],
  [ends.separator, ",;|&"],
] as const) {
  for (const sign of Buffer.from(signs)) {
    kinds[sign] = kind;
  }
}

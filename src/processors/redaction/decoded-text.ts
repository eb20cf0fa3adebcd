/**
 * A text as it is meant, without the escapes of URLs (`%3A`, also `%253A` of a URL in a URL) and of JSON (`\n`, `\"`, `\u003a`, also `\\n` of JSON in JSON), and where
 * each of its bytes is in the text as it was written.
 */

import { characters, hexAt, isHigh } from "./escape-letters.ts";
import { OpenQuotes } from "./open-quotes.ts";

const percent = 0x25;
const backslash = 0x5c;
const escapeByte = 0x1b;
const openBracket = 0x5b;
/** Stands for a sequence of a terminal, such as a colour. No byte of UTF-8 is one. */
export const terminalSequence = 0xff;
const maxSequence = 32;
const quote = 0x22;
const lineFeed = 0x0a;
/** How often a URL in a URL in a URL … is looked into. */
const maxPercents = 4;
const maxBackslashes = 15;
const doubtful = 0x80;
/** How deeply a byte is escaped: 16 for each level of a URL, 1 for each backslash before it, at most 15, and 128 for `isDoubtful` and `isInnerQuote`. */
export type Levels = Uint8Array;

/** Levels of URLs in which the byte at `at` is escaped; 0 for a text without escapes. */
export function urlLevelOf(levels: Levels | undefined, at: number): number {
  return ((levels?.[at] ?? 0) >> 4) & 0x07;
}

/** How many backslashes are before the byte at `at`, which belong to it. */
export function backslashesOf(levels: Levels | undefined, at: number): number {
  return (levels?.[at] ?? 0) & 0x0f;
}

/** Whether the blank at `at` is a backslash and a letter outside of any JSON string, so that it may be both: `CORP\nina`. */
export function isDoubtful(levels: Levels | undefined, at: number): boolean {
  return ((levels?.[at] ?? 0) & doubtful) !== 0;
}

/** Whether the single quote at `at` is escaped twice, in a JSON string and in a string in it. */
export function isInnerQuote(levels: Levels | undefined, at: number): boolean {
  return isDoubtful(levels, at);
}

/** Whether an escape may begin with this byte. */
export function mayBeEscape(byte: number): boolean {
  return byte === percent || byte === backslash || byte === escapeByte;
}

/** Whether an escape begins at `at`, which may be one by its byte. */
export function isEscapeAt(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === percent
    ? hexAt(bytes, at + 1, 2, end) >= 0
    : at + 1 < end && (bytes[at] === backslash || bytes[at + 1] === openBracket);
}

/** The text that is `source` from `start` up to `end`. Takes two bytes for each byte of it, and some more for each escape. */
export class DecodedText {
  readonly bytes: Uint8Array;
  readonly levels: Levels;
  length = 0;
  readonly #source: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  /** Of each escape: where it begins and ends here, and where in the source. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #sourceStarts: number[] = [];
  readonly #sourceEnds: number[] = [];
  readonly #quotes = new OpenQuotes();
  /** The unit that was read last: a byte, or an escape of a URL. */
  #value = 0;
  #urlLevel = 0;
  #next = 0;

  constructor(source: Uint8Array, start: number, end: number) {
    this.#source = source;
    this.#start = start;
    this.#end = end;
    this.bytes = new Uint8Array(end - start);
    this.levels = new Uint8Array(end - start);
    let length = 0;
    for (let i = start; i < end; ) {
      const byte = source[i] ?? 0;
      if (mayBeEscape(byte)) {
        this.length = length;
        let to = this.#escape(i);
        const last = this.length - 1;
        const sequence = this.bytes[last] === escapeByte ? this.#sequenceEnd(to) : -1;
        if (sequence >= 0) {
          this.bytes[last] = terminalSequence;
          to = sequence;
        }
        if (this.length - length !== to - i) {
          this.#starts.push(length);
          this.#ends.push(this.length);
          this.#sourceStarts.push(i);
          this.#sourceEnds.push(to);
        }
        length = this.length;
        i = to;
      } else {
        if (byte === quote || byte === lineFeed) {
          this.length = length;
          this.#passSign(byte, 0, 0);
        }
        this.bytes[length] = byte;
        length += 1;
        i += 1;
      }
    }
    this.length = length;
  }

  /** Where the byte at `at` begins in the source. */
  sourceStart(at: number): number {
    const index = this.#lastBefore(at + 1);
    const isIn = index >= 0 && at < (this.#ends[index] ?? 0);
    return isIn ? (this.#sourceStarts[index] ?? 0) : this.#behind(index, at);
  }

  /** Where that ends in the source which ends before `at`. An escape is never cut. */
  sourceEnd(at: number): number {
    const index = this.#lastBefore(at);
    return this.#behind(index, Math.max(at, this.#ends[index] ?? 0));
  }

  #behind(index: number, at: number): number {
    return index < 0
      ? this.#start + at
      : at - (this.#ends[index] ?? 0) + (this.#sourceEnds[index] ?? 0);
  }

  /** The last escape that begins before `at`; -1 for none. */
  #lastBefore(at: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) < at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  /** Where the sequence of a terminal ends whose bracket is at `from`: `ESC[1;31m`; -1 if it is none. */
  #sequenceEnd(from: number): number {
    if (from >= this.#end) {
      return -1;
    }
    this.#unit(from);
    if (this.#value !== openBracket) {
      return -1;
    }
    for (let i = 0; i < maxSequence && this.#next < this.#end; i++) {
      this.#unit(this.#next);
      if (this.#value >= 0x40 && this.#value <= 0x7e) {
        return this.#next;
      }
      if (this.#value < 0x20 || this.#value > 0x3f) {
        return -1;
      }
    }
    return -1;
  }

  #put(byte: number, level: number): void {
    this.bytes[this.length] = byte;
    this.levels[this.length] = level;
    this.length += 1;
  }

  /** Reads the escape at `from`, or the `%` or backslash that begins none, and returns where it ends. */
  #escape(from: number): number {
    this.#unit(from);
    const urlLevel = this.#urlLevel;
    if (this.#value !== backslash) {
      this.#passSign(this.#value, urlLevel, 0);
      this.#put(this.#value, urlLevel << 4);
      return this.#next;
    }
    let backslashes = 0;
    let after = from;
    while (after < this.#end) {
      this.#unit(after);
      if (this.#value !== backslash) {
        break;
      }
      backslashes += 1;
      after = this.#next;
    }
    const code: number = after < this.#end ? this.#value : 0;
    const meant = characters[code] ?? 0;
    if (meant === code && meant !== 0) {
      this.#passSign(meant, this.#urlLevel, backslashes);
      const isInner = meant !== quote && this.#quotes.isInnerEscape(this.#urlLevel, backslashes);
      const ofSign = (this.#urlLevel << 4) | Math.min(backslashes, maxBackslashes);
      this.#put(meant, isInner ? ofSign | doubtful : ofSign);
      return this.#next;
    }
    // A URL does not escape the letter, but the backslash.
    const level = (urlLevel << 4) | Math.min(backslashes, maxBackslashes);
    if (meant !== 0) {
      this.#put(meant, this.#quotes.isEscape(urlLevel, backslashes) ? level : level | doubtful);
      return this.#next;
    }
    const octal = this.#escapeCharacterEnd(code);
    if (octal >= 0) {
      this.#put(escapeByte, level);
      return octal;
    }
    const digits = code === 0x75 ? 4 : code === 0x78 ? 2 : 0;
    const point = digits === 0 ? -1 : this.#hex(this.#next, digits);
    if (point < 0) {
      this.#put(backslash, 0); // No escape: a backslash of Windows, or of a pattern.
      return after;
    }
    const end = this.#next + digits;
    const low = digits === 4 && isHigh(point) ? this.#lowSurrogate(end, backslashes) : -1;
    if (low >= 0) {
      this.#putCharacter(0x1_0000 + ((point - 0xd800) << 10) + (low - 0xdc00), level);
      return end + backslashes + 5;
    }
    this.#putCharacter(point, level);
    return end;
  }

  /** Where `\033` and `\e` end, of which the first sign was read, if a bracket is behind; else -1. */
  #escapeCharacterEnd(code: number): number {
    const at = this.#next;
    const isOctal = code === 0x30 && this.#source[at] === 0x33 && this.#source[at + 1] === 0x33;
    const to = isOctal ? at + 2 : code === 0x65 ? at : -1;
    return to >= 0 && to < this.#end && this.#source[to] === openBracket ? to : -1;
  }

  #passSign(byte: number, urlLevel: number, backslashes: number): void {
    if (byte === quote) {
      // Behind a digit no string begins: `5"` is a length.
      if (isDigit(this.bytes[this.length - 1]) && !this.#quotes.isOpen(urlLevel, backslashes)) {
        return;
      }
      this.#quotes.pass(urlLevel, backslashes);
    } else if (byte === lineFeed) {
      this.#quotes.endLine(urlLevel);
    }
  }

  /** Reads the byte at `at`, or the escape of a URL there. */
  #unit(at: number): void {
    this.#value = this.#source[at] ?? 0;
    this.#urlLevel = 0;
    this.#next = at + 1;
    if (this.#value !== percent) {
      return;
    }
    let to = at + 1;
    let level = 1;
    while (level < maxPercents && this.#hex(to, 2) === percent && this.#hex(to + 2, 2) >= 0) {
      to += 2;
      level += 1;
    }
    const value = this.#hex(to, 2);
    if (value >= 0) {
      this.#value = value;
      this.#urlLevel = level;
      this.#next = to + 2;
    }
  }

  #hex(at: number, digits: number): number {
    return hexAt(this.#source, at, digits, this.#end);
  }

  /** The second half of a character beyond 16 bits, behind as many backslashes; -1 if there is none. */
  #lowSurrogate(at: number, backslashes: number): number {
    for (let i = 0; i < backslashes; i++) {
      if (this.#source[at + i] !== backslash) {
        return -1;
      }
    }
    const low = this.#source[at + backslashes] === 0x75 ? this.#hex(at + backslashes + 1, 4) : -1;
    return low >= 0xdc00 && low <= 0xdfff ? low : -1;
  }

  #putCharacter(point: number, level: number): void {
    if (point < 0x80) {
      this.#put(point, level);
    } else if (point < 0x800) {
      this.#put(0xc0 | (point >> 6), level);
      this.#put(0x80 | (point & 0x3f), level);
    } else {
      if (point < 0x1_0000) {
        this.#put(0xe0 | (point >> 12), level);
      } else {
        this.#put(0xf0 | (point >> 18), level);
        this.#put(0x80 | ((point >> 12) & 0x3f), level);
      }
      this.#put(0x80 | ((point >> 6) & 0x3f), level);
      this.#put(0x80 | (point & 0x3f), level);
    }
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

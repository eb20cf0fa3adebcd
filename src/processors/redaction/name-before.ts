import { textOf } from "./authorization.ts";
import { isTokenByte } from "./byte-classes.ts";
import { backslashesOf } from "./decoded-text.ts";
import { type Found, none, type Place } from "./detected.ts";
import { letterOf } from "./escape-letters.ts";
import { couldBeSecretName, isSecretName } from "./secret-names.ts";

const maxName = 64;
const blank = 0x20;
const secondWord = /^(?:keys?|string)$/i;

/** The name of a secret that ends before `end`. */
export function nameAt(bytes: Uint8Array, end: number, { start, levels }: Place): Found {
  // Most words are no name of a secret, without a look at the whole name.
  if (end === start || !couldBeSecretName(bytes, start, end)) {
    return none;
  }
  let from = end;
  while (from > start && end - from < maxName && isTokenByte(bytes[from - 1])) {
    from -= 1;
  }
  if (from === end) {
    return none;
  }
  const name = textOf(bytes, from, end);
  if (isSecretName(name)) {
    return { start: from, end };
  }
  const first = isSecondWord(name) ? wordBefore(bytes, from, start) : from;
  if (first < from && isSecretName(textOf(bytes, first, end))) {
    return { start: first, end };
  }
  // In `C:\token` it is no escape.
  const letter =
    from > start && backslashesOf(levels, from - 1) > 0 ? letterOf(bytes[from - 1]) : 0;
  return letter > 0 && isSecretName(String.fromCharCode(letter) + name)
    ? { start: from, end }
    : none;
}

/** Whether it makes a name with the word before: `API Key`, `Connection String`. */
function isSecondWord(name: string): boolean {
  return secondWord.test(name);
}

/** Where the word begins that is before `from` and one blank; `from` if there is none. */
function wordBefore(bytes: Uint8Array, from: number, start: number): number {
  let first = from - 1;
  if (first <= start || bytes[first] !== blank) {
    return from;
  }
  while (first > start && from - first < maxName && isTokenByte(bytes[first - 1])) {
    first -= 1;
  }
  return first < from - 1 ? first : from;
}

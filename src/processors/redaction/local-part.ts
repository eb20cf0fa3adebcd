import { isAddressCharacter } from "./byte-classes.ts";
import { isAt } from "./detected.ts";

const slash = 0x2f;
const quote = 0x27;
const less = 0x3c;
const greater = 0x3e;
const mailto = Buffer.from("mailto:");
/** `f'bob@example.com'` */
const longestPrefix = 2;

/** An address in a text from `start` up to `end`: its first part is looked for from `min` on, and `from` up to `to` was found, without signs before. */
export interface Address {
  readonly start: number;
  readonly min: number;
  readonly from: number;
  readonly to: number;
  readonly end: number;
}

/**
 * Where an address begins whose first part may have signs: `o'brien@example.com`. Signs of paths, URLs and code count only where the address stands alone: `<bob/smith@example.com>`, behind `mailto:`, and
 * a slash if it is the whole text.
 */
export function localPartWithSigns(bytes: Uint8Array, address: Address): number {
  const { start, min, from, to, end } = address;
  if (from <= min || !isSign(bytes[from - 1])) {
    return from;
  }
  let first = from;
  while (first > min && (isAddressCharacter(bytes[first - 1]) || isSign(bytes[first - 1]))) {
    first -= 1;
  }
  if (
    (first > start && bytes[first - 1] === less && to < end && bytes[to] === greater) ||
    (first - mailto.length >= start && isAt(bytes, first - mailto.length, end, mailto))
  ) {
    return first;
  }
  if (first === start && to === end && isWithSlash(bytes, first, from)) {
    return first;
  }
  return behindPlainSigns(bytes, address);
}

/** Whether there is a word and one slash before `to`. */
function isWithSlash(bytes: Uint8Array, from: number, to: number): boolean {
  const first = bytes.indexOf(slash, from);
  return first === to - 1 && first > from;
}

/** Goes on over signs in words that separate nothing in paths and code. A sign that is behind the address, too, is around it. */
function behindPlainSigns(bytes: Uint8Array, { min, from, to, end }: Address): number {
  let first = from;
  while (first - 1 > min && plain.includes(bytes[first - 1] ?? 0)) {
    const signAt = first - 1;
    const sign = bytes[signAt];
    let word = signAt;
    while (word > min && isAddressCharacter(bytes[word - 1])) {
      word -= 1;
    }
    const isAround = to < end && bytes[to] === sign && (word === min || bytes[word - 1] !== sign);
    if (word === signAt || isAround || (sign === quote && isPrefix(bytes, word, signAt))) {
      break;
    }
    first = word;
  }
  return first;
}

/** The letters before a literal in Python: `f'…'`, `rb'…'`. */
function isPrefix(bytes: Uint8Array, from: number, to: number): boolean {
  return (
    to - from <= longestPrefix && bytes.subarray(from, to).every((byte) => prefixes.includes(byte))
  );
}

function isSign(byte: number | undefined): boolean {
  return byte !== undefined && signs.includes(byte);
}

/** What RFC 5322 allows in the first part of an address beside letters and digits. */
const signs = Buffer.from("!#$&'*/=?^`{|}~");
const plain = Buffer.from("!$'*^~");
const prefixes = Buffer.from("fFbBrRuU");

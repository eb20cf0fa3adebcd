import type { FuzzRandom } from "./fuzz-random.ts";

/** What a mutation may use besides the input itself. */
export interface Material {
  /** Words of the protocol. */
  readonly words: readonly Uint8Array[];
  /** Other inputs, for splices. */
  readonly corpus: readonly Uint8Array[];
  readonly maxBytes: number;
}

/** Bytes at the borders of what formats mean by a byte: signs, continuation of varints, wire types, the ends of ASCII. */
const borderBytes = [
  0, 1, 7, 8, 10, 13, 0x20, 0x22, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xf4, 0xfe, 0xff,
];
const borderNumbers = [
  "0",
  "-1",
  "65536",
  "4294967296",
  "9007199254740993",
  "18446744073709551616",
  "1e999",
  "00",
];

/** A copy of the input with one to six changes, at most `maxBytes` long. */
export function mutated(input: Uint8Array, random: FuzzRandom, material: Material): Uint8Array {
  let bytes = input;
  for (let left = 1 + random.below(6); left > 0; left--) {
    bytes = random.pick(mutations)(bytes, random, material);
  }
  return bytes.length > material.maxBytes ? bytes.subarray(0, material.maxBytes) : bytes;
}

type Mutation = (bytes: Uint8Array, random: FuzzRandom, material: Material) => Uint8Array;

/** Each is listed as often as it is worth: small changes get deeper than large ones. */
const mutations: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  addToByte,
  addToByte,
  insertWord,
  insertWord,
  overwriteWithWord,
  remove,
  remove,
  repeat,
  copyElsewhere,
  truncate,
  splice,
  growVarint,
  changeNumber,
];

function flipBit(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return withByte(bytes, random, (byte) => byte ^ (1 << random.below(8)));
}

function setByte(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return withByte(bytes, random, () =>
    random.below(2) === 0 ? random.pick(borderBytes) : random.below(256),
  );
}

/** Lengths are bytes, too: one more or less is what a wrong length usually is. */
function addToByte(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return withByte(bytes, random, (byte) => byte + random.below(9) - 4);
}

function withByte(
  bytes: Uint8Array,
  random: FuzzRandom,
  change: (byte: number) => number,
): Uint8Array {
  const copy = bytes.slice();
  if (copy.length > 0) {
    const at = random.below(copy.length);
    copy[at] = change(copy[at] ?? 0);
  }
  return copy;
}

function insertWord(bytes: Uint8Array, random: FuzzRandom, { words }: Material): Uint8Array {
  const word = words.length === 0 ? Uint8Array.of(random.below(256)) : random.pick(words);
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, at, word);
}

function overwriteWithWord(bytes: Uint8Array, random: FuzzRandom, { words }: Material): Uint8Array {
  const word = words.length === 0 ? Uint8Array.of(random.below(256)) : random.pick(words);
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, at + word.length, word);
}

function remove(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  const [start, end] = range(bytes, random);
  return replaced(bytes, start, end, nothing);
}

function repeat(bytes: Uint8Array, random: FuzzRandom, { maxBytes }: Material): Uint8Array {
  const [start, end] = range(bytes, random);
  const piece = bytes.subarray(start, end);
  const times = random.below(8) === 0 ? random.below(300) : 1 + random.below(4);
  const bounded = Math.min(times, Math.ceil(maxBytes / Math.max(piece.length, 1)));
  return replaced(bytes, end, end, Buffer.concat(Array.from({ length: bounded }, () => piece)));
}

function copyElsewhere(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  const [start, end] = range(bytes, random);
  const at = random.below(bytes.length + 1);
  return replaced(bytes, at, at, bytes.subarray(start, end));
}

function truncate(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  return bytes.slice(0, random.below(bytes.length + 1));
}

function splice(bytes: Uint8Array, random: FuzzRandom, { corpus }: Material): Uint8Array {
  const [start, end] = range(bytes, random);
  const other = corpus.length === 0 ? bytes : random.pick(corpus);
  const [from, to] = range(other, random);
  return replaced(bytes, start, end, other.subarray(from, to));
}

/** Gives the byte a continuation: a longer varint, or one that never ends. */
function growVarint(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  if (bytes.length === 0) {
    return bytes;
  }
  const at = random.below(bytes.length);
  const more = new Uint8Array(1 + random.below(10)).fill(0x80 + random.below(2) * 0x7f);
  const last = random.below(3) === 0 ? 0x7f : 0;
  const first = (bytes[at] ?? 0) | 0x80;
  return replaced(
    bytes,
    at,
    at + 1,
    Buffer.concat([[first], more.subarray(1), [last]].map((each) => Uint8Array.from(each))),
  );
}

/** Another number where digits are. */
function changeNumber(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  const isDigit = (at: number) => (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39;
  const from = random.below(bytes.length + 1);
  let start = from;
  while (start < bytes.length && !isDigit(start)) {
    start += 1;
  }
  let end = start;
  while (end < bytes.length && isDigit(end)) {
    end += 1;
  }
  return start === end
    ? bytes
    : replaced(bytes, start, end, Buffer.from(random.pick(borderNumbers)));
}

/** Mostly short: a part of a field, seldom half of the input. */
function range(bytes: Uint8Array, random: FuzzRandom): readonly [number, number] {
  const start = random.below(bytes.length + 1);
  const longest = random.below(4) === 0 ? bytes.length : 12;
  return [start, Math.min(bytes.length, start + 1 + random.below(longest))];
}

const nothing = new Uint8Array(0);

function replaced(bytes: Uint8Array, start: number, end: number, by: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(end, bytes.length));
  const result = new Uint8Array(start + by.length + rest.length);
  result.set(bytes.subarray(0, start));
  result.set(by, start);
  result.set(rest, start + by.length);
  return result;
}

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KeyIndex } from "../../../../src/activity/engine/store/table-rows.ts";
import {
  TabulationHash,
  tabulationBytes,
} from "../../../../src/activity/engine/store/tabulation-hash.ts";
import { Int32Column } from "../../../../src/otlp/columns.ts";

/** Nearly three quarters of 2^16 cells: as full as an index becomes. */
const rows = 49_000;

type Key = readonly number[];

/** How many cells a search looks at when a sender chooses the keys. */
function searchOf(words: 3 | 5, count: number, keyOf: (row: number) => Key) {
  const columns = Array.from({ length: words }, () => new Int32Column());
  const [a, b, c, d, e] = columns;
  const index = new KeyIndex(
    d === undefined || e === undefined ? [a!, b!, c!] : [a!, b!, c!, d, e],
    new TabulationHash(randomBytes(tabulationBytes)),
  );
  for (const column of columns) {
    column.ensure(count);
  }
  for (let row = 0; row < count; row++) {
    for (const [at, word] of keyOf(row).entries()) {
      columns[at]!.set(row, word | 0);
    }
    index.add(row);
  }
  let longest = 0;
  let sum = 0;
  for (let row = 0; row < count; row++) {
    const cells = index.searchedCells(row);
    longest = Math.max(longest, cells);
    sum += cells;
  }
  return { mean: sum / count, longest };
}

const randomWord = () => randomBytes(4).readInt32LE();
const base = Array.from({ length: 5 }, randomWord);
/** The base with some words changed. */
const with_ = (changed: Readonly<Record<number, number>>): Key =>
  base.map((word, at) => word ^ (changed[at] ?? 0));

/** Spreads the bits of a number over the words: bit n becomes bit 7·n mod 32 of word n mod `words`. */
function spread(number: number, words: number): Key {
  const key = [...base];
  for (let bit = 0; bit < 16; bit++) {
    if ((number >>> bit) & 1) {
      key[bit % words]! ^= 1 << ((7 * bit) % 32);
    }
  }
  return key;
}

/** The hash of words that these tables had until they were keyed, with the seed of a process. */
function formerHash([a = 0, b = 0, c = 0, d = 0, e = 0]: Key, seed: number): number {
  let hash = Math.imul(a ^ seed ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ b, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16) ^ c, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 15) ^ d ^ Math.imul(e, 0x9e3779b1), 0x165667b1);
  return hash ^ (hash >>> 16);
}

/** 2^20 keys with 1024 former hashes, whatever the seed: multiplication by an odd number keeps high bits high. */
function formerCollision(row: number): Key {
  const x = row >>> 10;
  return with_({ 0: (row & 1023) << 22, 1: (x << 22) ^ (x << 9) });
}

describe("an index whose keys a sender chooses", () => {
  for (const words of [3, 5] as const) {
    const families: Readonly<Record<string, (row: number) => Key>> = {
      "are random": () => base.map(randomWord),
      ...Object.fromEntries(
        base.slice(0, words).flatMap((_, word) => [
          [`differ in word ${word} only, and count up`, (row: number) => with_({ [word]: row })],
          [`differ in the high bits of word ${word} only`, (row) => with_({ [word]: row << 16 })],
          [
            `are an arithmetic sequence in word ${word}`,
            (row) => with_({ [word]: Math.imul(row, 0x9e3779b1) }),
          ],
        ]),
      ),
      "have the same number in every word": (row) => base.map(() => row),
      "are a square of two words": (row) => with_({ 0: row % 222, 1: Math.floor(row / 222) }),
      "are a cube of three bytes": (row) =>
        with_({
          0: row % 37,
          1: (Math.floor(row / 37) % 37) << 8,
          2: Math.floor(row / 1369) << 24,
        }),
      "are all patterns of sixteen bits": (row) => spread(row, words),
      "are consecutive after a byte swap": (row) =>
        with_({ 0: Buffer.from([0, row >>> 16, row >>> 8, row]).readInt32LE() }),
    };
    for (const [name, keyOf] of Object.entries(families)) {
      test(`searches as with random keys of ${words} words when keys ${name}`, () => {
        const chosen = searchOf(words, rows, (row) => keyOf(row).slice(0, words));
        // 2.5 cells on average for a random function, and fewer than 200 for the worst of so many rows.
        expect(chosen.mean).toBeLessThan(3.5);
        expect(chosen.longest).toBeLessThan(500);
      });
    }
  }

  test("searches as with random keys when 2^20 of them had 1024 hashes in the former table", () => {
    const count = 2 ** 20;
    for (const seed of [0, 0x55aa, randomWord()]) {
      const hashes = new Set<number>();
      for (let row = 0; row < count; row++) {
        hashes.add(formerHash(formerCollision(row), seed));
      }
      expect(hashes.size).toBe(1024);
    }
    const { mean, longest } = searchOf(3, count, (row) => formerCollision(row).slice(0, 3));
    // Half full: 1.5 cells on average.
    expect(mean).toBeLessThan(2.5);
    expect(longest).toBeLessThan(400);
  });
});

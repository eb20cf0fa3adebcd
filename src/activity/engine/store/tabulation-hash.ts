const bytesPerWord = 4;
const maxWords = 5;
const valuesOfByte = 256;

/** How many random bytes a hash is made of: tables for the bytes of a key, and for those of the words in between. */
export const tabulationBytes = (maxWords + 1) * bytesPerWord * valuesOfByte * 4;

/** A hash that everybody can compute, for tests and benchmarks: those that face no senders. */
export function predictableHash(seed = 1): TabulationHash {
  const random = new Uint8Array(tabulationBytes);
  let state = seed;
  for (let at = 0; at < random.length; at++) {
    // Numerical Recipes' generator; its high bits are the good ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    random[at] = state >>> 24;
  }
  return new TabulationHash(random);
}

/**
 * Tabulation hashing of up to five words, twice: each byte of a key picks a random number from a table of its own, and the exclusive
 * or of these is a word of which the bytes do the same once more.
 *
 * Senders choose trace ids and span ids. Whatever they choose, a table with linear probing takes constant time on average for each
 * search, as with a random function. The first time gives two keys the same word with a chance of 2^-32 (it is universal, and even
 * 3-independent); for distinct words of four bytes linear probing takes constant time: Pătraşcu and Thorup, The Power of Simple
 * Tabulation Hashing, J. ACM 59(3), 2012. Their constant grows with the number of bytes, so once is not enough for keys of twenty:
 * it is linear, and keys that are all patterns of some bits fall on half of the cells or fewer. Multiplication by random numbers has no
 * such bound, since linear probing needs more than pairwise independence.
 *
 * The proof holds for keys that are chosen without knowledge of the tables. So these are random, new in each process, and not
 * stored: an index is built anew when a snapshot is loaded.
 *
 * Keeps 24 KiB.
 */
export class TabulationHash {
  readonly #tables: Int32Array;

  /** `random`: `tabulationBytes` random bytes. */
  constructor(random: Uint8Array) {
    const view = new DataView(random.buffer, random.byteOffset, tabulationBytes);
    this.#tables = Int32Array.from({ length: tabulationBytes / 4 }, (_, at) =>
      view.getInt32(at * 4),
    );
  }

  /** The hash of a key of three words. */
  ofThree(a: number, b: number, c: number): number {
    return this.#ofWord(this.#wordOf(a, b, c));
  }

  /** The hash of a key of five words. */
  ofFive(a: number, b: number, c: number, d: number, e: number): number {
    const tables = this.#tables;
    return this.#ofWord(
      this.#wordOf(a, b, c) ^
        (tables[4096 + (d & 255)] ?? 0) ^
        (tables[4352 + ((d >>> 8) & 255)] ?? 0) ^
        (tables[4608 + ((d >>> 16) & 255)] ?? 0) ^
        (tables[4864 + (d >>> 24)] ?? 0) ^
        (tables[5120 + (e & 255)] ?? 0) ^
        (tables[5376 + ((e >>> 8) & 255)] ?? 0) ^
        (tables[5632 + ((e >>> 16) & 255)] ?? 0) ^
        (tables[5888 + (e >>> 24)] ?? 0),
    );
  }

  #ofWord(word: number): number {
    const tables = this.#tables;
    return (
      (tables[word & 255] ?? 0) ^
      (tables[256 + ((word >>> 8) & 255)] ?? 0) ^
      (tables[512 + ((word >>> 16) & 255)] ?? 0) ^
      (tables[768 + (word >>> 24)] ?? 0)
    );
  }

  #wordOf(a: number, b: number, c: number): number {
    const tables = this.#tables;
    return (
      (tables[1024 + (a & 255)] ?? 0) ^
      (tables[1280 + ((a >>> 8) & 255)] ?? 0) ^
      (tables[1536 + ((a >>> 16) & 255)] ?? 0) ^
      (tables[1792 + (a >>> 24)] ?? 0) ^
      (tables[2048 + (b & 255)] ?? 0) ^
      (tables[2304 + ((b >>> 8) & 255)] ?? 0) ^
      (tables[2560 + ((b >>> 16) & 255)] ?? 0) ^
      (tables[2816 + (b >>> 24)] ?? 0) ^
      (tables[3072 + (c & 255)] ?? 0) ^
      (tables[3328 + ((c >>> 8) & 255)] ?? 0) ^
      (tables[3584 + ((c >>> 16) & 255)] ?? 0) ^
      (tables[3840 + (c >>> 24)] ?? 0)
    );
  }
}

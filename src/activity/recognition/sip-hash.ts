/** How many rounds SipHash makes for each eight bytes, and at the end. */
export interface SipRounds {
  readonly compression: number;
  readonly finalization: number;
}

/** SipHash-2-4: a pseudorandom function, as its authors propose it. For what is kept or leaves a table. */
export const sipHash24: SipRounds = { compression: 2, finalization: 4 };
/** SipHash-1-3: for hash tables only, of which no sender sees a hash. */
export const sipHash13: SipRounds = { compression: 1, finalization: 3 };

/**
 * Keyed hash of bytes: SipHash with a key of 128 bits (Aumasson and Bernstein, https://github.com/veorq/SipHash). Without the key
 * a hash can be neither predicted nor turned back, and no two values can be found that have the same one.
 *
 * Words of 64 bits are pairs of int32 numbers here, and nothing is allocated: a `bigint` takes a hundred times as long.
 */
export class SipHash {
  /** The result, as little-endian words: two after `hash64`, four after `hash128`. */
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  readonly #rounds: SipRounds;
  /** The key, as little-endian words. */
  #key0 = 0;
  #key1 = 0;
  #key2 = 0;
  #key3 = 0;
  /** `key` is 16 random bytes. */
  constructor(key: Uint8Array, rounds: SipRounds = sipHash24) {
    this.#rounds = rounds;
    this.rekey(key);
  }

  /** Hashes with another key of 16 bytes from now on. */
  rekey(key: Uint8Array): void {
    const view = new DataView(key.buffer, key.byteOffset, 16);
    this.#key0 = view.getInt32(0, true);
    this.#key1 = view.getInt32(4, true);
    this.#key2 = view.getInt32(8, true);
    this.#key3 = view.getInt32(12, true);
  }

  /** Hashes `bytes` from `start` up to `end` into two words. */
  hash64(bytes: Uint8Array, start: number, end: number): void {
    this.#hash(bytes, start, end, 1);
    this.word2 = 0;
    this.word3 = 0;
  }

  /** Hashes `bytes` from `start` up to `end` into four words. */
  hash128(bytes: Uint8Array, start: number, end: number): void {
    this.#hash(bytes, start, end, 2);
  }

  /** One loop, so that the state stays in registers: a step for each block of eight bytes, then one for each of the `results`. */
  #hash(bytes: Uint8Array, start: number, end: number, results: 1 | 2): void {
    const { compression, finalization } = this.#rounds;
    let v0l = 0x70736575 ^ this.#key0;
    let v0h = 0x736f6d65 ^ this.#key1;
    let v1l = 0x6e646f6d ^ this.#key2 ^ (results === 2 ? 0xee : 0);
    let v1h = 0x646f7261 ^ this.#key3;
    let v2l = 0x6e657261 ^ this.#key0;
    let v2h = 0x6c796765 ^ this.#key1;
    let v3l = 0x79746573 ^ this.#key2;
    let v3h = 0x74656462 ^ this.#key3;
    const blocks = ((end - start) >>> 3) + 1;
    for (let step = 0; step < blocks + results; step++) {
      let low = 0;
      let high = 0;
      if (step < blocks) {
        const at = start + 8 * step;
        const isLast = step === blocks - 1;
        low = isLast ? restAt(bytes, at, end) : wordAt(bytes, at);
        high = isLast ? restAt(bytes, at + 4, end) | ((end - start) << 24) : wordAt(bytes, at + 4);
        v3l ^= low;
        v3h ^= high;
      } else if (step === blocks) {
        v2l ^= results === 2 ? 0xee : 0xff;
      } else {
        v1l ^= 0xdd;
      }
      for (let left = step < blocks ? compression : finalization; left > 0; left--) {
        // v0 += v1; v1 = (v1 <<< 13) ^ v0; v0 <<<= 32
        let sum = (v0l + v1l) | 0;
        v0h = (v0h + v1h + carryOf(v0l, v1l, sum)) | 0;
        v0l = (v1l << 13) | (v1h >>> 19);
        v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
        v1l = v0l ^ sum;
        v0l = v0h;
        v0h = sum;
        // v2 += v3; v3 = (v3 <<< 16) ^ v2
        sum = (v2l + v3l) | 0;
        v2h = (v2h + v3h + carryOf(v2l, v3l, sum)) | 0;
        v2l = (v3l << 16) | (v3h >>> 16);
        v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
        v3l = v2l ^ sum;
        v2l = sum;
        // v0 += v3; v3 = (v3 <<< 21) ^ v0
        sum = (v0l + v3l) | 0;
        v0h = (v0h + v3h + carryOf(v0l, v3l, sum)) | 0;
        v0l = (v3l << 21) | (v3h >>> 11);
        v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
        v3l = v0l ^ sum;
        v0l = sum;
        // v2 += v1; v1 = (v1 <<< 17) ^ v2; v2 <<<= 32
        sum = (v2l + v1l) | 0;
        v2h = (v2h + v1h + carryOf(v2l, v1l, sum)) | 0;
        v2l = (v1l << 17) | (v1h >>> 15);
        v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
        v1l = v2l ^ sum;
        v2l = v2h;
        v2h = sum;
      }
      if (step < blocks) {
        v0l ^= low;
        v0h ^= high;
      } else if (step === blocks) {
        this.word0 = v0l ^ v1l ^ v2l ^ v3l;
        this.word1 = v0h ^ v1h ^ v2h ^ v3h;
      } else {
        this.word2 = v0l ^ v1l ^ v2l ^ v3l;
        this.word3 = v0h ^ v1h ^ v2h ^ v3h;
      }
    }
  }
}

/** 1 when the sum of two words did not fit. */
function carryOf(a: number, b: number, sum: number): number {
  return ((a & b) | ((a | b) & ~sum)) >>> 31;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

/** The bytes from `at` on, at most four, that are before `end`; zeros for the others. */
function restAt(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let shift = 0; shift < 32 && at + shift / 8 < end; shift += 8) {
    word |= (bytes[at + shift / 8] ?? 0) << shift;
  }
  return word;
}

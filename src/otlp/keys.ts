import { viewOf } from "./wire-reader.ts";

const noKey = -1;

/**
 * A fixed set of short strings, such as attribute keys, found among bytes without making a string. A
 * lookup hashes three facts (the length and two of the bytes) and compares the names that it finds, nearly
 * always one; the seed is chosen so that names do not share a hash where possible.
 */
export class KeySet {
  /** In the order given; what `match` returns is an index into it. */
  readonly names: readonly string[];
  // Fields are initialized with a value of their type, because V8 checks a field that was ever undefined at every use.
  readonly #seed: number = 0;
  /** From a hash to the first name that has it. */
  readonly #slots: Int32Array = new Int32Array(0);
  /** From a name to the next one that has its hash, or -1. */
  readonly #next: Int32Array = new Int32Array(0);
  /** The bytes of all names, one after the other. */
  readonly #arena: Uint8Array = new Uint8Array(0);
  readonly #arenaView: DataView = new DataView(new ArrayBuffer(0));
  readonly #starts: Int32Array = new Int32Array(0);
  readonly #lengths: Int32Array = new Int32Array(0);
  /** The names of fewer than four bytes. */
  readonly #shortNames: readonly number[] = [];

  /** Of equal names the first one is found. */
  constructor(names: readonly string[]) {
    this.names = [...names];
    this.#arena = new TextEncoder().encode(names.join(""));
    this.#arenaView = new DataView(this.#arena.buffer);
    this.#lengths = Int32Array.from(names, (name) => Buffer.byteLength(name));
    this.#shortNames = [...this.#lengths.keys()].filter((index) => (this.#lengths[index] ?? 0) < 4);
    this.#starts = new Int32Array(names.length);
    for (let index = 1; index < names.length; index++) {
      this.#starts[index] = (this.#starts[index - 1] ?? 0) + (this.#lengths[index - 1] ?? 0);
    }
    const slots = 2 ** Math.ceil(Math.log2(Math.max(names.length, 1) * 8));
    this.#seed = this.#bestSeed(slots - 1);
    this.#slots = new Int32Array(slots).fill(noKey);
    this.#next = new Int32Array(names.length);
    for (let index = names.length - 1; index >= 0; index--) {
      const slot = this.#hashOfName(index, this.#seed) & (slots - 1);
      this.#next[index] = this.#slots[slot] ?? noKey;
      this.#slots[slot] = index;
    }
  }

  /** The index in `names` of the string that is `bytes` from `start` up to `end`, or -1. */
  match(bytes: Uint8Array, start: number, end: number): number {
    const last = end - 4;
    if (last < start) {
      return this.#search(bytes, start, end);
    }
    const slots = this.#slots;
    let index = slots[hashOf(bytes, start, end, this.#seed) & (slots.length - 1)] ?? noKey;
    while (index >= 0) {
      if (this.#lengths[index] === end - start) {
        const view = viewOf(bytes);
        const arena = this.#arenaView;
        const shift = (this.#starts[index] ?? 0) - start;
        let at = start;
        while (at < last && view.getInt32(at) === arena.getInt32(at + shift)) {
          at += 4;
        }
        // The last four bytes overlap the ones before.
        if (at >= last && view.getInt32(last) === arena.getInt32(last + shift)) {
          return index;
        }
      }
      index = this.#next[index] ?? noKey;
    }
    return noKey;
  }

  /** The same for the few very short strings. */
  #search(bytes: Uint8Array, start: number, end: number): number {
    for (const index of this.#shortNames) {
      const shift = (this.#starts[index] ?? 0) - start;
      let at = start;
      if (this.#lengths[index] === end - start) {
        while (at < end && bytes[at] === this.#arena[at + shift]) {
          at += 1;
        }
        if (at === end) {
          return index;
        }
      }
    }
    return noKey;
  }

  #hashOfName(index: number, seed: number): number {
    const start = this.#starts[index] ?? 0;
    return hashOf(this.#arena, start, start + (this.#lengths[index] ?? 0), seed);
  }

  /** The odd multiplier of a fixed sequence under which the fewest names share a slot. */
  #bestSeed(mask: number): number {
    let seed = 0x1e37_79b1;
    let best = seed;
    let fewest = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 256 && fewest > 0; attempt++) {
      const taken = new Set(this.names.map((_, index) => this.#hashOfName(index, seed) & mask));
      const meetings = this.names.length - taken.size;
      if (meetings < fewest) {
        fewest = meetings;
        best = seed;
      }
      seed = (Math.imul(seed, 0x0019_660d) + 0x3c6e_f35e) | 1;
    }
    return best;
  }
}

/** Of at least one byte. */
function hashOf(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const length = end - start;
  const middle = bytes[start + (length >> 1)] ?? 0;
  const last = bytes[end - 1] ?? 0;
  return Math.imul((length << 16) ^ (middle << 8) ^ last, seed) >>> 12;
}

const noKey = -1;

/**
 * A fixed set of attribute keys, found among bytes without making a string. A lookup hashes four
 * facts of the key (its length and three of its bytes) and compares at most a few candidates; the
 * seed is chosen so that the keys of the set do not meet where possible.
 */
export class KeySet {
  /** In the order given; what `match` returns is an index into it. */
  readonly names: readonly string[];
  readonly #slots: Int32Array;
  readonly #mask: number;
  readonly #seed: number;
  /** The bytes of all names, one after the other; name i is `#offsets[i]` to `#offsets[i + 1]`. */
  readonly #arena: Uint8Array;
  readonly #offsets: Int32Array;

  /** Of equal names the first one is found. */
  constructor(names: readonly string[]) {
    const encoded = names.map((name) => new TextEncoder().encode(name));
    this.names = [...names];
    this.#offsets = new Int32Array(names.length + 1);
    this.#arena = new Uint8Array(encoded.reduce((total, name) => total + name.length, 0));
    let offset = 0;
    for (const [index, name] of encoded.entries()) {
      this.#arena.set(name, offset);
      offset += name.length;
      this.#offsets[index + 1] = offset;
    }
    const size = 2 ** Math.ceil(Math.log2(Math.max(names.length, 1) * 8));
    this.#mask = size - 1;
    this.#seed = bestSeed(encoded, this.#mask);
    this.#slots = new Int32Array(size).fill(noKey);
    for (const [index, name] of encoded.entries()) {
      let slot = hashOf(name, 0, name.length, this.#seed) & this.#mask;
      while (this.#slots[slot] !== noKey) {
        slot = (slot + 1) & this.#mask;
      }
      this.#slots[slot] = index;
    }
  }

  /** The index in `names` of the key that is `bytes` from `start` up to `end`, or -1. */
  match(bytes: Uint8Array, start: number, end: number): number {
    let slot = hashOf(bytes, start, end, this.#seed) & this.#mask;
    for (;;) {
      const index = this.#slots[slot] ?? noKey;
      if (index === noKey || this.#isName(index, bytes, start, end)) {
        return index;
      }
      slot = (slot + 1) & this.#mask;
    }
  }

  #isName(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#offsets[index] ?? 0;
    const length = (this.#offsets[index + 1] ?? 0) - from;
    if (length !== end - start) {
      return false;
    }
    for (let i = 0; i < length; i++) {
      if (this.#arena[from + i] !== bytes[start + i]) {
        return false;
      }
    }
    return true;
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number, seed: number): number {
  if (start >= end) {
    return 0;
  }
  const length = end - start;
  const first = bytes[start] ?? 0;
  const middle = bytes[start + (length >> 1)] ?? 0;
  const last = bytes[end - 1] ?? 0;
  const facts = (length << 24) ^ (first << 16) ^ (middle << 8) ^ last;
  return Math.imul(facts, seed) >>> 16;
}

/** The odd multiplier of a fixed list under which the fewest names share a slot. */
function bestSeed(names: readonly Uint8Array[], mask: number): number {
  let best = 0x9e37_79b1;
  let fewest = Number.POSITIVE_INFINITY;
  let seed = best;
  for (let attempt = 0; attempt < 256 && fewest > 0; attempt++) {
    const taken = new Set(names.map((name) => hashOf(name, 0, name.length, seed) & mask));
    const meetings = names.length - taken.size;
    if (meetings < fewest) {
      fewest = meetings;
      best = seed;
    }
    seed = (Math.imul(seed, 0x0019_660d) + 0x3c6e_f35e) | 1;
  }
  return best;
}

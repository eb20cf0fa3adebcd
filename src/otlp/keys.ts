const noKey = -1;

/**
 * A fixed set of short strings, such as attribute keys, found among bytes without making a string. A
 * lookup hashes three facts (the length and two of the bytes) and compares the names of that hash; the
 * seed is chosen so that there is at most one where possible.
 */
export class KeySet {
  /** In the order given; what `match` returns is an index into it. */
  readonly names: readonly string[];
  readonly #seed: number;
  /** From a hash to the first name that has it. */
  readonly #slots: Int32Array;
  /** From a name to the next one with its hash. */
  readonly #next: Int32Array;
  /** The bytes of all names, one after the other. */
  readonly #arena: Uint8Array;
  readonly #arenaView: DataView;
  readonly #starts: Int32Array;
  readonly #lengths: Int32Array;

  /** Of equal names the first one is found. */
  constructor(names: readonly string[]) {
    this.names = [...names];
    this.#arena = new TextEncoder().encode(names.join(""));
    this.#arenaView = new DataView(this.#arena.buffer);
    this.#lengths = Int32Array.from(names, (name) => Buffer.byteLength(name));
    this.#starts = new Int32Array(names.length);
    for (let index = 1; index < names.length; index++) {
      this.#starts[index] = (this.#starts[index - 1] ?? 0) + (this.#lengths[index - 1] ?? 0);
    }
    const slots = 2 ** Math.ceil(Math.log2(Math.max(names.length, 1) * 8));
    this.#seed = this.#bestSeed(slots - 1);
    this.#slots = new Int32Array(slots).fill(noKey);
    this.#next = new Int32Array(names.length).fill(noKey);
    for (let index = names.length - 1; index >= 0; index--) {
      const slot = this.#hashOfName(index, this.#seed) & (slots - 1);
      this.#next[index] = this.#slots[slot] ?? noKey;
      this.#slots[slot] = index;
    }
  }

  /** The index in `names` of the string that is `bytes` from `start` up to `end`, or -1. */
  match(bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    let index = slots[hashOf(bytes, start, end, this.#seed) & (slots.length - 1)] ?? noKey;
    while (index >= 0) {
      if (
        this.#lengths[index] === end - start &&
        isEqual(viewOf(bytes), start, end, this.#arenaView, this.#starts[index] ?? 0)
      ) {
        return index;
      }
      index = this.#next[index] ?? noKey;
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

let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/**
 * A view of the bytes, for reading four at a time. Many lookups in one request follow one another, so
 * the last view is kept, and with it the request, until another one is looked into.
 */
function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return view;
}

function hashOf(bytes: Uint8Array, start: number, end: number, seed: number): number {
  if (start >= end) {
    return 0;
  }
  const length = end - start;
  const middle = bytes[start + (length >> 1)] ?? 0;
  const last = bytes[end - 1] ?? 0;
  return Math.imul((length << 16) ^ (middle << 8) ^ last, seed) >>> 12;
}

/** Is `a` from `start` up to `end` what `b` has from `startOfB` on? */
function isEqual(a: DataView, start: number, end: number, b: DataView, startOfB: number): boolean {
  const shift = startOfB - start;
  const last = end - 4; // the last four bytes overlap the ones before
  if (last < start) {
    for (let at = start; at < end; at++) {
      if (a.getUint8(at) !== b.getUint8(at + shift)) {
        return false;
      }
    }
    return true;
  }
  for (let at = start; at < last; at += 4) {
    if (a.getInt32(at) !== b.getInt32(at + shift)) {
      return false;
    }
  }
  return a.getInt32(last) === b.getInt32(last + shift);
}

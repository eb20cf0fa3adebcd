/** Beyond this the cache is emptied: senders choose the keys. */
const maxKeys = 2_048;
const slots = 4 * maxKeys;
/** Longer keys are not kept. */
const maxKeyLength = 128;
/** Keys that share a slot are looked for in this many slots. */
const maxProbes = 8;

/**
 * What was decided about a key, found by its bytes without making a string. Keeps at most 2048 keys of at most 128 bytes; what does not fit is
 * decided anew each time, which takes some microseconds, so no choice of keys can make a lookup slow.
 */
export class KeyCache<T> {
  readonly #seed: number;
  readonly #decide: (key: string) => T;
  readonly #keys: (Uint8Array | undefined)[] = new Array<undefined>(slots).fill(undefined);
  readonly #values: (T | undefined)[] = new Array<undefined>(slots).fill(undefined);
  #count = 0;

  constructor(seed: number, decide: (key: string) => T) {
    this.#seed = seed;
    this.#decide = decide;
  }

  get(bytes: Uint8Array, start: number, end: number): T {
    if (end - start > maxKeyLength) {
      return this.#decide(keyText(bytes, start, end));
    }
    const hash = this.#hash(bytes, start, end);
    for (let probe = 0; probe < maxProbes; probe++) {
      const slot = (hash + probe) & (slots - 1);
      const key = this.#keys[slot];
      if (key === undefined) {
        return this.#add(slot, bytes, start, end);
      }
      const value = this.#values[slot];
      if (value !== undefined && isSame(key, bytes, start, end)) {
        return value;
      }
    }
    return this.#decide(keyText(bytes, start, end));
  }

  #add(slot: number, bytes: Uint8Array, start: number, end: number): T {
    const value = this.#decide(keyText(bytes, start, end));
    if (this.#count >= maxKeys) {
      this.#keys.fill(undefined);
      this.#values.fill(undefined);
      this.#count = 0;
    }
    this.#keys[slot] = bytes.slice(start, end);
    this.#values[slot] = value;
    this.#count += 1;
    return value;
  }

  #hash(bytes: Uint8Array, start: number, end: number): number {
    let hash = this.#seed;
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x0100_0193);
    }
    return (hash ^ (hash >>> 15)) >>> 0;
  }
}

function isSame(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) {
    return false;
  }
  for (let i = 0; i < key.length; i++) {
    if (key[i] !== bytes[start + i]) {
      return false;
    }
  }
  return true;
}

function keyText(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
}

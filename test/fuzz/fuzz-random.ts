/** Numbers that look random and are the same for the same seed (mulberry32): a run can be repeated. */
export class FuzzRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to but without `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) * (end / 2 ** 32));
  }

  /** One of these; there must be one. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

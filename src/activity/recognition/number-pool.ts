/** How the numbers of a table are used. */
export interface NumberUsage {
  /** The engine's clock, as of the last request. */
  readonly clock: { readonly nowMs: number };
  /** A value that was not seen for so long is forgotten if its number is not in use elsewhere. */
  readonly maxAgeMs: number;
  /** The numbers that are in use elsewhere and may not be given to another value. Takes some milliseconds. */
  inUse(): ReadonlySet<number>;
  /** A value found no room, for the first time since a value found some. */
  onFull(): void;
}

/** Nothing is ever forgotten. */
export const neverUnused: NumberUsage = {
  clock: { nowMs: 0 },
  maxAgeMs: Number.POSITIVE_INFINITY,
  inUse: () => new Set(),
  onFull: () => {},
};

/** A sweep looks at every number, so at most this many are made within the age at which values are forgotten. */
const sweepsPerAge = 16;

/**
 * The numbers of a table of values: from 1, as small as possible. Keeps when the value of each was seen last, and which
 * numbers are free. No more than `bound` are taken at a time; beyond it `take` returns 0, and the first time calls `onFull`.
 */
export class NumberPool {
  readonly #bound: number;
  readonly #usage: NumberUsage;
  /** By number; infinite for a free one. */
  readonly #seenAtMs: number[] = [Number.POSITIVE_INFINITY];
  readonly #free: number[] = [];
  #nextSweepMs = Number.NEGATIVE_INFINITY;
  #isFull = false;

  constructor(bound: number, usage: NumberUsage) {
    this.#bound = bound;
    this.#usage = usage;
  }

  /** The value of `number` is seen now. */
  touch(number: number): void {
    this.#seenAtMs[number] = this.#usage.clock.nowMs;
  }

  /** A free number; 0 if there is none. */
  take(): number {
    const number = this.#free.pop() ?? this.#seenAtMs.length;
    const isFull = number > this.#bound;
    if (isFull && !this.#isFull) {
      this.#usage.onFull();
    }
    this.#isFull = isFull;
    if (isFull) {
      return 0;
    }
    this.touch(number);
    return number;
  }

  /** Takes a certain number, which is free. */
  takeStored(number: number): void {
    while (this.#seenAtMs.length <= number) {
      this.#free.push(this.#seenAtMs.push(Number.POSITIVE_INFINITY) - 1);
    }
    this.#free.splice(this.#free.indexOf(number), 1);
    this.touch(number);
  }

  /** Frees a number that was taken. */
  release(number: number): void {
    this.#seenAtMs[number] = Number.POSITIVE_INFINITY;
    this.#free.push(number);
  }

  /** The numbers that the table may release; none if the last sweep was a moment ago. */
  unused(): readonly number[] {
    const { maxAgeMs } = this.#usage;
    const { nowMs } = this.#usage.clock;
    if (nowMs < this.#nextSweepMs || maxAgeMs === Number.POSITIVE_INFINITY) {
      return [];
    }
    this.#nextSweepMs = nowMs + maxAgeMs / sweepsPerAge;
    const old: number[] = [];
    for (const [number, atMs] of this.#seenAtMs.entries()) {
      if (atMs + maxAgeMs <= nowMs) {
        old.push(number);
      }
    }
    const inUse = old.length === 0 ? undefined : this.#usage.inUse();
    return old.filter((number) => inUse?.has(number) === false);
  }
}

/** A table of numbered values that is swept for those that are no longer needed. */
export interface NumberUsage {
  /** A value is kept for so long after it was seen last. */
  readonly maxAgeMs: number;
  /** The numbers that are remembered elsewhere and may not be given again. Takes some milliseconds. */
  inUse(): ReadonlySet<number>;
  /** A value found no room, for the first time since there was some. */
  onFull(): void;
}

/** Nothing is ever forgotten. */
export const neverUnused: NumberUsage = {
  maxAgeMs: Number.POSITIVE_INFINITY,
  inUse: () => new Set(),
  onFull: () => {},
};

/** A sweep looks at everything, so this many are made within the age at which values are forgotten. */
const checksPerAge = 16;

/** When to sweep, and what may go. */
export class UnusedNumbers {
  readonly #use: NumberUsage;
  #nextMs = Number.NEGATIVE_INFINITY;
  #isFull = false;
  /** The clock of the machine, as of the last request. */
  nowMs = 0;

  constructor(use: NumberUsage) {
    this.#use = use;
  }

  /** The numbers that may be given again, of `seenAtMs` by number; none where the last sweep was a moment ago. */
  take(seenAtMs: () => Iterable<readonly [number, number]>): readonly number[] {
    const { maxAgeMs } = this.#use;
    if (this.nowMs < this.#nextMs || maxAgeMs === Number.POSITIVE_INFINITY) {
      return [];
    }
    this.#nextMs = this.nowMs + maxAgeMs / checksPerAge;
    const old = [...seenAtMs()].flatMap(([number, atMs]) =>
      atMs + maxAgeMs <= this.nowMs ? [number] : [],
    );
    const inUse = old.length === 0 ? undefined : this.#use.inUse();
    return old.filter((number) => inUse?.has(number) === false);
  }

  /** A value was added, or found no room. */
  onAdd({ isFull }: { readonly isFull: boolean }): void {
    if (isFull && !this.#isFull) {
      this.#use.onFull();
    }
    this.#isFull = isFull;
  }
}

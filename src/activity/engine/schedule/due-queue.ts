/** What a deadline is of. Of several that fall due at once the surer one comes first. */
export const timerRanks = { owner: 0, session: 1, process: 2, span: 3, state: 4 } as const;

const minWindowMs = 0.01;

export interface DueItem {
  readonly dueMs: number;
  readonly rank: number;
  /** An owner, a group, a process, a span, a group. */
  readonly item: number;
}

/** Where deadlines of one rank are kept. */
export interface TimerSource {
  /** Deadlines that are set. */
  readonly size: number;
  /** Takes out the items whose deadline was set to `untilMs` or before, in no particular order. */
  due(untilMs: number, into: number[]): void;
  /** The deadline of an item that `due` took out; later than what was set if it has moved since. */
  dueMsOf(item: number): number;
  postpone(item: number, dueMs: number): void;
  /** Whether more than `most` items were set to `untilMs` or before. */
  hasMoreDue(untilMs: number, most: number): boolean;
}

/** The sources by rank. */
export type TimerSources = readonly TimerSource[];

/**
 * What is due within a stretch of time, in the order of the deadlines, with what becomes due on the way.
 * A heap: of a hundred thousand things that are due at once the first is found without sorting them all.
 */
export class DueQueue {
  readonly untilMs: number;
  readonly #sources: TimerSources;
  readonly #dueMs: number[] = [];
  readonly #ranks: number[] = [];
  readonly #items: number[] = [];
  readonly #found: number[] = [];

  /** `left` is what was on one that was put away. */
  constructor(sources: TimerSources, untilMs: number, left: readonly DueItem[] = []) {
    this.#sources = sources;
    this.untilMs = untilMs;
    for (const { dueMs, rank, item } of left) {
      this.#add(dueMs, rank, item);
    }
  }

  /** When the next item is due; undefined when nothing more is. */
  nextMs(): number | undefined {
    for (let rank = 0; rank < this.#sources.length; rank++) {
      this.#addDue(rank);
    }
    return this.#dueMs[0];
  }

  /** The item that `nextMs` spoke of, which is off the agenda then. */
  take(): DueItem | undefined {
    const dueMs = this.#dueMs[0];
    if (dueMs === undefined) {
      return undefined;
    }
    const first = { dueMs, rank: this.#ranks[0] ?? 0, item: this.#items[0] ?? 0 };
    this.#removeFirst();
    return first;
  }

  /** What is still on it, in no particular order. */
  items(): readonly DueItem[] {
    return this.#dueMs.map((dueMs, at) => ({
      dueMs,
      rank: this.#ranks[at] ?? 0,
      item: this.#items[at] ?? 0,
    }));
  }

  /** Calls `see` for what is still on the agenda of a rank by `untilMs`, in no particular order. */
  forEachUntil(rank: number, untilMs: number, see: (item: number, dueMs: number) => void): void {
    for (let at = 0; at < this.#dueMs.length; at++) {
      const dueMs = this.#dueMs[at] ?? 0;
      if (this.#ranks[at] === rank && dueMs <= untilMs) {
        see(this.#items[at] ?? 0, dueMs);
      }
    }
  }

  /** Deadlines that have moved since they were set are found at their new place. */
  #addDue(rank: number): void {
    const source = this.#sources[rank];
    if (source === undefined) {
      return;
    }
    source.due(this.untilMs, this.#found);
    for (let item = this.#found.pop(); item !== undefined; item = this.#found.pop()) {
      const dueMs = source.dueMsOf(item);
      if (dueMs <= this.untilMs) {
        this.#add(dueMs, rank, item);
      } else {
        source.postpone(item, dueMs);
      }
    }
  }

  #add(dueMs: number, rank: number, item: number): void {
    let at = this.#dueMs.length;
    this.#put(at, dueMs, rank, item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(at, above)) {
        return;
      }
      this.#swap(at, above);
      at = above;
    }
  }

  #removeFirst(): void {
    const dueMs = this.#dueMs.pop() ?? 0;
    const rank = this.#ranks.pop() ?? 0;
    const item = this.#items.pop() ?? 0;
    const size = this.#dueMs.length;
    if (size === 0) {
      return;
    }
    this.#put(0, dueMs, rank, item);
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      let first = at;
      if (left < size && this.#isBefore(left, first)) {
        first = left;
      }
      if (right < size && this.#isBefore(right, first)) {
        first = right;
      }
      if (first === at) {
        return;
      }
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const byTime = (this.#dueMs[a] ?? 0) - (this.#dueMs[b] ?? 0);
    const byRank = (this.#ranks[a] ?? 0) - (this.#ranks[b] ?? 0);
    return (byTime || byRank || (this.#items[a] ?? 0) - (this.#items[b] ?? 0)) < 0;
  }

  #swap(a: number, b: number): void {
    const dueMs = this.#dueMs[a] ?? 0;
    const rank = this.#ranks[a] ?? 0;
    const item = this.#items[a] ?? 0;
    this.#put(a, this.#dueMs[b] ?? 0, this.#ranks[b] ?? 0, this.#items[b] ?? 0);
    this.#put(b, dueMs, rank, item);
  }

  #put(at: number, dueMs: number, rank: number, item: number): void {
    this.#dueMs[at] = dueMs;
    this.#ranks[at] = rank;
    this.#items[at] = item;
  }
}

/**
 * The latest moment after `fromMs` and by `untilMs` up to which no source has more than `most` items due; or
 * hardly later than `fromMs`, when they are all due at once.
 */
export function endOfWindow(
  sources: TimerSources,
  span: { readonly fromMs: number; readonly untilMs: number },
  most: number,
): number {
  const { fromMs } = span;
  let { untilMs } = span;
  while (untilMs - fromMs > minWindowMs && sources.some((each) => each.hasMoreDue(untilMs, most))) {
    untilMs = fromMs + (untilMs - fromMs) / 2;
  }
  return untilMs;
}

/** Whether nothing is due, ever. */
export function areIdle(sources: TimerSources): boolean {
  return sources.every(({ size }) => size === 0);
}

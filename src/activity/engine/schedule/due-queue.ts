/** The kinds of deadlines. Of deadlines at the same moment the one with the lower rank, which is more certain, comes first. */
export const timerRanks = { owner: 0, session: 1, process: 2, span: 3, state: 4 } as const;

const minWindowMs = 0.01;

export interface DueItem {
  readonly dueMs: number;
  readonly rank: number;
  /** By rank: the row of an owner, a group, a process, a span, a group. */
  readonly item: number;
}

/** The deadlines of one rank. */
export interface TimerSource {
  /** How many deadlines are set. */
  readonly size: number;
  /** Takes out the items whose deadline was set to `untilMs` or before, in no particular order. */
  due(untilMs: number, into: number[]): void;
  /** The present deadline of an item that `due` took out; later than what was set if it has moved since. */
  dueMsOf(item: number): number;
  /** Moves the deadline of an item to no earlier than `dueMs`. */
  postpone(item: number, dueMs: number): void;
  /** Whether more than `most` items were set to `untilMs` or before. */
  hasMoreDue(untilMs: number, most: number): boolean;
}

/** The sources by rank. */
export type TimerSources = readonly TimerSource[];

/**
 * Keeps what is due within a window of time, in the order of the deadlines, and takes in what becomes due while items are taken.
 * A binary heap: of 100 000 items that are due at once the first is found without sorting the others. Bounded by the deadlines that
 * are set; `endOfWindow` chooses windows with less.
 */
export class DueQueue {
  readonly #sources: TimerSources;
  readonly #heap: DueItem[] = [];
  readonly #found: number[] = [];

  constructor(sources: TimerSources) {
    this.#sources = sources;
  }

  /** Takes in what has become due by `untilMs`. Returns when the first item is due; undefined when there is none. */
  nextMs(untilMs: number): number | undefined {
    const found = this.#found;
    for (let rank = 0; rank < this.#sources.length; rank++) {
      const source = this.#sources[rank];
      source?.due(untilMs, found);
      for (let item = found.pop(); item !== undefined; item = found.pop()) {
        const dueMs = source?.dueMsOf(item) ?? untilMs;
        if (dueMs <= untilMs) {
          this.add({ dueMs, rank, item });
        } else {
          source?.postpone(item, dueMs);
        }
      }
    }
    return this.#heap[0]?.dueMs;
  }

  add(item: DueItem): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(item, parent)) {
        break;
      }
      heap[at] = parent;
      at = above;
    }
    heap[at] = item;
  }

  /** Takes out the first item. */
  take(): DueItem | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) {
      return first;
    }
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let least = heap[child];
      const right = heap[child + 1];
      if (least !== undefined && right !== undefined && isBefore(right, least)) {
        child++;
        least = right;
      }
      if (least === undefined || !isBefore(least, last)) {
        heap[at] = last;
        return first;
      }
      heap[at] = least;
      at = child;
    }
  }

  /** What is in the queue, in an order that rebuilds the same queue. */
  items(): readonly DueItem[] {
    return this.#heap;
  }

  /** Calls `see` for each item of a rank that is in the queue and due by `untilMs`, in no particular order. */
  forEachUntil(rank: number, untilMs: number, see: (item: number, dueMs: number) => void): void {
    for (const each of this.#heap) {
      if (each.rank === rank && each.dueMs <= untilMs) {
        see(each.item, each.dueMs);
      }
    }
  }
}

function isBefore(a: DueItem, b: DueItem): boolean {
  return (a.dueMs - b.dueMs || a.rank - b.rank || a.item - b.item) < 0;
}

/**
 * The latest moment after `fromMs` and by `untilMs` up to which no source has more than `most` items due; or `fromMs` + 0.01 ms,
 * when they are all due at once.
 */
export function endOfWindow(
  sources: TimerSources,
  span: { readonly fromMs: number; readonly untilMs: number },
  most: number,
): number {
  const { fromMs } = span;
  let { untilMs } = span;
  for (const source of sources) {
    const mayBeMore = source.size > most;
    while (mayBeMore && untilMs - fromMs > minWindowMs && source.hasMoreDue(untilMs, most)) {
      untilMs = fromMs + (untilMs - fromMs) / 2;
    }
  }
  return untilMs;
}

/** What a deadline is of. Of several that fall due at once the surer one comes first. */
export const agendaRanks = { group: 0, process: 1, span: 2, state: 3 } as const;

export interface AgendaItem {
  readonly dueMs: number;
  readonly rank: number;
  /** A group, a process, a span, a group. */
  readonly item: number;
}

/** Where deadlines of one rank are kept. */
export interface DeadlineSource {
  /** Deadlines that are set. */
  readonly size: number;
  /** Takes out the items whose deadline was set to `untilMs` or before, in no particular order. */
  due(untilMs: number, into: number[]): void;
  /** The deadline of an item that `due` took out; later than what was set if it has moved since. */
  dueMsOf(item: number): number;
  postpone(item: number, dueMs: number): void;
}

/** The sources by rank. */
export type DeadlineSources = readonly DeadlineSource[];

/** What is due within a stretch of time, in the order of the deadlines, with what becomes due on the way. */
export class Agenda {
  readonly #sources: DeadlineSources;
  readonly #untilMs: number;
  #items: AgendaItem[] = [];
  #next = 0;

  constructor(sources: DeadlineSources, untilMs: number) {
    this.#sources = sources;
    this.#untilMs = untilMs;
  }

  /** The next item, which is off the agenda then; undefined when nothing more is due. */
  take(): AgendaItem | undefined {
    const due: AgendaItem[] = [];
    for (const [rank, source] of this.#sources.entries()) {
      takeDue(source, rank, this.#untilMs, due);
    }
    if (due.length > 0) {
      this.#items = [...this.#items.slice(this.#next), ...due].sort(inOrder);
      this.#next = 0;
    }
    return this.#items[this.#next++];
  }

  /** Calls `see` for what is still on the agenda of a rank by `untilMs`. */
  eachLeft(rank: number, untilMs: number, see: (item: number) => void): void {
    for (let index = this.#next; index < this.#items.length; index++) {
      const next = this.#items[index];
      if (next === undefined || next.dueMs > untilMs) {
        return;
      }
      if (next.rank === rank) {
        see(next.item);
      }
    }
  }
}

/** Deadlines that have moved since they were set are found at their new place. */
function takeDue(source: DeadlineSource, rank: number, untilMs: number, into: AgendaItem[]): void {
  const items: number[] = [];
  source.due(untilMs, items);
  for (const item of items) {
    const dueMs = source.dueMsOf(item);
    if (dueMs <= untilMs) {
      into.push({ dueMs, rank, item });
    } else {
      source.postpone(item, dueMs);
    }
  }
}

function inOrder(a: AgendaItem, b: AgendaItem): number {
  return a.dueMs - b.dueMs || a.rank - b.rank || a.item - b.item;
}

/** Whether nothing is due, ever. */
export function isQuiet(sources: DeadlineSources): boolean {
  return sources.every(({ size }) => size === 0);
}

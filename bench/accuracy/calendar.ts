interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void | Promise<void>;
}

/** What is to happen, by time, and what was entered first first: a binary heap. */
export class Calendar {
  readonly #entries: Entry[] = [];
  #entered = 0;

  enter(atMs: number, act: () => void | Promise<void>): void {
    const entries = this.#entries;
    let at = entries.length;
    const entry = { atMs, order: this.#entered++, act };
    entries.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = entries[above];
      if (other === undefined || !isBefore(entry, other)) {
        break;
      }
      entries[at] = other;
      at = above;
    }
    entries[at] = entry;
  }

  /** When the next entry is; Infinity when there is none. */
  get nextMs(): number {
    return this.#entries[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Takes out the next entry. */
  take(): Entry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) {
      return first;
    }
    let at = 0;
    for (;;) {
      let below = at * 2 + 1;
      const left = entries[below];
      const right = entries[below + 1];
      if (left === undefined) {
        break;
      }
      let next = left;
      if (right !== undefined && isBefore(right, left)) {
        next = right;
        below++;
      }
      if (!isBefore(next, last)) {
        break;
      }
      entries[at] = next;
      at = below;
    }
    entries[at] = last;
    return first;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

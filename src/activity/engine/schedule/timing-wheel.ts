import { Float64Column } from "../../../otlp/columns.ts";
import { LinkedLists } from "../store/linked-lists.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

const bucketCount = 1024;

/**
 * A hashed timing wheel: keeps at most one deadline for each item (small integers, whose table bounds them). To set, move or cancel
 * one costs the same with a million items as with one. A deadline may be any number of turns ahead: buckets only show where to
 * search, and the deadline itself decides.
 */
export class TimingWheel {
  readonly #widthMs: number;
  readonly #lists = new LinkedLists(bucketCount);
  readonly #dueMs = new Float64Column();
  /** How many deadlines are set. */
  size = 0;
  #cursor = 0;
  /** No item in the cursor's bucket is due before it, so the bucket need not be walked again until then. */
  #quietUntilMs = 0;
  #admitted = 0;

  /** `widthMs` is what one bucket covers: about a hundredth of the usual delay. */
  constructor(widthMs: number) {
    this.#widthMs = Math.max(1, widthMs);
  }

  /** `items`: how many may have a deadline. The wheel that loads may have buckets of another width. */
  snapshot(io: SnapshotStream, items: number): void {
    const dueMs = new Float64Column(items);
    for (let item = 0; item < items; item++) {
      dueMs.set(item, this.isSet(item) ? this.#dueMs.get(item) : Number.NaN);
    }
    io.column(dueMs, items);
    if (io.isLoading) {
      for (let item = 0; item < items; item++) {
        this.admit(item);
        if (!Number.isNaN(dueMs.get(item))) {
          this.set(item, dueMs.get(item));
        }
      }
    }
  }

  /** Items that may have a deadline: those up to the largest that was admitted or set. */
  get items(): number {
    return this.#admitted;
  }

  /** Makes room for an item, and for those before it. `set` does so where it is needed. */
  admit(item: number): void {
    while (this.#admitted <= item) {
      this.#lists.admit(this.#admitted++);
    }
    this.#dueMs.ensure(item + 1);
  }

  isSet(item: number): boolean {
    return item < this.#admitted && this.#lists.isListed(item);
  }

  /** The deadline that an item has, or had when `due` took it out. */
  dueMsOf(item: number): number {
    return this.#dueMs.get(item);
  }

  /** Sets or moves the deadline of an item. The next `due` finds one in the past. */
  set(item: number, dueMs: number): void {
    if (item >= this.#admitted) {
      this.admit(item);
    }
    this.cancel(item);
    this.#dueMs.set(item, dueMs);
    const tick = Math.floor(dueMs / this.#widthMs);
    if (tick <= this.#cursor) {
      this.#quietUntilMs = Math.min(this.#quietUntilMs, dueMs);
    }
    this.#lists.push(Math.max(tick, this.#cursor) % bucketCount, item);
    this.size++;
  }

  /** Sets the deadline of an item unless it has a later one. */
  postpone(item: number, dueMs: number): void {
    if (!this.isSet(item) || this.#dueMs.get(item) < dueMs) {
      this.set(item, dueMs);
    }
  }

  /**
   * Calls `see` for each item whose deadline is at or before `untilMs`, in no particular order, until `see` returns false. It
   * must set nothing.
   */
  peek(untilMs: number, see: (item: number) => unknown): void {
    const tick = Math.floor(untilMs / this.#widthMs);
    const to = Math.min(tick, this.#cursor + bucketCount - 1);
    for (let at = this.size === 0 ? to + 1 : this.#cursor; at <= to; at++) {
      const bucket = at % bucketCount;
      for (let item = this.#lists.first(bucket); item !== -1; item = this.#lists.after(item)) {
        if (this.#dueMs.get(item) <= untilMs && see(item) === false) {
          return;
        }
      }
    }
  }

  /** Whether more than `most` items have a deadline at or before `untilMs`. */
  hasMoreDue(untilMs: number, most: number): boolean {
    let due = 0;
    this.peek(untilMs, () => ++due <= most);
    return due > most;
  }

  cancel(item: number): void {
    if (item < this.#admitted && this.#lists.remove(item)) {
      this.size--;
    }
  }

  /** Takes out every item whose deadline is at or before `nowMs`, in no particular order. */
  due(nowMs: number, into: number[]): void {
    const tick = Math.floor(nowMs / this.#widthMs);
    if (tick === this.#cursor && nowMs < this.#quietUntilMs) {
      return;
    }
    let quietUntilMs = (tick + 1) * this.#widthMs;
    // With nothing set there is no bucket to walk, however much time has passed.
    const from = this.size === 0 ? tick + 1 : Math.max(this.#cursor, tick - bucketCount + 1);
    for (let at = from; at <= tick; at++) {
      let item = this.#lists.first(at % bucketCount);
      while (item !== -1) {
        const next = this.#lists.after(item);
        const dueMs = this.#dueMs.get(item);
        if (dueMs <= nowMs) {
          this.#lists.remove(item);
          this.size--;
          into.push(item);
        } else {
          quietUntilMs = Math.min(quietUntilMs, dueMs);
        }
        item = next;
      }
    }
    this.#cursor = tick;
    this.#quietUntilMs = quietUntilMs;
  }
}

/**
 * A timing wheel whose deadlines may move either way until they fire, also while they are in the `DueQueue`: an entry there whose
 * deadline has moved since is no longer current, and is ignored. Keeps at most one deadline for each item (the row of a table,
 * which bounds them).
 */
export class KeyedTimers extends TimingWheel {
  /** Items whose current deadline is in the due queue → that deadline. */
  readonly #queued = new Map<number, number>();

  override snapshot(io: SnapshotStream): void {
    super.snapshot(io, io.number(this.items));
    const queued = io.numbers([...this.#queued].flat());
    for (let at = 0; io.isLoading && at < queued.length; at += 2) {
      this.#queued.set(queued[at] ?? -1, queued[at + 1] ?? 0);
    }
  }

  /** Sets the deadline of an item unless it has an earlier one. */
  schedule(item: number, dueMs: number): void {
    const current = this.currentOf(item);
    if (current === undefined || current > dueMs) {
      this.set(item, dueMs);
    }
  }

  override postpone(item: number, dueMs: number): void {
    const current = this.currentOf(item);
    if (current === undefined || current < dueMs) {
      this.set(item, dueMs);
    }
  }

  override cancel(item: number): void {
    this.#queued.delete(item);
    super.cancel(item);
  }

  /** The deadline of an item; undefined when it has none. */
  currentOf(item: number): number | undefined {
    const queuedMs = this.#queued.get(item);
    return queuedMs === undefined && this.isSet(item) ? super.dueMsOf(item) : queuedMs;
  }

  /** Whether an entry of the due queue is current. */
  isCurrent(item: number, dueMs: number): boolean {
    return this.#queued.get(item) === dueMs;
  }

  /** Removes the deadline of an item whose entry was taken from the due queue. False when the entry is not current. */
  fire(item: number, dueMs: number): boolean {
    return this.#queued.get(item) === dueMs && this.#queued.delete(item);
  }

  override due(untilMs: number, into: number[]): void {
    const before = into.length;
    super.due(untilMs, into);
    for (let at = before; at < into.length; at++) {
      const item = into[at] ?? -1;
      this.#queued.set(item, super.dueMsOf(item));
    }
  }
}

/**
 * The timers of open work that expires when it is silent for too long. A signal does not move the timer of its work: when the
 * timer is due, the signals that have arrived since count.
 *
 * Keeps one deadline for each open span; the span table bounds them.
 */
export class ExpiryTimers extends TimingWheel {
  readonly #expiresAtMs: (span: number) => number;

  /** `expiresAtMs`: when open work expires, by its last signal. */
  constructor(widthMs: number, expiresAtMs: (span: number) => number) {
    super(widthMs);
    this.#expiresAtMs = expiresAtMs;
  }

  /** When a span that `due` took out expires: as was set, or later by the signals since. */
  override dueMsOf(span: number): number {
    return Math.max(super.dueMsOf(span), this.#expiresAtMs(span));
  }
}

import type { SnapshotStream } from "../store/snapshot.ts";
import type { TimerSource } from "./due-queue.ts";
import { TimingWheel } from "./timing-wheel.ts";

/**
 * Keeps at most one deadline for each of many items (rows of a table, which bounds them). A deadline may move either way until it
 * fires, also while it is in the `DueQueue`: an entry there whose deadline has moved since is no longer current, and is ignored.
 */
export class KeyedTimers implements TimerSource {
  readonly #wheel: TimingWheel;
  /** Items whose current deadline is in the due queue → that deadline. */
  readonly #queued = new Map<number, number>();
  #admitted = 0;

  /** `widthMs`: see `TimingWheel`. */
  constructor(widthMs: number) {
    this.#wheel = new TimingWheel(widthMs);
  }

  snapshot(io: SnapshotStream): void {
    this.#admitted = io.number(this.#admitted);
    this.#wheel.snapshot(io, this.#admitted);
    const queued = io.numbers([...this.#queued].flat());
    for (let at = 0; io.isLoading && at < queued.length; at += 2) {
      this.#queued.set(queued[at] ?? -1, queued[at + 1] ?? 0);
    }
  }

  get size(): number {
    return this.#wheel.size;
  }

  /** Sets or moves the deadline of an item. */
  set(item: number, dueMs: number): void {
    while (this.#admitted <= item) {
      this.#wheel.admit(this.#admitted++);
    }
    this.#queued.delete(item);
    this.#wheel.set(item, dueMs);
  }

  /** Sets the deadline of an item unless it has an earlier one. */
  schedule(item: number, dueMs: number): void {
    const current = this.currentOf(item);
    if (current === undefined || current > dueMs) {
      this.set(item, dueMs);
    }
  }

  /** Sets the deadline of an item unless it has a later one. */
  postpone(item: number, dueMs: number): void {
    const current = this.currentOf(item);
    if (current === undefined || current < dueMs) {
      this.set(item, dueMs);
    }
  }

  cancel(item: number): void {
    this.#queued.delete(item);
    if (item < this.#admitted) {
      this.#wheel.cancel(item);
    }
  }

  /** The deadline of an item; undefined when it has none. */
  currentOf(item: number): number | undefined {
    const queuedMs = this.#queued.get(item);
    if (queuedMs !== undefined || item >= this.#admitted || !this.#wheel.isSet(item)) {
      return queuedMs;
    }
    return this.#wheel.dueMsOf(item);
  }

  /** Whether an entry of the due queue is current. */
  isCurrent(item: number, dueMs: number): boolean {
    return this.#queued.get(item) === dueMs;
  }

  /** Removes the deadline of an item whose entry was taken from the due queue. False when the entry is not current. */
  fire(item: number, dueMs: number): boolean {
    return this.#queued.get(item) === dueMs && this.#queued.delete(item);
  }

  due(untilMs: number, into: number[]): void {
    const before = into.length;
    this.#wheel.due(untilMs, into);
    for (let at = before; at < into.length; at++) {
      const item = into[at] ?? -1;
      this.#queued.set(item, this.#wheel.dueMsOf(item));
    }
  }

  dueMsOf(item: number): number {
    return this.#queued.get(item) ?? this.#wheel.dueMsOf(item);
  }

  hasMoreDue(untilMs: number, most: number): boolean {
    return this.#wheel.hasMoreDue(untilMs, most);
  }

  /** Calls `see` for each item that is due by `untilMs` and not in the due queue yet. It must set nothing. */
  peek(untilMs: number, see: (item: number) => void): void {
    this.#wheel.peek(untilMs, see);
  }
}

import type { SnapshotStream } from "../store/snapshot.ts";
import type { TimerSource } from "./due-queue.ts";
import { TimingWheel } from "./timing-wheel.ts";

/**
 * At most one deadline for each of many items, which may move either way until it is met. The queue holds the deadline
 * also while it is on the agenda; one that was moved since it got there does not stand any more.
 */
export class KeyedTimers implements TimerSource {
  readonly #wheel: TimingWheel;
  /** Items whose deadline is on the agenda, and when it is. */
  readonly #queued = new Map<number, number>();
  #admitted = 0;

  /** `widthMs`: see `TimingWheel`. */
  constructor(widthMs: number) {
    this.#wheel = new TimingWheel(widthMs);
  }

  snapshot(io: SnapshotStream): void {
    this.#admitted = io.number(this.#admitted);
    this.#wheel.snapshot(io, this.#admitted);
    const left = io.numbers([...this.#queued].flat());
    for (let at = 0; io.isLoading && at < left.length; at += 2) {
      this.#queued.set(left[at] ?? -1, left[at + 1] ?? 0);
    }
  }

  get size(): number {
    return this.#wheel.size;
  }

  /** Sets the deadline of `item`, whatever it was. */
  set(item: number, dueMs: number): void {
    while (this.#admitted <= item) {
      this.#wheel.admit(this.#admitted++);
    }
    this.#queued.delete(item);
    this.#wheel.set(item, dueMs);
  }

  /** Sets the deadline of `item` unless an earlier one stands. */
  schedule(item: number, dueMs: number): void {
    const standing = this.currentOf(item);
    if (standing === undefined || standing > dueMs) {
      this.set(item, dueMs);
    }
  }

  /** Moves the deadline of `item` to no earlier than `dueMs`. */
  postpone(item: number, dueMs: number): void {
    const standing = this.currentOf(item);
    if (standing === undefined || standing < dueMs) {
      this.set(item, dueMs);
    }
  }

  cancel(item: number): void {
    this.#queued.delete(item);
    if (item < this.#admitted) {
      this.#wheel.cancel(item);
    }
  }

  /** The deadline that stands, if one does. */
  currentOf(item: number): number | undefined {
    const onAgenda = this.#queued.get(item);
    if (onAgenda !== undefined || item >= this.#admitted || !this.#wheel.isSet(item)) {
      return onAgenda;
    }
    return this.#wheel.dueMsOf(item);
  }

  /** Whether a deadline that is on the agenda stands. */
  isCurrent(item: number, dueMs: number): boolean {
    return this.#queued.get(item) === dueMs;
  }

  /** A deadline that was on the agenda has come. False when it does not stand any more. */
  fire(item: number, dueMs: number): boolean {
    return this.isCurrent(item, dueMs) && this.#queued.delete(item);
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

  /** Calls `see` for each item that is due by `untilMs` and not on the agenda. */
  peek(untilMs: number, see: (item: number) => void): void {
    this.#wheel.peek(untilMs, (item) => see(item));
  }
}

import type { Archive } from "./archive.ts";
import { TimingWheel } from "./timing-wheel.ts";

/**
 * When each group is to be judged. A group has one deadline at most, and it only ever moves back. It stands
 * until the group is judged: also when it is on the agenda already, with others before it.
 */
export class GroupDeadlines {
  readonly #wheel: TimingWheel;
  readonly #allowedLatenessMs: number;
  /** Groups that are on the agenda. */
  readonly #due = new Set<number>();
  #admitted = 0;

  constructor(allowedLatenessMs: number) {
    this.#allowedLatenessMs = allowedLatenessMs;
    this.#wheel = new TimingWheel(allowedLatenessMs / 64);
  }

  archive(io: Archive): void {
    this.#admitted = io.number(this.#admitted);
    this.#wheel.archive(io, this.#admitted);
    const due = io.numbers([...this.#due].flatMap((group) => [group, this.dueMsOf(group)]));
    if (io.isLoading) {
      for (let at = 0; at < due.length; at += 2) {
        const [group = 0, dueMs = 0] = due.slice(at, at + 2);
        this.#wheel.set(group, dueMs);
        this.#wheel.cancel(group);
        this.#due.add(group);
      }
    }
  }

  hasMoreDue(untilMs: number, most: number): boolean {
    return this.#wheel.hasMoreDue(untilMs, most);
  }

  get size(): number {
    return this.#wheel.size;
  }

  /** The group is judged no earlier than `dueMs`. */
  postpone(group: number, dueMs: number): void {
    while (this.#admitted <= group) {
      this.#wheel.admit(this.#admitted++);
    }
    if (this.#due.has(group) && this.#wheel.dueMsOf(group) >= dueMs) {
      return;
    }
    this.#due.delete(group);
    this.#wheel.postpone(group, dueMs);
  }

  /** The group has something to be judged: within the lateness from now, unless a deadline stands. */
  call(group: number, nowMs: number): void {
    if (!this.isCalled(group)) {
      this.postpone(group, nowMs + this.#allowedLatenessMs);
    }
  }

  isCalled(group: number): boolean {
    return group < this.#admitted && (this.#wheel.isSet(group) || this.#due.has(group));
  }

  /** Whether the deadline of the group is on the agenda and has not moved since. */
  isDue(group: number): boolean {
    return this.#due.has(group);
  }

  /** The group has no deadline any more. */
  cancel(group: number): void {
    if (group < this.#admitted) {
      this.#wheel.cancel(group);
      this.#due.delete(group);
    }
  }

  /** Two groups became one: the later deadline stands. */
  move(from: number, into: number): void {
    if (this.isCalled(from)) {
      const dueMs = this.#wheel.dueMsOf(from);
      this.cancel(from);
      this.postpone(into, dueMs);
    }
  }

  /** Takes out the groups that are due, in no particular order, for the agenda. */
  due(nowMs: number, into: number[]): void {
    const known = into.length;
    this.#wheel.due(nowMs, into);
    for (let at = known; at < into.length; at++) {
      this.#due.add(into[at] ?? 0);
    }
  }

  /** Calls `see` for each group that is due by `untilMs` and not on the agenda. */
  peek(untilMs: number, see: (group: number) => void): void {
    this.#wheel.peek(untilMs, see);
  }

  /** The deadline of a group that has one. */
  dueMsOf(group: number): number {
    return this.#wheel.dueMsOf(group);
  }
}

import type { Archive } from "./archive.ts";
import { TimingWheel } from "./timing-wheel.ts";

/**
 * When each group is to be judged. A group has one deadline at most, and it only ever moves back. A deadline
 * stands until it is decided, also when it is on the agenda already: what is decided before may move it.
 */
export class GroupDeadlines {
  readonly #wheel: TimingWheel;
  /** Groups whose deadline is on the agenda. */
  readonly #onAgenda = new Set<number>();
  readonly #allowedLatenessMs: number;
  #admitted = 0;

  constructor(allowedLatenessMs: number) {
    this.#allowedLatenessMs = allowedLatenessMs;
    this.#wheel = new TimingWheel(allowedLatenessMs / 64);
  }

  archive(io: Archive): void {
    this.#admitted = io.number(this.#admitted);
    this.#wheel.archive(io, this.#admitted);
    const left = io.numbers([...this.#onAgenda].flatMap((group) => [group, this.dueMsOf(group)]));
    for (let at = 0; io.isLoading && at < left.length; at += 2) {
      const [group = 0, dueMs = 0] = left.slice(at, at + 2);
      this.#wheel.set(group, dueMs);
      this.#wheel.cancel(group);
      this.#onAgenda.add(group);
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
    if (this.isOnAgenda(group)) {
      if (this.#wheel.dueMsOf(group) >= dueMs) {
        return;
      }
      this.#onAgenda.delete(group);
    }
    this.#wheel.postpone(group, dueMs);
  }

  /** The group has something to be judged: within the lateness from now, unless a deadline stands. */
  call(group: number, nowMs: number): void {
    if (!this.isCalled(group)) {
      this.postpone(group, nowMs + this.#allowedLatenessMs);
    }
  }

  isCalled(group: number): boolean {
    return this.isOnAgenda(group) || (group < this.#admitted && this.#wheel.isSet(group));
  }

  /** Whether `due` took the group's deadline out and it stands. */
  isOnAgenda(group: number): boolean {
    return this.#onAgenda.has(group);
  }

  /**
   * Whether a deadline that `due` took out stands: it has neither gone nor moved to later, even if `due` took it
   * out again since.
   */
  stands(group: number, dueMs: number): boolean {
    return this.isOnAgenda(group) && this.dueMsOf(group) <= dueMs;
  }

  /** A deadline that `due` took out has come. False when it does not stand any more. */
  meet(group: number, dueMs: number): boolean {
    return this.stands(group, dueMs) && this.#onAgenda.delete(group);
  }

  cancel(group: number): void {
    this.#onAgenda.delete(group);
    if (group < this.#admitted) {
      this.#wheel.cancel(group);
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

  /** Takes out the groups that are due, in no particular order. */
  due(nowMs: number, into: number[]): void {
    const before = into.length;
    this.#wheel.due(nowMs, into);
    for (let at = before; at < into.length; at++) {
      this.#onAgenda.add(into[at] ?? -1);
    }
  }

  /** Calls `see` for each group that is due by `untilMs`. */
  peek(untilMs: number, see: (group: number) => void): void {
    this.#wheel.peek(untilMs, see);
  }

  /** The deadline a group has, or had when `due` took it out. */
  dueMsOf(group: number): number {
    return this.#wheel.dueMsOf(group);
  }
}

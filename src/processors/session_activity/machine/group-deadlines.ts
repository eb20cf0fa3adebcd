import type { Archive } from "./archive.ts";
import { TimingWheel } from "./timing-wheel.ts";

/** When each group is to be judged. A group has one deadline at most, and it only ever moves back. */
export class GroupDeadlines {
  readonly #wheel: TimingWheel;
  readonly #allowedLatenessMs: number;
  #admitted = 0;

  constructor(allowedLatenessMs: number) {
    this.#allowedLatenessMs = allowedLatenessMs;
    this.#wheel = new TimingWheel(allowedLatenessMs / 64);
  }

  archive(io: Archive): void {
    this.#admitted = io.number(this.#admitted);
    this.#wheel.archive(io, this.#admitted);
  }

  get size(): number {
    return this.#wheel.size;
  }

  /** The group is judged no earlier than `dueMs`. */
  postpone(group: number, dueMs: number): void {
    while (this.#admitted <= group) {
      this.#wheel.admit(this.#admitted++);
    }
    this.#wheel.postpone(group, dueMs);
  }

  /** The group has something to be judged: within the lateness from now, unless a deadline stands. */
  call(group: number, nowMs: number): void {
    if (group >= this.#admitted || !this.#wheel.isSet(group)) {
      this.postpone(group, nowMs + this.#allowedLatenessMs);
    }
  }

  isCalled(group: number): boolean {
    return group < this.#admitted && this.#wheel.isSet(group);
  }

  cancel(group: number): void {
    if (group < this.#admitted) {
      this.#wheel.cancel(group);
    }
  }

  /** Two groups became one: the later deadline stands. */
  move(from: number, into: number): void {
    if (this.isCalled(from)) {
      const dueMs = this.#wheel.dueMsOf(from);
      this.#wheel.cancel(from);
      this.postpone(into, dueMs);
    }
  }

  /** Takes out the groups that are due, in no particular order. */
  due(nowMs: number, into: number[]): void {
    this.#wheel.due(nowMs, into);
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

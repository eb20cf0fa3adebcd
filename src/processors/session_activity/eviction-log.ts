import type { LoggedEviction } from "./logged-eviction.ts";

/** The last evictions, oldest first; the oldest make room for new ones. */
export class EvictionLog {
  readonly #bound: number;
  #entries: LoggedEviction[] = [];
  #next = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  add(eviction: LoggedEviction): void {
    this.#entries[this.#next] = eviction;
    this.#next = (this.#next + 1) % this.#bound;
  }

  /** Replaces all entries. */
  restore(entries: readonly LoggedEviction[]): void {
    this.#entries = entries.slice(-this.#bound);
    this.#next = this.#entries.length % this.#bound;
  }

  entries(): readonly LoggedEviction[] {
    return [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)];
  }
}

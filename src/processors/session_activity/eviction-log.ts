import type { StoredEntries } from "../../activity/journal/persisted-state.ts";
import { type LoggedEviction, loggedEvictionSchema } from "./logged-eviction.ts";

/** The log of evictions. Keeps the last `bound` evictions; a new one replaces the oldest. */
export class EvictionLog implements StoredEntries {
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

  /** Replaces all entries by stored ones. Throws for an entry of another form. */
  restore(entries: readonly unknown[]): void {
    this.#entries = entries.slice(-this.#bound).map((entry) => loggedEvictionSchema.parse(entry));
    this.#next = this.#entries.length % this.#bound;
  }

  /** The oldest first. */
  entries(): readonly LoggedEviction[] {
    return [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)];
  }
}

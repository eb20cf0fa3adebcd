import type { StoredEntries } from "../../activity/journal/persisted-state.ts";
import { type LoggedEviction, loggedEvictionSchema } from "./logged-eviction.ts";

/** The last evictions, oldest first; the oldest make room for new ones. */
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

  /** Replaces all entries by stored ones. Throws for what is no entry. */
  restore(entries: readonly unknown[]): void {
    this.#entries = entries.slice(-this.#bound).map((entry) => loggedEvictionSchema.parse(entry));
    this.#next = this.#entries.length % this.#bound;
  }

  entries(): readonly LoggedEviction[] {
    return [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)];
  }
}

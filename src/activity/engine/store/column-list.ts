import type { Int32Column } from "../../../otlp/columns.ts";

/**
 * Doubly linked lists in the columns of tables: row `of` of one table is the head of a list of rows of another, or of the same,
 * table. A row is in at most one list of a kind; -1 ends a list. `LinkedLists` says how its lists differ.
 *
 * Keeps nothing itself: the tables bound the lists.
 */
export class ColumnList {
  readonly #head: Int32Column;
  readonly #next: Int32Column;
  readonly #previous: Int32Column;

  constructor(head: Int32Column, next: Int32Column, previous: Int32Column) {
    this.#head = head;
    this.#next = next;
    this.#previous = previous;
  }

  /** Puts `row`, which is in no list of this kind, first. */
  add(of: number, row: number): void {
    const first = this.#head.get(of);
    this.#previous.set(row, -1);
    this.#next.set(row, first);
    if (first !== -1) {
      this.#previous.set(first, row);
    }
    this.#head.set(of, row);
  }

  /** Takes `row` out of the list of `of`, in which it must be. */
  remove(of: number, row: number): void {
    const next = this.#next.get(row);
    const previous = this.#previous.get(row);
    if (previous === -1) {
      this.#head.set(of, next);
    } else {
      this.#next.set(previous, next);
    }
    if (next !== -1) {
      this.#previous.set(next, previous);
    }
    this.#next.set(row, -1);
    this.#previous.set(row, -1);
  }

  /** The first row of a list, or -1. */
  first(of: number): number {
    return this.#head.get(of);
  }

  /** The row after `row` in its list, or -1. */
  after(row: number): number {
    return this.#next.get(row);
  }

  /** The rows of a list, in an array that does not change with it. */
  all(of: number): number[] {
    const rows: number[] = [];
    for (let row = this.#head.get(of); row !== -1; row = this.#next.get(row)) {
      rows.push(row);
    }
    return rows;
  }
}

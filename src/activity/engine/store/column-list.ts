import type { Int32Column } from "../../../otlp/columns.ts";

/**
 * Doubly linked lists in columns that somebody else keeps: row `of` of one table heads a list of rows of another (or the
 * same) table. A row is in at most one list of a kind; -1 ends a list.
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

  /** Puts `row`, which is in no such list, first. */
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

  first(of: number): number {
    return this.#head.get(of);
  }

  after(row: number): number {
    return this.#next.get(row);
  }

  /** The rows as they are now, in an array that may outlive changes of the list. */
  all(of: number): number[] {
    const rows: number[] = [];
    for (let row = this.#head.get(of); row !== -1; row = this.#next.get(row)) {
      rows.push(row);
    }
    return rows;
  }
}

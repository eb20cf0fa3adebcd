import { Int32Column } from "../../../otlp/columns.ts";
import type { SnapshotStream } from "./snapshot.ts";

/**
 * Doubly linked queues of items, which are small integers: a fixed number of lists, and an item is in at most one of them.
 *
 * Keeps two numbers for each list and each admitted item, in columns of its own; the owner of the items bounds them.
 *
 * `ColumnList` is the other kind of list. Here each list is a ring through a node of its own, so that the last item is found
 * at once and an item is removed without its list: queues and the buckets of a timing wheel need both, and their lists
 * never change in number. A `ColumnList` has its heads in a table whose rows come and go, and needs neither.
 */
export class LinkedLists {
  readonly #lists: number;
  readonly #next: Int32Column;
  readonly #previous: Int32Column;

  constructor(lists: number) {
    this.#lists = lists;
    this.#next = new Int32Column(lists + 16);
    this.#previous = new Int32Column(lists + 16);
    for (let list = 0; list < lists; list++) {
      this.#next.set(list, list);
      this.#previous.set(list, list);
    }
  }

  /** `items` is how many items were admitted, from 0 on. */
  snapshot(stream: SnapshotStream, items: number): void {
    stream.column(this.#next, this.#lists + items);
    stream.column(this.#previous, this.#lists + items);
  }

  /** Whether `item` is in any list. */
  isListed(item: number): boolean {
    return this.#next.get(this.#lists + item) !== -1;
  }

  /** Makes room for `item`, which is in no list. Must be called once before its first `push`. */
  admit(item: number): void {
    const node = this.#lists + item;
    this.#next.ensure(node + 1);
    this.#previous.ensure(node + 1);
    this.#next.set(node, -1);
    this.#previous.set(node, -1);
  }

  /** Appends `item` unless it is in a list. Returns whether it did. */
  push(list: number, item: number): boolean {
    const node = this.#lists + item;
    if (this.#next.get(node) !== -1) {
      return false;
    }
    const last = this.#previous.get(list);
    this.#next.set(last, node);
    this.#previous.set(node, last);
    this.#next.set(node, list);
    this.#previous.set(list, node);
    return true;
  }

  /** Takes `item` out of its list. Returns whether it was in one. */
  remove(item: number): boolean {
    const node = this.#lists + item;
    const next = this.#next.get(node);
    if (next === -1) {
      return false;
    }
    const previous = this.#previous.get(node);
    this.#next.set(previous, next);
    this.#previous.set(next, previous);
    this.#next.set(node, -1);
    this.#previous.set(node, -1);
    return true;
  }

  /** The first item of a list, or -1. */
  first(list: number): number {
    const node = this.#next.get(list);
    return node < this.#lists ? -1 : node - this.#lists;
  }

  /** The last item of a list, or -1. */
  last(list: number): number {
    const node = this.#previous.get(list);
    return node < this.#lists ? -1 : node - this.#lists;
  }

  /** The item after `item` in its list, or -1. */
  after(item: number): number {
    const node = this.#next.get(this.#lists + item);
    return node < this.#lists ? -1 : node - this.#lists;
  }
}

/**
 * Doubly linked lists in the columns of tables: row `of` of one table is the head of a list of rows of another, or of the same,
 * table. A row is in at most one list of a kind; -1 ends a list. `LinkedLists` says how its lists differ.
 *
 * Keeps nothing itself: the tables bound the lists.
 */
export class ColumnList {
  /** The first row of each list, or -1. */
  readonly first: Int32Column;
  /** The row after each row in its list, or -1. */
  readonly after: Int32Column;
  readonly #previous: Int32Column;

  constructor(first: Int32Column, after: Int32Column, previous: Int32Column) {
    this.first = first;
    this.after = after;
    this.#previous = previous;
  }

  /** Puts `row`, which is in no list of this kind, first. */
  add(of: number, row: number): void {
    const first = this.first.get(of);
    this.#previous.set(row, -1);
    this.after.set(row, first);
    if (first !== -1) {
      this.#previous.set(first, row);
    }
    this.first.set(of, row);
  }

  /** Takes `row` out of the list of `of`, in which it must be. */
  remove(of: number, row: number): void {
    const next = this.after.get(row);
    const previous = this.#previous.get(row);
    if (previous === -1) {
      this.first.set(of, next);
    } else {
      this.after.set(previous, next);
    }
    if (next !== -1) {
      this.#previous.set(next, previous);
    }
    this.after.set(row, -1);
    this.#previous.set(row, -1);
  }

  /** The rows of a list, in an array that does not change with it. */
  all(of: number): number[] {
    const rows: number[] = [];
    for (let row = this.first.get(of); row !== -1; row = this.after.get(row)) {
      rows.push(row);
    }
    return rows;
  }
}

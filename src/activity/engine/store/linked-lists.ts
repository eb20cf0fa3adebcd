import { Int32Column } from "../../../otlp/columns.ts";
import type { SnapshotStream } from "./snapshot.ts";

/**
 * Many doubly linked lists over one set of items (small integers), without an object per item. An item
 * is in at most one list. Each list is a ring through a sentinel, so removal needs no list.
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

  /** Makes room for items 0 to `items` - 1. */
  ensure(items: number): void {
    this.#next.ensure(this.#lists + items);
    this.#previous.ensure(this.#lists + items);
  }

  /** `items` is how many have been admitted. */
  snapshot(stream: SnapshotStream, items: number): void {
    stream.column(this.#next, this.#lists + items);
    stream.column(this.#previous, this.#lists + items);
  }

  /** Whether `item` is in any list. */
  isListed(item: number): boolean {
    return this.#next.get(this.#lists + item) !== -1;
  }

  /** Must be called once for an item before its first `push`. */
  clear(item: number): void {
    this.#next.set(this.#lists + item, -1);
    this.#previous.set(this.#lists + item, -1);
  }

  /** Appends `item`, which must not be in a list. */
  push(list: number, item: number): void {
    const node = this.#lists + item;
    const last = this.#previous.get(list);
    this.#next.set(last, node);
    this.#previous.set(node, last);
    this.#next.set(node, list);
    this.#previous.set(list, node);
  }

  /** Takes `item` out of whatever list it is in; nothing happens when it is in none. */
  remove(item: number): void {
    const node = this.#lists + item;
    const next = this.#next.get(node);
    if (next === -1) {
      return;
    }
    const previous = this.#previous.get(node);
    this.#next.set(previous, next);
    this.#previous.set(next, previous);
    this.clear(item);
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

import { Int32Column } from "../../../otlp/columns.ts";
import { KeyIndex } from "./key-index.ts";
import type { SnapshotStream } from "./snapshot.ts";

/** Session references: (process, keyed hash) → group. Raw references never get here. */
export class ReferenceTable {
  readonly group = new Int32Column();
  /** The next reference of the same group, or -1. */
  readonly next = new Int32Column();
  readonly #process = new Int32Column();
  readonly #hi = new Int32Column();
  readonly #lo = new Int32Column();
  readonly #columns = [this.group, this.next, this.#process, this.#hi, this.#lo];
  readonly #index = new KeyIndex([this.#hi, this.#lo, this.#process], 1);
  #free: number[] = [];
  #rows = 0;

  snapshot(stream: SnapshotStream): void {
    this.#rows = stream.number(this.#rows);
    this.#free = stream.numbers(this.#free);
    for (const column of this.#columns) {
      stream.column(column, this.#rows);
    }
    if (stream.isLoading) {
      const vacant = new Set(this.#free);
      this.#index.rebuild(this.#rows, (row) => !vacant.has(row));
    }
  }

  get size(): number {
    return this.#index.size;
  }

  /** The row of a reference, or -1. */
  find(process: number, hi: number, lo: number): number {
    return this.#index.find(hi, lo, process, 0, 0);
  }

  add(process: number, hi: number, lo: number): number {
    const row = this.#free.pop() ?? this.#rows++;
    for (const column of this.#columns) {
      column.ensure(row + 1);
    }
    this.group.set(row, -1);
    this.next.set(row, -1);
    this.#process.set(row, process);
    this.#hi.set(row, hi);
    this.#lo.set(row, lo);
    this.#index.add(row);
    return row;
  }

  /** Makes all references from `first` on those of another group, in front of `before`, its first reference or -1. */
  moveAll(
    first: number,
    { group, before }: { readonly group: number; readonly before: number },
  ): void {
    let last = first;
    for (let row = first; row !== -1; row = this.next.get(row)) {
      this.group.set(row, group);
      last = row;
    }
    this.next.set(last, before);
  }

  remove(row: number): void {
    this.#index.remove(row);
    this.#free.push(row);
  }
}

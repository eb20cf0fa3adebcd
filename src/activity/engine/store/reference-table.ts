import { Int32Column } from "../../../otlp/columns.ts";
import { KeyIndex } from "./key-index.ts";
import type { SnapshotStream } from "./snapshot.ts";
import { type RowCounts, TableRows } from "./table-rows.ts";

/**
 * Session references: (process, keyed hash) → group. Raw references never get here.
 *
 * Keeps a row for each reference of a group, until the group goes. `SessionGroups` adds none beyond its `maxReferences`.
 */
export class ReferenceTable {
  readonly group = new Int32Column();
  /** The next reference of the same group, or -1. */
  readonly next = new Int32Column();
  readonly #process = new Int32Column();
  readonly #hi = new Int32Column();
  readonly #lo = new Int32Column();
  readonly #columns = [this.group, this.next, this.#process, this.#hi, this.#lo];
  readonly #index = new KeyIndex([this.#hi, this.#lo, this.#process], 1);
  readonly #rows = new TableRows(this.#columns);
  readonly rows: RowCounts = this.#rows;

  snapshot(stream: SnapshotStream): void {
    this.#rows.restore(stream.number(this.#rows.count), stream.numbers(this.#rows.vacant));
    for (const column of this.#columns) {
      stream.column(column, this.#rows.count);
    }
    if (stream.isLoading) {
      const vacant = new Set(this.#rows.vacant);
      this.#index.rebuild(this.#rows.count, (row) => !vacant.has(row));
    }
  }

  /** The row of a reference, or -1. */
  find(process: number, hi: number, lo: number): number {
    return this.#index.find(hi, lo, process, 0, 0);
  }

  /** Adds a reference that is not in the table, of no group. */
  add(process: number, hi: number, lo: number): number {
    const row = this.#rows.take();
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
    this.#rows.release(row);
  }
}

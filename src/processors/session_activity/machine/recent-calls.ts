import { Int32Column } from "../../../otlp/columns.ts";
import type { Archive } from "./archive.ts";
import { hashWords, IdIndex } from "./id-index.ts";

const vacant = -1;

/** A name for each of the calls that were added last: a ring of rows, and no object a call. */
export class RecentCalls {
  readonly #most: number;
  readonly #process = new Int32Column();
  readonly #key0 = new Int32Column();
  readonly #key1 = new Int32Column();
  readonly #name = new Int32Column();
  readonly #columns = [this.#process, this.#key0, this.#key1, this.#name];
  #index = new IdIndex();
  #rows = 0;
  #next = 0;

  /** Of more calls than `most` the oldest are forgotten. */
  constructor(most: number) {
    this.#most = most;
  }

  archive(io: Archive): void {
    this.#rows = io.number(this.#rows);
    this.#next = io.number(this.#next);
    for (const column of this.#columns) {
      io.column(column, this.#rows);
    }
    if (io.isLoading) {
      this.#index = new IdIndex();
      for (let row = 0; row < this.#rows; row++) {
        if (this.#process.get(row) !== vacant) {
          this.#index.add(this.#hashOf(row), row);
        }
      }
    }
  }

  /** Remembers `name` for the call of `process` whose keyed hash is `key0`, `key1`. */
  add(process: number, key0: number, key1: number, name: number): void {
    const known = this.#find(process, key0, key1);
    if (known !== -1) {
      this.#name.set(known, name);
      return;
    }
    const row = this.#next;
    this.#next = (row + 1) % this.#most;
    if (row < this.#rows) {
      this.#remove(row);
    } else {
      this.#rows = row + 1;
      for (const column of this.#columns) {
        column.ensure(this.#rows);
      }
    }
    this.#process.set(row, process);
    this.#key0.set(row, key0);
    this.#key1.set(row, key1);
    this.#name.set(row, name);
    this.#index.add(this.#hashOf(row), row);
  }

  /** The name of a call, which is forgotten; undefined when it is not known. */
  take(process: number, key0: number, key1: number): number | undefined {
    const row = this.#find(process, key0, key1);
    if (row === -1) {
      return undefined;
    }
    const name = this.#name.get(row);
    this.#remove(row);
    return name;
  }

  #find(process: number, key0: number, key1: number): number {
    const hash = hashWords(key0, key1, process, 0);
    for (let cell = this.#index.first(hash); cell !== -1; cell = this.#index.next(hash, cell)) {
      const row = this.#index.row(cell);
      if (
        this.#key0.get(row) === key0 &&
        this.#key1.get(row) === key1 &&
        this.#process.get(row) === process
      ) {
        return row;
      }
    }
    return -1;
  }

  #remove(row: number): void {
    if (this.#process.get(row) !== vacant) {
      this.#index.remove(this.#hashOf(row), row);
      this.#process.set(row, vacant);
    }
  }

  #hashOf(row: number): number {
    return hashWords(this.#key0.get(row), this.#key1.get(row), this.#process.get(row), 0);
  }
}

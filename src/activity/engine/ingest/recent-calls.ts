import { Float64Column, Int32Column } from "../../../otlp/columns.ts";
import { hashWords, IdIndex } from "../store/id-index.ts";
import type { SnapshotStream, SnapshotVersion } from "../store/snapshot.ts";

const vacant = -1;

/** What is remembered of a call. */
export interface RecentCall {
  /** Interned name of its tool; 0 for none. */
  readonly name: number;
  /** When its tool ended without an error, by the sender's clock; Infinity when it did not, or that is not known. */
  readonly endMs: number;
  /** When it was added, by arrival. */
  readonly atMs: number;
}

/** The calls that were added last: a ring of rows, and no object a call. */
export class RecentCalls {
  readonly #most: number;
  readonly #ttlMs: number;
  readonly #process = new Int32Column();
  readonly #key0 = new Int32Column();
  readonly #key1 = new Int32Column();
  readonly #name = new Int32Column();
  readonly #endMs = new Float64Column();
  readonly #atMs = new Float64Column();
  readonly #columnsOfV2 = [this.#process, this.#key0, this.#key1, this.#name];
  readonly #columns = [...this.#columnsOfV2, this.#endMs, this.#atMs];
  #index = new IdIndex();
  #rows = 0;
  #next = 0;

  /** Of more calls than `most` the oldest are forgotten; one that was added `ttlMs` ago is not known any more. */
  constructor({ most, ttlMs }: { readonly most: number; readonly ttlMs: number }) {
    this.#most = most;
    this.#ttlMs = ttlMs;
  }

  snapshot(
    io: SnapshotStream,
    { version, nowMs }: { readonly version: SnapshotVersion; readonly nowMs: number },
  ): void {
    this.#rows = io.number(this.#rows);
    this.#next = io.number(this.#next);
    for (const column of version < 3 ? this.#columnsOfV2 : this.#columns) {
      io.column(column, this.#rows);
    }
    if (!io.isLoading) {
      return;
    }
    this.#index = new IdIndex();
    for (const column of this.#columns) {
      column.ensure(this.#rows);
    }
    for (let row = 0; row < this.#rows; row++) {
      if (version < 3) {
        this.#endMs.set(row, Number.POSITIVE_INFINITY);
        this.#atMs.set(row, nowMs);
      }
      if (this.#process.get(row) !== vacant) {
        this.#index.add(this.#hashOf(row), row);
      }
    }
  }

  /**
   * Remembers the call of `process` whose keyed hash is `key0`, `key1`. Gives when the call whose place it took had been
   * added; undefined when none was forgotten.
   */
  add(process: number, key0: number, key1: number, call: RecentCall): number | undefined {
    const known = this.#find(process, key0, key1);
    if (known !== -1) {
      this.#write(known, call);
      return undefined;
    }
    const row = this.#next;
    this.#next = (row + 1) % this.#most;
    let lostMs: number | undefined;
    if (row < this.#rows) {
      lostMs = this.#process.get(row) === vacant ? undefined : this.#atMs.get(row);
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
    this.#write(row, call);
    this.#index.add(this.#hashOf(row), row);
    return lostMs;
  }

  /** Names of the calls. */
  *names(): Generator<number> {
    for (let row = 0; row < this.#rows; row++) {
      if (this.#process.get(row) !== vacant) {
        yield this.#name.get(row);
      }
    }
  }

  /** What is remembered of a call, which is forgotten; undefined when it is not known. */
  take(process: number, key0: number, key1: number, nowMs: number): RecentCall | undefined {
    const row = this.#find(process, key0, key1);
    if (row === -1) {
      return undefined;
    }
    const call = {
      name: this.#name.get(row),
      endMs: this.#endMs.get(row),
      atMs: this.#atMs.get(row),
    };
    this.#remove(row);
    return call.atMs + this.#ttlMs > nowMs ? call : undefined;
  }

  #write(row: number, { name, endMs, atMs }: RecentCall): void {
    this.#name.set(row, name);
    this.#endMs.set(row, endMs);
    this.#atMs.set(row, atMs);
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

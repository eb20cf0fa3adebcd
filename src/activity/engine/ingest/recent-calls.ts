import { Float64Column, Int32Column } from "../../../otlp/columns.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream, SnapshotVersion } from "../store/snapshot.ts";
import { KeyIndex } from "../store/table-rows.ts";

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

/**
 * Keeps the last `most` calls that were added, each until it is taken or `ttlMs` old. A ring of rows: at the bound a new call
 * overwrites the oldest, and `add` returns when that one was added. A taken call keeps its place in the ring.
 */
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
  readonly #index: KeyIndex;
  #rows = 0;
  #next = 0;

  constructor(
    { hash }: Pick<ActivityStore, "hash">,
    { most, ttlMs }: { readonly most: number; readonly ttlMs: number },
  ) {
    this.#most = most;
    this.#ttlMs = ttlMs;
    this.#index = new KeyIndex([this.#key0, this.#key1, this.#process], hash);
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
    for (const column of this.#columns) {
      column.ensure(this.#rows);
    }
    for (let row = 0; version < 3 && row < this.#rows; row++) {
      this.#endMs.set(row, Number.POSITIVE_INFINITY);
      this.#atMs.set(row, nowMs);
    }
    this.#index.rebuild(this.#rows, (row) => this.#process.get(row) !== vacant);
  }

  /**
   * Remembers the call of `process` whose keyed hash is `key0`, `key1`; a known call is overwritten in its place. Returns when
   * the call that it displaced was added; undefined when it displaced none.
   */
  add(process: number, key0: number, key1: number, call: RecentCall): number | undefined {
    let displacedMs: number | undefined;
    let row = this.#index.find(key0, key1, process, 0, 0);
    if (row === -1) {
      row = this.#next;
      this.#next = (row + 1) % this.#most;
      if (row < this.#rows) {
        if (this.#process.get(row) !== vacant) {
          displacedMs = this.#atMs.get(row);
          this.#index.remove(row);
        }
      } else {
        this.#rows = row + 1;
        for (const column of this.#columns) {
          column.ensure(this.#rows);
        }
      }
      this.#process.set(row, process);
      this.#key0.set(row, key0);
      this.#key1.set(row, key1);
      this.#index.add(row);
    }
    this.#name.set(row, call.name);
    this.#endMs.set(row, call.endMs);
    this.#atMs.set(row, call.atMs);
    return displacedMs;
  }

  /** The hashes of the calls, as `key0:key1`. */
  *hashes(): Generator<string> {
    for (let row = 0; row < this.#rows; row++) {
      if (this.#process.get(row) !== vacant) {
        yield `${this.#key0.get(row)}:${this.#key1.get(row)}`;
      }
    }
  }

  /** Forgets a call and returns what is remembered of it; undefined when it is not known, or too old. */
  take(process: number, key0: number, key1: number, nowMs: number): RecentCall | undefined {
    const row = this.#index.find(key0, key1, process, 0, 0);
    if (row === -1) {
      return undefined;
    }
    this.#index.remove(row);
    this.#process.set(row, vacant);
    const atMs = this.#atMs.get(row);
    return atMs + this.#ttlMs > nowMs
      ? { name: this.#name.get(row), endMs: this.#endMs.get(row), atMs }
      : undefined;
  }
}

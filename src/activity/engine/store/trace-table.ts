import { Float64Column, Int32Column } from "../../../otlp/columns.ts";
import { hashWords, IdIndex } from "./id-index.ts";
import type { SnapshotStream } from "./snapshot.ts";

/**
 * The traces that have tracked spans, one row each. A row is (process, trace id): state never crosses
 * a process. Spans name their trace by row, so its 16 bytes are kept once. A trace is neither a
 * session nor a run; its owners are listed only as the last resort for markers whose way to an owner
 * never arrived.
 */
export class TraceTable {
  readonly process = new Int32Column();
  readonly id0 = new Int32Column();
  readonly id1 = new Int32Column();
  readonly id2 = new Int32Column();
  readonly id3 = new Int32Column();
  /** 1 once a run was seen. */
  readonly hadOwner = new Int32Column();
  /** First of its owners that may hold markers, and of the loose ones; -1 when there is none. */
  readonly firstOwner = new Int32Column();
  readonly firstUnresolved = new Int32Column();
  readonly #spans = new Int32Column();
  readonly #columns = [
    this.process,
    this.id0,
    this.id1,
    this.id2,
    this.id3,
    this.hadOwner,
    this.firstOwner,
    this.firstUnresolved,
    this.#spans,
  ];
  #index = new IdIndex();
  /** By trace id alone. */
  #byId = new IdIndex();
  #free: number[] = [];
  readonly #seed: number;
  #rows = 0;
  #last = -1;

  constructor(seed: number) {
    this.#seed = seed;
  }

  snapshot(io: SnapshotStream): void {
    this.#rows = io.number(this.#rows);
    this.#free = io.numbers(this.#free);
    for (const column of this.#columns) {
      io.column(column, this.#rows);
    }
    if (io.isLoading) {
      const vacant = new Set(this.#free);
      this.#index = new IdIndex();
      this.#byId = new IdIndex();
      this.#last = -1;
      for (let row = 0; row < this.#rows; row++) {
        if (!vacant.has(row)) {
          this.#index.add(this.#hashOf(row), row);
          this.#byId.add(this.#idHashOf(row), row);
        }
      }
    }
  }

  /** Fills the table from an archive of version 1. */
  restoreV1(io: SnapshotStream): void {
    this.#rows = io.number(0);
    this.#free = io.numbers([]);
    for (const column of [
      this.process,
      this.id0,
      this.id1,
      this.id2,
      this.id3,
      new Int32Column(),
      this.hadOwner,
      new Float64Column(),
      new Float64Column(),
      new Int32Column(),
      this.#spans,
    ]) {
      io.column(column, this.#rows);
    }
    for (const column of this.#columns) {
      column.ensure(this.#rows);
    }
    const vacant = new Set(this.#free);
    for (let row = 0; row < this.#rows; row++) {
      this.firstOwner.set(row, -1);
      this.firstUnresolved.set(row, -1);
      if (!vacant.has(row)) {
        this.#index.add(this.#hashOf(row), row);
        this.#byId.add(this.#idHashOf(row), row);
      }
    }
  }

  get size(): number {
    return this.#index.size;
  }

  /** Processes that have a trace here. Walks every row. */
  processes(): ReadonlySet<number> {
    const vacant = new Set(this.#free);
    const found = new Set<number>();
    for (let row = 0; row < this.#rows; row++) {
      if (!vacant.has(row)) {
        found.add(this.process.get(row));
      }
    }
    return found;
  }

  find(process: number, id0: number, id1: number, id2: number, id3: number): number {
    if (this.#last !== -1 && this.#isSame(this.#last, process, id0, id1, id2, id3)) {
      return this.#last;
    }
    const hash = this.#hash(process, id0, id1, id2, id3);
    for (let cell = this.#index.first(hash); cell !== -1; cell = this.#index.next(hash, cell)) {
      const row = this.#index.row(cell);
      if (this.#isSame(row, process, id0, id1, id2, id3)) {
        this.#last = row;
        return row;
      }
    }
    return -1;
  }

  findOrAdd(process: number, id0: number, id1: number, id2: number, id3: number): number {
    const found = this.find(process, id0, id1, id2, id3);
    if (found !== -1) {
      return found;
    }
    const row = this.#free.pop() ?? this.#rows++;
    this.#ensure(row + 1);
    this.process.set(row, process);
    this.id0.set(row, id0);
    this.id1.set(row, id1);
    this.id2.set(row, id2);
    this.id3.set(row, id3);
    this.hadOwner.set(row, 0);
    this.firstOwner.set(row, -1);
    this.firstUnresolved.set(row, -1);
    this.#spans.set(row, 0);
    this.#index.add(this.#hashOf(row), row);
    this.#byId.add(this.#idHashOf(row), row);
    this.#last = row;
    return row;
  }

  /** Calls `see` with the other rows of the same trace id: other processes that take part in the trace. */
  eachElsewhere(trace: number, see: (trace: number) => void): void {
    const hash = this.#idHashOf(trace);
    for (let cell = this.#byId.first(hash); cell !== -1; cell = this.#byId.next(hash, cell)) {
      const row = this.#byId.row(cell);
      if (
        row !== trace &&
        this.id3.get(row) === this.id3.get(trace) &&
        this.id2.get(row) === this.id2.get(trace) &&
        this.id1.get(row) === this.id1.get(trace) &&
        this.id0.get(row) === this.id0.get(trace)
      ) {
        see(row);
      }
    }
  }

  /** A span row now names this trace. */
  retain(row: number): void {
    this.#spans.set(row, this.#spans.get(row) + 1);
  }

  /** A span row that named this trace is gone; the last one takes the trace with it. */
  release(row: number): void {
    const left = this.#spans.get(row) - 1;
    this.#spans.set(row, left);
    if (left === 0) {
      this.#index.remove(this.#hashOf(row), row);
      this.#byId.remove(this.#idHashOf(row), row);
      this.#free.push(row);
      this.#last = -1;
    }
  }

  #isSame(row: number, process: number, a: number, b: number, c: number, d: number): boolean {
    return (
      this.id3.get(row) === d &&
      this.id2.get(row) === c &&
      this.id1.get(row) === b &&
      this.id0.get(row) === a &&
      this.process.get(row) === process
    );
  }

  #hashOf(row: number): number {
    return this.#hash(
      this.process.get(row),
      this.id0.get(row),
      this.id1.get(row),
      this.id2.get(row),
      this.id3.get(row),
    );
  }

  #idHashOf(row: number): number {
    return this.#hash(
      0,
      this.id0.get(row),
      this.id1.get(row),
      this.id2.get(row),
      this.id3.get(row),
    );
  }

  #hash(process: number, a: number, b: number, c: number, d: number): number {
    return hashWords(a ^ this.#seed, b, c, d ^ Math.imul(process, 0x9e3779b1));
  }

  #ensure(rows: number): void {
    for (const column of this.#columns) {
      column.ensure(rows);
    }
  }
}

import { Float64Column, Int32Column } from "../../../otlp/columns.ts";
import type { SnapshotStream } from "./snapshot.ts";
import { KeyIndex, type RowCounts, TableRows } from "./table-rows.ts";
import type { TabulationHash } from "./tabulation-hash.ts";

/** The client that a process belongs to, as a small number; 0 if its sender was not authenticated. Never changes while the process has rows. */
export type ClientOf = (process: number) => number;

const alone: readonly number[] = [];

/**
 * The traces of remembered spans, one row each. A row is (process, trace id): state never crosses a process. Spans name their
 * trace by row, so that its 16 bytes are kept once. A trace is neither a session nor a run; its owners are listed as the
 * last resort for markers of which the way to an owner never arrived.
 *
 * Keeps a row while a span or an owner retains it; the spans bound it.
 */
export class TraceTable {
  readonly process = new Int32Column();
  readonly id0 = new Int32Column();
  readonly id1 = new Int32Column();
  readonly id2 = new Int32Column();
  readonly id3 = new Int32Column();
  /** 1 when it has, or had, a run. */
  readonly hadOwner = new Int32Column();
  /** The first of its owners that may hold markers: of those with a run, and of the unresolved ones; -1 when there is none. */
  readonly firstOwner = new Int32Column();
  readonly firstUnresolved = new Int32Column();
  readonly #spans = new Int32Column();
  /** Of its process, so that clients find no traces of each other. Not saved. */
  readonly #client = new Int32Column();
  readonly #clientOf: ClientOf;
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
  /** The rows of one trace id, of several processes, are in a list. Not stored. */
  readonly #next = new Int32Column();
  readonly #previous = new Int32Column();
  readonly #index: KeyIndex;
  /** By client and trace id alone: the first row of each list. */
  readonly #byId: KeyIndex;
  readonly #rows = new TableRows([...this.#columns, this.#client, this.#next, this.#previous]);
  readonly rows: RowCounts = this.#rows;
  /** Rows by process. Not stored: it follows from the rows. */
  readonly #ofProcess = new Int32Column();
  #last = -1;

  constructor(hash: TabulationHash, clientOf: ClientOf) {
    this.#clientOf = clientOf;
    const id = [this.id0, this.id1, this.id2, this.id3] as const;
    this.#index = new KeyIndex([...id, this.process], hash);
    this.#byId = new KeyIndex([...id, this.#client], hash);
  }

  snapshot(stream: SnapshotStream): void {
    this.#rows.restore(stream.number(this.#rows.count), stream.numbers(this.#rows.vacant));
    for (const column of this.#columns) {
      stream.column(column, this.#rows.count);
    }
    if (stream.isLoading) {
      this.#rebuildIndexes();
    }
  }

  /** Fills the table from a snapshot of version 1. */
  restoreV1(stream: SnapshotStream): void {
    const count = stream.number(0);
    this.#rows.restore(count, stream.numbers([]));
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
      stream.column(column, count);
    }
    for (const column of this.#columns) {
      column.ensure(count);
    }
    for (let row = 0; row < count; row++) {
      this.firstOwner.set(row, -1);
      this.firstUnresolved.set(row, -1);
    }
    this.#rebuildIndexes();
  }

  /** Whether a process has a trace. */
  hasProcess(process: number): boolean {
    return this.#ofProcess.get(process) > 0;
  }

  /** The row of a trace, or -1. */
  find(process: number, id0: number, id1: number, id2: number, id3: number): number {
    const last = this.#last;
    if (last !== -1 && this.#index.matches(last, id0, id1, id2, id3, process)) {
      return last;
    }
    const row = this.#index.find(id0, id1, id2, id3, process);
    this.#last = row === -1 ? last : row;
    return row;
  }

  /** The row of a trace, which is added if it is new. It must be retained before the next one is added. */
  findOrAdd(process: number, id0: number, id1: number, id2: number, id3: number): number {
    const found = this.find(process, id0, id1, id2, id3);
    if (found !== -1) {
      return found;
    }
    const row = this.#rows.take();
    this.process.set(row, process);
    this.#client.set(row, this.#clientOf(process));
    this.id0.set(row, id0);
    this.id1.set(row, id1);
    this.id2.set(row, id2);
    this.id3.set(row, id3);
    this.hadOwner.set(row, 0);
    this.firstOwner.set(row, -1);
    this.firstUnresolved.set(row, -1);
    this.#spans.set(row, 0);
    this.#count(process, 1);
    this.#index.add(row);
    this.#addById(row);
    this.#last = row;
    return row;
  }

  /**
   * The other rows of the same trace id: those of other processes of the same client. Undefined if they are more than `most`: a restart
   * changes their order, so the first ones mean nothing.
   */
  elsewhere(trace: number, most: number): readonly number[] | undefined {
    if (this.#next.get(trace) === -1 && this.#previous.get(trace) === -1) {
      return alone; // As nearly all are.
    }
    const others: number[] = [];
    for (let row = this.#firstLike(trace); row !== -1; row = this.#next.get(row)) {
      if (row !== trace) {
        others.push(row);
      }
      if (others.length > most) {
        return undefined;
      }
    }
    return others;
  }

  /** A span or an owner now names this trace. */
  retain(row: number): void {
    this.#spans.set(row, this.#spans.get(row) + 1);
  }

  /** A span or an owner that named this trace is freed; the last one takes the trace with it. */
  release(row: number): void {
    const left = this.#spans.get(row) - 1;
    this.#spans.set(row, left);
    if (left === 0) {
      this.#count(this.process.get(row), -1);
      this.#index.remove(row);
      this.#removeById(row);
      this.#rows.release(row);
      this.#last = -1;
    }
  }

  #count(process: number, by: number): void {
    this.#ofProcess.ensure(process + 1);
    this.#ofProcess.set(process, this.#ofProcess.get(process) + by);
  }

  /** The first row of the list that has the client and the trace id of `row`, or -1. */
  #firstLike(row: number): number {
    const [a, b, c, d, e] = [this.id0, this.id1, this.id2, this.id3, this.#client];
    return this.#byId.find(a.get(row), b.get(row), c.get(row), d.get(row), e.get(row));
  }

  /** Puts a row behind the first one of its trace id: a sender that repeats an id in many processes makes no search longer. */
  #addById(row: number): void {
    const first = this.#firstLike(row);
    const next = first === -1 ? -1 : this.#next.get(first);
    this.#next.set(row, next);
    this.#previous.set(row, first);
    if (first === -1) {
      this.#byId.add(row);
      return;
    }
    this.#next.set(first, row);
    if (next !== -1) {
      this.#previous.set(next, row);
    }
  }

  #removeById(row: number): void {
    const next = this.#next.get(row);
    const previous = this.#previous.get(row);
    if (next !== -1) {
      this.#previous.set(next, previous);
    }
    if (previous !== -1) {
      this.#next.set(previous, next);
      return;
    }
    this.#byId.remove(row);
    if (next !== -1) {
      this.#byId.add(next);
    }
  }

  #rebuildIndexes(): void {
    const vacant = new Set(this.#rows.vacant);
    this.#last = -1;
    for (const column of [this.#client, this.#next, this.#previous]) {
      column.ensure(this.#rows.count);
    }
    for (let row = 0; row < this.#rows.count; row++) {
      this.#client.set(row, this.#clientOf(this.process.get(row)));
      if (!vacant.has(row)) {
        this.#count(this.process.get(row), 1);
      }
    }
    this.#index.rebuild(this.#rows.count, (row) => !vacant.has(row));
    this.#byId.rebuild(0, () => false);
    for (let row = 0; row < this.#rows.count; row++) {
      if (!vacant.has(row)) {
        this.#addById(row);
      }
    }
  }
}

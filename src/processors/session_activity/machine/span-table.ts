import { Float64Column, Int32Column, Uint8Column } from "../../../otlp/columns.ts";
import type { Archive } from "./archive.ts";
import { hashWords, IdIndex } from "./id-index.ts";

/** What is known of a span. `unknown`: some child named it as its parent and it has not arrived. */
export const spanStates = { free: 0, unknown: 1, open: 2, ended: 3, evicted: 4 } as const;

/** Bits of `SpanTable.flags`. */
export const spanFlags = {
  /** A harness run: the run directly below it is the same owner. */
  harness: 1,
  /** The span itself carried a session reference. */
  ownReference: 2,
  /** Finished without a start; whether it outlived its owner is not decided yet. */
  undecided: 4,
  /** Its end says that it was closed by its run and not by itself. */
  closedByRun: 8,
  /** The sender's end of an evicted span has been seen. */
  settled: 16,
  /** Ended in error. */
  failed: 32,
  /** A run that is the same owner as the harness run directly above it. */
  innerRun: 64,
  /** Told by the relay: no other source of its process is believed. */
  relayed: 128,
} as const;

/** How an eviction for silence is held back: not, once, or until something is heard again. */
export const holds = { none: 0, once: 1, untilInput: 2 } as const;

/**
 * Every span the machine remembers, one row of numbers each: open work, tombstones of what ended or
 * was evicted, and the links between them. About 100 bytes a row and no object.
 */
export class SpanTable {
  readonly trace = new Int32Column();
  readonly id0 = new Int32Column();
  readonly id1 = new Int32Column();
  readonly state = new Uint8Column();
  readonly kind = new Uint8Column();
  readonly flags = new Uint8Column();
  /** Row of the group it is a member of, or -1. */
  readonly group = new Int32Column();
  readonly nextMember = new Int32Column();
  readonly previousMember = new Int32Column();
  /** Sender's clock. */
  readonly startMs = new Float64Column();
  /**
   * While open: when it was first seen, by arrival. Afterwards the end by the sender's clock; of evicted
   * work, when it was evicted, as far as that can be told by the sender's clock.
   */
  readonly endMs = new Float64Column();
  /** The last signal, by arrival; for a tombstone, when it became one. */
  readonly seenAtMs = new Float64Column();
  /** Open work anywhere below. */
  readonly openBelow = new Int32Column();
  /** Open runs below that have no session reference of their own on the way. */
  readonly openRunsBelow = new Int32Column();
  /** Length of the longest chain below that was ever linked. */
  readonly height = new Uint8Column();
  /** Interned tool name, 0 for none. */
  readonly name = new Int32Column();
  /** Silence of open work that is too long, in ms; 0 when its sender promised no heartbeats. */
  readonly leaseMs = new Int32Column();
  /** The sender's order of its start, 0 when there is none. */
  readonly seq = new Int32Column();
  /** Why it was evicted: an index of `evictionReasons`. */
  readonly reason = new Uint8Column();
  /** One of `holds`: its eviction for silence waits. */
  readonly held = new Uint8Column();
  readonly #parent = new Int32Column();
  readonly #parentGeneration = new Int32Column();
  readonly #generation = new Int32Column();
  readonly #columns = [
    this.trace,
    this.id0,
    this.id1,
    this.group,
    this.nextMember,
    this.previousMember,
    this.openBelow,
    this.openRunsBelow,
    this.height,
    this.name,
    this.leaseMs,
    this.seq,
    this.reason,
    this.held,
    this.#parent,
    this.#parentGeneration,
    this.#generation,
    this.state,
    this.kind,
    this.flags,
    this.startMs,
    this.endMs,
    this.seenAtMs,
  ];
  #index = new IdIndex();
  #free: number[] = [];
  readonly #seed: number;
  #rows = 0;
  /** The row found last: siblings ask for the same parent one after the other. */
  #last = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  archive(io: Archive): void {
    this.#rows = io.number(this.#rows);
    this.#free = io.numbers(this.#free);
    for (const column of this.#columns) {
      io.column(column, this.#rows);
    }
    if (io.isLoading) {
      this.#index = new IdIndex();
      this.#last = 0;
      for (let row = 0; row < this.#rows; row++) {
        if (this.state.get(row) !== spanStates.free) {
          this.#index.add(this.#hashOf(row), row);
        }
      }
    }
  }

  /** Rows in use. */
  get size(): number {
    return this.#index.size;
  }

  /** Rows ever used; rows below it with state `free` are vacant. */
  get rows(): number {
    return this.#rows;
  }

  find(trace: number, id0: number, id1: number): number {
    if (
      this.#isSame(this.#last, trace, id0, id1) &&
      this.state.get(this.#last) !== spanStates.free
    ) {
      return this.#last;
    }
    const hash = hashWords(id0 ^ this.#seed, id1, trace, 0);
    for (let cell = this.#index.first(hash); cell !== -1; cell = this.#index.next(hash, cell)) {
      const row = this.#index.row(cell);
      if (this.#isSame(row, trace, id0, id1)) {
        this.#last = row;
        return row;
      }
    }
    return -1;
  }

  /** Adds a row that is not in the table, in state `unknown`, without parent or group. */
  add(trace: number, id0: number, id1: number): number {
    const row = this.#free.pop() ?? this.#rows++;
    this.#ensure(row + 1);
    this.trace.set(row, trace);
    this.id0.set(row, id0);
    this.id1.set(row, id1);
    this.state.set(row, spanStates.unknown);
    this.kind.set(row, 0);
    this.flags.set(row, 0);
    this.group.set(row, -1);
    this.nextMember.set(row, -1);
    this.previousMember.set(row, -1);
    this.startMs.set(row, 0);
    this.endMs.set(row, 0);
    this.seenAtMs.set(row, 0);
    this.openBelow.set(row, 0);
    this.openRunsBelow.set(row, 0);
    this.height.set(row, 0);
    this.name.set(row, 0);
    this.leaseMs.set(row, 0);
    this.seq.set(row, 0);
    this.reason.set(row, 0);
    this.held.set(row, 0);
    this.#parent.set(row, -1);
    this.#parentGeneration.set(row, 0);
    this.#index.add(this.#hashOf(row), row);
    return row;
  }

  /** Forgets a row. Children that name it as their parent no longer find it. */
  remove(row: number): void {
    this.#index.remove(this.#hashOf(row), row);
    this.state.set(row, spanStates.free);
    this.#generation.set(row, (this.#generation.get(row) + 1) | 0);
    this.#free.push(row);
  }

  /** The parent's row, or -1 when there is none or it has been forgotten. */
  parentOf(row: number): number {
    const parent = this.#parent.get(row);
    return parent !== -1 && this.#generation.get(parent) === this.#parentGeneration.get(row)
      ? parent
      : -1;
  }

  setParent(row: number, parent: number): void {
    this.#parent.set(row, parent);
    this.#parentGeneration.set(row, this.#generation.get(parent));
  }

  hasFlag(row: number, flag: number): boolean {
    return (this.flags.get(row) & flag) !== 0;
  }

  setFlag(row: number, flag: number): void {
    this.flags.set(row, this.flags.get(row) | flag);
  }

  clearFlag(row: number, flag: number): void {
    this.flags.set(row, this.flags.get(row) & ~flag);
  }

  #hashOf(row: number): number {
    return hashWords(this.id0.get(row) ^ this.#seed, this.id1.get(row), this.trace.get(row), 0);
  }

  #isSame(row: number, trace: number, id0: number, id1: number): boolean {
    return this.id1.get(row) === id1 && this.id0.get(row) === id0 && this.trace.get(row) === trace;
  }

  #ensure(rows: number): void {
    if (rows <= this.trace.capacity) {
      return;
    }
    for (const column of this.#columns) {
      column.ensure(rows);
    }
  }
}

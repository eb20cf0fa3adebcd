import { Float64Column, Int32Column, Uint8Column } from "../../../otlp/columns.ts";
import type { Archive } from "./archive.ts";
import { hashWords, IdIndex } from "./id-index.ts";

/** Bits of `GroupTable.flags`. */
export const groupFlags = {
  /** A session by reference, as opposed to an owner tree. */
  referenced: 1,
  /** An owner was seen. */
  hadOwner: 2,
  /** Has no owner of its own: its markers wait for the way to their owner, else for the trace. */
  loose: 4,
  /** The loose group of a trace for markers whose ancestors are all known and no owner. */
  fallback: 8,
  /** Its evictions were held back once, because too many were due together. */
  held: 16,
} as const;

/**
 * Groups: what is judged together. A session that has references, or else an owner (a run with its
 * harness run), or else the markers of a trace whose way to an owner is not known ("loose").
 */
export class GroupTable {
  readonly flags = new Uint8Column();
  readonly process = new Int32Column();
  readonly openOwners = new Int32Column();
  readonly openMarkers = new Int32Column();
  /** First member span, or -1. */
  readonly head = new Int32Column();
  readonly members = new Int32Column();
  /** When the last open owner ended, by arrival. */
  readonly closedAtMs = new Float64Column();
  /** The latest end of an owner, by the sender's clock. */
  readonly ownerEndMs = new Float64Column();
  /** Starts at or before it are too late, by the sender's clock; -Infinity when nothing was evicted. */
  readonly cutoffMs = new Float64Column();
  /** The same two in the sender's order of events; 0 when it has none. */
  readonly ownerEndSeq = new Int32Column();
  readonly cutoffSeq = new Int32Column();
  /** Markers that a harness run said were open when it ended. */
  readonly claimed = new Int32Column();
  /** Tools that harness runs said had completed. */
  readonly completed = new Int32Column();
  /** Tools seen to finish. */
  readonly finishedTools = new Int32Column();
  /** Claimed markers that are accounted for: evicted by name, or ended after their owner in time. */
  readonly explained = new Int32Column();
  /** Markers evicted on a claim alone; a finished span may still say which they were. */
  readonly anonymous = new Int32Column();
  /** When its session was told to be over: by arrival, by the sender's clock, in its order; -Infinity and 0 when not. */
  readonly endedAtMs = new Float64Column();
  readonly sessionEndMs = new Float64Column();
  readonly sessionEndSeq = new Int32Column();
  /** Waits for a person. */
  readonly pauses = new Int32Column();
  /** One of `sessionStates`. */
  readonly state = new Uint8Column();
  /** Since when it has had open work, and when it was last heard of, by arrival. */
  readonly activeSinceMs = new Float64Column();
  readonly heardAtMs = new Float64Column();
  /** Interned channel, 0 for none. */
  readonly channel = new Int32Column();
  /** Loose groups of a trace form a list; -1 ends it. */
  readonly trace = new Int32Column();
  readonly nextLoose = new Int32Column();
  readonly previousLoose = new Int32Column();
  /** First session reference, or -1. */
  readonly reference = new Int32Column();
  readonly #columns = [
    this.flags,
    this.process,
    this.openOwners,
    this.openMarkers,
    this.head,
    this.members,
    this.closedAtMs,
    this.ownerEndMs,
    this.cutoffMs,
    this.ownerEndSeq,
    this.cutoffSeq,
    this.endedAtMs,
    this.sessionEndMs,
    this.sessionEndSeq,
    this.pauses,
    this.state,
    this.activeSinceMs,
    this.heardAtMs,
    this.claimed,
    this.completed,
    this.finishedTools,
    this.explained,
    this.anonymous,
    this.channel,
    this.trace,
    this.nextLoose,
    this.previousLoose,
    this.reference,
  ];
  #free: number[] = [];
  #rows = 0;
  #size = 0;

  archive(io: Archive): void {
    this.#rows = io.number(this.#rows);
    this.#size = io.number(this.#size);
    this.#free = io.numbers(this.#free);
    for (const column of this.#columns) {
      io.column(column, this.#rows);
    }
  }

  get size(): number {
    return this.#size;
  }

  get rows(): number {
    return this.#rows;
  }

  add(process: number): number {
    const row = this.#free.pop() ?? this.#rows++;
    this.#ensure(row + 1);
    this.#size++;
    this.flags.set(row, 0);
    this.process.set(row, process);
    for (const column of [
      this.openOwners,
      this.openMarkers,
      this.members,
      this.claimed,
      this.completed,
      this.finishedTools,
      this.explained,
      this.anonymous,
      this.channel,
      this.closedAtMs,
      this.ownerEndSeq,
      this.cutoffSeq,
      this.sessionEndSeq,
      this.pauses,
      this.state,
      this.activeSinceMs,
      this.heardAtMs,
    ]) {
      column.set(row, 0);
    }
    for (const column of [
      this.head,
      this.trace,
      this.nextLoose,
      this.previousLoose,
      this.reference,
    ]) {
      column.set(row, -1);
    }
    for (const column of [this.ownerEndMs, this.cutoffMs, this.endedAtMs, this.sessionEndMs]) {
      column.set(row, Number.NEGATIVE_INFINITY);
    }
    return row;
  }

  remove(row: number): void {
    this.#size--;
    this.members.set(row, 0);
    this.#free.push(row);
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

  isActive(row: number): boolean {
    return this.openOwners.get(row) > 0 || this.openMarkers.get(row) > 0;
  }

  /** Whether its session was told to be over, and that is not decided yet. */
  hasEnded(row: number): boolean {
    return Number.isFinite(this.endedAtMs.get(row));
  }

  /** Whether nothing keeps its markers but open work below them. */
  mayBeOver(row: number): boolean {
    return this.openOwners.get(row) === 0 || this.hasEnded(row);
  }

  #ensure(rows: number): void {
    if (rows <= this.process.capacity) {
      return;
    }
    for (const column of this.#columns) {
      column.ensure(rows);
    }
  }
}

/** Session references: (process, keyed hash) → group. Raw references never get here. */
export class ReferenceTable {
  readonly group = new Int32Column();
  /** The next reference of the same group, or -1. */
  readonly next = new Int32Column();
  readonly #process = new Int32Column();
  readonly #hi = new Int32Column();
  readonly #lo = new Int32Column();
  readonly #columns = [this.group, this.next, this.#process, this.#hi, this.#lo];
  #index = new IdIndex();
  #free: number[] = [];
  #rows = 0;

  archive(io: Archive): void {
    this.#rows = io.number(this.#rows);
    this.#free = io.numbers(this.#free);
    for (const column of this.#columns) {
      io.column(column, this.#rows);
    }
    if (io.isLoading) {
      const vacant = new Set(this.#free);
      this.#index = new IdIndex();
      for (let row = 0; row < this.#rows; row++) {
        if (!vacant.has(row)) {
          this.#index.add(this.#hashOf(row), row);
        }
      }
    }
  }

  get size(): number {
    return this.#index.size;
  }

  find(process: number, hi: number, lo: number): number {
    const hash = hashWords(hi, lo, process, 1);
    for (let cell = this.#index.first(hash); cell !== -1; cell = this.#index.next(hash, cell)) {
      const row = this.#index.row(cell);
      if (
        this.#hi.get(row) === hi &&
        this.#lo.get(row) === lo &&
        this.#process.get(row) === process
      ) {
        return row;
      }
    }
    return -1;
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
    this.#index.add(this.#hashOf(row), row);
    return row;
  }

  remove(row: number): void {
    this.#index.remove(this.#hashOf(row), row);
    this.#free.push(row);
  }

  #hashOf(row: number): number {
    return hashWords(this.#hi.get(row), this.#lo.get(row), this.#process.get(row), 1);
  }
}

import { Float64Column, Int32Column, Uint8Column } from "../../../otlp/columns.ts";
import type { Moment } from "../../model/moment.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { KeyIndex, type RowCounts, TableRows } from "./table-rows.ts";
import type { TabulationHash } from "./tabulation-hash.ts";

/** Bits of `GroupTable.flags`. */
export const groupFlags = {
  /** A session that has a reference, as opposed to a tree of owners. */
  referenced: 1,
  /** It has, or had, a run. */
  hadOwner: 2,
  /** The evictions at the end of its session were held back once, because too many were due together. */
  held: 4,
  /** A report that its session is idle did not reach all of its open runs: some of them may have ended unnoticed. */
  idleUnsearched: 8,
} as const;

/**
 * Groups, one row of numbers each: the owners that share a session reference, or else the owners of one tree down to the next
 * tool.
 *
 * Keeps a row from the first owner of a group to its last one; the owners bound it.
 */
export class GroupTable {
  readonly flags = new Int32Column();
  readonly process = new Int32Column();
  /** Owners with an open run, and open markers. */
  readonly openOwners = new Int32Column();
  readonly openMarkers = new Int32Column();
  /** Owners that may hold markers and have no run. */
  readonly unresolvedOwners = new Int32Column();
  /** Its first owner, and the first one that may hold markers: heads of lists. */
  readonly firstOwner = new Int32Column();
  readonly firstLive = new Int32Column();
  readonly ownerCount = new Int32Column();
  /** When its session was reported to be over: by arrival, by the sender's clock, in the sender's order; -Infinity and 0 when it was not. */
  readonly endedAtMs = new Float64Column();
  readonly sessionEndMs = new Float64Column();
  readonly sessionEndSeq = new Int32Column();
  /** Pauses for a person that name the session and none of its spans. */
  readonly pauses = new Int32Column();
  /** Its state, see `SessionStates`, and since when it has had open runs, by arrival. */
  readonly state = new Uint8Column();
  readonly activeSinceMs = new Float64Column();
  /** Messages that wait, as its gateway last reported. */
  readonly queued = new Int32Column();
  /** Interned name of its channel, 0 for none. */
  readonly channel = new Int32Column();
  /** Its first session reference, or -1. */
  readonly reference = new Int32Column();
  /**
   * When one of its owners ended last, by arrival, and the flags of all its runs that have ended: `endProbable` and `endPresumed`. What
   * a search that is cut takes for the rows that it has not read.
   */
  readonly lastEndAtMs = new Float64Column();
  readonly endFlags = new Int32Column();
  readonly #columns = [
    this.flags,
    this.process,
    this.openOwners,
    this.openMarkers,
    this.unresolvedOwners,
    this.firstOwner,
    this.firstLive,
    this.ownerCount,
    this.endedAtMs,
    this.sessionEndMs,
    this.sessionEndSeq,
    this.pauses,
    this.state,
    this.activeSinceMs,
    this.queued,
    this.channel,
    this.reference,
  ];
  /** Columns that version 4 added. */
  readonly #added = [this.lastEndAtMs, this.endFlags];
  readonly #rows = new TableRows([...this.#columns, ...this.#added]);
  readonly rows: RowCounts = this.#rows;

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    const count = stream.number(this.#rows.count);
    stream.number(this.#rows.size); // Stored since version 1; it follows from the other two.
    this.#rows.restore(count, stream.numbers(this.#rows.vacant));
    for (const column of this.#columns) {
      stream.column(column, count);
    }
    for (const column of this.#added) {
      column.ensure(count);
      if (version > 3) {
        stream.column(column, count);
      }
    }
  }

  add(process: number): number {
    const row = this.#rows.take();
    for (const column of [...this.#columns, ...this.#added]) {
      column.set(row, 0);
    }
    this.process.set(row, process);
    for (const column of [this.firstOwner, this.firstLive, this.reference]) {
      column.set(row, -1);
    }
    for (const column of [this.endedAtMs, this.sessionEndMs]) {
      column.set(row, Number.NEGATIVE_INFINITY);
    }
    return row;
  }

  remove(row: number): void {
    this.ownerCount.set(row, 0);
    this.#rows.release(row);
  }

  /** Adds the flags, counts and latest times of `from`, which is about to be removed, to `into`. */
  addFrom(from: number, into: number): void {
    this.setFlag(into, this.flags.get(from));
    this.recordEnd(into, this.lastEndAtMs.get(from), this.endFlags.get(from));
    for (const column of [
      this.openOwners,
      this.openMarkers,
      this.unresolvedOwners,
      this.pauses,
      this.ownerCount,
    ]) {
      column.set(into, column.get(into) + column.get(from));
    }
    for (const column of [
      this.endedAtMs,
      this.sessionEndMs,
      this.sessionEndSeq,
      this.queued,
      this.channel,
    ]) {
      column.set(into, Math.max(column.get(into), column.get(from)));
    }
  }

  /** One of its owners ended, and these are the flags of the run that did. */
  recordEnd(row: number, atMs: number, flags: number): void {
    this.lastEndAtMs.set(row, Math.max(this.lastEndAtMs.get(row), atMs));
    this.endFlags.set(row, this.endFlags.get(row) | flags);
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

  /** Whether it has open work. */
  isActive(row: number): boolean {
    return this.openOwners.get(row) > 0 || this.openMarkers.get(row) > 0;
  }

  /** Whether its session was reported to be over, and the end is not decided yet. */
  hasEnded(row: number): boolean {
    return Number.isFinite(this.endedAtMs.get(row));
  }

  sessionEndOf(row: number): Moment {
    return {
      atMs: this.endedAtMs.get(row),
      timeMs: this.sessionEndMs.get(row),
      seq: this.sessionEndSeq.get(row),
    };
  }
}

/** Of a session with more references only so many are looked at. */
const maxCompared = 1_000;

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
  readonly #shown = new Float64Column();
  readonly #rank = new Uint8Column();
  readonly #columns = [this.group, this.next, this.#process, this.#hi, this.#lo];
  /** Columns that version 4 added. */
  readonly #added = [this.#shown, this.#rank];
  readonly #index: KeyIndex;
  readonly #rows = new TableRows([...this.#columns, ...this.#added]);
  readonly rows: RowCounts = this.#rows;

  constructor(hash: TabulationHash) {
    this.#index = new KeyIndex([this.#hi, this.#lo, this.#process], hash);
  }

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    this.#rows.restore(stream.number(this.#rows.count), stream.numbers(this.#rows.vacant));
    for (const column of this.#columns) {
      stream.column(column, this.#rows.count);
    }
    for (const column of this.#added) {
      column.ensure(this.#rows.count);
      if (version > 3) {
        stream.column(column, this.#rows.count);
      }
    }
    if (stream.isLoading) {
      const vacant = new Set(this.#rows.vacant);
      this.#index.rebuild(this.#rows.count, (row) => !vacant.has(row));
    }
  }

  /** What is shown of the references from `first` on: of that with the lowest rank, of several the smallest number; 0 for nothing. */
  shownOf(first: number): number {
    let shown = 0;
    let rank = Number.POSITIVE_INFINITY;
    let left = maxCompared;
    for (let row = first; row !== -1 && left > 0; row = this.next.get(row), left--) {
      const [ofRow, rankOfRow] = [this.#shown.get(row), this.#rank.get(row)];
      if (ofRow !== 0 && (rankOfRow < rank || (rankOfRow === rank && ofRow < shown))) {
        [shown, rank] = [ofRow, rankOfRow];
      }
    }
    return shown;
  }

  /** Sets what is shown of a reference that is in the table. */
  show(
    process: number,
    hi: number,
    lo: number,
    { shown, rank }: { readonly shown: number; readonly rank: number },
  ): void {
    const row = this.#index.find(hi, lo, process, 0, 0);
    if (row !== -1) {
      this.#shown.set(row, shown);
      this.#rank.set(row, rank);
    }
  }

  /** The group of a reference; -1 when the reference is not in the table. */
  groupOf(process: number, hi: number, lo: number): number {
    const row = this.#index.find(hi, lo, process, 0, 0);
    return row === -1 ? -1 : this.group.get(row);
  }

  /** The hashes of all references, as `hi:lo`. */
  *hashes(): Generator<string> {
    const vacant = new Set(this.#rows.vacant);
    for (let row = 0; row < this.#rows.count; row++) {
      if (!vacant.has(row)) {
        yield `${this.#hi.get(row)}:${this.#lo.get(row)}`;
      }
    }
  }

  /** Adds a reference that is not in the table, of no group. */
  add(process: number, hi: number, lo: number): number {
    const row = this.#rows.take();
    this.group.set(row, -1);
    this.next.set(row, -1);
    this.#process.set(row, process);
    this.#hi.set(row, hi);
    this.#lo.set(row, lo);
    this.#shown.set(row, 0);
    this.#rank.set(row, 0);
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

import { Float64Column, Int32Column, Uint8Column } from "../../../otlp/columns.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { type RowCounts, TableRows } from "./table-rows.ts";

/** Bits of `OwnerTable.flags`. */
export const ownerFlags = {
  /** Has no run: it collects markers until the way to their run is known. */
  unresolved: 1,
  /** A tool or model call is between it and the run above it: a sub-agent. */
  belowMarker: 2,
  /** Its last deadline has passed, and its markers are decided. */
  decided: 4,
  /** Its evictions were held back once, because too many were due together. */
  held: 8,
  /** The last model call that ended in it failed. */
  modelFailed: 16,
  /** A silent tool in it is not reported yet, because the owner itself may be silent soon. */
  mayHideTool: 32,
  /** An open run of it is not watched any more: no signal will report its end or what it left open. */
  unwatched: 64,
  /** Has, or had, a tool that may outlive it. */
  hasDetached: 128,
} as const;

/**
 * Owners, one row of numbers each: a run, or a harness run with the run in it, and the markers below it down to the next run.
 * An unresolved owner has no run: it collects the markers below a span from which the way to a run is not known.
 *
 * Keeps a row until `ActivityStore.dropIfEmpty` finds that nothing needs it; the spans bound it.
 */
export class OwnerTable {
  readonly flags = new Uint8Column();
  /** Row of its session's group. */
  readonly group = new Int32Column();
  readonly process = new Int32Column();
  /** Its topmost run; of an unresolved one, the span below which it collects markers. -1 when that span is forgotten. */
  readonly top = new Int32Column();
  readonly trace = new Int32Column();
  readonly openRuns = new Int32Column();
  readonly openMarkers = new Int32Column();
  /** Member spans: runs, open or ended, and markers that are open or undecided. */
  readonly firstMember = new Int32Column();
  readonly memberCount = new Int32Column();
  /** When it started and ended: arrival, sender's clock, sender's order. */
  readonly startedAtMs = new Float64Column();
  readonly startMs = new Float64Column();
  readonly startSeq = new Int32Column();
  readonly endedAtMs = new Float64Column();
  readonly endMs = new Float64Column();
  readonly endSeq = new Int32Column();
  /** When its session was reported idle, so that its own end may be lost; -Infinity by arrival when it was not. */
  readonly idleAtMs = new Float64Column();
  readonly idleMs = new Float64Column();
  readonly idleSeq = new Int32Column();
  /** When work last started in it or below it, apart from its own runs. */
  readonly workedAtMs = new Float64Column();
  readonly workedMs = new Float64Column();
  readonly workedSeq = new Int32Column();
  /** When the last model call in it started, by the sender's clock. */
  readonly lastModelMs = new Float64Column();
  /** The last progress in it or below it, by arrival, and its kind: an index of `progressNames`. */
  readonly progressAtMs = new Float64Column();
  readonly lastProgress = new Uint8Column();
  /** The owner above it, and the list of those directly below it. */
  readonly above = new Int32Column();
  readonly firstBelow = new Int32Column();
  readonly nextBelow = new Int32Column();
  readonly previousBelow = new Int32Column();
  /** All owners of a group; those that may hold markers, of a group and of a trace. */
  readonly nextInGroup = new Int32Column();
  readonly previousInGroup = new Int32Column();
  readonly isLive = new Uint8Column();
  readonly nextLive = new Int32Column();
  readonly previousLive = new Int32Column();
  readonly nextInTrace = new Int32Column();
  readonly previousInTrace = new Int32Column();
  /** The owner that holds its markers, and the list of the owners whose markers it holds. */
  readonly waitsFor = new Int32Column();
  readonly firstWaiter = new Int32Column();
  readonly nextWaiter = new Int32Column();
  readonly previousWaiter = new Int32Column();
  /** Items that harness runs reported as open when they ended. */
  readonly reportedOpen = new Int32Column();
  /** Items that harness runs reported as completed. */
  readonly reportedCompleted = new Int32Column();
  /** Tools that finished before their owner, and how many of them may be two items each. */
  readonly finishedTools = new Int32Column();
  readonly finishedPairs = new Int32Column();
  /** Open items that may be tools known by name: evicted ones, or those that ended in time after their owner. */
  readonly matched = new Int32Column();
  /** Markers evicted because of a reported count alone; finished spans may name them later. */
  readonly unnamed = new Int32Column();
  readonly #zeros = [
    this.flags,
    this.openRuns,
    this.openMarkers,
    this.memberCount,
    this.startedAtMs,
    this.startMs,
    this.startSeq,
    this.endedAtMs,
    this.endMs,
    this.endSeq,
    this.idleMs,
    this.idleSeq,
    this.workedAtMs,
    this.workedMs,
    this.workedSeq,
    this.lastModelMs,
    this.progressAtMs,
    this.lastProgress,
    this.isLive,
    this.reportedOpen,
    this.reportedCompleted,
    this.finishedTools,
    this.matched,
    this.unnamed,
  ];
  readonly #links = [
    this.firstMember,
    this.above,
    this.firstBelow,
    this.nextBelow,
    this.previousBelow,
    this.nextInGroup,
    this.previousInGroup,
    this.nextLive,
    this.previousLive,
    this.nextInTrace,
    this.previousInTrace,
    this.waitsFor,
    this.firstWaiter,
    this.nextWaiter,
    this.previousWaiter,
  ];
  readonly #columns = [
    ...this.#zeros,
    ...this.#links,
    this.group,
    this.process,
    this.top,
    this.trace,
    this.idleAtMs,
  ];
  /** Columns that version 3 added. */
  readonly #added = [this.finishedPairs];
  readonly #rows = new TableRows([...this.#columns, ...this.#added]);
  readonly rows: RowCounts = this.#rows;

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    this.#rows.restore(stream.number(this.#rows.count), stream.numbers(this.#rows.vacant));
    for (const column of this.#columns) {
      stream.column(column, this.#rows.count);
    }
    for (const column of this.#added) {
      column.ensure(this.#rows.count);
      if (version >= 3) {
        stream.column(column, this.#rows.count);
      }
    }
  }

  /** Adds an owner without members, in no list. */
  add(of: {
    readonly process: number;
    readonly trace: number;
    readonly top: number;
    readonly group: number;
    readonly isUnresolved: boolean;
  }): number {
    const row = this.#rows.take();
    for (const column of this.#zeros) {
      column.set(row, 0);
    }
    for (const column of this.#added) {
      column.set(row, 0);
    }
    for (const column of this.#links) {
      column.set(row, -1);
    }
    this.process.set(row, of.process);
    this.trace.set(row, of.trace);
    this.top.set(row, of.top);
    this.group.set(row, of.group);
    this.flags.set(row, of.isUnresolved ? ownerFlags.unresolved : 0);
    this.idleAtMs.set(row, Number.NEGATIVE_INFINITY);
    return row;
  }

  /** Adds the counts, latest times and flags of `from`, which is about to be removed, to `into`. Open counts stay. */
  addFrom(from: number, into: number): void {
    for (const column of [
      this.memberCount,
      this.reportedOpen,
      this.reportedCompleted,
      this.finishedTools,
      this.finishedPairs,
      this.matched,
      this.unnamed,
    ]) {
      column.set(into, column.get(into) + column.get(from));
    }
    for (const column of [
      this.lastModelMs,
      this.workedAtMs,
      this.workedMs,
      this.workedSeq,
      this.idleAtMs,
      this.idleMs,
      this.idleSeq,
    ]) {
      column.set(into, Math.max(column.get(into), column.get(from)));
    }
    this.memberCount.set(from, 0);
    this.setFlag(into, this.flags.get(from) & (ownerFlags.modelFailed | ownerFlags.hasDetached));
  }

  /** Frees the row of an owner that is in no list. */
  remove(row: number): void {
    this.#rows.release(row);
    this.memberCount.set(row, 0);
    this.openRuns.set(row, 0);
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

  isUnresolved(row: number): boolean {
    return (this.flags.get(row) & ownerFlags.unresolved) !== 0;
  }

  isOpen(row: number): boolean {
    return this.openRuns.get(row) > 0;
  }

  startOf(row: number): Moment {
    return {
      atMs: this.startedAtMs.get(row),
      timeMs: this.startMs.get(row),
      seq: this.startSeq.get(row),
    };
  }

  endOf(row: number): Moment {
    return {
      atMs: this.endedAtMs.get(row),
      timeMs: this.endMs.get(row),
      seq: this.endSeq.get(row),
    };
  }

  /** Work started in it at `moment`. The latest start counts. */
  setLastWork(row: number, moment: Moment, allowedLatenessMs: number): void {
    const isFirst = this.workedAtMs.get(row) === 0;
    if (isFirst || compareMoments(this.lastWorkOf(row), moment, allowedLatenessMs) <= 0) {
      this.workedAtMs.set(row, moment.atMs);
      this.workedMs.set(row, moment.timeMs);
      this.workedSeq.set(row, moment.seq);
    }
  }

  lastWorkOf(row: number): Moment {
    return {
      atMs: this.workedAtMs.get(row),
      timeMs: this.workedMs.get(row),
      seq: this.workedSeq.get(row),
    };
  }

  idleOf(row: number): Moment {
    return {
      atMs: this.idleAtMs.get(row),
      timeMs: this.idleMs.get(row),
      seq: this.idleSeq.get(row),
    };
  }
}

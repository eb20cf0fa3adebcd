import { Float64Column, Int32Column, Uint8Column } from "../../../otlp/columns.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { SpanLifecycle, spanStates } from "./span-lifecycle.ts";
import { KeyIndex, type RowCounts, TableRows } from "./table-rows.ts";
import type { TabulationHash } from "./tabulation-hash.ts";

/** Bits of `SpanTable.flags`. */
export const spanFlags = {
  /** A harness run: the run directly below it is the same owner. */
  harness: 1,
  /** The span itself carried a session reference. */
  ownReference: 2,
  /** Finished work without a start, of which it is not decided yet whether it outlived its owner. */
  undecided: 4,
  /** Its end reports that its run closed it. */
  closedByRun: 8,
  /** The sender's end of this evicted span has arrived. */
  endReported: 16,
  /** Ended in error. */
  failed: 32,
  /** A run that is the same owner as the harness run directly above it. */
  innerRun: 64,
  /** Reported by the relay: no other source of its process is believed. */
  relayed: 128,
  /** Its silence beside others that are not silent was reported; progress clears it. */
  silenceReported: 256,
  /** A finished span of OpenClaw itself, which ends its open spans when it stops. */
  openclaw: 512,
  /** A run held it without a known way between them; `releasedAtMs` is when that run ended. */
  hadHolder: 2048,
  /** A lateness after its start no run was known that it could belong to; a run that becomes known later proves nothing. */
  withoutScope: 4096,
  /** Is in the list of the members of its owner. */
  member: 1024,
  /** A model call, or a tool without a call id, that arrived finished while its process reported no starts. */
  arrivedFinished: 8192,
  /** A model call of which part of the input is known. */
  hasPrompt: 16_384,
  /** A run that neither succeeded nor failed: it was cancelled or aborted. */
  aborted: 32_768,
  /** Open work of which the start was reported when it began, and not later. */
  reportedAtStart: 262_144,
  /** Named as a parent by a span that is always inside a tool. */
  impliedTool: 65_536,
  /** An implied tool that has not arrived and is counted as evicted. */
  presumedEvicted: 131_072,
  /** A run of which no end was reported: it is derived from silence or an idle session (probable), or from age alone (presumed). */
  endProbable: 1_048_576,
  endPresumed: 2_097_152,
  /** A tool that a harness run may count as two items. */
  countsTwoItems: 4_194_304,
  /** The same work as another span, which is tracked: this one is a link, whatever its signals report. */
  sameWork: 8_388_608,
  /** Is not in the counters: another span of its run is. */
  uncounted: 16_777_216,
  /** A tool that may outlive its run: nothing above waits for it, and the end of its run makes it no orphan. */
  detached: 33_554_432,
  /** Arrived finished and reported how it ended. */
  hasOutcome: 67_108_864,
  /** Was reported as open after its process had reported that it ends. */
  reportedAfterDelete: 134_217_728,
  /** Was open when the end of the stored state was lost, and its end has not been reported since. */
  endUnknown: 268_435_456,
  /** Its start did not say what it is: its kind is a guess, until a signal of it says so. */
  guessed: 536_870_912,
} as const;

/** The flags of a run whose end is in doubt. */
export const doubtfulEnds = spanFlags.endProbable | spanFlags.endPresumed;

/** How an eviction for silence is held back: not, once, until any signal arrives, or once unless a signal of its host arrives. */
export const evictionHolds = { none: 0, once: 1, untilInput: 2, untilHost: 3 } as const;

/** Columns of version 1 that are not in the table any more. */
export interface LegacySpanColumns {
  /** The group that a span was a member of, or -1. */
  readonly group: Int32Column;
}

/**
 * The spans that the engine remembers, one row of numbers each: open and undecided work, tombstones, links, and spans that
 * were named and have not arrived.
 *
 * Keeps about 150 bytes a row and no object. `Retention.makeRoom` bounds the rows to `maxOpenWork` + `maxTombstones`.
 */
export class SpanTable {
  readonly trace = new Int32Column();
  readonly id0 = new Int32Column();
  readonly id1 = new Int32Column();
  /** One of `spanStates`; `SpanLifecycle.move` is the only writer. */
  readonly state = new SpanLifecycle();
  readonly kind = new Uint8Column();
  readonly flags = new Int32Column();
  /**
   * The owner that it is a member of, or -1. Of a span that is no work: the unresolved owner that collects the markers below
   * it.
   */
  readonly owner = new Int32Column();
  readonly nextMember = new Int32Column();
  readonly previousMember = new Int32Column();
  /** When it started, by its sender's clock; 0 when that is not set. */
  readonly startMs = new Float64Column();
  /**
   * When the work closed, by its sender's clock: the reported end; of work that was open and was evicted, the moment of the
   * eviction as far as that clock can be known; 0 while it is open, or where it is not known. Of open work that is reported by
   * snapshots, when the last one was taken.
   */
  readonly closedMs = new Float64Column();
  /** When its start arrived. */
  readonly startedAtMs = new Float64Column();
  /** The last signal, by arrival; of a tombstone, when it was queued. */
  readonly seenAtMs = new Float64Column();
  /** The last progress in open work or below it, by arrival. */
  readonly progressAtMs = new Float64Column();
  /**
   * When an open marker was last released, by arrival; 0 when it was not: a run below it ended, or what held it did. Of a tool that may
   * outlive its run, when it closed: see `SpanTree.releasedAtMs`.
   */
  readonly releasedAtMs = new Float64Column();
  /** Open work anywhere below. */
  readonly openBelow = new Int32Column();
  /** The part of that which it does not wait for: a tool that may outlive its run, and the work below such a tool. */
  readonly detachedBelow = new Int32Column();
  /** Length of the longest chain that was ever linked below it. */
  readonly height = new Uint8Column();
  /** Interned name of the tool, 0 for none. */
  readonly name = new Int32Column();
  /** Hashes of the names of its instrumentation scope, and of the tool or agent; 0 for none. */
  readonly scopeHash = new Int32Column();
  readonly nameHash = new Int32Column();
  /** How long open work may be silent, in ms; 0 when its sender promised no heartbeats. */
  readonly leaseMs = new Int32Column();
  /** The sender's order of its start, 0 when there is none. */
  readonly seq = new Int32Column();
  /** Why it was evicted: the stored id of a reason. */
  readonly reason = new Uint8Column();
  /** One of `evictionHolds`. */
  readonly held = new Uint8Column();
  readonly #parent = new Int32Column();
  readonly #parentGeneration = new Int32Column();
  readonly #generation = new Int32Column();
  readonly #columns = [
    this.trace,
    this.id0,
    this.id1,
    this.owner,
    this.nextMember,
    this.previousMember,
    this.openBelow,
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
    this.closedMs,
    this.startedAtMs,
    this.seenAtMs,
    this.progressAtMs,
    this.releasedAtMs,
  ];
  /** Columns that version 3 added. */
  readonly #added = [this.scopeHash, this.nameHash, this.detachedBelow];
  readonly #index: KeyIndex;
  readonly #rows = new TableRows([...this.#columns, ...this.#added]);
  /** Rows in state `free` are vacant. */
  readonly rows: RowCounts = this.#rows;
  /** The row found last: siblings look for the same parent one after the other. */
  #last = 0;

  constructor(hash: TabulationHash) {
    this.#index = new KeyIndex([this.id0, this.id1, this.trace], hash);
  }

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
    if (stream.isLoading) {
      this.#last = 0;
      this.#index.rebuild(this.#rows.count, (row) => this.state.get(row) !== spanStates.free);
    }
  }

  /** Fills the table from a snapshot of version 1, and `legacy` with the columns that it has no more. */
  restoreV1(stream: SnapshotStream, legacy: LegacySpanColumns): void {
    this.#rows.restore(stream.number(0), stream.numbers([]));
    const flags = new Uint8Column();
    for (const column of [
      this.trace,
      this.id0,
      this.id1,
      legacy.group,
      new Int32Column(),
      new Int32Column(),
      this.openBelow,
      new Int32Column(),
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
      flags,
      this.startMs,
      this.closedMs,
      this.seenAtMs,
    ]) {
      stream.column(column, this.#rows.count);
    }
    for (const column of [...this.#columns, ...this.#added]) {
      column.ensure(this.#rows.count);
    }
    for (let row = 0; row < this.#rows.count; row++) {
      this.flags.set(row, flags.get(row));
      this.owner.set(row, -1);
    }
    this.#index.rebuild(this.#rows.count, (row) => this.state.get(row) !== spanStates.free);
  }

  /** The row of a span, or -1. */
  find(trace: number, id0: number, id1: number): number {
    const last = this.#last;
    if (
      this.#index.matches(last, id0, id1, trace, 0, 0) &&
      this.state.get(last) !== spanStates.free
    ) {
      return last;
    }
    const row = this.#index.find(id0, id1, trace, 0, 0);
    this.#last = row === -1 ? last : row;
    return row;
  }

  /** Adds a span that is not in the table, in state `unknown`, without parent or owner. */
  add(trace: number, id0: number, id1: number): number {
    const row = this.#rows.take();
    this.trace.set(row, trace);
    this.id0.set(row, id0);
    this.id1.set(row, id1);
    this.state.move(row, spanStates.unknown);
    this.kind.set(row, 0);
    this.flags.set(row, 0);
    this.owner.set(row, -1);
    this.nextMember.set(row, -1);
    this.previousMember.set(row, -1);
    this.startMs.set(row, 0);
    this.closedMs.set(row, 0);
    this.startedAtMs.set(row, 0);
    this.seenAtMs.set(row, 0);
    this.progressAtMs.set(row, 0);
    this.releasedAtMs.set(row, 0);
    this.openBelow.set(row, 0);
    this.detachedBelow.set(row, 0);
    this.height.set(row, 0);
    this.name.set(row, 0);
    this.scopeHash.set(row, 0);
    this.nameHash.set(row, 0);
    this.leaseMs.set(row, 0);
    this.seq.set(row, 0);
    this.reason.set(row, 0);
    this.held.set(row, 0);
    this.#parent.set(row, -1);
    this.#parentGeneration.set(row, 0);
    this.#index.add(row);
    return row;
  }

  /** Frees a row. Children that name it as their parent no longer find it. */
  remove(row: number): void {
    this.#index.remove(row);
    this.state.move(row, spanStates.free);
    this.#generation.set(row, (this.#generation.get(row) + 1) | 0);
    this.#rows.release(row);
  }

  /** The parent's row, or -1 when there is none or it has been forgotten. */
  parentOf(row: number): number {
    const parent = this.#parent.get(row);
    return parent !== -1 && this.#generation.get(parent) === this.#parentGeneration.get(row)
      ? parent
      : -1;
  }

  /** Sets the parent, which is in the table. */
  setParent(row: number, parent: number): void {
    this.#parent.set(row, parent);
    this.#parentGeneration.set(row, this.#generation.get(parent));
  }

  /** How much of the open work below it waits for. */
  awaitedBelow(row: number): number {
    return this.openBelow.get(row) - this.detachedBelow.get(row);
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
}

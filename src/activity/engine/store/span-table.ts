import { Float64Column, Int32Column, Uint8Column } from "../../../otlp/columns.ts";
import { KeyIndex } from "./key-index.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { SpanLifecycle, spanStates } from "./span-lifecycle.ts";
import { TableRows } from "./table-rows.ts";

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
  endReported: 16,
  /** Ended in error. */
  failed: 32,
  /** A run that is the same owner as the harness run directly above it. */
  innerRun: 64,
  /** Reported by the relay: no other source of its process is believed. */
  relayed: 128,
  /** Its silence beside others that are not silent was reported; progress clears it. */
  silenceReported: 256,
  /** A finished span of OpenClaw itself, which ends what is left open when it stops. */
  openclaw: 512,
  /** A run without a known way to it held it: `releasedAtMs` is when that ended. */
  wasHeld: 2048,
  /** No run that it could belong to was known a lateness after it started: that one comes later says nothing of it. */
  withoutScope: 4096,
  /** Is listed among the members of its owner. */
  member: 1024,
  /** A model call, or a tool without a call id, that came finished when its process reported no starts. */
  arrivedFinished: 8192,
  /** A model call of whose input something is known. */
  hasPrompt: 16_384,
  /** A run that neither succeeded nor failed: it was cancelled, or its program gave it up. */
  aborted: 32_768,
  /** Open work of which the start was reported when it began, and not some time later. */
  reportedAtStart: 262_144,
  /** Named as a parent by a span that is always inside a tool. */
  impliedTool: 65_536,
  /** Of an implied tool that has not arrived: counted as evicted. */
  presumedEvicted: 131_072,
  /** A run whose end nobody reported: from its silence, or because its session is idle; or from nothing but its age. */
  endProbable: 1_048_576,
  endPresumed: 2_097_152,
  /** A tool that a harness run may count as two items. */
  countsTwoItems: 4_194_304,
  /** The same work as another span, which is tracked: this one is a link, whatever is reported of it. */
  sameWork: 8_388_608,
  /** A run of which another span is in the counters. */
  uncounted: 16_777_216,
  /** A tool that may outlive its run: nothing above waits for it, and the end of its run makes it no orphan. */
  detached: 33_554_432,
  /** Came finished, and says itself how it ended. */
  hasOutcome: 67_108_864,
  /** Was reported to go on after its process had said that it ends. */
  reportedAfterDelete: 134_217_728,
} as const;

/** How an eviction for silence is held back: not, once, until anything arrives, or once unless something of its host arrives. */
export const evictionHolds = { none: 0, once: 1, untilInput: 2, untilHost: 3 } as const;

/** Columns of version 1 that have no place in the table any more. */
export interface LegacySpanColumns {
  /** Row of the group that a span was a member of, or -1. */
  readonly group: Int32Column;
}

/**
 * Every span the machine remembers, one row of numbers each: open work, tombstones of what ended or
 * was evicted, and the links between them. About 130 bytes a row and no object.
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
   * Row of the owner it is a member of, or -1. Of a span that is no work and at which others wait for the way to
   * their run, the owner that collects them.
   */
  readonly owner = new Int32Column();
  readonly nextMember = new Int32Column();
  readonly previousMember = new Int32Column();
  /** Sender's clock. */
  readonly startMs = new Float64Column();
  /** The end by the sender's clock; of evicted work, when it was evicted, as far as that clock can say. */
  readonly endMs = new Float64Column();
  /** When its start arrived. */
  readonly startedAtMs = new Float64Column();
  /** The last signal, by arrival; for a tombstone, when it became one. */
  readonly seenAtMs = new Float64Column();
  /** Of an open marker: the last progress in it or below it, by arrival. */
  readonly progressAtMs = new Float64Column();
  /** Of an open marker: when the last run below it ended, by arrival; 0 when none has. */
  readonly releasedAtMs = new Float64Column();
  /** Open work anywhere below. */
  readonly openBelow = new Int32Column();
  /** How much of that it does not wait for: a tool that may outlive its run, and what is below such a tool. */
  readonly detachedBelow = new Int32Column();
  /** Length of the longest chain below that was ever linked. */
  readonly height = new Uint8Column();
  /** Interned tool name, 0 for none. */
  readonly name = new Int32Column();
  /** Hashes of the names of its instrumentation scope, and of the tool or agent; 0 for none. */
  readonly scopeHash = new Int32Column();
  readonly nameHash = new Int32Column();
  /** Silence of open work that is too long, in ms; 0 when its sender promised no heartbeats. */
  readonly leaseMs = new Int32Column();
  /** The sender's order of its start, 0 when there is none. */
  readonly seq = new Int32Column();
  /** Why it was evicted: the stored id of a reason. */
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
    this.endMs,
    this.startedAtMs,
    this.seenAtMs,
    this.progressAtMs,
    this.releasedAtMs,
  ];
  /** What version 3 added. */
  readonly #added = [this.scopeHash, this.nameHash, this.detachedBelow];
  readonly #index: KeyIndex;
  readonly #rows = new TableRows([...this.#columns, ...this.#added]);
  /** The row found last: siblings ask for the same parent one after the other. */
  #last = 0;

  constructor(seed: number) {
    this.#index = new KeyIndex([this.id0, this.id1, this.trace], seed);
  }

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    this.#rows.restore(stream.number(this.#rows.count), stream.numbers(this.#rows.vacant));
    for (const column of this.#columns) {
      stream.column(column, this.rows);
    }
    for (const column of this.#added) {
      column.ensure(this.rows);
      if (version >= 3) {
        stream.column(column, this.rows);
      }
    }
    if (stream.isLoading) {
      this.#last = 0;
      this.#index.rebuild(this.rows, (row) => this.state.get(row) !== spanStates.free);
    }
  }

  /** Fills the table from an archive of version 1, and `legacy` with the columns that are no more. */
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
      this.endMs,
      this.seenAtMs,
    ]) {
      stream.column(column, this.rows);
    }
    for (const column of [...this.#columns, ...this.#added]) {
      column.ensure(this.rows);
    }
    for (let row = 0; row < this.rows; row++) {
      this.flags.set(row, flags.get(row));
      this.owner.set(row, -1);
    }
    this.#index.rebuild(this.rows, (row) => this.state.get(row) !== spanStates.free);
  }

  /** Rows in use. */
  get size(): number {
    return this.#rows.size;
  }

  /** Rows ever used; rows below it with state `free` are vacant. */
  get rows(): number {
    return this.#rows.count;
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

  /** Adds a row that is not in the table, in state `unknown`, without parent or group. */
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
    this.endMs.set(row, 0);
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

  /** Forgets a row. Children that name it as their parent no longer find it. */
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

  setParent(row: number, parent: number): void {
    this.#parent.set(row, parent);
    this.#parentGeneration.set(row, this.#generation.get(parent));
  }

  /** How much open work below it waits for. */
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

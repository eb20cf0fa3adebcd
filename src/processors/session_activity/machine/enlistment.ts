import { toWorkKind, workKinds } from "../kinds.ts";
import { dialects } from "../signals/dialects.ts";
import { type SignalBatch, signalFlags } from "../signals/signal-batch.ts";
import type { ActivityCounts } from "./activity-counts.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import { groupFlags } from "./group-table.ts";
import type { Ownership } from "./ownership.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import { spanFlags } from "./span-table.ts";
import type { Tombstones } from "./tombstones.ts";

/** Makes spans known that signals speak of: their rows, parents, groups and sessions. */
export class Enlistment {
  readonly #lookup: SignalLookup;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #tombstones: Tombstones;
  readonly #ownership: Ownership;

  constructor(parts: {
    readonly lookup: SignalLookup;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly tombstones: Tombstones;
    readonly ownership: Ownership;
  }) {
    this.#lookup = parts.lookup;
    this.#graph = parts.graph;
    this.#counts = parts.counts;
    this.#tombstones = parts.tombstones;
    this.#ownership = parts.ownership;
  }

  /** Where a span begins that is in no group yet: its session if that is known, which saves merging. */
  #referencedOrNewGroup(batch: SignalBatch, row: number): number {
    const group = this.#lookup.referencedGroupOf(batch, row);
    return group === -1 ? this.#graph.groups.add(batch.process.get(row)) : group;
  }

  /**
   * Makes a span known: its row, kind, parent and group. It comes back held, out of every queue, except
   * a mere link, which is queued to be forgotten. -1 when there is no room.
   */
  define(known: number, batch: SignalBatch, row: number, nowMs: number): number {
    const { spans } = this.#graph;
    const kind = toWorkKind(batch.kind.get(row));
    const span = known === -1 ? this.add(batch, row, nowMs) : known;
    if (span === -1) {
      return -1;
    }
    this.#tombstones.arrive(span);
    const flags = batch.flags.get(row);
    spans.kind.set(span, kind);
    spans.startMs.set(span, batch.startMs.get(row));
    spans.endMs.set(span, batch.endMs.get(row));
    spans.name.set(span, batch.name.get(row));
    spans.seq.set(span, batch.seq.get(row));
    if ((flags & signalFlags.harness) !== 0) {
      spans.setFlag(span, spanFlags.harness);
    }
    if ((flags & signalFlags.innerRun) !== 0) {
      spans.setFlag(span, spanFlags.innerRun);
    }
    if (batch.dialect.get(row) === dialects.relay) {
      spans.setFlag(span, spanFlags.relayed);
    }
    switch (kind) {
      case workKinds.run:
        this.#enlistRun(span, batch, row, nowMs);
        break;
      case workKinds.tool:
      case workKinds.modelCall:
        this.#enlistMarker(span, batch, row, nowMs);
        break;
      case workKinds.other:
        this.#enlistLink(span, batch, row, nowMs);
        break;
      default: {
        const never: never = kind;
        return never;
      }
    }
    return span;
  }

  #enlistRun(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, groups, traces } = this.#graph;
    if (batch.referencesFrom(row) < batch.referencesTo(row)) {
      this.#graph.tree.setOwnReference(span);
    }
    this.linkParent(span, batch, row, nowMs);
    if (spans.group.get(span) === -1) {
      this.#graph.join(span, this.#referencedOrNewGroup(batch, row));
    } else {
      this.#graph.tighten(spans.group.get(span));
    }
    this.addReferences(span, batch, row);
    this.#ownership.adopt(span);
    const group = spans.group.get(span);
    groups.setFlag(group, groupFlags.hadOwner);
    traces.hadOwner.set(spans.trace.get(span), 1);
    if (batch.channel.get(row) !== 0) {
      groups.channel.set(group, batch.channel.get(row));
    }
  }

  #enlistMarker(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans, groups } = this.#graph;
    this.linkParent(span, batch, row, nowMs);
    const waiting = spans.group.get(span);
    const to = batch.referencesTo(row);
    let group = -1;
    if (batch.referencesFrom(row) < to) {
      const owner = this.#graph.tree.ownerAbove(span);
      const owned = owner === -1 ? -1 : spans.group.get(owner);
      group =
        owned !== -1 && !groups.hasFlag(owned, groupFlags.referenced)
          ? owned
          : this.#referencedOrNewGroup(batch, row);
      for (let reference = batch.referencesFrom(row); reference < to; reference++) {
        group = this.#graph.refer(
          group,
          batch.process.get(row),
          batch.referenceHi(reference),
          batch.referenceLo(reference),
        );
      }
    } else {
      group = this.#graph.groupAbove(span);
    }
    if (waiting !== -1) {
      // What waited below it has the same owner as it has.
      group = this.#graph.merge(group, waiting);
    }
    this.#graph.join(span, group);
  }

  #enlistLink(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    this.linkParent(span, batch, row, nowMs);
    const waiting = spans.group.get(span);
    if (waiting !== -1) {
      this.#graph.merge(this.#graph.groupAbove(span), waiting);
      this.#ownership.callIfOwnerless(span, nowMs);
      this.#graph.leave(span);
    }
    this.#tombstones.bury(span, nowMs);
  }

  /** Puts a span below the parent that a signal names, which may not have arrived (I1). */
  linkParent(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { spans } = this.#graph;
    const parent0 = batch.parent0.get(row);
    const parent1 = batch.parent1.get(row);
    if ((parent0 === 0 && parent1 === 0) || spans.parentOf(span) !== -1) {
      return;
    }
    const trace = spans.trace.get(span);
    let parent = spans.find(trace, parent0, parent1);
    if (parent === -1 && this.#tombstones.makeRoom()) {
      parent = this.#tombstones.addUnknown(trace, parent0, parent1, nowMs);
      this.#counts.addSignal("implied", dialects.impliedParent);
    }
    if (parent !== -1) {
      this.#graph.tree.link(span, parent);
    }
  }

  /** Takes a run into the sessions that a signal names. */
  addReferences(run: number, batch: SignalBatch, row: number): void {
    const { spans } = this.#graph;
    const to = batch.referencesTo(row);
    for (let reference = batch.referencesFrom(row); reference < to; reference++) {
      this.#graph.tree.setOwnReference(run);
      this.#graph.refer(
        spans.group.get(run),
        batch.process.get(row),
        batch.referenceHi(reference),
        batch.referenceLo(reference),
      );
    }
  }

  /** A span that is known by its name only; -1 when there is no room. */
  add(batch: SignalBatch, row: number, nowMs: number): number {
    if (!this.#tombstones.makeRoom()) {
      return -1;
    }
    const trace = this.#graph.traces.findOrAdd(
      batch.process.get(row),
      batch.trace0.get(row),
      batch.trace1.get(row),
      batch.trace2.get(row),
      batch.trace3.get(row),
    );
    return this.#tombstones.addUnknown(trace, batch.span0.get(row), batch.span1.get(row), nowMs);
  }
}

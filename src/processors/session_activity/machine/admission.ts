import { workKinds } from "../kinds.ts";
import { type SignalBatch, signalFlags } from "../signals/signal-batch.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import { groupFlags } from "./group-table.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import { spanFlags } from "./span-table.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Which starts are tracked: not those that come too late, nor phantoms, nor more than the bounds allow. */
export class Admission {
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #lookup: SignalLookup;

  constructor(
    limits: ActivityLimits,
    graph: ActivityGraph,
    ledger: WorkLedger,
    lookup: SignalLookup,
  ) {
    this.#limits = limits;
    this.#graph = graph;
    this.#ledger = ledger;
    this.#lookup = lookup;
  }

  /** Why a start is not tracked, if it is not. */
  refuse(known: number, batch: SignalBatch, row: number): "late_start" | "untracked" | undefined {
    const isMarker = batch.kind.get(row) !== workKinds.run;
    const hasReference = batch.referencesFrom(row) < batch.referencesTo(row);
    const hasParent = batch.parent0.get(row) !== 0 || batch.parent1.get(row) !== 0;
    if (isMarker && this.#isLate(known, batch, row)) {
      return "late_start";
    }
    if (isMarker && !hasParent && !hasReference) {
      // Some senders start a second span for the same tool that nothing ever ends.
      return "untracked";
    }
    const group = this.#groupOf(known, batch, row);
    return this.#isFull(group, known, batch, row) ? "untracked" : undefined;
  }

  /** Whether the bounds allow to take evicted work back. */
  readmits(known: number, batch: SignalBatch, row: number): boolean {
    return !this.#isFull(this.#groupOf(known, batch, row), known, batch, row);
  }

  #isFull(group: number, known: number, batch: SignalBatch, row: number): boolean {
    return (
      this.#ledger.openWork >= this.#limits.maxOpenWork ||
      (this.#graph.activeGroups >= this.#limits.maxSessions &&
        !this.#joinsActive(group, known, batch, row))
    );
  }

  /** Whether the start of a marker is from before an eviction in any group that it would be part of. */
  #isLate(known: number, batch: SignalBatch, row: number): boolean {
    const { groups, spans } = this.#graph;
    const waiting = known === -1 ? -1 : spans.group.get(known);
    const parent = this.#lookup.parentOf(known, batch, row);
    const owner = this.#ownerAt(parent);
    const owned = owner === -1 ? -1 : spans.group.get(owner);
    const from = batch.referencesFrom(row);
    const to = batch.referencesTo(row);
    if (from === to) {
      const group = owned === -1 && parent !== -1 ? this.#graph.waitingGroup(parent) : owned;
      return this.#isFenced(group, batch, row) || this.#isFenced(waiting, batch, row);
    }
    const isOwned = owned !== -1 && !groups.hasFlag(owned, groupFlags.referenced);
    let isLate =
      this.#isFenced(waiting, batch, row) || (isOwned && this.#isFenced(owned, batch, row));
    for (let reference = from; reference < to && !isLate; reference++) {
      isLate = this.#isFenced(this.#lookup.groupOf(batch, row, reference), batch, row);
    }
    return isLate;
  }

  /** Whether a start is from before an eviction: by the sender's order of events where it has one, else by its clock. */
  #isFenced(group: number, batch: SignalBatch, row: number): boolean {
    if (group === -1) {
      return false;
    }
    const { groups } = this.#graph;
    const cutoffSeq = groups.cutoffSeq.get(group);
    const seq = batch.seq.get(row);
    return cutoffSeq > 0 && seq > 0
      ? seq <= cutoffSeq
      : batch.startMs.get(row) <= groups.cutoffMs.get(group);
  }

  /** Whether work falls into a session that is active already, so that it needs no new one. */
  #joinsActive(group: number, known: number, batch: SignalBatch, row: number): boolean {
    const { groups, spans } = this.#graph;
    if (group === -1 || !groups.isActive(group)) {
      return false;
    }
    if (batch.referencesFrom(row) < batch.referencesTo(row)) {
      return this.#lookup.referencedGroupOf(batch, row) !== -1;
    }
    const parent = this.#lookup.parentOf(known, batch, row);
    if (parent === -1) {
      return false;
    }
    if (batch.kind.get(row) !== workKinds.run) {
      return true;
    }
    const isInner =
      (batch.flags.get(row) & signalFlags.innerRun) !== 0 &&
      spans.hasFlag(parent, spanFlags.harness);
    return isInner || groups.hasFlag(group, groupFlags.referenced);
  }

  /** The group that a signal will fall into as far as it exists already, or -1. */
  #groupOf(known: number, batch: SignalBatch, row: number): number {
    const referenced = this.#lookup.referencedGroupOf(batch, row);
    if (referenced !== -1) {
      return referenced;
    }
    const owner = this.#ownerAt(this.#lookup.parentOf(known, batch, row));
    return owner === -1 ? -1 : this.#graph.spans.group.get(owner);
  }

  /** The nearest run from `parent` upwards, or -1. */
  #ownerAt(parent: number): number {
    const isOwner = parent !== -1 && this.#graph.spans.kind.get(parent) === workKinds.run;
    return isOwner || parent === -1 ? parent : this.#graph.tree.ownerAbove(parent);
  }
}

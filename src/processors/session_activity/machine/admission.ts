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
    const group = this.#groupOf(known, batch, row);
    if (isMarker && group !== -1 && this.#isFenced(group, batch, row)) {
      return "late_start";
    }
    if (isMarker && !hasParent && !hasReference) {
      // Some senders start a second span for the same tool that nothing ever ends.
      return "untracked";
    }
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

  /** Whether a start is from before an eviction: by the sender's order of events where it has one, else by its clock. */
  #isFenced(group: number, batch: SignalBatch, row: number): boolean {
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
    if (parent === -1 || (known !== -1 && !this.#graph.isBelow(known, parent))) {
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
    const { spans } = this.#graph;
    const referenced = this.#lookup.referencedGroupOf(batch, row);
    if (referenced !== -1) {
      return referenced;
    }
    const parent = this.#lookup.parentOf(known, batch, row);
    if (parent === -1) {
      return -1;
    }
    const owner =
      spans.kind.get(parent) === workKinds.run ? parent : this.#graph.ownerAbove(parent);
    return owner === -1 ? -1 : spans.group.get(owner);
  }
}

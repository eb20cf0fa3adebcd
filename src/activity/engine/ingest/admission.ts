import type { ActivityLimits } from "../../model/limits.ts";
import { type SignalBatch, signalFlags } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import type { Holders } from "../policy/holders.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import type { OpenWork } from "../store/open-work.ts";
import { spanFlags } from "../store/span-table.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** What it needs of the engine. */
interface AdmissionParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly lookup: SignalLookup;
  readonly holders: Holders;
}

/** Which starts are tracked: not those that come too late, nor phantoms, nor more than the bounds allow. */
export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Why a start is not tracked, if it is not. */
  refusalOf(
    known: number,
    batch: SignalBatch,
    row: number,
    nowMs: number,
  ): "late_start" | "untracked" | undefined {
    const isMarker = batch.kind.get(row) !== workKinds.run;
    const hasReference = batch.referencesFrom(row) < batch.referencesTo(row);
    const hasParent = batch.parent0.get(row) !== 0 || batch.parent1.get(row) !== 0;
    if (isMarker && this.#isLate(known, batch, row, nowMs)) {
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
  admitsAgain(known: number, batch: SignalBatch, row: number): boolean {
    return !this.#isFull(this.#groupOf(known, batch, row), known, batch, row);
  }

  #isFull(group: number, known: number, batch: SignalBatch, row: number): boolean {
    return (
      this.#parts.openWork.size >= this.#parts.limits.maxOpenWork ||
      (this.#parts.store.sessions.active >= this.#parts.limits.maxSessions &&
        !this.#joinsActive(group, known, batch, row))
    );
  }

  /**
   * Whether the start of a marker comes from before the end of its own run, which has been judged: it must not arm a marker
   * again that has no owner, unless it may outlive that. It is known for as long as ended work is remembered.
   */
  #isLate(known: number, batch: SignalBatch, row: number, nowMs: number): boolean {
    const parent = this.#parts.lookup.parentOf(known, batch, row);
    const run = this.#ownerAt(parent);
    const owner = run === -1 ? -1 : this.#parts.store.spans.owner.get(run);
    if (owner === -1 || this.#parts.store.owners.isOpen(owner)) {
      return false;
    }
    const isTool = batch.kind.get(row) === workKinds.tool;
    const isDetached = isTool && (batch.flags.get(row) & signalFlags.detached) !== 0;
    if (isDetached || (parent !== run && this.#parts.store.tree.mayOutliveRun(parent))) {
      return false;
    }
    const start = { atMs: nowMs, timeMs: batch.startMs.get(row), seq: batch.seq.get(row) };
    const isRemembered =
      nowMs - this.#parts.store.owners.endedAtMs.get(owner) < this.#parts.limits.tombstoneTtlMs;
    return (
      isRemembered &&
      this.#parts.holders.isBeforeEnd(start, owner) &&
      this.#parts.holders.isDecided(owner, nowMs)
    );
  }

  /** Whether work falls into a session that is active already, so that it needs no new one. */
  #joinsActive(group: number, known: number, batch: SignalBatch, row: number): boolean {
    const { groups, spans } = this.#parts.store;
    if (group === -1 || !groups.isActive(group)) {
      return false;
    }
    if (batch.referencesFrom(row) < batch.referencesTo(row)) {
      return this.#parts.lookup.referencedGroupOf(batch, row) !== -1;
    }
    const parent = this.#parts.lookup.parentOf(known, batch, row);
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
    const referenced = this.#parts.lookup.referencedGroupOf(batch, row);
    if (referenced !== -1) {
      return referenced;
    }
    const run = this.#ownerAt(this.#parts.lookup.parentOf(known, batch, row));
    return run === -1 ? -1 : this.#parts.store.groupOf(run);
  }

  /** The nearest run from `parent` upwards, or -1. */
  #ownerAt(parent: number): number {
    const isOwner = parent !== -1 && this.#parts.store.spans.kind.get(parent) === workKinds.run;
    return isOwner || parent === -1 ? parent : this.#parts.store.tree.runAbove(parent);
  }
}

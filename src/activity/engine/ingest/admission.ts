import type { SignalResult } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../../model/signal-batch.ts";
import { toWorkKind, workKinds } from "../../model/work.ts";
import type { Holders } from "../policy/holders.ts";
import { type ActivityCounters, add } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import type { OpenWork } from "../store/open-work.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** What it needs of the engine. */
interface AdmissionParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly openWork: OpenWork;
  readonly lookup: SignalLookup;
  readonly holders: Holders;
}

/**
 * Decides which starts are tracked: none that arrives too late, none that can belong to no run, and none beyond `max_open_work` or
 * `max_sessions`. Keeps nothing; work that is refused for a bound is counted as untracked.
 */
export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Why a start is not tracked; undefined when it is. */
  refusalOf(
    known: number,
    batch: SignalBatch,
    row: number,
    nowMs: number,
  ): "late_start" | "untracked" | undefined {
    const parent = this.#parts.lookup.parentOf(known, batch, row);
    if (batch.kind.get(row) !== workKinds.run) {
      if (this.#isLate(parent, batch, row, nowMs)) {
        return "late_start";
      }
      const hasReference = batch.referencesFrom.get(row) < batch.referencesTo.get(row);
      const hasParent = batch.parent0.get(row) !== 0 || batch.parent1.get(row) !== 0;
      if (!hasParent && !hasReference) {
        // Some senders start a second span for the same tool that nothing ever ends.
        return "untracked";
      }
    }
    return this.#isFull(parent, batch, row) ? "untracked" : undefined;
  }

  /** Whether the bounds allow to reopen evicted work. */
  admitsAgain(known: number, batch: SignalBatch, row: number): boolean {
    return !this.#isFull(this.#parts.lookup.parentOf(known, batch, row), batch, row);
  }

  /** Counts work that the bounds do not allow to track; a run in a harness run is counted with that one, tracked or not. */
  refuse(known: number, batch: SignalBatch, row: number): SignalResult {
    const { spans } = this.#parts.store;
    const parent = this.#parts.lookup.parentOf(known, batch, row);
    const hasParent = batch.parent0.get(row) !== 0 || batch.parent1.get(row) !== 0;
    const isInner =
      (batch.flags.get(row) & signalFlags.innerRun) !== 0 &&
      hasParent &&
      (parent === -1 ||
        spans.state.get(parent) === spanStates.unknown ||
        spans.hasFlag(parent, spanFlags.harness));
    if (!isInner) {
      this.#countUntracked(batch, row);
    }
    return "untracked";
  }

  /** Counts the work of a signal whose process is beyond the bound on processes: nothing of it is tracked. */
  refuseProcess(batch: SignalBatch, row: number): SignalResult {
    const type = batch.type.get(row);
    const isAboutWork = type === signalTypes.start || type === signalTypes.end;
    if (isAboutWork && batch.kind.get(row) !== workKinds.other) {
      this.#countUntracked(batch, row);
    }
    return "untracked";
  }

  #countUntracked(batch: SignalBatch, row: number): void {
    const kind = toWorkKind(batch.kind.get(row));
    add(this.#parts.counters.started, kind, 1);
    add(this.#parts.counters.untracked, kind, 1);
  }

  #isFull(parent: number, batch: SignalBatch, row: number): boolean {
    const { limits, store, openWork } = this.#parts;
    return (
      openWork.size >= limits.maxOpenWork ||
      (store.sessions.active >= limits.maxSessions && !this.#joinsActive(parent, batch, row))
    );
  }

  /**
   * Whether a marker started before its own run ended, and that run is decided: the start must not open a marker that has
   * no owner, unless it may outlive the run. The run is known for as long as ended work is remembered.
   */
  #isLate(parent: number, batch: SignalBatch, row: number, nowMs: number): boolean {
    const { limits, store, holders } = this.#parts;
    const { spans, owners, tree } = store;
    const run = this.#runFrom(parent);
    const owner = run === -1 ? -1 : spans.owner.get(run);
    if (owner === -1 || owners.isOpen(owner)) {
      return false;
    }
    const isTool = batch.kind.get(row) === workKinds.tool;
    const isDetached = isTool && (batch.flags.get(row) & signalFlags.detached) !== 0;
    if (isDetached || (parent !== run && tree.mayOutliveRun(parent))) {
      return false;
    }
    const start = { atMs: nowMs, timeMs: batch.startMs.get(row), seq: batch.seq.get(row) };
    const isRemembered = nowMs - owners.endedAtMs.get(owner) < limits.tombstoneTtlMs;
    return isRemembered && holders.isBeforeEnd(start, owner) && holders.isDecided(owner, nowMs);
  }

  /** Whether work joins a session that is active already, so that it needs no new one. */
  #joinsActive(parent: number, batch: SignalBatch, row: number): boolean {
    const { store, lookup } = this.#parts;
    const { groups, spans } = store;
    const referenced = lookup.referencedGroupOf(batch, row);
    const run = referenced === -1 ? this.#runFrom(parent) : -1;
    const group = run === -1 ? referenced : store.groupOf(run);
    if (group === -1 || !groups.isActive(group)) {
      return false;
    }
    if (batch.referencesFrom.get(row) < batch.referencesTo.get(row)) {
      return referenced !== -1;
    }
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

  /** The nearest run from `parent` upwards, or -1. */
  #runFrom(parent: number): number {
    const { spans, tree } = this.#parts.store;
    const isRun = parent !== -1 && spans.kind.get(parent) === workKinds.run;
    return isRun || parent === -1 ? parent : tree.runAbove(parent);
  }
}

import type { Verdict } from "../../model/diagnosis.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { Pauses } from "./pauses.ts";

/** Owners below owners are looked at this deep. */
const maxDepth = 200;

/** What an open owner does. */
export interface OwnerVerdict {
  readonly verdict: Verdict;
  /** The span that is to blame, or -1: a tool, a model call, a run. */
  readonly culprit: number;
  /** Since when that has made no progress, by arrival. */
  readonly sinceMs: number;
}

/** The open work at the far ends below an owner. */
interface Leaves {
  tool: number;
  modelCall: number;
  run: number;
  count: number;
  waiting: number;
}

/** What it needs of the engine. */
interface VerdictsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly pauses: Pauses;
}

/**
 * What open runs do: wait for a person, make progress, or not, and which work is to blame. Asks and changes nothing.
 */
export class Verdicts {
  readonly #parts: VerdictsParts;

  constructor(parts: VerdictsParts) {
    this.#parts = parts;
  }

  /** The first that holds, in the order of the table in the README. */
  of(owner: number, nowMs: number): OwnerVerdict {
    const { owners } = this.#parts.store;
    const progressAtMs = owners.progressAtMs.get(owner);
    if (this.isWaiting(owner)) {
      return { verdict: "waiting_for_person", culprit: -1, sinceMs: progressAtMs };
    }
    if (progressAtMs + this.#parts.limits.stalledAfterMs > nowMs) {
      return { verdict: "progressing", culprit: -1, sinceMs: progressAtMs };
    }
    const leaves = this.#leavesOf(owner);
    const { spans } = this.#parts.store;
    if (leaves.tool !== -1) {
      const sinceMs = spans.progressAtMs.get(leaves.tool);
      return { verdict: "silent_tool", culprit: leaves.tool, sinceMs };
    }
    if (leaves.modelCall !== -1) {
      const sinceMs = spans.progressAtMs.get(leaves.modelCall);
      return { verdict: "silent_model_call", culprit: leaves.modelCall, sinceMs };
    }
    const run = leaves.run === -1 ? owner : leaves.run;
    const hasFailed = owners.hasFlag(run, ownerFlags.modelFailed);
    return {
      verdict: hasFailed ? "retrying" : "wedged_run",
      culprit: owners.top.get(run),
      sinceMs: owners.progressAtMs.get(run),
    };
  }

  /** Of the open owners of a session the one that decides its state; undefined when none is open. */
  ofSession(group: number, nowMs: number): OwnerVerdict | undefined {
    const { owners, live } = this.#parts.store;
    let deciding: OwnerVerdict | undefined;
    for (let owner = live.first(group); owner !== -1; owner = live.after(owner)) {
      if (owners.isOpen(owner)) {
        const verdict = this.of(owner, nowMs);
        deciding = deciding === undefined || decides(verdict, deciding) ? verdict : deciding;
      }
    }
    return deciding;
  }

  /** Whether an owner waits for a person: a pause names it, or all open work at the far ends below it waits. */
  isWaiting(owner: number): boolean {
    if (!this.#parts.pauses.hasAny) {
      return false;
    }
    if (this.#isPaused(owner)) {
      return true;
    }
    const { count, waiting } = this.#leavesOf(owner);
    return count > 0 && waiting === count;
  }

  /** Open tools directly in an owner with nothing open below that have made no progress for long, do not wait and do not outlive it. */
  silentTools(owner: number, nowMs: number): readonly number[] {
    const { spans, owners, members, tree } = this.#parts.store;
    const hasDetached = owners.hasFlag(owner, ownerFlags.hasDetached);
    const silent: number[] = [];
    for (let span = members.first(owner); span !== -1; span = members.after(span)) {
      if (
        spans.state.get(span) === spanStates.open &&
        spans.kind.get(span) === workKinds.tool &&
        spans.awaitedBelow(span) === 0 &&
        !(hasDetached && tree.mayOutliveRun(span)) &&
        spans.progressAtMs.get(span) + this.#parts.limits.stalledAfterMs <= nowMs &&
        !this.#parts.pauses.isPaused(span)
      ) {
        silent.push(span);
      }
    }
    return silent;
  }

  /** Whether a pause names a run of the owner, or its session. */
  #isPaused(owner: number): boolean {
    const { spans, members } = this.#parts.store;
    for (let span = members.first(owner); span !== -1; span = members.after(span)) {
      const isOpenRun =
        spans.kind.get(span) === workKinds.run && spans.state.get(span) === spanStates.open;
      if (isOpenRun && this.#parts.pauses.isPaused(span)) {
        return true;
      }
    }
    return false;
  }

  #leavesOf(owner: number): Leaves {
    const leaves = { tool: -1, modelCall: -1, run: -1, count: 0, waiting: 0 };
    this.#collect(owner, leaves, { depth: 0, isPaused: false });
    return leaves;
  }

  /** True when anything is open in `owner` or below it. */
  #collect(
    owner: number,
    leaves: Leaves,
    at: { readonly depth: number; readonly isPaused: boolean },
  ): boolean {
    const { depth } = at;
    const { spans, owners, members, below, tree } = this.#parts.store;
    // It waits for nothing that may outlive it, until that waits for a person.
    const hasDetached = owners.hasFlag(owner, ownerFlags.hasDetached);
    const isPaused =
      at.isPaused || (depth > 0 && this.#parts.pauses.hasAny && this.#isPaused(owner));
    let hasOpen = false;
    for (let span = members.first(owner); span !== -1; span = members.after(span)) {
      const kind = spans.kind.get(span);
      if (kind === workKinds.run || spans.state.get(span) !== spanStates.open) {
        continue;
      }
      const isWaiting = isPaused || this.#parts.pauses.isPaused(span);
      if (hasDetached && !isWaiting && tree.mayOutliveRun(span)) {
        continue;
      }
      hasOpen = true;
      if (spans.awaitedBelow(span) > 0) {
        continue;
      }
      leaves.count++;
      if (isWaiting) {
        leaves.waiting++;
      } else {
        const which = kind === workKinds.tool ? "tool" : "modelCall";
        leaves[which] = this.#longerSilent(span, leaves[which]);
      }
    }
    for (let each = below.first(owner); each !== -1; each = below.after(each)) {
      const top = owners.top.get(each);
      const isApart = hasDetached && top !== -1 && tree.mayOutliveRun(top);
      if (!owners.isOpen(each) || owners.isUnresolved(each) || depth >= maxDepth || isApart) {
        continue;
      }
      hasOpen = true;
      if (!this.#collect(each, leaves, { depth: depth + 1, isPaused })) {
        leaves.count++;
        if (isPaused || (this.#parts.pauses.hasAny && this.#isPaused(each))) {
          leaves.waiting++;
        } else if (
          leaves.run === -1 ||
          owners.progressAtMs.get(each) < owners.progressAtMs.get(leaves.run)
        ) {
          leaves.run = each;
        }
      }
    }
    return hasOpen;
  }

  #longerSilent(a: number, b: number): number {
    const { spans } = this.#parts.store;
    const isLonger =
      b === -1 ||
      spans.progressAtMs.get(a) < spans.progressAtMs.get(b) ||
      (spans.progressAtMs.get(a) === spans.progressAtMs.get(b) &&
        spans.startedAtMs.get(a) < spans.startedAtMs.get(b));
    return isLonger ? a : b;
  }
}

/** In the order in which they decide what a session is doing. */
const deciding: Readonly<Record<Verdict, number>> = {
  progressing: 0,
  silent_tool: 1,
  silent_model_call: 2,
  retrying: 3,
  wedged_run: 3,
  waiting_for_person: 4,
  stale_marker: 5,
  queued_only: 5,
  unknown: 5,
};

/**
 * Whether one verdict decides before another: progress comes first, then a silent tool, a model call, a run; of equals the
 * one that is silent for longer.
 */
export function decides(a: OwnerVerdict, b: OwnerVerdict): boolean {
  const rank = deciding[a.verdict] - deciding[b.verdict];
  return rank < 0 || (rank === 0 && a.sinceMs < b.sinceMs);
}

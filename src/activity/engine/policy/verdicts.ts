import type { BlockedBy, Verdict } from "../../model/diagnosis.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { Pauses } from "./pauses.ts";
import { sessionStates } from "./session-lifecycle.ts";

/** The properties of a verdict. */
interface VerdictRow {
  /** Of an open run the first verdict that applies counts; undefined for those that only a gateway's claim gets. */
  readonly precedence: number | undefined;
  /** Of the open runs of a session the one whose verdict has the lowest rank decides what the session does. */
  readonly rank: number;
  /** What it blames. */
  readonly blockedBy: BlockedBy;
  /** The state of a session that it decides: a value of `GroupTable.state`. `long_running` follows from `active`, by time. */
  readonly state: number;
}

/** Every verdict, one row each, in order of precedence. */
export const verdictRows = {
  waiting_for_person: { precedence: 0, rank: 4, blockedBy: "none", state: sessionStates.paused },
  progressing: { precedence: 1, rank: 0, blockedBy: "none", state: sessionStates.active },
  silent_tool: { precedence: 2, rank: 1, blockedBy: "tool", state: sessionStates.blockedByTool },
  silent_model_call: {
    precedence: 3,
    rank: 2,
    blockedBy: "model_call",
    state: sessionStates.stalledByModelCall,
  },
  retrying: { precedence: 4, rank: 3, blockedBy: "run", state: sessionStates.stalledByRun },
  wedged_run: { precedence: 5, rank: 3, blockedBy: "run", state: sessionStates.stalledByRun },
  stale_marker: { precedence: undefined, rank: 5, blockedBy: "none", state: sessionStates.none },
  queued_only: { precedence: undefined, rank: 5, blockedBy: "none", state: sessionStates.none },
  unknown: { precedence: undefined, rank: 5, blockedBy: "none", state: sessionStates.none },
} as const satisfies Readonly<Record<Verdict, VerdictRow>>;

/** Owners below owners are searched this deep. */
const maxDepth = 200;

/** What an open run does: a verdict about its owner. */
export interface OwnerVerdict {
  readonly verdict: Verdict;
  /** The span that is to blame, or -1: a tool, a model call, a run. */
  readonly culprit: number;
  /** Since when that has made no progress, by arrival. */
  readonly sinceMs: number;
}

/** The deepest open work below an owner: rows of the longest silent tool, model call and run, or -1. */
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

/** Decides what open runs do, and which work is to blame. Keeps nothing and changes nothing. */
export class Verdicts {
  readonly #parts: VerdictsParts;

  constructor(parts: VerdictsParts) {
    this.#parts = parts;
  }

  /** The first verdict that applies to an open owner, in the order of the table. */
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

  /** The verdict that decides what a session does; undefined when it has no open run. */
  ofSession(group: number, nowMs: number): OwnerVerdict | undefined {
    const { owners, live } = this.#parts.store;
    let deciding: OwnerVerdict | undefined;
    for (let owner = live.first.get(group); owner !== -1; owner = live.after.get(owner)) {
      if (owners.isOpen(owner)) {
        const verdict = this.of(owner, nowMs);
        deciding = deciding === undefined || decides(verdict, deciding) ? verdict : deciding;
      }
    }
    return deciding;
  }

  /** Whether an owner waits for a person: a pause names it, or all the deepest open work below it waits. */
  isWaiting(owner: number): boolean {
    if (this.#parts.pauses.open.size === 0) {
      return false;
    }
    if (this.#isPaused(owner)) {
      return true;
    }
    const { count, waiting } = this.#leavesOf(owner);
    return count > 0 && waiting === count;
  }

  /** Open tools of an owner that are silent: nothing is open below them, they do not wait for a person and may not outlive the run. */
  silentTools(owner: number, nowMs: number): readonly number[] {
    const { spans, owners, members, tree } = this.#parts.store;
    const hasDetached = owners.hasFlag(owner, ownerFlags.hasDetached);
    const silent: number[] = [];
    for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
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
    for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
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

  /** Adds the leaves in and below `owner`. Returns whether anything is open there. */
  #collect(
    owner: number,
    leaves: Leaves,
    at: { readonly depth: number; readonly isPaused: boolean },
  ): boolean {
    const { depth } = at;
    const { spans, owners, members, below, tree } = this.#parts.store;
    // It does not wait for a tool that may outlive it, except while that tool waits for a person.
    const hasDetached = owners.hasFlag(owner, ownerFlags.hasDetached);
    const isPaused =
      at.isPaused || (depth > 0 && this.#parts.pauses.open.size > 0 && this.#isPaused(owner));
    let hasOpen = false;
    for (let span = members.first.get(owner); span !== -1; span = members.after.get(span)) {
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
    for (let each = below.first.get(owner); each !== -1; each = below.after.get(each)) {
      const top = owners.top.get(each);
      const isApart = hasDetached && top !== -1 && tree.mayOutliveRun(top);
      if (!owners.isOpen(each) || owners.isUnresolved(each) || depth >= maxDepth || isApart) {
        continue;
      }
      hasOpen = true;
      if (!this.#collect(each, leaves, { depth: depth + 1, isPaused })) {
        leaves.count++;
        if (isPaused || (this.#parts.pauses.open.size > 0 && this.#isPaused(each))) {
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

/** Whether one verdict decides before another what a session does; of equal rank the one that is silent for longer. */
export function decides(a: OwnerVerdict, b: OwnerVerdict): boolean {
  const rank = verdictRows[a.verdict].rank - verdictRows[b.verdict].rank;
  return rank < 0 || (rank === 0 && a.sinceMs < b.sinceMs);
}

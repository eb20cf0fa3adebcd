import type { Claim, Verdict } from "../../model/diagnosis.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type WorkKind, workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { isCrowded } from "../store/crowded-sessions.ts";
import { openMembersOf } from "../store/open-members.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { OwnerVerdict, Verdicts } from "./verdicts.ts";

/** A complaint of a gateway about one of its sessions. */
export interface GatewayClaim {
  /** Names the session, also where nothing is known of it. */
  readonly session: string;
  /** Its group, or -1. */
  readonly group: number;
  readonly claim: Claim;
  /** The work it names, or -1; its kind and interned tool name, as far as the gateway reports them. */
  readonly span: number;
  readonly kind: WorkKind;
  readonly name: number;
  /** Messages wait. */
  readonly isQueued: boolean;
}

/** A claim that is open. */
export interface OpenClaim extends GatewayClaim {
  group: number;
  span: number;
  /** The work that it names; where it names none, the stale marker that it turned out to be about; -1 when there is none. */
  bound: number;
  isQueued: boolean;
  verdict: Verdict;
  readonly sinceMs: number;
}

/** Stands for work whose row is freed. */
export const forgottenSpan = -2;

/** What it needs of the engine. */
interface ClaimVerdictsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly verdicts: Verdicts;
}

/** Decides what the claims of gateways turn out to be, by the table of claims in the README. Keeps nothing. */
export class ClaimVerdicts {
  readonly #parts: ClaimVerdictsParts;

  constructor(parts: ClaimVerdictsParts) {
    this.#parts = parts;
  }

  /** The verdict of a claim, unknown in a crowded session. It is bound to a stale marker if it names no work and there is one. */
  of(claim: OpenClaim, nowMs: number): OwnerVerdict {
    const { store, limits, verdicts } = this.#parts;
    const { spans, owners, groups } = store;
    const own = claim.bound < 0 ? -1 : spans.owner.get(claim.bound);
    const searched = own === -1 ? claim.group : owners.group.get(own);
    if (searched !== -1 && isCrowded(store, searched, limits)) {
      return { verdict: "unknown", culprit: -1, sinceMs: nowMs };
    }
    claim.bound = claim.bound === -1 ? this.#staleMarkerLike(claim) : claim.bound;
    const named = claim.bound;
    if (named >= 0 && this.#isStale(named)) {
      return { verdict: "stale_marker", culprit: named, sinceMs: spans.progressAtMs.get(named) };
    }
    if (named === forgottenSpan && claim.verdict === "stale_marker") {
      return { verdict: "stale_marker", culprit: -1, sinceMs: nowMs };
    }
    const ofNamed = named < 0 ? -1 : spans.owner.get(named);
    if (ofNamed !== -1 && owners.isOpen(ofNamed)) {
      return verdicts.of(ofNamed, nowMs);
    }
    const { group } = claim;
    const deciding = group === -1 ? undefined : verdicts.ofSession(group, nowMs);
    if (deciding !== undefined) {
      return deciding;
    }
    const isQueued = claim.isQueued || (group !== -1 && groups.queued.get(group) > 0);
    return { verdict: isQueued ? "queued_only" : "unknown", culprit: -1, sinceMs: nowMs };
  }

  /** A stale marker of that kind and name that is open in the session; -1 when there is none. */
  #staleMarkerLike({ group, kind, name }: GatewayClaim): number {
    const { store } = this.#parts;
    const { spans, live } = store;
    if (group === -1 || (kind !== workKinds.tool && kind !== workKinds.modelCall)) {
      return -1;
    }
    for (let owner = live.first.get(group); owner !== -1; owner = live.after.get(owner)) {
      for (const span of openMembersOf(store, owner)) {
        const isAlike =
          spans.kind.get(span) === kind && (name === 0 || spans.name.get(span) === name);
        if (isAlike && this.#isStale(span)) {
          return span;
        }
      }
    }
    return -1;
  }

  /** Whether a marker was evicted, or is open although its own run has ended. */
  #isStale(span: number): boolean {
    const { spans, owners, tree } = this.#parts.store;
    if (spans.kind.get(span) === workKinds.run) {
      return false;
    }
    const state = spans.state.get(span);
    const owner = spans.owner.get(span);
    const isOrphaned =
      state === spanStates.open &&
      owner !== -1 &&
      !owners.isUnresolved(owner) &&
      !owners.isOpen(owner) &&
      !owners.hasFlag(owner, ownerFlags.unwatched) &&
      !tree.mayOutliveRun(span);
    return isOrphaned || state === spanStates.evicted;
  }
}

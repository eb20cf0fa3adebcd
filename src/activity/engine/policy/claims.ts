import { type Claim, claimNames, type Verdict, verdictNames } from "../../model/diagnosis.ts";
import type { ActivityEvent } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import type { ActivityCounters } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { openMembersOf } from "../store/open-members.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { EvidenceOf } from "./evidence.ts";
import type { OwnerVerdict, Verdicts } from "./verdicts.ts";

/** Claims that stand at once; the oldest make room. */
const maxClaims = 10_000;
const maxPerSession = 64;

/** What a gateway says of one of its sessions. */
export interface GatewayClaim {
  /** Names the session, also where nothing is known of it. */
  readonly session: string;
  /** Its group, or -1. */
  readonly group: number;
  readonly claim: Claim;
  /** The work it names, or -1; its kind and interned tool name as far as they are said. */
  readonly span: number;
  readonly kind: WorkKind;
  readonly name: number;
  /** Messages wait. */
  readonly isQueued: boolean;
}

interface ActiveClaim extends GatewayClaim {
  group: number;
  span: number;
  /** A stale marker of which it turned out to be, where it named none; -1 when there is none. */
  bound: number;
  isQueued: boolean;
  verdict: Verdict;
  readonly sinceMs: number;
}

/** A claim is about work of which the row is given up. */
const forgottenSpan = -2;

/** What it needs of the engine. */
interface ClaimsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly verdicts: Verdicts;
  readonly evidence: EvidenceOf;
  readonly events: ActivityEvent[];
}

/**
 * The complaints of gateways about their own sessions, each with a verdict: at once, and again when that changes. One claim
 * is (session, type, named work); it stands until there is progress in the session, the gateway recovers it, or
 * `standsForMs` is over.
 */
export class Claims {
  readonly #parts: ClaimsParts;
  /** The oldest first. */
  readonly #active = new Set<ActiveClaim>();
  /** By group; those about sessions that are not known under -1. */
  readonly #ofGroup = new Map<number, Set<ActiveClaim>>();
  #nowMs = 0;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  snapshot(io: SnapshotStream): void {
    const standing = [...this.#active];
    const sessions = io.texts(standing.map(({ session }) => session));
    const cells = io.numbers(
      standing.flatMap((each) => [
        each.group,
        claimNames.indexOf(each.claim),
        each.span,
        each.bound,
        each.kind,
        each.name,
        each.isQueued ? 1 : 0,
        verdictNames.indexOf(each.verdict),
        each.sinceMs,
      ]),
    );
    for (const [at, session] of io.isLoading ? sessions.entries() : []) {
      const [group = -1, claim = 0, span = -1, bound = -1, kind = 0, name = 0, ...rest] =
        cells.slice(at * 9, at * 9 + 9);
      const [queued = 0, verdict = 0, sinceMs = 0] = rest;
      this.#add({
        session,
        group,
        claim: claimNames[claim] ?? "none",
        span,
        bound,
        kind: toWorkKind(kind),
        name,
        isQueued: queued === 1,
        verdict: verdictNames[verdict] ?? "unknown",
        sinceMs,
      });
    }
  }

  /** Whether a claim about a session that is not known stands. */
  get hasUnbound(): boolean {
    return this.#ofGroup.has(-1);
  }

  /** Whether a claim about a session stands. */
  has(group: number): boolean {
    return this.#ofGroup.has(group);
  }

  /** A claim arrived. False when it repeats one that stands. */
  onClaim(claim: GatewayClaim, nowMs: number): boolean {
    this.#nowMs = nowMs;
    for (const each of [...(this.#ofGroup.get(claim.group) ?? [])]) {
      if (!this.#isActive(each)) {
        this.#remove(each);
      } else if (isSame(each, claim)) {
        each.isQueued = claim.isQueued;
        this.#reviewClaim(each);
        return false;
      }
    }
    for (const oldest of this.#active) {
      if (this.#isActive(oldest) && this.#active.size < maxClaims) {
        break;
      }
      this.#remove(oldest);
    }
    const ofGroup = this.#ofGroup.get(claim.group);
    for (const oldest of claim.group !== -1 && (ofGroup?.size ?? 0) >= maxPerSession
      ? (ofGroup ?? [])
      : []) {
      this.#remove(oldest);
      break;
    }
    const standing: ActiveClaim = {
      ...claim,
      bound: claim.span,
      verdict: "unknown",
      sinceMs: nowMs,
    };
    const found = this.#verdictOf(standing);
    standing.verdict = found.verdict;
    this.#add(standing);
    this.#emit(standing, found);
    return true;
  }

  /** Something may have changed in a session: its claims are looked at again. */
  review(group: number, nowMs: number): void {
    this.#nowMs = nowMs;
    for (const each of [...(this.#ofGroup.get(group) ?? [])]) {
      if (this.#isActive(each)) {
        this.#reviewClaim(each);
      } else {
        this.#remove(each);
      }
    }
  }

  /** The gateway recovered a session, which may not be known. */
  onRecovered(session: string, group: number): void {
    this.clear(group);
    for (const each of this.#ofGroup.get(-1) ?? []) {
      if (each.session === session) {
        this.#remove(each);
      }
    }
  }

  /** There was progress in a session. */
  clear(group: number): void {
    for (const each of group === -1 ? [] : (this.#ofGroup.get(group) ?? [])) {
      this.#remove(each);
    }
  }

  /** A session that was not known is that of `group`. True when a claim is about it. */
  bind(session: string, group: number): boolean {
    const found = [...(this.#ofGroup.get(-1) ?? [])].filter((each) => each.session === session);
    this.#move(found, group);
    return found.length > 0;
  }

  /** `from` has become part of `into`. */
  merge(from: number, into: number): void {
    this.#move([...(this.#ofGroup.get(from) ?? [])], into);
  }

  /** What a process said of its sessions is not asked about any more. */
  forgetProcess(process: number): void {
    for (const each of this.#active) {
      if (each.session.startsWith(`${process}:`)) {
        this.#remove(each);
      }
    }
  }

  forgetGroup(group: number): void {
    this.merge(group, -1);
  }

  /** The row of a span is given up. */
  forgetSpan(span: number): void {
    for (const each of this.#active) {
      if (each.bound === span) {
        each.bound = forgottenSpan;
        each.span = each.span === span ? forgottenSpan : each.span;
      }
    }
  }

  #add(claim: ActiveClaim): void {
    this.#active.add(claim);
    const { group } = claim;
    this.#ofGroup.set(group, (this.#ofGroup.get(group) ?? new Set()).add(claim));
  }

  #remove(claim: ActiveClaim): void {
    this.#active.delete(claim);
    const ofGroup = this.#ofGroup.get(claim.group);
    ofGroup?.delete(claim);
    if (ofGroup?.size === 0) {
      this.#ofGroup.delete(claim.group);
    }
  }

  #move(claims: readonly ActiveClaim[], group: number): void {
    for (const each of claims) {
      const from = this.#ofGroup.get(each.group);
      from?.delete(each);
      if (from?.size === 0) {
        this.#ofGroup.delete(each.group);
      }
      each.group = group;
      this.#ofGroup.set(group, (this.#ofGroup.get(group) ?? new Set()).add(each));
    }
  }

  #isActive(claim: ActiveClaim): boolean {
    return this.#nowMs - claim.sinceMs < this.#parts.limits.tombstoneTtlMs;
  }

  #reviewClaim(claim: ActiveClaim): void {
    const found = this.#verdictOf(claim);
    if (found.verdict !== claim.verdict) {
      claim.verdict = found.verdict;
      this.#emit(claim, found);
    }
  }

  #verdictOf(claim: ActiveClaim): OwnerVerdict {
    const { spans, groups } = this.#parts.store;
    claim.bound = claim.bound === -1 ? this.#staleLike(claim) : claim.bound;
    const named = claim.bound;
    if (named >= 0 && this.#isStale(named)) {
      const sinceMs = spans.progressAtMs.get(named);
      return { verdict: "stale_marker", culprit: named, sinceMs };
    }
    if (named === forgottenSpan && claim.verdict === "stale_marker") {
      return { verdict: "stale_marker", culprit: -1, sinceMs: this.#nowMs };
    }
    const own = named < 0 ? -1 : spans.owner.get(named);
    if (own !== -1 && this.#parts.store.owners.isOpen(own)) {
      return this.#parts.verdicts.of(own, this.#nowMs);
    }
    const deciding =
      claim.group === -1 ? undefined : this.#parts.verdicts.ofSession(claim.group, this.#nowMs);
    if (deciding !== undefined) {
      return deciding;
    }
    const isQueued = claim.isQueued || (claim.group !== -1 && groups.queued.get(claim.group) > 0);
    const verdict = isQueued ? "queued_only" : "unknown";
    return { verdict, culprit: -1, sinceMs: this.#nowMs };
  }

  /** An open marker of that kind and name in the session whose own run has ended; -1 when there is none. */
  #staleLike({ group, kind, name }: GatewayClaim): number {
    const { spans, live } = this.#parts.store;
    if (group === -1 || (kind !== workKinds.tool && kind !== workKinds.modelCall)) {
      return -1;
    }
    const alike = live
      .all(group)
      .flatMap((owner) => openMembersOf(this.#parts.store, owner))
      .filter(
        (span) => spans.kind.get(span) === kind && (name === 0 || spans.name.get(span) === name),
      );
    return alike.find((span) => this.#isStale(span)) ?? -1;
  }

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

  #emit(claim: GatewayClaim, found: OwnerVerdict): void {
    this.#parts.counters.addDiagnosed(found.verdict, claim.claim);
    this.#parts.events.push({
      type: "diagnosed",
      claim: claim.claim,
      atMs: this.#nowMs,
      channel: claim.group === -1 ? 0 : this.#parts.store.groups.channel.get(claim.group),
      ...this.#parts.evidence(found, this.#nowMs),
    });
  }
}

function isSame(a: GatewayClaim, b: GatewayClaim): boolean {
  const isOfSame = a.claim === b.claim && (a.group !== -1 || a.session === b.session);
  const isOfNamed = a.span === b.span;
  return isOfSame && isOfNamed && (b.span !== -1 || (a.kind === b.kind && a.name === b.name));
}

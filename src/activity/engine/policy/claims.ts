import { OldestFirstMap } from "../../../collections/oldest-first-map.ts";
import { claimNames, verdictNames } from "../../model/diagnosis.ts";
import type { ActivityEvent } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { toWorkKind } from "../../model/work.ts";
import type { ActivityCounters } from "../store/activity-counters.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import {
  type ClaimVerdicts,
  forgottenSpan,
  type GatewayClaim,
  type OpenClaim,
} from "./claim-verdicts.ts";
import type { EvidenceOf } from "./evidence.ts";
import type { OwnerVerdict } from "./verdicts.ts";

/** Claims that are open at once. */
const maxClaims = 10_000;
const maxPerSession = 64;

/** What it needs of the engine. */
interface ClaimsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly claimVerdicts: ClaimVerdicts;
  readonly evidence: EvidenceOf;
  readonly events: ActivityEvent[];
}

/**
 * Answers each claim of a gateway with a verdict, at once and again when the verdict changes. A claim is one (session, type, named
 * work); it is open until the session makes progress, the gateway recovers it, or `tombstoneTtlMs` has passed.
 *
 * Keeps 10 000 open claims, and 64 of one session; the oldest makes room, and its verdict is not reported again.
 */
export class Claims {
  readonly #parts: ClaimsParts;
  /** The oldest first. */
  readonly #open = new OldestFirstMap<OpenClaim, true>();
  readonly #ofGroup = new Map<number, Set<OpenClaim>>();
  /** The open claims by group; those about sessions that are not known under -1. */
  readonly ofGroup: ReadonlyMap<number, ReadonlySet<OpenClaim>> = this.#ofGroup;
  /** Those about sessions that are not known, by session. */
  readonly #ofSession = new Map<string, Set<OpenClaim>>();
  /** By the process of the session, and by the work that they are bound to. */
  readonly #ofProcess = new Map<number, Set<OpenClaim>>();
  readonly #ofSpan = new Map<number, Set<OpenClaim>>();
  #nowMs = 0;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  snapshot(io: SnapshotStream): void {
    const open = [...this.#open.keys()];
    const sessions = io.texts(open.map(({ session }) => session));
    const cells = io.numbers(
      open.flatMap((each) => [
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

  /** The sessions of open claims, each as `process:hi:lo`. */
  *sessions(): Generator<string> {
    for (const { session } of this.#open.keys()) {
      yield session;
    }
  }

  /** A claim arrived. False when it repeats one that is open. */
  onClaim(claim: GatewayClaim, nowMs: number): boolean {
    this.#nowMs = nowMs;
    for (const each of this.#claimsBeside(claim)) {
      if (!this.#isCurrent(each)) {
        this.#remove(each);
      } else if (isSame(each, claim)) {
        each.isQueued = claim.isQueued;
        this.#reviewClaim(each);
        return false;
      }
    }
    this.#makeRoom(claim.group);
    const open: OpenClaim = { ...claim, bound: claim.span, verdict: "unknown", sinceMs: nowMs };
    this.#add(open);
    const found = this.#verdictOf(open);
    open.verdict = found.verdict;
    this.#emit(open, found);
    return true;
  }

  /** A session may have changed: its claims are reviewed. */
  review(group: number, nowMs: number): void {
    this.#nowMs = nowMs;
    const open = this.#ofGroup.get(group);
    for (const each of open === undefined ? [] : [...open]) {
      if (this.#isCurrent(each)) {
        this.#reviewClaim(each);
      } else {
        this.#remove(each);
      }
    }
  }

  /** The gateway recovered a session, which may not be known. */
  onRecovered(session: string, group: number): void {
    this.clear(group);
    for (const each of this.#claimsBeside({ group: -1, session })) {
      this.#remove(each);
    }
  }

  /** A session made progress. */
  clear(group: number): void {
    const open = group === -1 ? undefined : this.#ofGroup.get(group);
    if (open !== undefined) {
      for (const each of open) {
        this.#remove(each);
      }
    }
  }

  /** A session that was not known is that of `group`. True when a claim is about it. */
  bind(session: string, group: number): boolean {
    const found = this.#claimsBeside({ group: -1, session });
    this.#move(found, group);
    return found.length > 0;
  }

  /** `from` has become part of `into`. */
  merge(from: number, into: number): void {
    this.#move(this.#claimsOf(from), into);
  }

  /** A process is not watched any more: claims about its sessions are not answered. */
  forgetProcess(process: number): void {
    for (const each of [...(this.#ofProcess.get(process) ?? [])]) {
      this.#remove(each);
    }
  }

  /** The row of a group is freed. */
  forgetGroup(group: number): void {
    this.merge(group, -1);
  }

  /** The row of a span is freed. */
  forgetSpan(span: number): void {
    for (const each of this.#ofSpan.get(span) ?? []) {
      each.bound = forgottenSpan;
      each.span = each.span === span ? forgottenSpan : each.span;
    }
    this.#ofSpan.delete(span);
  }

  /** The claims of a group as they are now. */
  #claimsOf(group: number): readonly OpenClaim[] {
    return [...(this.#ofGroup.get(group) ?? [])];
  }

  /** The claims about the session of a claim as they are now. */
  #claimsBeside({ group, session }: Pick<GatewayClaim, "group" | "session">): readonly OpenClaim[] {
    return group === -1 ? [...(this.#ofSession.get(session) ?? [])] : this.#claimsOf(group);
  }

  /** Removes claims that are over, and the oldest where there is no room for another one of this group. */
  #makeRoom(group: number): void {
    for (
      let [first] = this.#open.oldest ?? [];
      first !== undefined && (!this.#isCurrent(first) || this.#open.size >= maxClaims);
      [first] = this.#open.oldest ?? []
    ) {
      this.#remove(first);
    }
    const [oldest, ...others] = group === -1 ? [] : this.#claimsOf(group);
    if (oldest !== undefined && others.length + 1 >= maxPerSession) {
      this.#remove(oldest);
    }
  }

  #add(claim: OpenClaim): void {
    this.#open.set(claim, true);
    this.#enter(claim);
  }

  #enter(claim: OpenClaim): void {
    enter(this.#ofGroup, claim.group, claim);
    enter(this.#ofProcess, processOf(claim), claim);
    if (claim.group === -1) {
      enter(this.#ofSession, claim.session, claim);
    }
    if (claim.bound >= 0) {
      enter(this.#ofSpan, claim.bound, claim);
    }
  }

  #remove(claim: OpenClaim): void {
    this.#open.delete(claim);
    this.#leave(claim);
  }

  #move(claims: readonly OpenClaim[], group: number): void {
    for (const each of claims) {
      this.#leave(each);
      each.group = group;
      this.#enter(each);
    }
    const ofGroup = group === -1 ? [] : this.#claimsOf(group);
    for (const each of ofGroup.slice(0, Math.max(0, ofGroup.length - maxPerSession))) {
      this.#remove(each);
    }
  }

  #leave(claim: OpenClaim): void {
    leave(this.#ofGroup, claim.group, claim);
    leave(this.#ofProcess, processOf(claim), claim);
    leave(this.#ofSession, claim.session, claim);
    leave(this.#ofSpan, claim.bound, claim);
  }

  #isCurrent(claim: OpenClaim): boolean {
    return this.#nowMs - claim.sinceMs < this.#parts.limits.tombstoneTtlMs;
  }

  #reviewClaim(claim: OpenClaim): void {
    const found = this.#verdictOf(claim);
    if (found.verdict !== claim.verdict) {
      claim.verdict = found.verdict;
      this.#emit(claim, found);
    }
  }

  /** The verdict of a claim, which may be bound to other work by that. */
  #verdictOf(claim: OpenClaim): OwnerVerdict {
    const { bound } = claim;
    const found = this.#parts.claimVerdicts.of(claim, this.#nowMs);
    if (claim.bound !== bound) {
      leave(this.#ofSpan, bound, claim);
      enter(this.#ofSpan, claim.bound, claim);
    }
    return found;
  }

  #emit(claim: OpenClaim, found: OwnerVerdict): void {
    const { counters, events, store, evidence } = this.#parts;
    counters.addDiagnosed(found.verdict, claim.claim);
    events.push({
      type: "diagnosed",
      claim: claim.claim,
      atMs: this.#nowMs,
      ...store.shownOf(claim.group),
      ...evidence(found, this.#nowMs),
    });
  }
}

function isSame(a: GatewayClaim, b: GatewayClaim): boolean {
  const isOfSame = a.claim === b.claim && (a.group !== -1 || a.session === b.session);
  const isOfNamed = a.span === b.span;
  return isOfSame && isOfNamed && (b.span !== -1 || (a.kind === b.kind && a.name === b.name));
}

function enter<Key>(index: Map<Key, Set<OpenClaim>>, key: Key, claim: OpenClaim): void {
  index.set(key, (index.get(key) ?? new Set()).add(claim));
}

function leave<Key>(index: Map<Key, Set<OpenClaim>>, key: Key, claim: OpenClaim): void {
  const claims = index.get(key);
  claims?.delete(claim);
  if (claims?.size === 0) {
    index.delete(key);
  }
}

/** The process of the session that a claim is about. */
function processOf({ session }: OpenClaim): number {
  return Number.parseInt(session, 10);
}

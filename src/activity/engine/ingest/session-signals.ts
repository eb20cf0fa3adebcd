import { claimNames } from "../../model/diagnosis.ts";
import type { SignalResult } from "../../model/dialects.ts";
import { type ActivityLimits, mostSearched, mostSearchedTogether } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { SignalBatch } from "../../model/signal-batch.ts";
import { toWorkKind, workKinds } from "../../model/work.ts";
import type { Claims } from "../policy/claims.ts";
import type { Evictions } from "../policy/evictions.ts";
import type { Pauses } from "../policy/pauses.ts";
import type { SessionStates } from "../policy/session-states.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { openInSession, openMembersOf } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { Search } from "../store/search.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import type { SpanRegistry } from "./span-registry.ts";

/** What it needs of the engine. */
interface SessionSignalsParts {
  readonly limits: ActivityLimits;
  readonly lookup: SignalLookup;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly registry: SpanRegistry;
  readonly ownerTimers: KeyedTimers;
  readonly sessionTimers: KeyedTimers;
  readonly evictions: Evictions;
  readonly states: SessionStates;
  readonly pauses: Pauses;
  readonly claims: Claims;
}

/**
 * Ingests signals about whole sessions: a session ended, is idle, waits for a person, resumes, has a queue, is reported by its
 * gateway as stuck or as recovered. Keeps nothing.
 */
export class SessionSignals {
  readonly #parts: SessionSignalsParts;

  constructor(parts: SessionSignalsParts) {
    this.#parts = parts;
  }

  /** A session ended: work that began in it before that has a lateness to report how it ended. */
  end(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { groups } = this.#parts.store;
    const group = this.#parts.lookup.referencedGroupOf(batch, row);
    if (group === -1) {
      return "unmatched";
    }
    const isRepeated =
      groups.hasEnded(group) &&
      groups.sessionEndMs.get(group) === batch.endMs.get(row) &&
      groups.sessionEndSeq.get(group) === batch.seq.get(row);
    if (isRepeated) {
      return "session_ended"; // Its lateness has begun.
    }
    const end = { atMs: nowMs, timeMs: batch.endMs.get(row), seq: batch.seq.get(row) };
    const isLast =
      !groups.hasEnded(group) ||
      compareMoments(groups.sessionEndOf(group), end, this.#parts.limits.allowedLatenessMs) <= 0;
    groups.endedAtMs.set(group, nowMs);
    if (isLast) {
      groups.sessionEndMs.set(group, end.timeMs);
      groups.sessionEndSeq.set(group, end.seq);
    }
    this.#parts.sessionTimers.schedule(group, nowMs + this.#parts.limits.allowedLatenessMs);
    return "session_ended";
  }

  /**
   * A gateway reports a session idle: runs that began before have ended, also where their ends do not arrive. The runs that a search
   * does not reach stay open, and hold what they hold; the session remembers that they may have ended.
   */
  idle(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { owners, groups, live } = this.#parts.store;
    const group = this.#parts.lookup.referencedGroupOf(batch, row);
    if (group === -1) {
      return "unmatched";
    }
    const idle = momentOf(batch, row, nowMs);
    groups.queued.set(group, 0);
    this.#parts.states.markChanged(group);
    const search = new Search(mostSearched(this.#parts.limits));
    let openLeft = groups.openOwners.get(group);
    let owner = live.first.get(group);
    for (; owner !== -1 && search.reads(); owner = live.after.get(owner)) {
      openLeft -= owners.isOpen(owner) ? 1 : 0;
      const isOver =
        owners.isOpen(owner) &&
        !owners.isUnresolved(owner) &&
        compareMoments(owners.startOf(owner), idle, this.#parts.limits.allowedLatenessMs) < 0 &&
        (owners.workedAtMs.get(owner) === 0 ||
          compareMoments(owners.lastWorkOf(owner), idle, this.#parts.limits.allowedLatenessMs) < 0);
      if (isOver && !Number.isFinite(owners.idleAtMs.get(owner))) {
        owners.idleAtMs.set(owner, nowMs);
        owners.idleMs.set(owner, idle.timeMs);
        owners.idleSeq.set(owner, idle.seq);
        this.#parts.ownerTimers.set(owner, nowMs + this.#parts.limits.allowedLatenessMs);
      }
    }
    if (search.isCut && openLeft > 0) {
      groups.setFlag(group, groupFlags.idleUnsearched);
    }
    return "idle";
  }

  /** Work waits for a person: the named span, or else the open runs of the session. */
  pause(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const span = this.#spanOf(batch, row, nowMs);
    const group = span === -1 ? this.#parts.lookup.referencedGroupOf(batch, row) : -1;
    const isKnown = span === -1 ? group !== -1 : !this.#isOver(span);
    const key = pauseKeyOf(batch, row);
    if (isKnown && this.#parts.pauses.isOpen(key)) {
      return "repeated";
    }
    if (!isKnown || !this.#parts.pauses.begin(span, group, key, momentOf(batch, row, nowMs))) {
      return "unmatched";
    }
    this.#parts.states.onPauseChanged(this.#parts.pauses.namedBy(key), "pause");
    return "paused";
  }

  /** A wait for a person is over; without a key, all waits of the session are. */
  resume(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const { store, lookup, pauses } = this.#parts;
    const end = momentOf(batch, row, nowMs);
    const hasKey = batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0;
    let waiting: readonly number[] | undefined;
    if (hasKey) {
      waiting = pauses.end(pauseKeyOf(batch, row), end);
    } else {
      const span = this.#spanOf(batch, row, nowMs);
      const group = span === -1 ? lookup.referencedGroupOf(batch, row) : store.groupOf(span);
      waiting = pauses.endAll(group, span, end);
    }
    if (waiting === undefined) {
      return "unmatched";
    }
    this.onResumed(waiting, nowMs);
    return "resumed";
  }

  /** Open work that waited resumes: for it, and for the open work inside and above it, `max_age` begins again. */
  onResumed(waiting: readonly number[], nowMs: number): void {
    const { store, openWork, states } = this.#parts;
    const { spans } = store;
    const resumed = waiting.flatMap((span) => {
      const owner = spans.owner.get(span);
      const isRun = spans.kind.get(span) === workKinds.run;
      return isRun && owner !== -1 ? [span, ...openMembersOf(store, owner)] : [span];
    });
    for (const each of resumed) {
      for (let at = each; at !== -1; at = spans.parentOf(at)) {
        if (spans.state.get(at) === spanStates.open && spans.leaseMs.get(at) === 0) {
          spans.seenAtMs.set(at, nowMs);
          openWork.expiry.set(at, openWork.expiresAtMs(at));
        }
      }
    }
    // The open work inside a run that waited was not silent meanwhile.
    states.onPauseChanged(resumed, "resume");
  }

  /** The gateway reports that a session is stuck. */
  claim(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    if (batch.referencesFrom.get(row) === batch.referencesTo.get(row)) {
      return "unmatched";
    }
    const group = this.#parts.lookup.referencedGroupOf(batch, row);
    this.#setQueueDepth(group, batch, row);
    const isNew = this.#parts.claims.onClaim(
      {
        session: sessionOf(batch, row),
        group,
        claim: claimNames[batch.reportedOpen.get(row)] ?? "none",
        span: this.#parts.lookup.find(batch, row),
        kind: toWorkKind(batch.kind.get(row)),
        name: batch.name.get(row),
        isQueued: batch.reportedCompleted.get(row) > 1,
      },
      nowMs,
    );
    return isNew ? "claimed" : "repeated";
  }

  /** The gateway recovered a session: what it reported of the session before no longer holds. */
  recovered(batch: SignalBatch, row: number): SignalResult {
    const group = this.#parts.lookup.referencedGroupOf(batch, row);
    this.#parts.claims.onRecovered(sessionOf(batch, row), group);
    this.#setQueueDepth(group, batch, row);
    return group === -1 ? "unmatched" : "recovered";
  }

  /** Records how many messages wait in a session, if the signal reports that. */
  #setQueueDepth(group: number, batch: SignalBatch, row: number): void {
    if (group !== -1 && batch.reportedCompleted.get(row) > 0) {
      this.#parts.store.groups.queued.set(group, batch.reportedCompleted.get(row) - 1);
      this.#parts.states.markChanged(group);
    }
  }

  /** Messages wait in a session. */
  queued(batch: SignalBatch, row: number): SignalResult {
    const group = this.#parts.lookup.referencedGroupOf(batch, row);
    if (group === -1) {
      return "unmatched";
    }
    this.#setQueueDepth(group, batch, row);
    return "queued";
  }

  /**
   * The gateway evicted markers of a session itself: they are evicted here too, at once. Only those whose run has ended, unless
   * the gateway evicted as many as are open: the end of the other runs may not have arrived.
   */
  evictedBySender(batch: SignalBatch, row: number, nowMs: number): SignalResult {
    const group = this.#parts.lookup.referencedGroupOf(batch, row);
    if (group === -1) {
      return "unmatched";
    }
    const before = momentOf(batch, row, nowMs);
    const markers = [
      ...this.#evictable(group, workKinds.tool, batch.reportedOpen.get(row), before),
      ...this.#evictable(group, workKinds.modelCall, batch.reportedCompleted.get(row), before),
    ];
    if (markers.length === 0) {
      return "unmatched";
    }
    const channel = this.#parts.store.groups.channel.get(group);
    this.#parts.evictions.evict(markers, { reason: "orphaned_no_owner", channel, atMs: nowMs });
    this.#parts.states.review(group);
    return "evicted";
  }

  /** None in a session with so much open work that it is not searched: which of it was evicted is not known. */
  #evictable(group: number, kind: number, count: number, before: Moment): readonly number[] {
    const { spans, owners, tree } = this.#parts.store;
    const search = new Search(mostSearchedTogether(this.#parts.limits));
    const found = openInSession(this.#parts.store, group, search);
    if (search.isCut) {
      return [];
    }
    const open = found
      .filter((span) => {
        const start = {
          atMs: spans.startedAtMs.get(span),
          timeMs: spans.startMs.get(span),
          seq: spans.seq.get(span),
        };
        const isBefore = compareMoments(start, before, this.#parts.limits.allowedLatenessMs) < 0;
        return isBefore && spans.kind.get(span) === kind;
      })
      .sort((a, b) => spans.startedAtMs.get(a) - spans.startedAtMs.get(b));
    const ended = open.filter((span) => {
      const owner = spans.owner.get(span);
      return !owners.isUnresolved(owner) && !owners.isOpen(owner) && !tree.mayOutliveRun(span);
    });
    return open.length <= count ? open : ended.slice(0, count);
  }

  /** Whether work is closed, so that it waits for nothing. */
  #isOver(span: number): boolean {
    const { spans } = this.#parts.store;
    const state = spans.state.get(span);
    const isClosed = state > spanStates.open;
    return isClosed && spans.kind.get(span) !== workKinds.other;
  }

  /** The row of the span that a signal names, which may arrive later; -1 when it names none, or there is no room. */
  #spanOf(batch: SignalBatch, row: number, nowMs: number): number {
    const span = this.#parts.lookup.find(batch, row);
    const hasSpan = batch.span0.get(row) !== 0 || batch.span1.get(row) !== 0;
    if (span !== -1 || !hasSpan) {
      return span;
    }
    // Signals of several pipelines overtake each other.
    return this.#parts.registry.addPlaceholder(batch, row, nowMs);
  }
}

function momentOf(batch: SignalBatch, row: number, atMs: number): Moment {
  return { atMs, timeMs: batch.startMs.get(row), seq: batch.seq.get(row) };
}

function pauseKeyOf(batch: SignalBatch, row: number): string {
  return `${batch.process.get(row)}:${batch.key0.get(row)}:${batch.key1.get(row)}`;
}

/** The key of the first session that a signal names, known or not; empty when it names none. */
function sessionOf(batch: SignalBatch, row: number): string {
  const first = batch.referencesFrom.get(row);
  const isNamed = first < batch.referencesTo.get(row);
  return isNamed
    ? `${batch.process.get(row)}:${batch.referenceHi.get(first)}:${batch.referenceLo.get(first)}`
    : "";
}

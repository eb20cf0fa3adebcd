import { workKinds } from "../kinds.ts";
import { type ActivityCounts, add } from "./activity-counts.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import type { Breaker, DueCount } from "./breaker.ts";
import type { DueAhead } from "./due-ahead.ts";
import type { Evictions } from "./evictions.ts";
import type { FinishedWork } from "./finished-work.ts";
import type { GroupDeadlines } from "./group-deadlines.ts";
import { groupFlags } from "./group-table.ts";
import { endingWith, openWorkOf, orphansOf } from "./orphans.ts";
import type { Ownership } from "./ownership.ts";
import type { Pauses } from "./pauses.ts";
import type { RequestedTools } from "./requested-tools.ts";
import type { Silence } from "./silence.ts";
import { holds, spanFlags, spanStates } from "./span-table.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** What it means for the markers of a group that they are owned no more: that its deadline passed, or a signal. */
export class Judgement {
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #ledger: WorkLedger;
  readonly #deadlines: GroupDeadlines;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;
  readonly #finished: FinishedWork;
  readonly #requested: RequestedTools;
  readonly #silence: Silence;
  readonly #breaker: Breaker;
  readonly #pauses: Pauses;
  readonly #ahead: DueAhead;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly ledger: WorkLedger;
    readonly deadlines: GroupDeadlines;
    readonly ownership: Ownership;
    readonly evictions: Evictions;
    readonly finished: FinishedWork;
    readonly requested: RequestedTools;
    readonly silence: Silence;
    readonly breaker: Breaker;
    readonly pauses: Pauses;
    readonly ahead: DueAhead;
  }) {
    this.#limits = parts.limits;
    this.#graph = parts.graph;
    this.#counts = parts.counts;
    this.#ledger = parts.ledger;
    this.#deadlines = parts.deadlines;
    this.#ownership = parts.ownership;
    this.#evictions = parts.evictions;
    this.#finished = parts.finished;
    this.#requested = parts.requested;
    this.#silence = parts.silence;
    this.#breaker = parts.breaker;
    this.#pauses = parts.pauses;
    this.#ahead = parts.ahead;
  }

  /** What a group waited for below these members closed: if nobody owns it, its lateness starts anew. */
  drainEased(nowMs: number): void {
    const { groups, spans } = this.#graph;
    for (
      let span = this.#graph.tree.eased.pop();
      span !== undefined;
      span = this.#graph.tree.eased.pop()
    ) {
      const group = spans.group.get(span);
      const isRun = spans.kind.get(span) === workKinds.run;
      const mayGo = group !== -1 && (isRun || spans.state.get(span) === spanStates.open);
      if (mayGo && (this.#ownership.isOwnerless(group) || groups.hasEnded(group))) {
        this.#deadlines.postpone(group, nowMs + this.#limits.allowedLatenessMs);
      }
    }
  }

  /** A better source of the process speaks: what the others had open is its business now. */
  supersede(process: number, nowMs: number): void {
    for (const span of this.#silence.openOf(process)) {
      const { spans } = this.#graph;
      if (!spans.hasFlag(span, spanFlags.relayed)) {
        this.#ledger.end(span, Number.NaN, nowMs);
        if (spans.kind.get(span) === workKinds.run) {
          this.#ownership.ownerGone(span, nowMs);
        }
      }
    }
    this.drainEased(nowMs);
  }

  /** The end of an open marker says that its run closed it: an orphan by its own account. */
  evictByRun(span: number, nowMs: number): void {
    const { spans, groups } = this.#graph;
    const group = spans.group.get(span);
    groups.explained.set(group, groups.explained.get(group) + 1);
    this.#evictions.tell([span], "orphaned_no_owner", groups.channel.get(group), nowMs);
    this.#ledger.evict(span, "orphaned_no_owner", nowMs);
    spans.setFlag(span, spanFlags.settled);
  }

  /** The group no longer waits for a person: its times start anew. */
  resume(group: number, nowMs: number): void {
    if (this.#pauses.isPaused(group)) {
      return;
    }
    const { spans } = this.#graph;
    for (const span of openWorkOf(this.#graph, group)) {
      spans.seenAtMs.set(span, nowMs);
      spans.held.set(span, holds.none);
      this.#ledger.ages.set(span, this.#ledger.silentUntilMs(span));
    }
    if (this.#ownership.isOwnerless(group) || this.#graph.groups.hasEnded(group)) {
      this.#deadlines.postpone(group, nowMs + this.#limits.allowedLatenessMs);
    }
  }

  /** The deadline of a group passed, unless there is doubt that so many would be evicted; `due` counts them. */
  decide(group: number, dueMs: number, due: DueCount): void {
    if (!this.#holds(group, dueMs, due)) {
      this.#judge(group, dueMs);
    }
  }

  /** Too many sessions would lose their markers at once: each waits for a lateness more, once. */
  #holds(group: number, dueMs: number, due: DueCount): boolean {
    const { groups } = this.#graph;
    if (groups.hasFlag(group, groupFlags.held)) {
      groups.clearFlag(group, groupFlags.held);
      return false;
    }
    if (this.#ahead.markersOf(group) === 0 || !this.#breaker.isMass(dueMs, due)) {
      return false;
    }
    groups.setFlag(group, groupFlags.held);
    this.#deadlines.postpone(group, dueMs + this.#limits.allowedLatenessMs);
    return true;
  }

  #judge(called: number, atMs: number): void {
    const group = this.#ownership.gather(called);
    const { groups } = this.#graph;
    if (this.#pauses.isPaused(group)) {
      // Who owns its markers is asked again when the wait is over; what was told of the session counts.
      this.#judgeEnd(group, atMs);
      return;
    }
    if (!this.#ownership.isOwnerless(group)) {
      this.#finished.settleMembers(group, Number.NEGATIVE_INFINITY, atMs);
      this.#judgeEnd(group, atMs);
      return;
    }
    const overMs = groups.closedAtMs.get(group) + this.#limits.allowedLatenessMs;
    if (overMs > atMs && !this.#ownership.isLoose(group)) {
      this.#deadlines.postpone(group, overMs);
    }
    if (this.#deadlines.isCalled(group)) {
      return; // It turned out to be part of one that has time left.
    }
    if (this.#ownership.hasNestedOwner(group)) {
      this.#judgeEnd(group, atMs);
      return;
    }
    this.#finished.settleMembers(group, groups.ownerEndMs.get(group), atMs);
    if (groups.members.get(group) > 0) {
      this.#evictOrphans(group, atMs);
    }
    if (groups.members.get(group) > 0) {
      this.#judgeEnd(group, atMs);
    }
  }

  #evictOrphans(group: number, atMs: number): void {
    const { groups } = this.#graph;
    const orphans = orphansOf(this.#graph, group);
    const owner = this.#ownership.owners(group)[0] ?? -1;
    const counted = this.#finished.guessed(group, orphans.length);
    const requested = this.#requested.takeUnmet(group);
    const channel = groups.channel.get(group);
    if (orphans.length + counted + requested > 0) {
      // Also where they are known by number only: a start that comes yet is that of one of them.
      this.#evictions.fence(group, orphans);
    }
    for (const { count, isInferred } of [
      { count: counted, isInferred: false },
      { count: Math.max(0, requested - counted), isInferred: true },
    ]) {
      if (count > 0) {
        groups.anonymous.set(group, groups.anonymous.get(group) + count);
        add(this.#counts.started, workKinds.tool, count);
        this.#counts.addEvicted("orphaned_no_owner", workKinds.tool, count);
      }
      const named = isInferred ? [] : orphans;
      if (named.length + count > 0) {
        const guess = { count, owner, isInferred };
        this.#evictions.tell(named, "orphaned_no_owner", channel, atMs, guess);
      }
    }
    this.#evictions.close(orphans, "orphaned_no_owner", atMs);
  }

  /** What began before the end of its session is over, unless it has open work below that is not. */
  #judgeEnd(group: number, atMs: number): void {
    if (!this.#graph.groups.hasEnded(group)) {
      return;
    }
    const { spans, groups } = this.#graph;
    const dueMs = groups.endedAtMs.get(group) + this.#limits.allowedLatenessMs;
    if (dueMs > atMs) {
      this.#deadlines.postpone(group, dueMs);
      return;
    }
    const isBefore = (span: number) => this.#beganBeforeEnd(span, group);
    const over = endingWith(this.#graph, group, isBefore);
    const isRun = (span: number) => spans.kind.get(span) === workKinds.run;
    this.#evictions.fenceAt(group, groups.sessionEndMs.get(group), groups.sessionEndSeq.get(group));
    const markers = over.filter((span) => !isRun(span));
    if (markers.length > 0) {
      this.#evictions.evict(group, markers, "session_ended", atMs);
    }
    for (const run of over.filter(isRun)) {
      this.#ledger.evict(run, "session_ended", atMs);
      this.#ownership.ownerGone(run, atMs);
    }
    if (groups.members.get(group) > 0 && !openWorkOf(this.#graph, group).some(isBefore)) {
      groups.endedAtMs.set(group, Number.NEGATIVE_INFINITY);
    }
  }

  #beganBeforeEnd(span: number, group: number): boolean {
    const { spans, groups } = this.#graph;
    const endSeq = groups.sessionEndSeq.get(group);
    const seq = spans.seq.get(span);
    return endSeq > 0 && seq > 0
      ? seq <= endSeq
      : spans.startMs.get(span) <= groups.sessionEndMs.get(group);
  }
}

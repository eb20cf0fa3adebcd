import { workKinds } from "../kinds.ts";
import { type ActivityCounts, add } from "./activity-counts.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import {
  Agenda,
  type AgendaItem,
  agendaRanks,
  type DeadlineSources,
  endOfStretch,
  isQuiet,
} from "./agenda.ts";
import type { Archive } from "./archive.ts";
import type { Breaker, DueCount } from "./breaker.ts";
import { DueAhead } from "./due-ahead.ts";
import type { Evictions } from "./evictions.ts";
import type { FinishedWork } from "./finished-work.ts";
import type { GroupDeadlines } from "./group-deadlines.ts";
import { groupFlags } from "./group-table.ts";
import { endingWith, openWorkOf, orphansOf } from "./orphans.ts";
import type { Ownership } from "./ownership.ts";
import type { Pauses } from "./pauses.ts";
import type { ProcessWatch } from "./process-watch.ts";
import type { RequestedTools } from "./requested-tools.ts";
import type { SessionStates } from "./session-states.ts";
import type { Silence } from "./silence.ts";
import { holds, spanFlags, spanStates } from "./span-table.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Deadlines of one stretch of time are sorted; a stretch is never a smaller part of a gap. */
const stretchesPerGap = 100_000;
/** Deadlines that are looked at for the breaker take as long as one that is decided. */
const looksPerStep = 16;

/** What is decided when a deadline passes, in the order of the deadlines. */
export class Judgement {
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #ledger: WorkLedger;
  readonly #deadlines: GroupDeadlines;
  readonly #processes: ProcessWatch;
  readonly #states: SessionStates;
  /** By rank. */
  readonly #sources: DeadlineSources;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;
  readonly #finished: FinishedWork;
  readonly #requested: RequestedTools;
  readonly #silence: Silence;
  readonly #breaker: Breaker;
  readonly #pauses: Pauses;
  readonly #ahead: DueAhead;
  #hasDecided = false;
  #stepsLeft = 0;
  /** What was too much for the last call. */
  #agenda: Agenda | undefined;
  #decidedMs = Number.NEGATIVE_INFINITY;
  /** Nothing is evicted before. */
  #graceUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly limits: ActivityLimits;
    readonly graph: ActivityGraph;
    readonly counts: ActivityCounts;
    readonly ledger: WorkLedger;
    readonly deadlines: GroupDeadlines;
    readonly processes: ProcessWatch;
    readonly states: SessionStates;
    readonly ownership: Ownership;
    readonly evictions: Evictions;
    readonly finished: FinishedWork;
    readonly requested: RequestedTools;
    readonly silence: Silence;
    readonly breaker: Breaker;
    readonly pauses: Pauses;
  }) {
    this.#limits = parts.limits;
    this.#graph = parts.graph;
    this.#counts = parts.counts;
    this.#ledger = parts.ledger;
    this.#deadlines = parts.deadlines;
    this.#processes = parts.processes;
    this.#states = parts.states;
    const { deadlines, processes, ledger, states } = parts;
    this.#sources = [deadlines, processes, ledger.silences, states];
    this.#ownership = parts.ownership;
    this.#evictions = parts.evictions;
    this.#finished = parts.finished;
    this.#requested = parts.requested;
    this.#silence = parts.silence;
    this.#breaker = parts.breaker;
    this.#pauses = parts.pauses;
    this.#ahead = new DueAhead(parts);
  }

  archive(io: Archive): void {
    this.#decidedMs = io.number(this.#decidedMs);
    this.#graceUntilMs = io.number(this.#graceUntilMs);
    const untilMs = io.number(this.#agenda?.untilMs ?? Number.NaN);
    const cells = io.numbers(
      (this.#agenda?.left() ?? []).flatMap(({ dueMs, rank, item }) => [dueMs, rank, item]),
    );
    if (io.isLoading && !Number.isNaN(untilMs)) {
      const left = Array.from({ length: cells.length / 3 }, (_, at) => {
        const [dueMs = 0, rank = 0, item = 0] = cells.slice(at * 3, at * 3 + 3);
        return { dueMs, rank, item };
      });
      this.#agenda = new Agenda(this.#sources, untilMs, left);
    }
  }

  /** What a group waited for below these members closed: if nobody owns it, its lateness starts anew. */
  drainEased(nowMs: number): void {
    const { groups, spans } = this.#graph;
    for (let span = this.#graph.eased.pop(); span !== undefined; span = this.#graph.eased.pop()) {
      const group = spans.group.get(span);
      const isRun = spans.kind.get(span) === workKinds.run;
      const mayGo = group !== -1 && (isRun || spans.state.get(span) === spanStates.open);
      if (mayGo && (this.#ownership.isOwnerless(group) || groups.hasEnded(group))) {
        this.#deadlines.postpone(group, nowMs + this.#limits.allowedLatenessMs);
      }
    }
  }

  /** Whether the last call left work that is due to the next one. */
  get isBehind(): boolean {
    return this.#agenda !== undefined;
  }

  /**
   * Decides what is due by `nowMs`, in order of the deadlines; of a mass, a part, so that nothing else has
   * to wait for all of it. Returns whether there was anything.
   */
  advance(nowMs: number): boolean {
    this.#hasDecided = false;
    this.#stepsLeft = this.#limits.stepsPerCall;
    if (this.#agenda !== undefined && !this.#decideUntil(this.#agenda.untilMs)) {
      return true;
    }
    const fromMs = Number.isFinite(this.#decidedMs) ? this.#decidedMs : nowMs;
    const stretchMs = Math.max(
      this.#limits.allowedLatenessMs,
      (nowMs - fromMs) / stretchesPerGap,
      1,
    );
    // What one deadline leads to is due a lateness later, so within a stretch the order is known.
    for (let atMs = fromMs; ; ) {
      const isLast = atMs >= nowMs || this.#isQuiet();
      const untilMs = isLast ? nowMs : Math.min(atMs + stretchMs, nowMs);
      atMs = endOfStretch(this.#sources, { fromMs: atMs, untilMs }, this.#limits.stepsPerCall);
      if (!this.#decideUntil(atMs)) {
        return true;
      }
      if (atMs >= nowMs) {
        return this.#hasDecided;
      }
    }
  }

  /**
   * The program was away for `downtimeMs` until `nowMs`: that silence was its own. Nothing is evicted for
   * `graceMs`, in which senders deliver what they could not.
   */
  restart(nowMs: number, downtimeMs: number, graceMs: number): void {
    const { spans } = this.#graph;
    const { ages } = this.#ledger;
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open && spans.leaseMs.get(span) > 0) {
        spans.seenAtMs.set(span, spans.seenAtMs.get(span) + downtimeMs);
        const isHeld = spans.held.get(span) !== holds.none;
        const heldUntilMs = isHeld ? ages.dueMsOf(span) + downtimeMs : 0;
        ages.set(span, Math.max(heldUntilMs, this.#ledger.silentUntilMs(span)));
      } else if (spans.hasFlag(span, spanFlags.undecided)) {
        spans.seenAtMs.set(span, spans.seenAtMs.get(span) + downtimeMs);
      }
    }
    this.#processes.extendLeases(downtimeMs);
    this.#states.extend(downtimeMs, nowMs);
    this.#graceUntilMs = nowMs + graceMs;
    this.#decidedMs = nowMs;
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

  /** False when it was too much for one call. */
  #decideUntil(untilMs: number): boolean {
    const agenda = this.#agenda ?? new Agenda(this.#sources, untilMs);
    this.#agenda = agenda;
    while (this.#stepsLeft > 0) {
      if (!this.#catchUp(agenda.nextMs() ?? untilMs)) {
        continue;
      }
      const next = agenda.take();
      if (next === undefined) {
        this.#agenda = undefined;
        this.#decidedMs = untilMs;
        return true;
      }
      const evictedBefore = this.#ledger.evictions;
      this.#hasDecided = true;
      this.#states.at(next.dueMs);
      this.#decide(next, agenda);
      this.drainEased(next.dueMs);
      this.#ledger.forgetExcess();
      this.#stepsLeft -= 1 + this.#ledger.evictions - evictedBefore;
      this.#stepsLeft -= Math.floor(this.#ahead.takeLooked() / looksPerStep);
    }
    return false;
  }

  /**
   * What is not on the agenda, in its order: what is forgotten, waits that have lasted too long, finished
   * work. False as soon as a wait is over, for that may put something on the agenda before `untilMs`; and
   * when it is too much for one call.
   */
  #catchUp(untilMs: number): boolean {
    for (;;) {
      const overMs = this.#pauses.nextOverMs;
      const nextMs = Math.min(overMs, this.#finished.nextMs);
      const forgotten = this.#ledger.forgetOld(Math.min(nextMs, untilMs), this.#stepsLeft);
      this.#hasDecided ||= forgotten > 0;
      this.#stepsLeft -= forgotten;
      if (this.#stepsLeft <= 0) {
        return false;
      }
      if (forgotten > 0) {
        continue; // It may have been what was waited for.
      }
      if (nextMs > untilMs) {
        return true;
      }
      this.#hasDecided = true;
      this.#stepsLeft--;
      if (overMs === nextMs) {
        this.#endPause(overMs);
        return false;
      }
      this.#finished.settleNext();
    }
  }

  #decide({ dueMs, rank, item }: AgendaItem, agenda: Agenda): void {
    if (rank === agendaRanks.group && !this.#deadlines.meet(item)) {
      return;
    }
    if (dueMs < this.#graceUntilMs && rank !== agendaRanks.state) {
      this.#sources[rank]?.postpone(item, this.#graceUntilMs);
      return;
    }
    const silent = (untilMs: number) => this.#ahead.bySilence(item, rank, agenda, untilMs);
    switch (rank) {
      case agendaRanks.group:
        if (!this.#holds(item, dueMs, (untilMs) => this.#ahead.byOwners(item, agenda, untilMs))) {
          this.#judge(item, dueMs);
        }
        break;
      case agendaRanks.process:
        this.#silence.decideProcess(item, dueMs, { due: silent, most: this.#stepsLeft });
        break;
      case agendaRanks.span:
        this.#silence.expire(item, dueMs, silent);
        break;
      default:
        this.#states.decide(item, dueMs);
    }
  }

  #isQuiet(): boolean {
    return (
      isQuiet(this.#sources) &&
      this.#finished.nextMs === Number.POSITIVE_INFINITY &&
      this.#pauses.nextOverMs === Number.POSITIVE_INFINITY
    );
  }

  #endPause(atMs: number): void {
    const group = this.#pauses.endOldest();
    this.#states.at(atMs);
    this.#states.pausesChanged(group);
    this.resume(group, atMs);
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

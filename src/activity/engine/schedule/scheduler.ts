import type { ActivityLimits } from "../../model/limits.ts";
import type { FinishedWork } from "../ingest/finished-work.ts";
import type { SessionSignals } from "../ingest/session-signals.ts";
import type { DueAhead } from "../policy/eviction-forecast.ts";
import type { Holders } from "../policy/holders.ts";
import type { Silence } from "../policy/lease-policy.ts";
import type { Judgement } from "../policy/orphan-policy.ts";
import type { Pauses } from "../policy/pauses.ts";
import type { ProcessWatch } from "../policy/process-liveness.ts";
import type { SessionEnds } from "../policy/session-end-policy.ts";
import type { SessionStates } from "../policy/session-states.ts";
import type { ActivityGraph } from "../store/activity-store.ts";
import type { WorkLedger } from "../store/open-work.ts";
import type { Tombstones } from "../store/retention.ts";
import type { Archive, ArchiveVersion } from "../store/snapshot.ts";
import { holds, spanFlags, spanStates } from "../store/span-table.ts";
import {
  Agenda,
  type AgendaItem,
  agendaRanks,
  type DeadlineSources,
  endOfStretch,
  isQuiet,
} from "./due-queue.ts";
import type { DueQueue } from "./keyed-timers.ts";

/** Deadlines of one stretch of time are sorted; a stretch is never a smaller part of a gap. */
const stretchesPerGap = 100_000;
/** Deadlines that are looked at for the breaker take as long as one that is decided. */
const looksPerStep = 16;

/** Lets time pass: what is due is decided, each thing as of its deadline and in the order of the deadlines. */
export class Sweep {
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #tombstones: Tombstones;
  readonly #deadlines: DueQueue;
  readonly #sessionDeadlines: DueQueue;
  readonly #processes: ProcessWatch;
  readonly #states: SessionStates;
  /** By rank. */
  readonly #sources: DeadlineSources;
  readonly #finished: FinishedWork;
  readonly #silence: Silence;
  readonly #pauses: Pauses;
  readonly #ahead: DueAhead;
  readonly #holders: Holders;
  readonly #judgement: Judgement;
  readonly #sessionEnds: SessionEnds;
  readonly #sessions: SessionSignals;
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
    readonly ledger: WorkLedger;
    readonly tombstones: Tombstones;
    readonly deadlines: DueQueue;
    readonly sessionDeadlines: DueQueue;
    readonly processes: ProcessWatch;
    readonly states: SessionStates;
    readonly finished: FinishedWork;
    readonly silence: Silence;
    readonly pauses: Pauses;
    readonly ahead: DueAhead;
    readonly holders: Holders;
    readonly judgement: Judgement;
    readonly sessionEnds: SessionEnds;
    readonly sessions: SessionSignals;
  }) {
    this.#limits = parts.limits;
    this.#graph = parts.graph;
    this.#ledger = parts.ledger;
    this.#tombstones = parts.tombstones;
    this.#deadlines = parts.deadlines;
    this.#sessionDeadlines = parts.sessionDeadlines;
    this.#processes = parts.processes;
    this.#states = parts.states;
    const { deadlines, sessionDeadlines, processes, ledger, states } = parts;
    this.#sources = [deadlines, sessionDeadlines, processes, ledger.silences, states.deadlines];
    this.#finished = parts.finished;
    this.#silence = parts.silence;
    this.#pauses = parts.pauses;
    this.#ahead = parts.ahead;
    this.#holders = parts.holders;
    this.#judgement = parts.judgement;
    this.#sessionEnds = parts.sessionEnds;
    this.#sessions = parts.sessions;
  }

  archive(io: Archive, { version }: { readonly version: ArchiveVersion }): void {
    this.#decidedMs = io.number(this.#decidedMs);
    this.#graceUntilMs = io.number(this.#graceUntilMs);
    const untilMs = io.number(this.#agenda?.untilMs ?? Number.NaN);
    const cells = io.numbers(
      (this.#agenda?.left() ?? []).flatMap(({ dueMs, rank, item }) => [dueMs, rank, item]),
    );
    // Of version 1 what was on the agenda is found anew.
    if (io.isLoading && !Number.isNaN(untilMs) && version > 1) {
      const left = Array.from({ length: cells.length / 3 }, (_, at) => {
        const [dueMs = 0, rank = 0, item = 0] = cells.slice(at * 3, at * 3 + 3);
        return { dueMs, rank, item };
      });
      this.#agenda = new Agenda(this.#sources, untilMs, left);
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
      this.#judgement.drainEased(next.dueMs);
      this.#tombstones.forgetExcess();
      this.#stepsLeft -= 1 + this.#ledger.evictions - evictedBefore;
      const looked =
        this.#ahead.takeLooked() + this.#holders.takeLooked() + this.#states.takeLooked();
      this.#stepsLeft -= Math.floor(looked / looksPerStep);
      // Of what is due at one moment the last decides what sessions do then, also where that is another part's.
      if ((agenda.nextMs() ?? Number.POSITIVE_INFINITY) > next.dueMs) {
        this.#states.reviewChanged();
      }
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
      const forgotten = this.#tombstones.forgetOld(Math.min(nextMs, untilMs), this.#stepsLeft);
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
      this.#states.at(nextMs);
      this.#finished.settleNext();
      this.#states.reviewChanged();
    }
  }

  #decide({ dueMs, rank, item }: AgendaItem, agenda: Agenda): void {
    if (this.#queueOf(rank)?.meet(item, dueMs) === false) {
      return;
    }
    if (dueMs < this.#graceUntilMs && rank !== agendaRanks.state) {
      this.#sources[rank]?.postpone(item, this.#graceUntilMs);
      return;
    }
    const silent = (untilMs: number) => this.#ahead.bySilence(item, rank, agenda, untilMs);
    const ended = (untilMs: number) => this.#ahead.byOwners(item, rank, agenda, untilMs);
    switch (rank) {
      case agendaRanks.owner:
        this.#judgement.decide(item, dueMs, ended);
        break;
      case agendaRanks.session:
        this.#sessionEnds.decide(item, dueMs, ended);
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

  /** Where the deadlines of a rank are kept that may have moved while they were on the agenda. */
  #queueOf(rank: number): DueQueue | undefined {
    switch (rank) {
      case agendaRanks.owner:
        return this.#deadlines;
      case agendaRanks.session:
        return this.#sessionDeadlines;
      case agendaRanks.state:
        return this.#states.deadlines;
      default:
        return undefined;
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
    const named = this.#pauses.endOldest();
    this.#states.at(atMs);
    this.#sessions.resumed(named, atMs);
    this.#states.reviewChanged();
  }
}

import type { ActivityLimits } from "../../model/limits.ts";
import type { FinishedWork } from "../ingest/finished-work.ts";
import type { SessionSignals } from "../ingest/session-signals.ts";
import type { EvictionForecast } from "../policy/eviction-forecast.ts";
import type { LeasePolicy } from "../policy/lease-policy.ts";
import type { OrphanPolicy } from "../policy/orphan-policy.ts";
import type { Pauses } from "../policy/pauses.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { SessionEndPolicy } from "../policy/session-end-policy.ts";
import type { SessionStates } from "../policy/session-states.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { Retention } from "../store/retention.ts";
import type { SnapshotStream, SnapshotVersion } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { evictionHolds, spanFlags } from "../store/span-table.ts";
import {
  areIdle,
  type DueItem,
  DueQueue,
  endOfWindow,
  type TimerSources,
  timerRanks,
} from "./due-queue.ts";
import type { KeyedTimers } from "./keyed-timers.ts";

/** Deadlines of one stretch of time are sorted; a stretch is never a smaller part of a gap. */
const windowsPerGap = 100_000;
/** Deadlines that are looked at for the breaker take as long as one that is decided. */
const lookupsPerStep = 16;

/** What it needs of the engine. */
interface SchedulerParts {
  lookups: number;
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly retention: Retention;
  readonly ownerTimers: KeyedTimers;
  readonly sessionTimers: KeyedTimers;
  readonly processes: ProcessLiveness;
  readonly states: SessionStates;
  readonly finished: FinishedWork;
  readonly leasePolicy: LeasePolicy;
  readonly pauses: Pauses;
  readonly forecast: EvictionForecast;
  readonly orphanPolicy: OrphanPolicy;
  readonly sessionEndPolicy: SessionEndPolicy;
  readonly sessionSignals: SessionSignals;
}

/** Lets time pass: what is due is decided, each thing as of its deadline and in the order of the deadlines. */
export class Scheduler {
  readonly #parts: SchedulerParts;
  /** By rank. */
  readonly #sources: TimerSources;
  #hasDecided = false;
  #stepsLeft = 0;
  /** What was too much for the last call. */
  #queue: DueQueue | undefined;
  #decidedMs = Number.NEGATIVE_INFINITY;
  /** Nothing is evicted before. */
  #graceUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    const { ownerTimers, sessionTimers, processes, openWork, states } = parts;
    this.#sources = [
      ownerTimers,
      sessionTimers,
      processes.timers,
      openWork.expiryTimers,
      states.timers,
    ];
  }

  snapshot(io: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    this.#decidedMs = io.number(this.#decidedMs);
    this.#graceUntilMs = io.number(this.#graceUntilMs);
    const untilMs = io.number(this.#queue?.untilMs ?? Number.NaN);
    const cells = io.numbers(
      (this.#queue?.items() ?? []).flatMap(({ dueMs, rank, item }) => [dueMs, rank, item]),
    );
    // Of version 1 what was on the agenda is found anew.
    if (io.isLoading && !Number.isNaN(untilMs) && version > 1) {
      const left = Array.from({ length: cells.length / 3 }, (_, at) => {
        const [dueMs = 0, rank = 0, item = 0] = cells.slice(at * 3, at * 3 + 3);
        return { dueMs, rank, item };
      });
      this.#queue = new DueQueue(this.#sources, untilMs, left);
    }
  }

  /** Whether the last call left work that is due to the next one. */
  get isBehind(): boolean {
    return this.#queue !== undefined;
  }

  /**
   * Decides what is due by `nowMs`, in order of the deadlines; of a mass, a part, so that nothing else has
   * to wait for all of it. Returns whether there was anything.
   */
  advance(nowMs: number): boolean {
    this.#hasDecided = false;
    this.#stepsLeft = this.#parts.limits.stepsPerCall;
    if (this.#queue !== undefined && !this.#decideUntil(this.#queue.untilMs)) {
      return true;
    }
    const fromMs = Number.isFinite(this.#decidedMs) ? this.#decidedMs : nowMs;
    const stretchMs = Math.max(
      this.#parts.limits.allowedLatenessMs,
      (nowMs - fromMs) / windowsPerGap,
      1,
    );
    // What one deadline leads to is due a lateness later, so within a stretch the order is known.
    for (let atMs = fromMs; ; ) {
      const isLast = atMs >= nowMs || this.#isQuiet();
      const untilMs = isLast ? nowMs : Math.min(atMs + stretchMs, nowMs);
      atMs = endOfWindow(this.#sources, { fromMs: atMs, untilMs }, this.#parts.limits.stepsPerCall);
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
    const { spans } = this.#parts.store;
    const { expiry } = this.#parts.openWork;
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open && spans.leaseMs.get(span) > 0) {
        spans.seenAtMs.set(span, spans.seenAtMs.get(span) + downtimeMs);
        const isHeld = spans.held.get(span) !== evictionHolds.none;
        const heldUntilMs = isHeld ? expiry.dueMsOf(span) + downtimeMs : 0;
        expiry.set(span, Math.max(heldUntilMs, this.#parts.openWork.expiresAtMs(span)));
      } else if (spans.hasFlag(span, spanFlags.undecided)) {
        spans.seenAtMs.set(span, spans.seenAtMs.get(span) + downtimeMs);
      }
    }
    this.#parts.processes.extendLeases(downtimeMs);
    this.#parts.states.extendBy(downtimeMs, nowMs);
    this.#graceUntilMs = nowMs + graceMs;
    this.#decidedMs = nowMs;
  }

  /** False when it was too much for one call. */
  #decideUntil(untilMs: number): boolean {
    const agenda = this.#queue ?? new DueQueue(this.#sources, untilMs);
    this.#queue = agenda;
    while (this.#stepsLeft > 0) {
      if (!this.#catchUp(agenda.nextMs() ?? untilMs)) {
        continue;
      }
      const next = agenda.take();
      if (next === undefined) {
        this.#queue = undefined;
        this.#decidedMs = untilMs;
        return true;
      }
      const evictedBefore = this.#parts.openWork.evictions;
      this.#hasDecided = true;
      this.#parts.states.setNow(next.dueMs);
      this.#decide(next, agenda);
      this.#parts.orphanPolicy.drainUnblocked(next.dueMs);
      this.#parts.retention.dropExcess();
      this.#stepsLeft -= 1 + this.#parts.openWork.evictions - evictedBefore;
      this.#stepsLeft -= Math.floor(this.#parts.lookups / lookupsPerStep);
      this.#parts.lookups = 0;
      // Of what is due at one moment the last decides what sessions do then, also where that is another part's.
      if ((agenda.nextMs() ?? Number.POSITIVE_INFINITY) > next.dueMs) {
        this.#parts.states.reviewChanged();
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
      const overMs = this.#parts.pauses.nextOverMs;
      const nextMs = Math.min(overMs, this.#parts.finished.nextMs);
      const forgotten = this.#parts.retention.dropExpired(
        Math.min(nextMs, untilMs),
        this.#stepsLeft,
      );
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
      this.#parts.states.setNow(nextMs);
      this.#parts.finished.decideNext();
      this.#parts.states.reviewChanged();
    }
  }

  #decide({ dueMs, rank, item }: DueItem, agenda: DueQueue): void {
    if (this.#queueOf(rank)?.fire(item, dueMs) === false) {
      return;
    }
    if (dueMs < this.#graceUntilMs && rank !== timerRanks.state) {
      this.#sources[rank]?.postpone(item, this.#graceUntilMs);
      return;
    }
    const silent = (untilMs: number) => this.#parts.forecast.byExpiry(item, rank, agenda, untilMs);
    const ended = (untilMs: number) => this.#parts.forecast.byOwners(item, rank, agenda, untilMs);
    switch (rank) {
      case timerRanks.owner:
        this.#parts.orphanPolicy.decide(item, dueMs, ended);
        break;
      case timerRanks.session:
        this.#parts.sessionEndPolicy.decide(item, dueMs, ended);
        break;
      case timerRanks.process:
        this.#parts.leasePolicy.decideProcess(item, dueMs, { due: silent, most: this.#stepsLeft });
        break;
      case timerRanks.span:
        this.#parts.leasePolicy.expire(item, dueMs, silent);
        break;
      default:
        this.#parts.states.onDeadline(item, dueMs);
    }
  }

  /** Where the deadlines of a rank are kept that may have moved while they were on the agenda. */
  #queueOf(rank: number): KeyedTimers | undefined {
    switch (rank) {
      case timerRanks.owner:
        return this.#parts.ownerTimers;
      case timerRanks.session:
        return this.#parts.sessionTimers;
      case timerRanks.state:
        return this.#parts.states.timers;
      default:
        return undefined;
    }
  }

  #isQuiet(): boolean {
    return (
      areIdle(this.#sources) &&
      this.#parts.finished.nextMs === Number.POSITIVE_INFINITY &&
      this.#parts.pauses.nextOverMs === Number.POSITIVE_INFINITY
    );
  }

  #endPause(atMs: number): void {
    const named = this.#parts.pauses.endOldest();
    this.#parts.states.setNow(atMs);
    this.#parts.sessionSignals.resumed(named, atMs);
    this.#parts.states.reviewChanged();
  }
}

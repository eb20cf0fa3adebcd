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
import { type DueItem, DueQueue, endOfWindow, type TimerSources, timerRanks } from "./due-queue.ts";
import type { KeyedTimers } from "./timing-wheel.ts";

/** The time between two calls is decided in windows, each with the deadlines in it sorted. Of these there are at most this many. */
const windowsPerGap = 100_000;
/** As many deadlines are looked at for the circuit breaker in the time that one decision takes. */
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

/**
 * Advances time: has what is due decided, each item as of its deadline and in the order of the deadlines. A call takes at most
 * `stepsPerCall` steps, so that signals need not wait for a mass of decisions; the rest stays in the due queue for the next call, and
 * `unfinishedMs` is set.
 */
export class Scheduler {
  readonly #parts: SchedulerParts;
  /** By rank; of some ranks a deadline may move while it is in the due queue. */
  readonly #sources: TimerSources;
  readonly #keyed: readonly (KeyedTimers | undefined)[];
  readonly #queue: DueQueue;
  /** The end of the window that the last call did not finish: it left decisions that are due to the next one. */
  unfinishedMs: number | undefined;
  #hasDecided = false;
  #stepsLeft = 0;
  /** Everything that is due by then is decided. */
  #decidedMs = Number.NEGATIVE_INFINITY;
  /** Nothing is evicted before then. */
  #graceUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    const { ownerTimers, sessionTimers, processes, openWork, states } = parts;
    this.#sources = [ownerTimers, sessionTimers, processes.timers, openWork.expiry, states.timers];
    this.#keyed = [ownerTimers, sessionTimers, undefined, undefined, states.timers];
    this.#queue = new DueQueue(this.#sources);
  }

  snapshot(io: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    this.#decidedMs = io.number(this.#decidedMs);
    this.#graceUntilMs = io.number(this.#graceUntilMs);
    const untilMs = io.number(this.unfinishedMs ?? Number.NaN);
    const cells = io.numbers(
      this.#queue.items().flatMap(({ dueMs, rank, item }) => [dueMs, rank, item]),
    );
    // A queue of version 1 is ignored: loading its deadlines set them again.
    if (io.isLoading && !Number.isNaN(untilMs) && version > 1) {
      this.unfinishedMs = untilMs;
      for (let at = 0; at < cells.length; at += 3) {
        const [dueMs = 0, rank = 0, item = 0] = cells.slice(at, at + 3);
        this.#queue.add({ dueMs, rank, item });
      }
    }
  }

  /** Decides what is due by `nowMs`, or as much of it as one call may. Returns whether anything was. */
  advance(nowMs: number): boolean {
    const { limits, finished, pauses } = this.#parts;
    this.#hasDecided = false;
    this.#stepsLeft = limits.stepsPerCall;
    if (this.unfinishedMs !== undefined && !this.#decideUntil(this.unfinishedMs)) {
      return true;
    }
    const fromMs = Number.isFinite(this.#decidedMs) ? this.#decidedMs : nowMs;
    const windowMs = Math.max(limits.allowedLatenessMs, (nowMs - fromMs) / windowsPerGap, 1);
    // A decision sets deadlines a lateness later, so the order within a window is known.
    for (let atMs = fromMs; ; ) {
      let isIdle = pauses.open.size === 0 && finished.nextMs === Number.POSITIVE_INFINITY;
      for (const { size } of this.#sources) {
        isIdle &&= size === 0;
      }
      const isLast = isIdle || atMs >= nowMs; // Where nothing will ever be due, nothing needs an order.
      const untilMs = isLast ? nowMs : Math.min(atMs + windowMs, nowMs);
      atMs = endOfWindow(this.#sources, { fromMs: atMs, untilMs }, limits.stepsPerCall);
      if (!this.#decideUntil(atMs)) {
        return true;
      }
      if (atMs >= nowMs) {
        return this.#hasDecided;
      }
    }
  }

  /**
   * The program was down for `downtimeMs` until `nowMs`: leases and expiries are extended by that. Nothing is evicted for
   * `graceMs`, in which senders deliver what they could not.
   */
  restart(nowMs: number, downtimeMs: number, graceMs: number): void {
    const { spans } = this.#parts.store;
    const { expiry } = this.#parts.openWork;
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open && spans.leaseMs.get(span) > 0) {
        const isHeld = spans.held.get(span) !== evictionHolds.none;
        const heldUntilMs = isHeld ? expiry.dueMsOf(span) + downtimeMs : 0;
        spans.seenAtMs.set(span, spans.seenAtMs.get(span) + downtimeMs);
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

  /** Decides a window; false when it was too much for one call. */
  #decideUntil(untilMs: number): boolean {
    this.unfinishedMs = untilMs;
    while (this.#stepsLeft > 0) {
      const dueMs = this.#queue.nextMs(untilMs);
      if (!this.#catchUp(dueMs ?? untilMs)) {
        continue;
      }
      const next = dueMs === undefined ? undefined : this.#queue.take();
      if (next === undefined) {
        this.unfinishedMs = undefined;
        this.#decidedMs = untilMs;
        return true;
      }
      const evictedBefore = this.#parts.openWork.evictions;
      this.#hasDecided = true;
      this.#parts.states.nowMs = next.dueMs;
      this.#decide(next);
      if (this.#parts.store.tree.unblocked.length > 0) {
        this.#parts.orphanPolicy.drainUnblocked(next.dueMs);
      }
      this.#parts.retention.dropExcess();
      this.#stepsLeft -= 1 + this.#parts.openWork.evictions - evictedBefore;
      this.#stepsLeft -= Math.floor(this.#parts.lookups / lookupsPerStep);
      this.#parts.lookups = 0;
      // Sessions are reviewed after the last of the decisions of one moment, also where the next call takes that one.
      if ((this.#queue.nextMs(untilMs) ?? Number.POSITIVE_INFINITY) > next.dueMs) {
        this.#parts.states.reviewChanged();
      }
    }
    return false;
  }

  /**
   * Handles what has no entry in the due queue, in its order: spans to forget, pauses that have lasted too long, finished work.
   * False as soon as a pause is over, which may set a deadline before `untilMs`, and when it is too much for one call.
   */
  #catchUp(untilMs: number): boolean {
    for (;;) {
      const { pauses } = this.#parts;
      const overMs = pauses.open.size === 0 ? Number.POSITIVE_INFINITY : pauses.nextOverMs;
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
        continue; // The pause or the finished work may have been forgotten.
      }
      if (nextMs > untilMs) {
        return true;
      }
      this.#hasDecided = true;
      if (overMs === nextMs) {
        this.#stepsLeft--;
        const resumed = pauses.endOldest();
        this.#parts.states.nowMs = overMs;
        this.#parts.sessionSignals.onResumed(resumed, overMs);
        this.#parts.states.reviewChanged();
        return false;
      }
      this.#parts.states.nowMs = nextMs;
      this.#stepsLeft -= this.#parts.finished.decideNext();
      this.#parts.states.reviewChanged();
    }
  }

  #decide({ dueMs, rank, item }: DueItem): void {
    if (this.#keyed[rank]?.fire(item, dueMs) === false) {
      return; // Its deadline has moved.
    }
    if (dueMs < this.#graceUntilMs && rank !== timerRanks.state) {
      this.#sources[rank]?.postpone(item, this.#graceUntilMs);
      return;
    }
    const { forecast } = this.#parts;
    const silent = (untilMs: number) => forecast.byExpiry(item, rank, this.#queue, untilMs);
    const ended = (untilMs: number) => forecast.byOwners(item, rank, this.#queue, untilMs);
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
}

import type { BlockedBy, SessionState, Verdict } from "../model/diagnosis.ts";
import { dialects, type SignalResult, sourceRanks } from "../model/dialects.ts";
import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import type { Moment } from "../model/moment.ts";
import { type SignalBatch, signalTypes } from "../model/signal-batch.ts";
import { kindNames, toWorkKind, workKinds } from "../model/work.ts";
import { FinishedWork } from "./ingest/finished-work.ts";
import { ImpliedTools } from "./ingest/implied-tools.ts";
import { RequestedTools } from "./ingest/requested-tools.ts";
import { SessionSignals } from "./ingest/session-signals.ts";
import { SignalLookup } from "./ingest/signal-lookup.ts";
import { SpanRegistry } from "./ingest/span-registry.ts";
import { SpanSignals } from "./ingest/span-signals.ts";
import { CircuitBreaker } from "./policy/circuit-breaker.ts";
import { Claims } from "./policy/claims.ts";
import { EvictionForecast } from "./policy/eviction-forecast.ts";
import { Evictions } from "./policy/evictions.ts";
import { createEvidence } from "./policy/evidence.ts";
import { Holders } from "./policy/holders.ts";
import { LeasePolicy } from "./policy/lease-policy.ts";
import { OrphanPolicy } from "./policy/orphan-policy.ts";
import { Ownership } from "./policy/ownership.ts";
import { Pauses } from "./policy/pauses.ts";
import { ProcessLiveness } from "./policy/process-liveness.ts";
import { SessionEndPolicy } from "./policy/session-end-policy.ts";
import { SessionStates } from "./policy/session-states.ts";
import { UnwatchedWork } from "./policy/unwatched-work.ts";
import { Verdicts } from "./policy/verdicts.ts";
import { KeyedTimers } from "./schedule/keyed-timers.ts";
import { Scheduler } from "./schedule/scheduler.ts";
import { ActivityCounters } from "./store/activity-counters.ts";
import { ActivityStore } from "./store/activity-store.ts";
import { groupFlags } from "./store/group-table.ts";
import { traceContextOf } from "./store/marker-summary.ts";
import { OpenWork } from "./store/open-work.ts";
import { ownerFlags } from "./store/owner-table.ts";
import { Retention } from "./store/retention.ts";
import { type SnapshotStream, type SnapshotVersion, snapshotVersion } from "./store/snapshot.ts";
import { SnapshotV1Loader } from "./store/snapshot-v1.ts";
import { evictionHolds, spanFlags, spanStates } from "./store/span-table.ts";

/** A session may be known by several references; more than this on average are not remembered. */
const referencesPerSession = 4;

/** What an open run does. */
export interface RunDiagnosis {
  /** Of the topmost run of its owner. */
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  /** Of its session. */
  readonly state: SessionState;
  readonly blockedBy: BlockedBy;
  readonly verdict: Verdict;
  /** Span id of the work that is to blame. */
  readonly culprit: Uint8Array | undefined;
}

/** How much is held, against the limits. */
export interface ActivitySizes {
  readonly openWork: number;
  readonly tombstones: number;
  /** Rows of spans of any state. */
  readonly spans: number;
  readonly groups: number;
  /** Groups with open work. */
  readonly sessions: number;
  readonly references: number;
  readonly traces: number;
  /** Rows of spans that were named as a parent and have not arrived. */
  readonly implied: number;
}

/**
 * The activity of every session: which runs, tools and model calls are open, and which of them nobody
 * owns any more.
 *
 * Pure: no clock, no I/O, no chance. Time comes in with the input (`nowMs`, monotonic milliseconds;
 * one that steps back counts as standing still) and what happened comes out as events. Deadlines run
 * on arrival time only; the sender's timestamps order signals but never drive a timer. Calling `tick`
 * more often changes nothing but when events are told.
 *
 * At every moment and for every kind: *started = ended + evicted + open + untracked*.
 */
export class ActivityEngine {
  readonly counters = new ActivityCounters();
  readonly #store: ActivityStore;
  readonly #openWork: OpenWork;
  readonly #retention: Retention;
  readonly #orphanPolicy: OrphanPolicy;
  readonly #scheduler: Scheduler;
  readonly #spanSignals: SpanSignals;
  readonly #sessionSignals: SessionSignals;
  readonly #processes: ProcessLiveness;
  readonly #states: SessionStates;
  readonly #verdicts: Verdicts;
  readonly #claims: Claims;
  readonly #ownerTimers: KeyedTimers;
  readonly #sessionTimers: KeyedTimers;
  readonly #pauses: Pauses;
  readonly #ownership: Ownership;
  readonly #finished: FinishedWork;
  readonly #requested: RequestedTools;
  readonly #implied: ImpliedTools;
  readonly #breaker: CircuitBreaker;
  readonly #leasePolicy: LeasePolicy;
  readonly #unwatched: UnwatchedWork;
  /** What is needed to read an archive of version 1. */
  readonly #legacyParts: ConstructorParameters<typeof SnapshotV1Loader>[0];
  readonly #longestAgeMs: number;
  #nowMs = 0;
  #hasDecided = false;

  /** `seed` is any 32-bit number; a random one keeps senders from choosing ids that collide in the tables. */
  constructor(limits: ActivityLimits, seed = 0) {
    const { allowedLatenessMs } = limits;
    // A wall clock that jumped while the program was away would make work older than anything that is tracked.
    this.#longestAgeMs = limits.maxAgeMs;
    const { counters } = this;
    const deadlines = new KeyedTimers(allowedLatenessMs / 64);
    const sessionTimers = new KeyedTimers(allowedLatenessMs / 64);
    const store: ActivityStore = new ActivityStore(
      seed,
      limits.maxSessions * referencesPerSession,
      {
        onOwnerRemoved: (owner, into) => ownership.onOwnerRemoved(owner, into, this.#nowMs),
        onGroupRemoved: (group) => {
          sessionTimers.cancel(group);
          states.forget(group);
          pauses.forgetGroup(group);
          claims.forgetGroup(group);
        },
        onMerged: (from, into) => {
          moveDeadline(sessionTimers, from, into);
          pauses.merge(from, into);
          claims.merge(from, into);
          states.merge(from, into);
          ownership.rescheduleUnresolvedIn(into, this.#nowMs);
        },
        onReferred: (group, process, hi, lo) => {
          if (claims.hasUnbound && claims.bind(`${process}:${hi}:${lo}`, group)) {
            states.markChanged(group);
          }
        },
        onActive: (group) => states.onActive(group),
        onIdle: (group) => {
          pauses.forgetRuns(group);
          states.onIdle(group, openWork.closeCause);
        },
      },
    );
    const pauses = new Pauses(store, limits);
    const verdicts = new Verdicts(store, pauses, limits.stalledAfterMs);
    const holders = new Holders(store, limits, (owner) => verdicts.isWaiting(owner));
    const ownership = new Ownership(store, deadlines, holders, allowedLatenessMs);
    const retention = new Retention(limits, store, counters, (span) => {
      ownership.forget(span);
      implied.forgetSpan(span);
      requested.forgetSpan(span);
      pauses.forgetSpan(span);
      claims.forgetSpan(span);
      finished.forgetSpan(span);
    });
    const openWork: OpenWork = new OpenWork(limits, store, counters, retention, {
      onClosed: (span) => {
        pauses.forgetSpan(span);
        states.onClosed(span, openWork.closeCause);
      },
    });
    const { events } = openWork;
    const evidence = createEvidence(store, openWork.usualDurations);
    const standsForMs = limits.tombstoneTtlMs;
    const claims = new Claims({ store, counters, verdicts, evidence, events, standsForMs });
    const states: SessionStates = new SessionStates({
      store,
      limits,
      verdicts,
      pauses,
      evidence,
      counters,
      events,
      listeners: {
        onProgress: (group) => claims.clear(group),
        isWatched: (group) => claims.has(group),
        onReviewed: (group, nowMs) => claims.review(group, nowMs),
      },
    });
    const processes: ProcessLiveness = new ProcessLiveness(
      {
        allowedLatenessMs,
        forgetAfterMs: Math.max(limits.maxAgeMs, limits.tombstoneTtlMs),
      },
      {
        usedProcesses: () => store.traces.processes(),
        onForgotten: (process) => {
          requested.forgetProcess(process);
          openWork.durations.forgetProcess(process);
          unwatched.forgetProcess(process);
        },
        onExpired: (beforeMs) => openWork.usualDurations.dropOlder(beforeMs),
        onHostSeen: (isThere, nowMs) => leasePolicy.renewHost(isThere, nowMs),
      },
    );
    const implied = new ImpliedTools({ store, retention, allowedLatenessMs });
    const requested = new RequestedTools(store, processes, ownership, limits);
    const evictions = new Evictions(store, openWork, limits.includesMarkers);
    const breaker = new CircuitBreaker(counters, events, allowedLatenessMs);
    const parts = {
      limits,
      allowedLatenessMs,
      store,
      counters,
      openWork,
      retention,
      deadlines,
      sessionTimers,
      processes,
      states,
      pauses,
      claims,
      holders,
      ownership,
      requested,
      implied,
      evictions,
      breaker,
    };
    const finished = new FinishedWork(parts);
    const leasePolicy: LeasePolicy = new LeasePolicy(parts);
    const forecast = new EvictionForecast(parts);
    const unwatched: UnwatchedWork = new UnwatchedWork({ ...parts, leasePolicy });
    const orphanPolicy = new OrphanPolicy({ ...parts, finished, leasePolicy, forecast });
    const sessionEndPolicy = new SessionEndPolicy({ ...parts, forecast });
    const lookup = new SignalLookup(store);
    const registry = new SpanRegistry({ ...parts, lookup });
    const takingIn = { ...parts, finished, orphanPolicy, lookup, registry };
    const sessions = new SessionSignals(takingIn);
    this.#legacyParts = parts;
    this.#store = store;
    this.#openWork = openWork;
    this.#retention = retention;
    this.#processes = processes;
    this.#states = states;
    this.#verdicts = verdicts;
    this.#claims = claims;
    this.#ownerTimers = deadlines;
    this.#sessionTimers = sessionTimers;
    this.#pauses = pauses;
    this.#ownership = ownership;
    this.#finished = finished;
    this.#requested = requested;
    this.#implied = implied;
    this.#breaker = breaker;
    this.#leasePolicy = leasePolicy;
    this.#unwatched = unwatched;
    this.#orphanPolicy = orphanPolicy;
    this.#scheduler = new Scheduler({
      ...parts,
      finished,
      leasePolicy,
      forecast,
      orphanPolicy,
      sessionEndPolicy,
      sessions,
    });
    this.#spanSignals = new SpanSignals(takingIn);
    this.#sessionSignals = sessions;
  }

  /** Takes in signals that arrived at `nowMs`, after what was due by then has been decided. */
  apply(batch: SignalBatch, nowMs: number): readonly ActivityEvent[] {
    this.#advance(nowMs);
    this.#breaker.onInput(this.#nowMs);
    this.#leasePolicy.onInput(this.#nowMs);
    this.#states.setNow(this.#nowMs);
    for (let row = 0; row < batch.count; row++) {
      this.counters.addSignal(this.#ingest(batch, row), batch.dialect.get(row));
      this.#orphanPolicy.drainUnblocked(this.#nowMs);
      this.#retention.dropExcess();
    }
    this.#states.reviewChanged();
    return this.#openWork.events.splice(0);
  }

  /**
   * Lets time pass: what is due by `nowMs` is decided, each thing as of its deadline. Of a mass a part; see
   * `isBehind`.
   */
  tick(nowMs: number): readonly ActivityEvent[] {
    this.#advance(nowMs);
    return this.#openWork.events.splice(0);
  }

  /**
   * Saves all state, or fills a machine that has none with what was saved, perhaps under other limits, or (`version`) by
   * an older program; see `restoreV1` for the oldest.
   */
  snapshot(io: SnapshotStream, version: Exclude<SnapshotVersion, 1> = snapshotVersion): void {
    this.#nowMs = io.number(this.#nowMs);
    this.counters.snapshot(io);
    this.#store.snapshot(io, { version });
    this.#openWork.snapshot(io, { version });
    this.#retention.snapshot(io);
    this.#ownerTimers.archive(io);
    this.#sessionTimers.archive(io);
    this.#processes.snapshot(io, { version });
    this.#states.snapshot(io);
    this.#pauses.snapshot(io);
    this.#claims.snapshot(io);
    this.#ownership.snapshot(io);
    this.#finished.snapshot(io);
    this.#requested.snapshot(io, { version, nowMs: this.#nowMs });
    this.#implied.snapshot(io);
    this.#breaker.snapshot(io);
    this.#leasePolicy.snapshot(io);
    this.#scheduler.snapshot(io, { version });
    if (version > 2) {
      this.#unwatched.snapshot(io);
    }
  }

  /** Fills a machine that has no state with what version 1 saved. */
  restoreV1(io: SnapshotStream): void {
    const legacy = new SnapshotV1Loader(this.#legacyParts);
    this.#nowMs = io.number(0);
    this.#states.setNow(this.#nowMs);
    this.counters.snapshot(io);
    legacy.tables(io);
    this.#openWork.snapshot(io, { version: 1 });
    this.#retention.snapshot(io);
    legacy.deadlines(io);
    this.#processes.snapshot(io, { version: 1 });
    legacy.states(io);
    const waits = legacy.pauses(io);
    this.#ownership.snapshot(io);
    this.#requested.snapshot(io, { version: 1, nowMs: this.#nowMs });
    this.#breaker.snapshot(io);
    this.#leasePolicy.snapshot(io);
    this.#scheduler.snapshot(io, { version: 1 });
    legacy.rebuild(waits, this.#nowMs);
  }

  /** The program was away for `awayMs` while the machine's clock stood still. Only ages count that time. */
  addDowntime(awayMs: number): void {
    if (awayMs > 0) {
      this.#store.downtime.add(this.#nowMs, Math.min(awayMs, this.#longestAgeMs));
    }
  }

  /**
   * The program starts again at `nowMs`, with its state kept. Nothing is evicted for `graceMs`. `downtimeMs`: the machine's
   * clock went on for so long without it, as older versions had it; leases are longer by that time.
   */
  restart(nowMs: number, options: { readonly downtimeMs: number; readonly graceMs: number }): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#scheduler.restart(this.#nowMs, options.downtimeMs, options.graceMs);
  }

  /** Sessions with an open run that are in a state. */
  sessionsIn(state: SessionState): number {
    return this.#states.count(state);
  }

  /** Sessions with an open run that are in a state and blocked by something. */
  sessionsBy(state: SessionState, blockedBy: BlockedBy): number {
    return this.#states.countBy(state, blockedBy);
  }

  /** What each open run does, and its session. For tests and benchmarks: walks every row and makes objects. */
  diagnose(): readonly RunDiagnosis[] {
    const { owners } = this.#store;
    const runs: RunDiagnosis[] = [];
    for (let owner = 0; owner < owners.rows; owner++) {
      const state = this.#states.of(owners.group.get(owner));
      if (owners.isOpen(owner) && state !== undefined) {
        const { verdict, culprit } = this.#verdicts.of(owner, this.#nowMs);
        runs.push({
          ...traceContextOf(this.#store, owners.top.get(owner)),
          ...state,
          verdict,
          culprit: culprit === -1 ? undefined : traceContextOf(this.#store, culprit).spanId,
        });
      }
    }
    return runs;
  }

  /** The latest time it was told. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Whether more is due than one call takes on: `tick` at once, with the same time. */
  get isBehind(): boolean {
    return this.#scheduler.isBehind;
  }

  /** Whether anything was due when time passed last. If not, that it passed means nothing. */
  get hasDecided(): boolean {
    return this.#hasDecided;
  }

  /** The numbers of processes and interned names that mean something here. Walks every row. */
  inUse(): {
    readonly processes: ReadonlySet<number>;
    readonly tools: ReadonlySet<number>;
    readonly channels: ReadonlySet<number>;
  } {
    const { spans, groups } = this.#store;
    const tools = new Set([...this.#openWork.usualDurations.names(), ...this.#requested.names()]);
    for (let span = 0; span < spans.rows; span++) {
      tools.add(spans.name.get(span));
    }
    const channels = new Set<number>();
    for (let group = 0; group < groups.rows; group++) {
      channels.add(groups.channel.get(group));
    }
    return { processes: new Set(this.#processes.remembered()), tools, channels };
  }

  sizes(): ActivitySizes {
    return {
      openWork: this.#openWork.size,
      tombstones: this.#retention.size,
      spans: this.#store.spans.size,
      groups: this.#store.groups.size,
      sessions: this.#store.activeGroups,
      references: this.#store.references.size,
      traces: this.#store.traces.size,
      implied: this.#retention.impliedSize,
    };
  }

  /** Owners that are remembered, those included that collect what waits for the way to its run. */
  get owners(): number {
    return this.#store.owners.size;
  }

  /** Age of the oldest open work by `WorkKind`, in ms by arrival; 0 where none is open. Walks every row. */
  oldestAgesMs(nowMs: number): readonly number[] {
    const { spans, downtime } = this.#store;
    const ages = kindNames.map(() => 0);
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open && !spans.hasFlag(span, spanFlags.uncounted)) {
        const kind = toWorkKind(spans.kind.get(span));
        const ageMs = downtime.elapsedMs(spans.startedAtMs.get(span), nowMs);
        ages[kind] = Math.max(ages[kind] ?? 0, ageMs);
      }
    }
    return ages;
  }

  /** Work that is open because something names it as its parent, which has not arrived. Walks every row. */
  impliedWork(nowMs: number): number {
    return this.#retention.countImpliedOpen(nowMs);
  }

  /** Open markers whose eviction is held back. Walks every row. */
  heldMarkers(): number {
    const { spans, owners, groups, traces } = this.#store;
    let held = 0;
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open && spans.kind.get(span) !== workKinds.run) {
        const isHeld =
          spans.held.get(span) !== evictionHolds.none ||
          owners.hasFlag(spans.owner.get(span), ownerFlags.held) ||
          groups.hasFlag(this.#store.groupOf(span), groupFlags.held) ||
          this.#processes.isHeld(traces.process.get(spans.trace.get(span)));
        held += isHeld ? 1 : 0;
      }
    }
    return held;
  }

  #ingest(batch: SignalBatch, row: number): SignalResult {
    const process = batch.process.get(row);
    const dialect = batch.dialect.get(row);
    this.#openWork.durations.onProcessSeen(process, this.#nowMs);
    if (process !== 0 && batch.type.get(row) === signalTypes.unwatched) {
      this.#unwatched.onUnwatched(batch, row, this.#nowMs);
      return "unwatched";
    }
    const isBetter = this.#processes.onSignal({
      process,
      serviceHost: batch.serviceHost.get(row),
      dialect,
      nowMs: this.#nowMs,
    });
    if (isBetter && dialect === dialects.relay) {
      this.#orphanPolicy.handOver(process, this.#nowMs);
    }
    if (process === 0) {
      return this.#spanSignals.refuseProcess(batch, row);
    }
    switch (batch.type.get(row)) {
      case signalTypes.alive:
        this.#processes.onHeartbeat(process, batch.intervalMs.get(row), this.#saidAt(batch, row));
        return "heartbeat";
      case signalTypes.gone:
        this.#processes.onDelete(process, this.#saidAt(batch, row));
        return "gone";
      case signalTypes.sessionStart:
        return "session_started";
      case signalTypes.sessionEnd:
        return this.#sessionSignals.end(batch, row, this.#nowMs);
      case signalTypes.pause:
        this.#requested.onWait(batch, row, this.#nowMs);
        return this.#sessionSignals.pause(batch, row, this.#nowMs);
      case signalTypes.resume:
        this.#requested.onWait(batch, row, this.#nowMs);
        return this.#sessionSignals.resume(batch, row, this.#nowMs);
      case signalTypes.claim:
        return this.#sessionSignals.claim(batch, row, this.#nowMs);
      case signalTypes.recovered:
        return this.#sessionSignals.recovered(batch, row);
      case signalTypes.idle:
        return this.#sessionSignals.idle(batch, row, this.#nowMs);
      case signalTypes.queued:
        return this.#sessionSignals.queued(batch, row);
      case signalTypes.evictedBySender:
        return this.#sessionSignals.evictedThere(batch, row, this.#nowMs);
      case signalTypes.malformed:
        return "malformed";
      default:
        break;
    }
    // Live and finished spans are the same spans; the relay's are its own.
    const isRelayed = this.#processes.sourceOf(process) === sourceRanks.relay;
    if (
      (dialect !== dialects.relay && isRelayed) ||
      this.#unwatched.covers(batch, row, this.#nowMs)
    ) {
      return "superseded";
    }
    switch (batch.type.get(row)) {
      case signalTypes.request:
        return this.#requested.onRequest(batch, row, this.#nowMs);
      case signalTypes.answer:
        return this.#requested.onAnswer(batch, row, this.#nowMs);
      default:
        break;
    }
    if (dialect === dialects.impliedParent) {
      return this.#spanSignals.toolPart(batch, row, this.#nowMs);
    }
    if (batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0) {
      this.#requested.onToolSeen(batch, row, this.#nowMs);
    }
    return batch.type.get(row) === signalTypes.start
      ? this.#spanSignals.start(batch, row, this.#nowMs)
      : this.#spanSignals.end(batch, row, this.#nowMs);
  }

  #saidAt(batch: SignalBatch, row: number): Moment {
    return { atMs: this.#nowMs, timeMs: batch.startMs.get(row), seq: 0 };
  }

  #advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#requested.dropExpired(this.#nowMs);
    this.#hasDecided = this.#scheduler.advance(this.#nowMs);
  }
}

/** Two items became one: the earlier deadline stands. */
function moveDeadline(queue: KeyedTimers, from: number, into: number): void {
  const dueMs = queue.standingOf(from);
  queue.cancel(from);
  if (dueMs !== undefined) {
    queue.schedule(into, dueMs);
  }
}

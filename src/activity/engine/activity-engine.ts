import { dialects, type SignalResult, sourceRanks } from "../model/dialects.ts";
import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import type { Moment } from "../model/moment.ts";
import { type SignalBatch, signalTypes } from "../model/signal-batch.ts";
import { type BlockedBy, kindNames, toWorkKind, type Verdict, workKinds } from "../model/work.ts";
import { FinishedWork } from "./ingest/finished-work.ts";
import { ImpliedTools } from "./ingest/implied-tools.ts";
import { RequestedTools } from "./ingest/requested-tools.ts";
import { SessionSignals } from "./ingest/session-signals.ts";
import { SignalLookup } from "./ingest/signal-lookup.ts";
import { Enlistment } from "./ingest/span-registry.ts";
import { Intake } from "./ingest/span-signals.ts";
import { Breaker } from "./policy/circuit-breaker.ts";
import { Claims } from "./policy/claims.ts";
import { DueAhead } from "./policy/eviction-forecast.ts";
import { Evictions } from "./policy/evictions.ts";
import { createEvidence } from "./policy/evidence.ts";
import { Holders } from "./policy/holders.ts";
import { Silence } from "./policy/lease-policy.ts";
import { Judgement } from "./policy/orphan-policy.ts";
import { Ownership } from "./policy/ownership.ts";
import { Pauses } from "./policy/pauses.ts";
import { ProcessWatch } from "./policy/process-liveness.ts";
import { SessionEnds } from "./policy/session-end-policy.ts";
import { type SessionState, SessionStates } from "./policy/session-states.ts";
import { UnwatchedWork } from "./policy/unwatched-work.ts";
import { Verdicts } from "./policy/verdicts.ts";
import { DueQueue } from "./schedule/keyed-timers.ts";
import { Sweep } from "./schedule/scheduler.ts";
import { ActivityCounts } from "./store/activity-counters.ts";
import { ActivityGraph } from "./store/activity-store.ts";
import { groupFlags } from "./store/group-table.ts";
import { traceContextOf } from "./store/marker-summary.ts";
import { WorkLedger } from "./store/open-work.ts";
import { ownerFlags } from "./store/owner-table.ts";
import { Tombstones } from "./store/retention.ts";
import { type Archive, type ArchiveVersion, archiveVersion } from "./store/snapshot.ts";
import { RestoreV1 } from "./store/snapshot-v1.ts";
import { holds, spanFlags, spanStates } from "./store/span-table.ts";

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
export class SessionActivity {
  readonly counts = new ActivityCounts();
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #tombstones: Tombstones;
  readonly #judgement: Judgement;
  readonly #sweep: Sweep;
  readonly #intake: Intake;
  readonly #sessions: SessionSignals;
  readonly #processes: ProcessWatch;
  readonly #states: SessionStates;
  readonly #verdicts: Verdicts;
  readonly #claims: Claims;
  readonly #deadlines: DueQueue;
  readonly #sessionDeadlines: DueQueue;
  readonly #pauses: Pauses;
  readonly #ownership: Ownership;
  readonly #finished: FinishedWork;
  readonly #requested: RequestedTools;
  readonly #implied: ImpliedTools;
  readonly #breaker: Breaker;
  readonly #silence: Silence;
  readonly #unwatched: UnwatchedWork;
  /** What is needed to read an archive of version 1. */
  readonly #legacyParts: ConstructorParameters<typeof RestoreV1>[0];
  readonly #longestAgeMs: number;
  #nowMs = 0;
  #hasDecided = false;

  /** `seed` is any 32-bit number; a random one keeps senders from choosing ids that collide in the tables. */
  constructor(limits: ActivityLimits, seed = 0) {
    const { allowedLatenessMs } = limits;
    // A wall clock that jumped while the program was away would make work older than anything that is tracked.
    this.#longestAgeMs = limits.maxAgeMs;
    const { counts } = this;
    const deadlines = new DueQueue(allowedLatenessMs / 64);
    const sessionDeadlines = new DueQueue(allowedLatenessMs / 64);
    const graph: ActivityGraph = new ActivityGraph(
      seed,
      limits.maxSessions * referencesPerSession,
      {
        onOwnerGone: (owner, into) => ownership.ownerGone(owner, into, this.#nowMs),
        onGroupGone: (group) => {
          sessionDeadlines.cancel(group);
          states.forget(group);
          pauses.forgetGroup(group);
          claims.forgetGroup(group);
        },
        onMerged: (from, into) => {
          moveDeadline(sessionDeadlines, from, into);
          pauses.merge(from, into);
          claims.merge(from, into);
          states.merge(from, into);
          ownership.wakeLooseOf(into, this.#nowMs);
        },
        onReferred: (group, process, hi, lo) => {
          if (claims.hasUnbound && claims.found(`${process}:${hi}:${lo}`, group)) {
            states.change(group);
          }
        },
        onActive: (group) => states.becomeActive(group),
        onIdle: (group) => {
          pauses.forgetRuns(group);
          states.becomeIdle(group, ledger.closingBy);
        },
      },
    );
    const pauses = new Pauses(graph, limits);
    const verdicts = new Verdicts(graph, pauses, limits.stalledAfterMs);
    const holders = new Holders(graph, limits, (owner) => verdicts.isWaiting(owner));
    const ownership = new Ownership(graph, deadlines, holders, allowedLatenessMs);
    const tombstones = new Tombstones(limits, graph, counts, (span) => {
      ownership.forget(span);
      implied.forgetSpan(span);
      requested.forgetSpan(span);
      pauses.forgetSpan(span);
      claims.forgetSpan(span);
      finished.forgetSpan(span);
    });
    const ledger: WorkLedger = new WorkLedger(limits, graph, counts, tombstones, {
      onClosed: (span) => {
        pauses.forgetSpan(span);
        states.closed(span, ledger.closingBy);
      },
    });
    const { events } = ledger;
    const evidence = createEvidence(graph, ledger.usual);
    const standsForMs = limits.tombstoneTtlMs;
    const claims = new Claims({ graph, counts, verdicts, evidence, events, standsForMs });
    const states: SessionStates = new SessionStates({
      graph,
      limits,
      verdicts,
      pauses,
      evidence,
      counts,
      events,
      listeners: {
        onProgress: (group) => claims.endOf(group),
        isWatched: (group) => claims.concerns(group),
        onReviewed: (group, nowMs) => claims.reconsider(group, nowMs),
      },
    });
    const processes: ProcessWatch = new ProcessWatch(
      {
        allowedLatenessMs,
        forgetAfterMs: Math.max(limits.maxAgeMs, limits.tombstoneTtlMs),
      },
      {
        used: () => graph.traces.processes(),
        onForgotten: (process) => {
          requested.forgetProcess(process);
          ledger.durations.forgetProcess(process);
          unwatched.forgetProcess(process);
        },
        onSwept: (beforeMs) => ledger.usual.forget(beforeMs),
        onHostSeen: (isThere, nowMs) => silence.renewHost(isThere, nowMs),
      },
    );
    const implied = new ImpliedTools({ graph, tombstones, allowedLatenessMs });
    const requested = new RequestedTools(graph, processes, ownership, limits);
    const evictions = new Evictions(graph, ledger, limits.tellsMarkers);
    const breaker = new Breaker(counts, events, allowedLatenessMs);
    const parts = {
      limits,
      allowedLatenessMs,
      graph,
      counts,
      ledger,
      tombstones,
      deadlines,
      sessionDeadlines,
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
    const silence: Silence = new Silence(parts);
    const ahead = new DueAhead(parts);
    const unwatched: UnwatchedWork = new UnwatchedWork({ ...parts, silence });
    const judgement = new Judgement({ ...parts, finished, silence, ahead });
    const sessionEnds = new SessionEnds({ ...parts, ahead });
    const lookup = new SignalLookup(graph);
    const enlistment = new Enlistment({ ...parts, lookup });
    const takingIn = { ...parts, finished, judgement, lookup, enlistment };
    const sessions = new SessionSignals(takingIn);
    this.#legacyParts = parts;
    this.#graph = graph;
    this.#ledger = ledger;
    this.#tombstones = tombstones;
    this.#processes = processes;
    this.#states = states;
    this.#verdicts = verdicts;
    this.#claims = claims;
    this.#deadlines = deadlines;
    this.#sessionDeadlines = sessionDeadlines;
    this.#pauses = pauses;
    this.#ownership = ownership;
    this.#finished = finished;
    this.#requested = requested;
    this.#implied = implied;
    this.#breaker = breaker;
    this.#silence = silence;
    this.#unwatched = unwatched;
    this.#judgement = judgement;
    this.#sweep = new Sweep({
      ...parts,
      finished,
      silence,
      ahead,
      judgement,
      sessionEnds,
      sessions,
    });
    this.#intake = new Intake(takingIn);
    this.#sessions = sessions;
  }

  /** Takes in signals that arrived at `nowMs`, after what was due by then has been decided. */
  apply(batch: SignalBatch, nowMs: number): readonly ActivityEvent[] {
    this.#advance(nowMs);
    this.#breaker.hear(this.#nowMs);
    this.#silence.hear(this.#nowMs);
    this.#states.at(this.#nowMs);
    for (let row = 0; row < batch.count; row++) {
      this.counts.addSignal(this.#take(batch, row), batch.dialect.get(row));
      this.#judgement.drainEased(this.#nowMs);
      this.#tombstones.forgetExcess();
    }
    this.#states.reviewChanged();
    return this.#ledger.events.splice(0);
  }

  /**
   * Lets time pass: what is due by `nowMs` is decided, each thing as of its deadline. Of a mass a part; see
   * `isBehind`.
   */
  tick(nowMs: number): readonly ActivityEvent[] {
    this.#advance(nowMs);
    return this.#ledger.events.splice(0);
  }

  /**
   * Saves all state, or fills a machine that has none with what was saved, perhaps under other limits, or (`version`) by
   * an older program; see `restoreV1` for the oldest.
   */
  archive(io: Archive, version: Exclude<ArchiveVersion, 1> = archiveVersion): void {
    this.#nowMs = io.number(this.#nowMs);
    this.counts.archive(io);
    this.#graph.archive(io, { version });
    this.#ledger.archive(io, { version });
    this.#tombstones.archive(io);
    this.#deadlines.archive(io);
    this.#sessionDeadlines.archive(io);
    this.#processes.archive(io, { version });
    this.#states.archive(io);
    this.#pauses.archive(io);
    this.#claims.archive(io);
    this.#ownership.archive(io);
    this.#finished.archive(io);
    this.#requested.archive(io, { version, nowMs: this.#nowMs });
    this.#implied.archive(io);
    this.#breaker.archive(io);
    this.#silence.archive(io);
    this.#sweep.archive(io, { version });
    if (version > 2) {
      this.#unwatched.archive(io);
    }
  }

  /** Fills a machine that has no state with what version 1 saved. */
  restoreV1(io: Archive): void {
    const legacy = new RestoreV1(this.#legacyParts);
    this.#nowMs = io.number(0);
    this.#states.at(this.#nowMs);
    this.counts.archive(io);
    legacy.tables(io);
    this.#ledger.archive(io, { version: 1 });
    this.#tombstones.archive(io);
    legacy.deadlines(io);
    this.#processes.archive(io, { version: 1 });
    legacy.states(io);
    const waits = legacy.pauses(io);
    this.#ownership.archive(io);
    this.#requested.archive(io, { version: 1, nowMs: this.#nowMs });
    this.#breaker.archive(io);
    this.#silence.archive(io);
    this.#sweep.archive(io, { version: 1 });
    legacy.rebuild(waits, this.#nowMs);
  }

  /** The program was away for `awayMs` while the machine's clock stood still. Only ages count that time. */
  noteAway(awayMs: number): void {
    if (awayMs > 0) {
      this.#graph.away.note(this.#nowMs, Math.min(awayMs, this.#longestAgeMs));
    }
  }

  /**
   * The program starts again at `nowMs`, with its state kept. Nothing is evicted for `graceMs`. `downtimeMs`: the machine's
   * clock went on for so long without it, as older versions had it; leases are longer by that time.
   */
  restart(nowMs: number, options: { readonly downtimeMs: number; readonly graceMs: number }): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#sweep.restart(this.#nowMs, options.downtimeMs, options.graceMs);
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
    const { owners } = this.#graph;
    const runs: RunDiagnosis[] = [];
    for (let owner = 0; owner < owners.rows; owner++) {
      const state = this.#states.of(owners.group.get(owner));
      if (owners.isOpen(owner) && state !== undefined) {
        const { verdict, culprit } = this.#verdicts.of(owner, this.#nowMs);
        runs.push({
          ...traceContextOf(this.#graph, owners.top.get(owner)),
          ...state,
          verdict,
          culprit: culprit === -1 ? undefined : traceContextOf(this.#graph, culprit).spanId,
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
    return this.#sweep.isBehind;
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
    const { spans, groups } = this.#graph;
    const tools = new Set([...this.#ledger.usual.names(), ...this.#requested.names()]);
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
      openWork: this.#ledger.openWork,
      tombstones: this.#tombstones.size,
      spans: this.#graph.spans.size,
      groups: this.#graph.groups.size,
      sessions: this.#graph.activeGroups,
      references: this.#graph.references.size,
      traces: this.#graph.traces.size,
      implied: this.#tombstones.implied,
    };
  }

  /** Owners that are remembered, those included that collect what waits for the way to its run. */
  get owners(): number {
    return this.#graph.owners.size;
  }

  /** Age of the oldest open work by `WorkKind`, in ms by arrival; 0 where none is open. Walks every row. */
  oldestAgesMs(nowMs: number): readonly number[] {
    const { spans, away } = this.#graph;
    const ages = kindNames.map(() => 0);
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open && !spans.hasFlag(span, spanFlags.uncounted)) {
        const kind = toWorkKind(spans.kind.get(span));
        const ageMs = away.between(spans.startedAtMs.get(span), nowMs);
        ages[kind] = Math.max(ages[kind] ?? 0, ageMs);
      }
    }
    return ages;
  }

  /** Work that is open because something names it as its parent, which has not arrived. Walks every row. */
  impliedWork(nowMs: number): number {
    return this.#tombstones.impliedOpen(nowMs);
  }

  /** Open markers whose eviction is held back. Walks every row. */
  heldMarkers(): number {
    const { spans, owners, groups, traces } = this.#graph;
    let held = 0;
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open && spans.kind.get(span) !== workKinds.run) {
        const isHeld =
          spans.held.get(span) !== holds.none ||
          owners.hasFlag(spans.owner.get(span), ownerFlags.held) ||
          groups.hasFlag(this.#graph.groupOf(span), groupFlags.held) ||
          this.#processes.isHeld(traces.process.get(spans.trace.get(span)));
        held += isHeld ? 1 : 0;
      }
    }
    return held;
  }

  #take(batch: SignalBatch, row: number): SignalResult {
    const process = batch.process.get(row);
    const dialect = batch.dialect.get(row);
    this.#ledger.durations.seen(process, this.#nowMs);
    if (process !== 0 && batch.type.get(row) === signalTypes.unwatched) {
      this.#unwatched.begin(batch, row, this.#nowMs);
      return "unwatched";
    }
    const isBetter = this.#processes.hear({
      process,
      place: batch.place.get(row),
      dialect,
      nowMs: this.#nowMs,
    });
    if (isBetter && dialect === dialects.relay) {
      this.#judgement.supersede(process, this.#nowMs);
    }
    if (process === 0) {
      return this.#intake.refuse(batch, row);
    }
    switch (batch.type.get(row)) {
      case signalTypes.alive:
        this.#processes.beat(process, batch.intervalMs.get(row), this.#saidAt(batch, row));
        return "heartbeat";
      case signalTypes.gone:
        this.#processes.bury(process, this.#saidAt(batch, row));
        return "gone";
      case signalTypes.sessionStart:
        return "session_started";
      case signalTypes.sessionEnd:
        return this.#sessions.end(batch, row, this.#nowMs);
      case signalTypes.pause:
        this.#requested.noteWait(batch, row, this.#nowMs);
        return this.#sessions.pause(batch, row, this.#nowMs);
      case signalTypes.resume:
        this.#requested.noteWait(batch, row, this.#nowMs);
        return this.#sessions.resume(batch, row, this.#nowMs);
      case signalTypes.claim:
        return this.#sessions.claim(batch, row, this.#nowMs);
      case signalTypes.recovered:
        return this.#sessions.recovered(batch, row);
      case signalTypes.idle:
        return this.#sessions.idle(batch, row, this.#nowMs);
      case signalTypes.queued:
        return this.#sessions.queued(batch, row);
      case signalTypes.evictedThere:
        return this.#sessions.evictedThere(batch, row, this.#nowMs);
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
        return this.#requested.request(batch, row, this.#nowMs);
      case signalTypes.answer:
        return this.#requested.answer(batch, row, this.#nowMs);
      default:
        break;
    }
    if (dialect === dialects.impliedParent) {
      return this.#intake.toolPart(batch, row, this.#nowMs);
    }
    if (batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0) {
      this.#requested.meet(batch, row, this.#nowMs);
    }
    return batch.type.get(row) === signalTypes.start
      ? this.#intake.start(batch, row, this.#nowMs)
      : this.#intake.end(batch, row, this.#nowMs);
  }

  #saidAt(batch: SignalBatch, row: number): Moment {
    return { atMs: this.#nowMs, timeMs: batch.startMs.get(row), seq: 0 };
  }

  #advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#requested.forgetOld(this.#nowMs);
    this.#hasDecided = this.#sweep.advance(this.#nowMs);
  }
}

/** Two items became one: the earlier deadline stands. */
function moveDeadline(queue: DueQueue, from: number, into: number): void {
  const dueMs = queue.standingOf(from);
  queue.cancel(from);
  if (dueMs !== undefined) {
    queue.schedule(into, dueMs);
  }
}

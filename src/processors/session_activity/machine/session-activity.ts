import { type BlockedBy, kindNames, toWorkKind, type Verdict, workKinds } from "../kinds.ts";
import { dialects, type SignalResult, sourceRanks } from "../signals/dialects.ts";
import { type SignalBatch, signalTypes } from "../signals/signal-batch.ts";
import { ActivityCounts } from "./activity-counts.ts";
import type { ActivityEvent } from "./activity-event.ts";
import { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import type { Archive } from "./archive.ts";
import { RestoreV1 } from "./archive-v1.ts";
import { Breaker } from "./breaker.ts";
import { Claims } from "./claims.ts";
import { DueAhead } from "./due-ahead.ts";
import { DueQueue } from "./due-queue.ts";
import { Enlistment } from "./enlistment.ts";
import { Evictions } from "./evictions.ts";
import { createEvidence } from "./evidence.ts";
import { FinishedWork } from "./finished-work.ts";
import { groupFlags } from "./group-table.ts";
import { Holders } from "./holders.ts";
import { Intake } from "./intake.ts";
import { Judgement } from "./judgement.ts";
import { traceContextOf } from "./marker-summary.ts";
import { ownerFlags } from "./owner-table.ts";
import { Ownership } from "./ownership.ts";
import { Pauses } from "./pauses.ts";
import { ProcessWatch } from "./process-watch.ts";
import { RequestedTools } from "./requested-tools.ts";
import { SessionEnds } from "./session-ends.ts";
import { SessionSignals } from "./session-signals.ts";
import { type SessionState, SessionStates } from "./session-states.ts";
import { SignalLookup } from "./signal-lookup.ts";
import { Silence } from "./silence.ts";
import { holds, spanStates } from "./span-table.ts";
import { Sweep } from "./sweep.ts";
import { Tombstones } from "./tombstones.ts";
import { Verdicts } from "./verdicts.ts";
import { WorkLedger } from "./work-ledger.ts";

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
  /** Spans that were named as a parent and have not arrived. */
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
  readonly #breaker: Breaker;
  readonly #silence: Silence;
  /** What is needed to read an archive of version 1. */
  readonly #legacyParts: ConstructorParameters<typeof RestoreV1>[0];
  #nowMs = 0;
  #hasDecided = false;

  /** `seed` is any 32-bit number; a random one keeps senders from choosing ids that collide in the tables. */
  constructor(limits: ActivityLimits, seed = 0) {
    const { allowedLatenessMs } = limits;
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
          states.becomeIdle(group, ledger.isEvicting ? "evicted" : "progress");
        },
      },
    );
    const pauses = new Pauses(graph, limits);
    const verdicts = new Verdicts(graph, pauses, limits.stalledAfterMs);
    const holders = new Holders(graph, limits, (owner) => verdicts.isWaiting(owner));
    const ownership = new Ownership(graph, deadlines, holders, allowedLatenessMs);
    const tombstones = new Tombstones(limits, graph, (span) => {
      ownership.forget(span);
      requested.forgetSpan(span);
      pauses.forgetSpan(span);
      claims.forgetSpan(span);
      finished.forgetSpan(span);
    });
    const ledger: WorkLedger = new WorkLedger(limits, graph, counts, tombstones, {
      onClosed: (span) => {
        pauses.forgetSpan(span);
        states.closed(span, ledger.isEvicting ? "evicted" : "progress");
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
    const processes = new ProcessWatch(allowedLatenessMs);
    const requested = new RequestedTools(graph, processes, ownership);
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
      evictions,
      breaker,
    };
    const finished = new FinishedWork(parts);
    const silence = new Silence(parts);
    const ahead = new DueAhead(parts);
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
    this.#breaker = breaker;
    this.#silence = silence;
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

  /** Saves all state, or fills a machine that has none with what was saved, perhaps under other limits. */
  archive(io: Archive): void {
    this.#nowMs = io.number(this.#nowMs);
    this.counts.archive(io);
    this.#graph.archive(io);
    this.#ledger.archive(io);
    this.#tombstones.archive(io);
    this.#deadlines.archive(io);
    this.#sessionDeadlines.archive(io);
    this.#processes.archive(io);
    this.#states.archive(io);
    this.#pauses.archive(io);
    this.#claims.archive(io);
    this.#ownership.archive(io);
    this.#finished.archive(io);
    this.#requested.archive(io);
    this.#breaker.archive(io);
    this.#silence.archive(io);
    this.#sweep.archive(io);
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
    this.#processes.archive(io);
    legacy.states(io);
    const waits = legacy.pauses(io);
    this.#ownership.archive(io);
    this.#requested.archive(io, { version: 1 });
    this.#breaker.archive(io);
    this.#silence.archive(io);
    this.#sweep.archive(io, { version: 1 });
    legacy.rebuild(waits, this.#nowMs);
  }

  /**
   * The program was away for `downtimeMs` until `nowMs`, with its state kept: leases are longer by that
   * time, and nothing is evicted for `graceMs`.
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
    const { spans } = this.#graph;
    const ages = kindNames.map(() => 0);
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open) {
        const kind = toWorkKind(spans.kind.get(span));
        ages[kind] = Math.max(ages[kind] ?? 0, nowMs - spans.startedAtMs.get(span));
      }
    }
    return ages;
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
    const isBetter = this.#processes.hear({
      process,
      place: batch.place.get(row),
      dialect,
      nowMs: this.#nowMs,
    });
    if (isBetter && dialect === dialects.relay) {
      this.#judgement.supersede(process, this.#nowMs);
    }
    switch (batch.type.get(row)) {
      case signalTypes.alive:
        this.#processes.beat(process, batch.intervalMs.get(row), this.#nowMs);
        return "heartbeat";
      case signalTypes.gone:
        this.#processes.bury(process, this.#nowMs);
        return "gone";
      case signalTypes.sessionStart:
        return "session_started";
      case signalTypes.sessionEnd:
        return this.#sessions.end(batch, row, this.#nowMs);
      case signalTypes.pause:
        return this.#sessions.pause(batch, row, this.#nowMs);
      case signalTypes.resume:
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
    if (dialect !== dialects.relay && this.#processes.sourceOf(process) === sourceRanks.relay) {
      return "superseded";
    }
    switch (batch.type.get(row)) {
      case signalTypes.request:
        return this.#requested.request(batch, row);
      case signalTypes.answer:
        return this.#requested.meet(batch, row, false);
      default:
        break;
    }
    if (batch.key0.get(row) !== 0 || batch.key1.get(row) !== 0) {
      this.#requested.meet(batch, row, true);
    }
    return batch.type.get(row) === signalTypes.start
      ? this.#intake.start(batch, row, this.#nowMs)
      : this.#intake.end(batch, row, this.#nowMs);
  }

  #advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
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

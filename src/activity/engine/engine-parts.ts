import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import { Admission } from "./ingest/admission.ts";
import { DuplicateSpans } from "./ingest/duplicate-spans.ts";
import { FinishedWork } from "./ingest/finished-work.ts";
import { GuessedKinds } from "./ingest/guessed-kinds.ts";
import { ImpliedTools } from "./ingest/implied-tools.ts";
import { KindCorrections } from "./ingest/kind-corrections.ts";
import { MissingTools } from "./ingest/missing-tools.ts";
import { OpenItems } from "./ingest/open-items.ts";
import { Reconciliations } from "./ingest/reconciliations.ts";
import { RequestRecords } from "./ingest/request-records.ts";
import { RequestedTools } from "./ingest/requested-tools.ts";
import { SessionSignals } from "./ingest/session-signals.ts";
import { SignalLookup } from "./ingest/signal-lookup.ts";
import { SignalRouter } from "./ingest/signal-router.ts";
import { SpanEnds } from "./ingest/span-ends.ts";
import { SpanRegistry } from "./ingest/span-registry.ts";
import { SpanRepeats } from "./ingest/span-repeats.ts";
import { SpanStarts } from "./ingest/span-starts.ts";
import { CircuitBreaker } from "./policy/circuit-breaker.ts";
import { ClaimVerdicts } from "./policy/claim-verdicts.ts";
import { Claims } from "./policy/claims.ts";
import { EvictionForecast } from "./policy/eviction-forecast.ts";
import { Evictions } from "./policy/evictions.ts";
import { createEvidence, type EvidenceOf } from "./policy/evidence.ts";
import { Holders } from "./policy/holders.ts";
import { IdleRuns } from "./policy/idle-runs.ts";
import { LeasePolicy } from "./policy/lease-policy.ts";
import { OrphanPolicy } from "./policy/orphan-policy.ts";
import { OwnerEnds } from "./policy/owner-ends.ts";
import { OwnerMerges } from "./policy/owner-merges.ts";
import { Ownership } from "./policy/ownership.ts";
import { Pauses } from "./policy/pauses.ts";
import { ProcessLiveness } from "./policy/process-liveness.ts";
import { SessionEndPolicy } from "./policy/session-end-policy.ts";
import { SessionLifecycle } from "./policy/session-lifecycle.ts";
import { SessionStates } from "./policy/session-states.ts";
import { SilentTools } from "./policy/silent-tools.ts";
import { SplitRuns } from "./policy/split-runs.ts";
import { UnnamedTools } from "./policy/unnamed-tools.ts";
import { UnresolvedHolders } from "./policy/unresolved-holders.ts";
import { UnwatchedWork } from "./policy/unwatched-work.ts";
import { Verdicts } from "./policy/verdicts.ts";
import { Scheduler } from "./schedule/scheduler.ts";
import { KeyedTimers } from "./schedule/timing-wheel.ts";
import { ActivityCounters } from "./store/activity-counters.ts";
import { ActivityStore } from "./store/activity-store.ts";
import { groupFlags } from "./store/group-table.ts";
import { OpenWork } from "./store/open-work.ts";
import { Retention } from "./store/retention.ts";
import { predictableHash, type TabulationHash } from "./store/tabulation-hash.ts";
import type { ClientOf } from "./store/trace-table.ts";

/** A session may have several references. On average no more than this are kept. */
const referencesPerSession = 4;

/**
 * The parts of one engine, passed whole to each of them. A part declares what it reads in an interface of its own, which this class
 * satisfies. It reads another part when it needs it, and in its constructor only if that part is constructed before it here.
 */
export class EngineParts {
  readonly limits: ActivityLimits;
  /** The engine's clock: the latest time that was passed in a call. */
  nowMs = 0;
  /** Rows that decisions have read since the scheduler took the count last: the cost of many decisions. */
  lookups = 0;
  /** Decisions that the present call returns. */
  readonly events: ActivityEvent[] = [];
  readonly counters = new ActivityCounters();
  /** Deadlines of owners, and of sessions that have ended. */
  readonly ownerTimers: KeyedTimers;
  readonly sessionTimers: KeyedTimers;

  readonly store: ActivityStore;
  readonly retention: Retention;
  readonly openWork: OpenWork;

  readonly pauses: Pauses;
  readonly verdicts: Verdicts;
  readonly holders: Holders;
  readonly unresolvedHolders: UnresolvedHolders;
  readonly ownership: Ownership;
  readonly ownerEnds: OwnerEnds;
  readonly ownerMerges: OwnerMerges;
  readonly splitRuns: SplitRuns;
  readonly evidence: EvidenceOf;
  readonly claimVerdicts: ClaimVerdicts;
  readonly claims: Claims;
  readonly lifecycle: SessionLifecycle;
  readonly silentTools: SilentTools;
  readonly states: SessionStates;
  readonly processes: ProcessLiveness;
  readonly breaker: CircuitBreaker;
  readonly evictions: Evictions;
  readonly forecast: EvictionForecast;
  readonly leasePolicy: LeasePolicy;
  readonly idleRuns: IdleRuns;
  readonly unnamedTools: UnnamedTools;
  readonly orphanPolicy: OrphanPolicy;
  readonly sessionEndPolicy: SessionEndPolicy;
  readonly unwatched: UnwatchedWork;

  readonly implied: ImpliedTools;
  readonly requests: RequestRecords;
  readonly requested: RequestedTools;
  readonly missingTools: MissingTools;
  readonly openItems: OpenItems;
  readonly finished: FinishedWork;
  readonly lookup: SignalLookup;
  readonly admission: Admission;
  readonly reconciliations: Reconciliations;
  readonly registry: SpanRegistry;
  readonly duplicates: DuplicateSpans;
  readonly repeats: SpanRepeats;
  readonly guesses: GuessedKinds;
  readonly corrections: KindCorrections;
  readonly starts: SpanStarts;
  readonly ends: SpanEnds;
  readonly sessionSignals: SessionSignals;
  readonly router: SignalRouter;

  readonly scheduler: Scheduler;

  /**
   * `hash`: a random one keeps senders from choosing ids that collide in the tables. `clientOf` says whose each process is, so that no
   * client's work is linked to that of another.
   */
  constructor(
    limits: ActivityLimits,
    hash: TabulationHash = predictableHash(),
    clientOf: ClientOf = () => 0,
  ) {
    this.limits = limits;
    this.ownerTimers = new KeyedTimers(limits.allowedLatenessMs / 64);
    this.sessionTimers = new KeyedTimers(limits.allowedLatenessMs / 64);
    const tables = { hash, clientOf, maxReferences: limits.maxSessions * referencesPerSession };
    this.store = new ActivityStore(tables, {
      onOwnerRemoved: (owner, into) => this.ownerEnds.onOwnerRemoved(owner, into, this.nowMs),
      onGroupRemoved: (group) => this.#onGroupRemoved(group),
      onMerged: (from, into, moved) => this.#onGroupsMerged(from, into, moved),
      onReferred: (group, process, hi, lo) => {
        if (this.claims.ofGroup.has(-1) && this.claims.bind(`${process}:${hi}:${lo}`, group)) {
          this.states.markChanged(group);
        }
      },
      onActive: (group) => this.states.onActive(group),
      onIdle: (group) => {
        if (this.pauses.open.size > 0) {
          this.pauses.forgetRuns(group);
        }
        this.states.onIdle(group, this.openWork.closeCause);
      },
    });
    this.retention = new Retention(this, (span) => this.#onSpanDropped(span));
    this.openWork = new OpenWork(this, {
      onClosed: (span) => {
        if (this.pauses.open.size > 0) {
          this.pauses.forgetSpan(span);
        }
        this.states.onClosed(span, this.openWork.closeCause);
      },
    });
    this.pauses = new Pauses(this);
    this.verdicts = new Verdicts(this);
    this.holders = new Holders(this);
    this.unresolvedHolders = new UnresolvedHolders(this);
    this.ownership = new Ownership(this);
    this.ownerEnds = new OwnerEnds(this);
    this.ownerMerges = new OwnerMerges(this);
    this.splitRuns = new SplitRuns(this);
    this.evidence = createEvidence(this.store, this.openWork.usualDurations);
    this.claimVerdicts = new ClaimVerdicts(this);
    this.claims = new Claims(this);
    this.lifecycle = new SessionLifecycle(this);
    this.silentTools = new SilentTools(this);
    this.states = new SessionStates(this);
    this.processes = new ProcessLiveness(this, {
      isUsed: (process) => this.store.traces.hasProcess(process),
      onForgotten: (processes) => this.#onProcessesForgotten(processes),
      onExpired: (beforeMs) => this.openWork.usualDurations.dropOlder(beforeMs),
      onHostSeen: (processes, nowMs) => this.leasePolicy.renewHost(processes, nowMs),
    });
    this.breaker = new CircuitBreaker(this);
    this.evictions = new Evictions(this);
    this.forecast = new EvictionForecast(this);
    this.leasePolicy = new LeasePolicy(this);
    this.idleRuns = new IdleRuns(this);
    this.unnamedTools = new UnnamedTools(this);
    this.orphanPolicy = new OrphanPolicy(this);
    this.sessionEndPolicy = new SessionEndPolicy(this);
    this.unwatched = new UnwatchedWork(this);
    this.implied = new ImpliedTools(this);
    this.requests = new RequestRecords(this);
    this.requested = new RequestedTools(this);
    this.missingTools = new MissingTools(this);
    this.openItems = new OpenItems(this);
    this.finished = new FinishedWork(this);
    this.lookup = new SignalLookup(this.store);
    this.admission = new Admission(this);
    this.reconciliations = new Reconciliations(this);
    this.registry = new SpanRegistry(this);
    this.duplicates = new DuplicateSpans(this);
    this.repeats = new SpanRepeats(this);
    this.guesses = new GuessedKinds(this);
    this.corrections = new KindCorrections(this);
    this.starts = new SpanStarts(this);
    this.ends = new SpanEnds(this);
    this.sessionSignals = new SessionSignals(this);
    this.router = new SignalRouter(this);
    this.scheduler = new Scheduler(this);
  }

  #onGroupRemoved(group: number): void {
    this.sessionTimers.cancel(group);
    this.states.forget(group);
    this.pauses.forgetGroup(group);
    this.claims.forgetGroup(group);
  }

  #onGroupsMerged(from: number, into: number, moved: number): void {
    const dueMs = this.sessionTimers.currentOf(from);
    this.sessionTimers.cancel(from);
    if (dueMs !== undefined) {
      this.sessionTimers.schedule(into, dueMs); // The earlier deadline counts.
    }
    this.pauses.merge(from, into);
    this.claims.merge(from, into);
    this.states.merge(from, into);
    const hadRun = this.store.groups.hasFlag(from, groupFlags.hadOwner);
    this.ownerEnds.rescheduleMerged(into, { moved, hadRun }, this.nowMs);
  }

  #onSpanDropped(span: number): void {
    this.splitRuns.forget(span);
    this.implied.forgetSpan(span);
    this.requests.forgetSpan(span, this.store);
    this.pauses.forgetSpan(span);
    this.claims.forgetSpan(span);
    this.finished.forgetSpan(span);
    this.unwatched.endIsKnown(span);
    this.guesses.forgetSpan(span);
  }

  #onProcessesForgotten(processes: ReadonlySet<number>): void {
    this.requests.forgetProcesses(processes);
    for (const process of processes) {
      this.openWork.durations.forgetProcess(process);
      this.unwatched.forgetProcess(process);
      this.guesses.learned.forgetProcess(process);
    }
  }
}

import { Int32Column } from "../../../otlp/columns.ts";
import type { ActivityEvent, RecoveryCause } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import {
  type EvictionReason,
  evictionReasons,
  toWorkKind,
  type WorkKind,
  workKinds,
} from "../../model/work.ts";
import type { DeadlineSource } from "../schedule/due-queue.ts";
import { TimingWheel } from "../schedule/timing-wheel.ts";
import type { ActivityCounts } from "./activity-counters.ts";
import { add } from "./activity-counters.ts";
import type { ActivityGraph } from "./activity-store.ts";
import { openWorkOf } from "./open-members.ts";
import { ownerFlags } from "./owner-table.ts";
import type { Tombstones } from "./retention.ts";
import { countedInsteadOf, openBeside } from "./run-counting.ts";
import type { Archive, ArchiveVersion } from "./snapshot.ts";
import { type ClosedState, holds, spanFlags, spanStates } from "./span-table.ts";
import { UsualDurations } from "./usual-durations.ts";
import { Durations } from "./work-durations.ts";

/** Work is opened, ended and evicted here, and counted; what is closed goes to the tombstones. */
export class WorkLedger {
  /** What was decided since it was last emptied. */
  readonly events: ActivityEvent[] = [];
  /** Open work by the moment it will have been silent for too long. */
  readonly ages: TimingWheel;
  /** `ages` as the agenda reads it: what was heard of since counts. */
  readonly silences: DeadlineSource;
  /** How long work of each name takes. */
  readonly usual = new UsualDurations();
  readonly durations: Durations;
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #tombstones: Tombstones;
  /** Open markers by process. */
  readonly #openMarkers = new Int32Column();
  readonly #onClosed: (span: number) => void;
  #closingBy: RecoveryCause = "progress";
  #evictions = 0;
  #admitted = 0;
  #openWork = 0;

  constructor(
    limits: ActivityLimits,
    graph: ActivityGraph,
    counts: ActivityCounts,
    tombstones: Tombstones,
    listeners: { readonly onClosed: (span: number) => void },
  ) {
    this.#onClosed = listeners.onClosed;
    this.#limits = limits;
    this.#graph = graph;
    this.#counts = counts;
    this.#tombstones = tombstones;
    this.durations = new Durations(graph, limits.allowedLatenessMs);
    const ledger = this;
    this.silences = {
      get size() {
        return ledger.ages.size;
      },
      due: (untilMs, into) => ledger.ages.due(untilMs, into),
      dueMsOf: (span) => Math.max(ledger.ages.dueMsOf(span), ledger.silentUntilMs(span)),
      hasMoreDue: (untilMs, most) => ledger.ages.hasMoreDue(untilMs, most),
      postpone: (span, dueMs) => ledger.ages.postpone(span, dueMs),
    };
    // Leases are due within seconds; what is due in hours is passed over once a turn of the wheel.
    this.ages = new TimingWheel(Math.min(limits.maxAgeMs / 512, 1000));
  }

  archive(io: Archive, { version }: { readonly version: ArchiveVersion }): void {
    this.#admitted = io.number(this.#admitted);
    this.ages.archive(io, this.#admitted);
    this.#openWork = io.number(this.#openWork);
    io.column(this.#openMarkers, this.#openMarkers.capacity);
    if (version > 1) {
      this.usual.archive(io, { version });
    }
    this.durations.archive(io, { version });
  }

  /** Open work that is counted. */
  get openWork(): number {
    return this.#openWork;
  }

  /** Open markers of a process. */
  openMarkersOf(process: number): number {
    return this.#openMarkers.get(process);
  }

  /** How much was evicted since the program started. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Why the work that is being closed blocks nothing any more: it ended, was evicted, or is not watched. */
  get closingBy(): RecoveryCause {
    return this.#closingBy;
  }

  /** Starts open work, whose owner is known. Of the spans of one run one is counted; `isCounted`: whether this one may be. */
  open(span: number, nowMs: number, { isCounted = true } = {}): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    const isRun = kind === workKinds.run;
    this.#tombstones.hold(span);
    if (isCounted && this.#countsStart(span)) {
      add(this.#counts.started, kind, 1);
      this.#countOpen(kind, 1);
    } else {
      spans.setFlag(span, spanFlags.uncounted);
    }
    spans.startedAtMs.set(span, nowMs);
    spans.seenAtMs.set(span, nowMs);
    spans.progressAtMs.set(span, nowMs);
    spans.releasedAtMs.set(span, 0);
    this.#graph.tree.open(span);
    if (!isRun) {
      this.#countMarker(span, 1);
    }
    this.#graph.countOpen(spans.owner.get(span), isRun ? 1 : 0, isRun ? 0 : 1);
    while (this.#admitted <= span) {
      this.ages.admit(this.#admitted++);
    }
    this.ages.set(span, this.silentUntilMs(span));
  }

  /** When open work will have been silent for too long: for its lease where it has one, else for `maxAgeMs`. */
  silentUntilMs(span: number): number {
    const { spans } = this.#graph;
    const leaseMs = spans.leaseMs.get(span);
    const patienceMs =
      leaseMs > 0 ? Math.min(leaseMs, this.#limits.maxAgeMs) : this.#limits.maxAgeMs;
    return spans.seenAtMs.get(span) + patienceMs;
  }

  /** Ends open work as its sender reported. The open counts of its owner fall; a marker leaves it. */
  end(span: number, endMs: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    if (this.#countsEnd(span)) {
      add(this.#counts.ended, kind, 1);
      this.#countOpen(kind, -1);
      this.#addDuration(span, kind, {
        durationMs: this.durations.ofOpen(span, endMs, nowMs),
        atMs: nowMs,
      });
    }
    this.#close(span, spanStates.ended, endMs, nowMs);
  }

  /** Takes open work out of the tracked state for `reason`. */
  evict(span: number, reason: EvictionReason, atMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    const ageMs = this.#graph.away.between(spans.startedAtMs.get(span), atMs);
    if (this.#countsEnd(span)) {
      this.#counts.addEvicted(reason, kind, 1);
      this.#countOpen(kind, -1);
      this.#counts.addDuration(kind, 2, ageMs);
    }
    spans.reason.set(span, evictionReasons.indexOf(reason));
    this.#evictions++;
    this.#closingBy = "evicted";
    this.#close(span, spanStates.evicted, spans.startMs.get(span) + ageMs, atMs);
    this.#closingBy = "progress";
  }

  /** Gives up open work of which nothing will say how it ends. */
  untrack(span: number, nowMs: number): void {
    const kind = toWorkKind(this.#graph.spans.kind.get(span));
    if (this.#countsEnd(span)) {
      add(this.#counts.untracked, kind, 1);
      this.#countOpen(kind, -1);
    }
    this.#closingBy = "unwatched";
    this.#close(span, spanStates.untracked, 0, nowMs);
    this.#closingBy = "progress";
  }

  /** Work that was a start and an end at once, found to have ended by itself. */
  finish(span: number, nowMs: number, { isCounted = true } = {}): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    if (isCounted && this.#countsStart(span)) {
      add(this.#counts.started, kind, 1);
      add(this.#counts.ended, kind, 1);
      this.#addDuration(span, kind, {
        durationMs: this.durations.ofFinished(span, nowMs),
        atMs: nowMs,
      });
    } else {
      spans.setFlag(span, spanFlags.uncounted);
    }
    this.#decide(span, spanStates.ended, nowMs);
  }

  /** Finished work found to be an orphan that somebody else closed. `isCounted`: it was already, without a name. */
  condemn(span: number, options: { readonly isCounted: boolean; readonly atMs: number }): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    if (!options.isCounted) {
      add(this.#counts.started, kind, 1);
      this.#counts.addEvicted("orphaned_no_owner", kind, 1);
      const durationMs = this.durations.ofFinished(span, options.atMs);
      if (durationMs !== undefined) {
        this.#counts.addDuration(kind, 2, durationMs);
      }
    }
    spans.setFlag(span, spanFlags.settled);
    this.#closingBy = "evicted";
    this.#onClosed(span);
    this.#closingBy = "progress";
    this.#decide(span, spanStates.evicted, options.atMs);
  }

  /** Finished work that was counted as evicted without a name, though it ended in time, or `lateByMs` after that. */
  absolve(span: number, nowMs: number, lateByMs = 0): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    add(this.#counts.reconciled, kind, 1);
    this.events.push({ type: "reconciled", kind, lateByMs });
    this.settle(span, nowMs);
  }

  /** Finished work that was counted as evicted before, and as reconciled: nothing more is said of it. */
  settle(span: number, nowMs: number): void {
    this.#graph.spans.setFlag(span, spanFlags.settled);
    this.#decide(span, spanStates.evicted, nowMs);
  }

  /** A tool that may outlive its run is over: what is open in it and was held by it has a lateness from now on. */
  releaseInside(tool: number, atMs: number): void {
    const { spans, owners, tree, below } = this.#graph;
    if (!spans.hasFlag(tool, spanFlags.detached) || spans.openBelow.get(tool) === 0) {
      return;
    }
    const owner = spans.owner.get(tool);
    // Those with a session of their own and without a known run have an owner of their own.
    const apart = below.all(owner).filter((other) => owners.isLoose(other));
    for (const span of [owner, ...apart].flatMap((each) => openWorkOf(this.#graph, each))) {
      if (spans.kind.get(span) !== workKinds.run && tree.isAbove(tool, span)) {
        spans.releasedAtMs.set(span, Math.max(spans.releasedAtMs.get(span), atMs));
        tree.eased.push(span);
      }
    }
  }

  /** A marker, open or not decided, turns out to be no work of its own. What is, must have been counted in the same call. */
  takeBack(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    if (spans.state.get(span) === spanStates.open) {
      add(this.#counts.started, kind, -1);
      this.#countOpen(kind, -1);
      this.#close(span, spanStates.ended, spans.startMs.get(span), nowMs);
      this.#tombstones.hold(span);
    } else {
      this.#graph.leave(span);
      this.#tombstones.hold(span);
      spans.clearFlag(span, spanFlags.undecided);
    }
    spans.kind.set(span, workKinds.other);
    this.#tombstones.bury(span, nowMs);
  }

  /** Whether an eviction of work that turns out to have been wrong is one that was counted, and not yet corrected. */
  countsReconciled(span: number): boolean {
    const { spans } = this.#graph;
    if (!spans.hasFlag(span, spanFlags.uncounted)) {
      return true;
    }
    const counted = countedInsteadOf(this.#graph, span);
    const isDue =
      counted !== -1 &&
      spans.state.get(counted) === spanStates.evicted &&
      !spans.hasFlag(counted, spanFlags.settled);
    if (isDue) {
      this.#handOn(counted, span);
    }
    return isDue;
  }

  #countsStart(span: number): boolean {
    const { spans } = this.#graph;
    spans.clearFlag(span, spanFlags.uncounted);
    const isRun = spans.kind.get(span) === workKinds.run;
    return !isRun || countedInsteadOf(this.#graph, span) === -1;
  }

  /** Whether counted work ends with this span. */
  #countsEnd(span: number): boolean {
    const { spans } = this.#graph;
    if (spans.hasFlag(span, spanFlags.uncounted)) {
      return false;
    }
    const next = spans.kind.get(span) === workKinds.run ? openBeside(this.#graph, span) : -1;
    if (next !== -1) {
      this.#handOn(span, next);
    }
    return next === -1;
  }

  /** Another span of the run is the one that is counted from now on. */
  #handOn(from: number, to: number): void {
    const { spans } = this.#graph;
    spans.setFlag(from, spanFlags.uncounted);
    spans.clearFlag(to, spanFlags.uncounted);
  }

  #countOpen(kind: WorkKind, by: number): void {
    this.#openWork += by;
    add(this.#counts.open, kind, by);
  }

  #close(span: number, state: ClosedState, endMs: number, atMs: number): void {
    const { spans } = this.#graph;
    const kind = spans.kind.get(span);
    const isRun = kind === workKinds.run;
    this.ages.cancel(span);
    spans.held.set(span, holds.none);
    spans.endMs.set(span, endMs);
    const owner = spans.owner.get(span);
    this.#onClosed(span);
    this.#graph.tree.close(span, state);
    this.releaseInside(span, atMs);
    this.#graph.countOpen(owner, isRun ? -1 : 0, isRun ? 0 : -1);
    if (!isRun) {
      const { owners } = this.#graph;
      this.#countMarker(span, -1);
      if (owners.hasFlag(owner, ownerFlags.judged) && owners.openMarkers.get(owner) === 0) {
        this.#graph.retire(owner);
      }
      this.#graph.leave(span);
    }
    this.#tombstones.bury(span, atMs);
  }

  #addDuration(
    span: number,
    kind: WorkKind,
    { durationMs, atMs }: { readonly durationMs: number | undefined; readonly atMs: number },
  ): void {
    const { spans } = this.#graph;
    const outcome = spans.hasFlag(span, spanFlags.failed) ? 1 : 0;
    if (durationMs !== undefined) {
      this.#counts.addDuration(kind, outcome, durationMs);
      this.usual.add(kind, spans.name.get(span), { durationMs, atMs });
    }
  }

  #countMarker(span: number, by: number): void {
    const process = this.#graph.traces.process.get(this.#graph.spans.trace.get(span));
    this.#openMarkers.ensure(process + 1);
    this.#openMarkers.set(process, this.#openMarkers.get(process) + by);
  }

  #decide(
    span: number,
    state: typeof spanStates.ended | typeof spanStates.evicted,
    atMs: number,
  ): void {
    const { spans } = this.#graph;
    spans.state.set(span, state);
    if (spans.kind.get(span) !== workKinds.run) {
      this.#graph.leave(span);
    }
    this.#tombstones.hold(span);
    spans.clearFlag(span, spanFlags.undecided);
    this.#tombstones.bury(span, atMs);
  }
}

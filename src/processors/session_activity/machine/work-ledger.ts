import { Int32Column } from "../../../otlp/columns.ts";
import {
  type EvictionReason,
  evictionReasons,
  toWorkKind,
  type WorkKind,
  workKinds,
} from "../kinds.ts";
import type { ActivityCounts } from "./activity-counts.ts";
import { add } from "./activity-counts.ts";
import type { ActivityEvent } from "./activity-event.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import type { DeadlineSource } from "./agenda.ts";
import type { Archive } from "./archive.ts";
import { ownerFlags } from "./owner-table.ts";
import { holds, spanFlags, spanStates } from "./span-table.ts";
import { TimingWheel } from "./timing-wheel.ts";
import type { Tombstones } from "./tombstones.ts";
import { UsualDurations } from "./usual-durations.ts";

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
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #tombstones: Tombstones;
  /** Open markers by process. */
  readonly #openMarkers = new Int32Column();
  readonly #onClosed: (span: number) => void;
  #isEvicting = false;
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

  archive(io: Archive, { version }: { readonly version: 1 | 2 } = { version: 2 }): void {
    this.#admitted = io.number(this.#admitted);
    this.ages.archive(io, this.#admitted);
    this.#openWork = io.number(this.#openWork);
    io.column(this.#openMarkers, this.#openMarkers.capacity);
    if (version > 1) {
      this.usual.archive(io);
    }
  }

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

  /** Whether the work that is being closed is evicted, as opposed to ended. */
  get isEvicting(): boolean {
    return this.#isEvicting;
  }

  /** Starts open work, whose owner is known. */
  open(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    const isRun = kind === workKinds.run;
    this.#tombstones.hold(span);
    this.#openWork++;
    add(this.#counts.started, kind, 1);
    add(this.#counts.open, kind, 1);
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
    add(this.#counts.ended, kind, 1);
    this.#addDuration(span, kind, endMs - spans.startMs.get(span));
    this.#close(span, spanStates.ended, endMs, nowMs);
  }

  /** Takes open work out of the tracked state for `reason`. */
  evict(span: number, reason: EvictionReason, atMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    const ageMs = atMs - spans.startedAtMs.get(span);
    this.#counts.addEvicted(reason, kind, 1);
    this.#counts.addDuration(kind, 2, ageMs);
    spans.reason.set(span, evictionReasons.indexOf(reason));
    this.#evictions++;
    this.#isEvicting = true;
    this.#close(span, spanStates.evicted, spans.startMs.get(span) + ageMs, atMs);
    this.#isEvicting = false;
  }

  /** Work that was a start and an end at once, found to have ended by itself. */
  finish(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    add(this.#counts.started, kind, 1);
    add(this.#counts.ended, kind, 1);
    this.#addDuration(span, kind, spans.endMs.get(span) - spans.startMs.get(span));
    this.#decide(span, spanStates.ended, nowMs);
  }

  /** Finished work found to be an orphan that somebody else closed. `isCounted`: it was already, without a name. */
  condemn(span: number, options: { readonly isCounted: boolean; readonly atMs: number }): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    if (!options.isCounted) {
      add(this.#counts.started, kind, 1);
      this.#counts.addEvicted("orphaned_no_owner", kind, 1);
      if (spans.startMs.get(span) > 0) {
        this.#counts.addDuration(kind, 2, spans.endMs.get(span) - spans.startMs.get(span));
      }
    }
    spans.setFlag(span, spanFlags.settled);
    this.#isEvicting = true;
    this.#onClosed(span);
    this.#isEvicting = false;
    this.#decide(span, spanStates.evicted, options.atMs);
  }

  /** Finished work that was counted as evicted without a name, though it ended in time. */
  absolve(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    add(this.#counts.reconciled, kind, 1);
    this.events.push({ type: "reconciled", kind, lateByMs: 0 });
    spans.setFlag(span, spanFlags.settled);
    this.#decide(span, spanStates.evicted, nowMs);
  }

  #close(
    span: number,
    state: typeof spanStates.ended | typeof spanStates.evicted,
    endMs: number,
    atMs: number,
  ): void {
    const { spans } = this.#graph;
    const kind = spans.kind.get(span);
    const isRun = kind === workKinds.run;
    add(this.#counts.open, kind, -1);
    this.#openWork--;
    this.ages.cancel(span);
    spans.held.set(span, holds.none);
    spans.endMs.set(span, endMs);
    const owner = spans.owner.get(span);
    this.#onClosed(span);
    this.#graph.tree.close(span, state);
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

  /** A start that is not set says nothing of how long anything took. */
  #addDuration(span: number, kind: WorkKind, durationMs: number): void {
    const { spans } = this.#graph;
    const isKnown = spans.startMs.get(span) > 0 && durationMs >= 0;
    const outcome = spans.hasFlag(span, spanFlags.failed) ? 1 : 0;
    if (isKnown) {
      this.#counts.addDuration(kind, outcome, durationMs);
      this.usual.add(kind, spans.name.get(span), durationMs);
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

import { Int32Column } from "../../../otlp/columns.ts";
import type { ActivityEvent, RecoveryCause } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type EvictionReason, reasons } from "../../model/reasons.ts";
import { toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import type { TimerSource } from "../schedule/due-queue.ts";
import { TimingWheel } from "../schedule/timing-wheel.ts";
import type { ActivityCounters } from "./activity-counters.ts";
import { add } from "./activity-counters.ts";
import type { ActivityStore } from "./activity-store.ts";
import { openMembersOf } from "./open-members.ts";
import { ownerFlags } from "./owner-table.ts";
import type { Retention } from "./retention.ts";
import { countedInsteadOf, otherRunOf } from "./run-counting.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { type ClosedState, spanStates } from "./span-lifecycle.ts";
import { evictionHolds, spanFlags } from "./span-table.ts";
import { UsualDurations } from "./usual-durations.ts";
import { WorkDurations } from "./work-durations.ts";

/** What it needs of the engine. */
interface OpenWorkParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
  readonly events: ActivityEvent[];
  readonly retention: Retention;
}

/** Work is opened, ended and evicted here, and counted; what is closed goes to the tombstones. */
export class OpenWork {
  readonly #parts: OpenWorkParts;
  /** Open work by the moment it will have been silent for too long. */
  readonly expiry: TimingWheel;
  /** `ages` as the agenda reads it: what was heard of since counts. */
  readonly expiryTimers: TimerSource;
  /** How long work of each name takes. */
  readonly usualDurations = new UsualDurations();
  readonly durations: WorkDurations;
  /** Open markers by process. */
  readonly #openMarkers = new Int32Column();
  readonly #onClosed: (span: number) => void;
  #closingBy: RecoveryCause = "progress";
  #evictions = 0;
  #admitted = 0;
  #openWork = 0;

  constructor(parts: OpenWorkParts, listeners: { readonly onClosed: (span: number) => void }) {
    this.#parts = parts;
    this.#onClosed = listeners.onClosed;
    this.durations = new WorkDurations(parts.store, parts.limits.allowedLatenessMs);
    const openWork = this;
    this.expiryTimers = {
      get size() {
        return openWork.expiry.size;
      },
      due: (untilMs, into) => openWork.expiry.due(untilMs, into),
      dueMsOf: (span) => Math.max(openWork.expiry.dueMsOf(span), openWork.expiresAtMs(span)),
      hasMoreDue: (untilMs, most) => openWork.expiry.hasMoreDue(untilMs, most),
      postpone: (span, dueMs) => openWork.expiry.postpone(span, dueMs),
    };
    // Leases are due within seconds; what is due in hours is skipped once a turn of the wheel.
    this.expiry = new TimingWheel(Math.min(parts.limits.maxAgeMs / 512, 1000));
  }

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    this.#admitted = stream.number(this.#admitted);
    this.expiry.snapshot(stream, this.#admitted);
    this.#openWork = stream.number(this.#openWork);
    stream.column(this.#openMarkers, this.#openMarkers.capacity);
    if (version > 1) {
      this.usualDurations.snapshot(stream, { version });
    }
    this.durations.snapshot(stream, { version });
  }

  /** Open work that is counted. */
  get size(): number {
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
  get closeCause(): RecoveryCause {
    return this.#closingBy;
  }

  /** Starts open work, whose owner is known. Of the spans of one run one is counted; `isCounted`: whether this one may be. */
  open(span: number, nowMs: number, { isCounted = true } = {}): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    const isRun = kind === workKinds.run;
    this.#parts.retention.pin(span);
    if (isCounted && this.#countsStart(span)) {
      add(this.#parts.counters.started, kind, 1);
      this.#countOpen(kind, 1);
    } else {
      spans.setFlag(span, spanFlags.uncounted);
    }
    spans.startedAtMs.set(span, nowMs);
    spans.seenAtMs.set(span, nowMs);
    spans.progressAtMs.set(span, nowMs);
    spans.releasedAtMs.set(span, 0);
    this.#parts.store.tree.open(span);
    if (!isRun) {
      this.#countMarker(span, 1);
    }
    this.#parts.store.sessions.countOpen(spans.owner.get(span), isRun ? 1 : 0, isRun ? 0 : 1);
    while (this.#admitted <= span) {
      this.expiry.admit(this.#admitted++);
    }
    this.expiry.set(span, this.expiresAtMs(span));
  }

  /** When open work will have been silent for too long: for its lease where it has one, else for `maxAgeMs`. */
  expiresAtMs(span: number): number {
    const { spans } = this.#parts.store;
    const leaseMs = spans.leaseMs.get(span);
    const patienceMs =
      leaseMs > 0 ? Math.min(leaseMs, this.#parts.limits.maxAgeMs) : this.#parts.limits.maxAgeMs;
    return spans.seenAtMs.get(span) + patienceMs;
  }

  /** Ends open work as its sender reported. The open counts of its owner fall; a marker leaves it. */
  end(span: number, endMs: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    if (this.#countsEnd(span)) {
      add(this.#parts.counters.ended, kind, 1);
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
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    const ageMs = this.#parts.store.downtime.elapsedMs(spans.startedAtMs.get(span), atMs);
    if (this.#countsEnd(span)) {
      this.#parts.counters.addEvicted(reason, kind, 1);
      this.#countOpen(kind, -1);
      this.#parts.counters.addDuration(kind, 2, ageMs);
    }
    spans.reason.set(span, reasons[reason].storedId);
    this.#evictions++;
    this.#closingBy = "evicted";
    this.#close(span, spanStates.evicted, spans.startMs.get(span) + ageMs, atMs);
    this.#closingBy = "progress";
  }

  /** Gives up open work of which nothing will say how it ends. */
  untrack(span: number, nowMs: number): void {
    const kind = toWorkKind(this.#parts.store.spans.kind.get(span));
    if (this.#countsEnd(span)) {
      add(this.#parts.counters.untracked, kind, 1);
      this.#countOpen(kind, -1);
    }
    this.#closingBy = "unwatched";
    this.#close(span, spanStates.untracked, 0, nowMs);
    this.#closingBy = "progress";
  }

  /** Work that was a start and an end at once, found to have ended by itself. */
  finish(span: number, nowMs: number, { isCounted = true } = {}): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    if (isCounted && this.#countsStart(span)) {
      add(this.#parts.counters.started, kind, 1);
      add(this.#parts.counters.ended, kind, 1);
      this.#addDuration(span, kind, {
        durationMs: this.durations.ofFinished(span, nowMs),
        atMs: nowMs,
      });
    } else {
      spans.setFlag(span, spanFlags.uncounted);
    }
    this.#finalize(span, spanStates.ended, nowMs);
  }

  /** Finished work found to be an orphan that somebody else closed. `isCounted`: it was already, without a name. */
  markOrphaned(
    span: number,
    options: { readonly isCounted: boolean; readonly atMs: number },
  ): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    if (!options.isCounted) {
      add(this.#parts.counters.started, kind, 1);
      this.#parts.counters.addEvicted("orphaned_no_owner", kind, 1);
      const durationMs = this.durations.ofFinished(span, options.atMs);
      if (durationMs !== undefined) {
        this.#parts.counters.addDuration(kind, 2, durationMs);
      }
    }
    spans.setFlag(span, spanFlags.endReported);
    this.#closingBy = "evicted";
    this.#onClosed(span);
    this.#closingBy = "progress";
    this.#finalize(span, spanStates.evicted, options.atMs);
  }

  /** Finished work that was counted as evicted without a name, though it ended in time, or `lateByMs` after that. */
  markFalsePositive(span: number, nowMs: number, lateByMs = 0): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    add(this.#parts.counters.reconciled, kind, 1);
    this.#parts.events.push({ type: "reconciled", kind, lateByMs });
    this.closeAsEvicted(span, nowMs);
  }

  /** Finished work that was counted as evicted before, and as reconciled: nothing more is said of it. */
  closeAsEvicted(span: number, nowMs: number): void {
    this.#parts.store.spans.setFlag(span, spanFlags.endReported);
    this.#finalize(span, spanStates.evicted, nowMs);
  }

  /** A tool that may outlive its run is over: what is open in it and was held by it has a lateness from now on. */
  releaseHoldsInside(tool: number, atMs: number): void {
    const { spans, owners, tree, below } = this.#parts.store;
    if (!spans.hasFlag(tool, spanFlags.detached) || spans.openBelow.get(tool) === 0) {
      return;
    }
    const owner = spans.owner.get(tool);
    // Those with a session of their own and without a known run have an owner of their own.
    const apart = below.all(owner).filter((other) => owners.isUnresolved(other));
    for (const span of [owner, ...apart].flatMap((each) =>
      openMembersOf(this.#parts.store, each),
    )) {
      if (spans.kind.get(span) !== workKinds.run && tree.isAncestor(tool, span)) {
        spans.releasedAtMs.set(span, Math.max(spans.releasedAtMs.get(span), atMs));
        tree.unblocked.push(span);
      }
    }
  }

  /** A marker, open or not decided, turns out to be no work of its own. What is, must have been counted in the same call. */
  withdraw(span: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    if (spans.state.get(span) === spanStates.open) {
      add(this.#parts.counters.started, kind, -1);
      this.#countOpen(kind, -1);
      this.#close(span, spanStates.ended, spans.startMs.get(span), nowMs);
      this.#parts.retention.pin(span);
    } else {
      this.#parts.store.leave(span);
      this.#parts.retention.pin(span);
      spans.clearFlag(span, spanFlags.undecided);
    }
    spans.kind.set(span, workKinds.other);
    this.#parts.retention.retain(span, nowMs);
  }

  /** Whether an eviction of work that turns out to have been wrong is one that was counted, and not yet corrected. */
  countsReconciliation(span: number): boolean {
    const { spans } = this.#parts.store;
    if (!spans.hasFlag(span, spanFlags.uncounted)) {
      return true;
    }
    const counted = countedInsteadOf(this.#parts.store, span);
    const isDue =
      counted !== -1 &&
      spans.state.get(counted) === spanStates.evicted &&
      !spans.hasFlag(counted, spanFlags.endReported);
    if (isDue) {
      this.#transferCount(counted, span);
    }
    return isDue;
  }

  #countsStart(span: number): boolean {
    const { spans } = this.#parts.store;
    spans.clearFlag(span, spanFlags.uncounted);
    const isRun = spans.kind.get(span) === workKinds.run;
    return !isRun || countedInsteadOf(this.#parts.store, span) === -1;
  }

  /** Whether counted work ends with this span. */
  #countsEnd(span: number): boolean {
    const { spans } = this.#parts.store;
    if (spans.hasFlag(span, spanFlags.uncounted)) {
      return false;
    }
    const next =
      spans.kind.get(span) === workKinds.run
        ? otherRunOf(this.#parts.store, span, { isCounted: false })
        : -1;
    if (next !== -1) {
      this.#transferCount(span, next);
    }
    return next === -1;
  }

  /** Another span of the run is the one that is counted from now on. */
  #transferCount(from: number, to: number): void {
    const { spans } = this.#parts.store;
    spans.setFlag(from, spanFlags.uncounted);
    spans.clearFlag(to, spanFlags.uncounted);
  }

  #countOpen(kind: WorkKind, by: number): void {
    this.#openWork += by;
    add(this.#parts.counters.open, kind, by);
  }

  #close(span: number, state: ClosedState, endMs: number, atMs: number): void {
    const { spans } = this.#parts.store;
    const kind = spans.kind.get(span);
    const isRun = kind === workKinds.run;
    this.expiry.cancel(span);
    spans.held.set(span, evictionHolds.none);
    spans.endMs.set(span, endMs);
    const owner = spans.owner.get(span);
    this.#onClosed(span);
    this.#parts.store.tree.close(span, state);
    this.releaseHoldsInside(span, atMs);
    this.#parts.store.sessions.countOpen(owner, isRun ? -1 : 0, isRun ? 0 : -1);
    if (!isRun) {
      const { owners } = this.#parts.store;
      this.#countMarker(span, -1);
      if (owners.hasFlag(owner, ownerFlags.decided) && owners.openMarkers.get(owner) === 0) {
        this.#parts.store.retire(owner);
      }
      this.#parts.store.leave(span);
    }
    this.#parts.retention.retain(span, atMs);
  }

  #addDuration(
    span: number,
    kind: WorkKind,
    { durationMs, atMs }: { readonly durationMs: number | undefined; readonly atMs: number },
  ): void {
    const { spans } = this.#parts.store;
    const outcome = spans.hasFlag(span, spanFlags.failed) ? 1 : 0;
    if (durationMs !== undefined) {
      this.#parts.counters.addDuration(kind, outcome, durationMs);
      this.usualDurations.add(kind, spans.name.get(span), { durationMs, atMs });
    }
  }

  #countMarker(span: number, by: number): void {
    const process = this.#parts.store.traces.process.get(this.#parts.store.spans.trace.get(span));
    this.#openMarkers.ensure(process + 1);
    this.#openMarkers.set(process, this.#openMarkers.get(process) + by);
  }

  #finalize(
    span: number,
    state: typeof spanStates.ended | typeof spanStates.evicted,
    atMs: number,
  ): void {
    const { spans } = this.#parts.store;
    spans.state.move(span, state);
    if (spans.kind.get(span) !== workKinds.run) {
      this.#parts.store.leave(span);
    }
    this.#parts.retention.pin(span);
    spans.clearFlag(span, spanFlags.undecided);
    this.#parts.retention.retain(span, atMs);
  }
}

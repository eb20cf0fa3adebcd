import { Int32Column } from "../../../otlp/columns.ts";
import type { ActivityEvent, RecoveryCause } from "../../model/events.ts";
import { type ActivityLimits, mostSearched } from "../../model/limits.ts";
import { type EvictionReason, reasons } from "../../model/reasons.ts";
import { toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import { ExpiryTimers } from "../schedule/timing-wheel.ts";
import { type ActivityCounters, add } from "./activity-counters.ts";
import type { ActivityStore } from "./activity-store.ts";
import { OpenByProcess } from "./open-by-process.ts";
import { ownerFlags } from "./owner-table.ts";
import type { Retention } from "./retention.ts";
import { countedInsteadOf, otherRunOf } from "./run-counting.ts";
import { Search } from "./search.ts";
import type { SnapshotStream, SnapshotVersion } from "./snapshot.ts";
import { type ClosedState, spanStates } from "./span-lifecycle.ts";
import { spanFlags } from "./span-table.ts";
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

/**
 * Opens, ends, evicts and counts work.
 *
 * Keeps the expiry of each open span, the open work of each process, and how many markers of it are open. Admission bounds open work by `maxOpenWork`: a
 * start beyond that never gets here. Closed work goes to `Retention`.
 */
export class OpenWork {
  readonly #parts: OpenWorkParts;
  readonly expiry: ExpiryTimers;
  readonly byProcess: OpenByProcess;
  /** How long work of each name usually takes. */
  readonly usualDurations = new UsualDurations();
  readonly durations: WorkDurations;
  /** Open markers by process. */
  readonly #openMarkers = new Int32Column();
  readonly #onClosed: (span: number) => void;
  /** Open work in the counters. */
  size = 0;
  /** Evictions since the program started. */
  evictions = 0;
  /** Why the work that is being closed does not block its run any more: it ended, was evicted, or is not watched. */
  closeCause: RecoveryCause = "progress";

  constructor(parts: OpenWorkParts, listeners: { readonly onClosed: (span: number) => void }) {
    this.#parts = parts;
    this.#onClosed = listeners.onClosed;
    this.byProcess = new OpenByProcess(parts.store);
    this.durations = new WorkDurations(parts.store, parts.limits.allowedLatenessMs);
    // Leases expire within seconds. A deadline hours away is passed over once a turn of the wheel.
    this.expiry = new ExpiryTimers(Math.min(parts.limits.maxAgeMs / 512, 1000), (span) =>
      this.expiresAtMs(span),
    );
  }

  snapshot(stream: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    this.expiry.snapshot(stream, stream.number(this.expiry.items));
    this.size = stream.number(this.size);
    stream.column(this.#openMarkers, this.#openMarkers.capacity);
    if (version > 1) {
      this.usualDurations.snapshot(stream, { version });
    }
    this.durations.snapshot(stream, { version });
    if (stream.isLoading && version > 1) {
      this.byProcess.rebuild();
    }
  }

  /** Open markers of a process. */
  openMarkersOf(process: number): number {
    return this.#openMarkers.get(process);
  }

  /** Opens work, whose owner is known. One span of a run is counted; `isCounted` says whether this one may be. */
  open(span: number, nowMs: number, { isCounted = true } = {}): void {
    const { spans, traces, tree, sessions } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    const isRun = kind === workKinds.run;
    this.#parts.retention.pin(span);
    if (isCounted && (!isRun || countedInsteadOf(this.#parts.store, span) === -1)) {
      spans.clearFlag(span, spanFlags.uncounted);
      add(this.#parts.counters.started, kind, 1);
      this.#countOpen(kind, 1);
    } else {
      spans.setFlag(span, spanFlags.uncounted);
    }
    spans.startedAtMs.set(span, nowMs);
    spans.seenAtMs.set(span, nowMs);
    spans.progressAtMs.set(span, nowMs);
    spans.releasedAtMs.set(span, 0);
    tree.setState(span, spanStates.open);
    this.byProcess.add(span);
    if (!isRun) {
      const process = traces.process.get(spans.trace.get(span));
      this.#openMarkers.ensure(process + 1);
      this.#openMarkers.set(process, this.#openMarkers.get(process) + 1);
    }
    sessions.countOpen(spans.owner.get(span), isRun ? 1 : 0, isRun ? 0 : 1);
    this.expiry.set(span, this.expiresAtMs(span));
  }

  /** When open work expires: its last signal plus its lease, or plus `maxAgeMs` where that is shorter or there is no lease. */
  expiresAtMs(span: number): number {
    const { spans } = this.#parts.store;
    const leaseMs = spans.leaseMs.get(span);
    const silenceMs =
      leaseMs > 0 ? Math.min(leaseMs, this.#parts.limits.maxAgeMs) : this.#parts.limits.maxAgeMs;
    return spans.seenAtMs.get(span) + silenceMs;
  }

  /**
   * Ends open work, as its sender reported. A marker leaves its owner. `kind`: what its end says that it is, if that is not what it was
   * taken for; `other` is no work.
   */
  end(
    span: number,
    endMs: number,
    nowMs: number,
    kind: WorkKind = toWorkKind(this.#parts.store.spans.kind.get(span)),
  ): void {
    const { spans } = this.#parts.store;
    const from = toWorkKind(spans.kind.get(span));
    if (this.#countsEnd(span)) {
      this.#countOpen(from, -1);
      if (kind !== from) {
        add(this.#parts.counters.corrected[from], kind, 1);
      }
      if (kind !== workKinds.other) {
        add(this.#parts.counters.ended, kind, 1);
      }
      this.#addDuration(span, kind, {
        durationMs: this.durations.ofOpen(span, endMs, nowMs),
        atMs: nowMs,
      });
    }
    this.#close(span, spanStates.ended, endMs, nowMs);
  }

  /** Evicts open work for `reason`, at `atMs` by the engine's clock. */
  evict(span: number, reason: EvictionReason, atMs: number): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    const ageMs = this.#parts.store.downtime.elapsedMs(spans.startedAtMs.get(span), atMs);
    if (this.#countsEnd(span)) {
      add(this.#parts.counters.evicted.get(reason), kind, 1);
      this.#countOpen(kind, -1);
      this.#parts.counters.addDuration(kind, 2, ageMs);
    }
    spans.reason.set(span, reasons[reason].storedId);
    this.evictions++;
    this.closeCause = "evicted";
    this.#close(span, spanStates.evicted, spans.startMs.get(span) + ageMs, atMs);
    this.closeCause = "progress";
  }

  /** Closes open work of which no signal will report the end. */
  untrack(span: number, nowMs: number): void {
    const kind = toWorkKind(this.#parts.store.spans.kind.get(span));
    if (this.#countsEnd(span)) {
      add(this.#parts.counters.untracked, kind, 1);
      this.#countOpen(kind, -1);
    }
    this.closeCause = "unwatched";
    this.#close(span, spanStates.untracked, 0, nowMs);
    this.closeCause = "progress";
  }

  /** Closes finished work, of which no start arrived, as ended by itself. */
  finish(span: number, nowMs: number, { isCounted = true } = {}): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    const isRun = kind === workKinds.run;
    if (isCounted && (!isRun || countedInsteadOf(this.#parts.store, span) === -1)) {
      spans.clearFlag(span, spanFlags.uncounted);
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

  /** Closes finished work as an orphan: its run or its gateway ended its span. `isCounted`: an eviction without a name counts it. */
  markOrphaned(
    span: number,
    options: { readonly isCounted: boolean; readonly atMs: number },
  ): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    if (!options.isCounted) {
      add(this.#parts.counters.started, kind, 1);
      add(this.#parts.counters.evicted.get("orphaned_no_owner"), kind, 1);
      const durationMs = this.durations.ofFinished(span, options.atMs);
      if (durationMs !== undefined) {
        this.#parts.counters.addDuration(kind, 2, durationMs);
      }
    }
    spans.setFlag(span, spanFlags.endReported);
    this.closeCause = "evicted";
    this.#onClosed(span);
    this.closeCause = "progress";
    this.#finalize(span, spanStates.evicted, options.atMs);
  }

  /** Corrects an eviction without a name: the finished work ended in time, or `lateByMs` later. */
  markFalsePositive(span: number, nowMs: number, lateByMs = 0): void {
    const { spans } = this.#parts.store;
    const kind = toWorkKind(spans.kind.get(span));
    add(this.#parts.counters.reconciled, kind, 1);
    this.#parts.events.push({ type: "reconciled", kind, lateByMs });
    this.closeAsEvicted(span, nowMs);
  }

  /** Closes finished work of which the eviction and its correction are in the counters already. */
  closeAsEvicted(span: number, nowMs: number): void {
    this.#parts.store.spans.setFlag(span, spanFlags.endReported);
    this.#finalize(span, spanStates.evicted, nowMs);
  }

  /**
   * A tool that may outlive its run has closed: from `atMs` on it holds its open work no longer (`SpanTree.releasedAtMs`), so the owner of
   * that is decided again, and so are the owners below without a known run, of markers with a session of their own.
   */
  releaseHoldsInside(tool: number, atMs: number): void {
    const { limits, store } = this.#parts;
    const { spans, owners, below } = store;
    if (!spans.hasFlag(tool, spanFlags.detached)) {
      return;
    }
    spans.releasedAtMs.set(tool, atMs);
    const owner = spans.owner.get(tool);
    if (spans.openBelow.get(tool) === 0 || !store.mayBeDone(owner)) {
      return;
    }
    this.#unblockInside(tool, owner, new Search(mostSearched(limits)));
    const search = new Search(mostSearched(limits));
    for (let each = below.first.get(owner); each !== -1; each = below.after.get(each)) {
      if (!search.reads()) {
        return; // What the rest has inside stays until another signal has it decided.
      }
      if (owners.isUnresolved(each)) {
        this.#unblockInside(tool, each, search);
      }
    }
  }

  /** Has an owner decided again if it has an open marker inside `tool`, or may have one that the search does not reach. */
  #unblockInside(tool: number, owner: number, search: Search): void {
    const { spans, tree, members } = this.#parts.store;
    let last = -1;
    for (
      let span = members.first.get(owner);
      span !== -1 && search.reads();
      span = members.after.get(span)
    ) {
      if (spans.state.get(span) === spanStates.open && spans.kind.get(span) !== workKinds.run) {
        last = span;
        if (tree.isAncestor(tool, span, search)) {
          tree.unblocked.push(span);
          return;
        }
      }
    }
    if (search.isCut && last !== -1) {
      tree.unblocked.push(last);
    }
  }

  /** Open work turns out to be a marker of another kind, and stays open. */
  changeMarker(span: number, kind: WorkKind): void {
    const { spans } = this.#parts.store;
    const from = toWorkKind(spans.kind.get(span));
    add(this.#parts.counters.corrected[from], kind, 1);
    this.#countOpen(from, -1);
    this.#countOpen(kind, 1);
    spans.kind.set(span, kind);
  }

  /**
   * A marker, open or undecided, is a link. Either the work that it is a link to must have been counted in the same call, or `kind` says what
   * it turned out to be instead.
   */
  withdraw(span: number, nowMs: number, kind?: WorkKind): void {
    const { spans } = this.#parts.store;
    const from = toWorkKind(spans.kind.get(span));
    if (spans.state.get(span) === spanStates.open) {
      if (kind === undefined) {
        add(this.#parts.counters.started, from, -1);
      } else {
        add(this.#parts.counters.corrected[from], kind, 1);
      }
      this.#countOpen(from, -1);
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

  /** Whether the wrong eviction of a span is in the counters and not corrected yet, by this span or by another one of its run. */
  countsReconciliation(span: number): boolean {
    const { spans } = this.#parts.store;
    if (!spans.hasFlag(span, spanFlags.uncounted)) {
      return true;
    }
    const isRun = spans.kind.get(span) === workKinds.run;
    const counted = isRun ? countedInsteadOf(this.#parts.store, span) : -1;
    const isDue =
      counted !== -1 &&
      spans.state.get(counted) === spanStates.evicted &&
      !spans.hasFlag(counted, spanFlags.endReported);
    if (isDue) {
      this.#transferCount(counted, span);
    }
    return isDue;
  }

  /** Whether the end of this span ends counted work. Else an open span of the same run is counted from now on. */
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

  /** Counts `to`, another span of the run, in place of `from` from now on. */
  #transferCount(from: number, to: number): void {
    const { spans } = this.#parts.store;
    spans.setFlag(from, spanFlags.uncounted);
    spans.clearFlag(to, spanFlags.uncounted);
  }

  #countOpen(kind: WorkKind, by: number): void {
    this.size += by;
    add(this.#parts.counters.open, kind, by);
  }

  #close(span: number, state: ClosedState, closedMs: number, atMs: number): void {
    const { spans, traces, owners, tree, sessions } = this.#parts.store;
    const isRun = spans.kind.get(span) === workKinds.run;
    this.expiry.cancel(span);
    this.byProcess.remove(span);
    spans.closedMs.set(span, closedMs);
    const owner = spans.owner.get(span);
    this.#onClosed(span);
    tree.setState(span, state);
    this.releaseHoldsInside(span, atMs);
    sessions.countOpen(owner, isRun ? -1 : 0, isRun ? 0 : -1);
    if (!isRun) {
      const process = traces.process.get(spans.trace.get(span));
      this.#openMarkers.set(process, this.#openMarkers.get(process) - 1);
      if (owners.hasFlag(owner, ownerFlags.decided) && owners.openMarkers.get(owner) === 0) {
        this.#parts.store.setLive(owner, false);
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
    if (durationMs !== undefined && kind !== workKinds.other) {
      this.#parts.counters.addDuration(kind, outcome, durationMs);
      this.usualDurations.add(kind, spans.name.get(span), { durationMs, atMs });
    }
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

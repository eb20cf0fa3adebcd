import { Int32Column } from "../../../otlp/columns.ts";
import { type EvictionReason, evictionReasons, toWorkKind, workKinds } from "../kinds.ts";
import type { ActivityCounts } from "./activity-counts.ts";
import { add } from "./activity-counts.ts";
import type { ActivityEvent } from "./activity-event.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import type { DeadlineSource } from "./agenda.ts";
import type { Archive } from "./archive.ts";
import { LinkedLists } from "./linked-lists.ts";
import { holds, spanFlags, spanStates } from "./span-table.ts";
import { TimingWheel } from "./timing-wheel.ts";

const undecidedList = 0;
const tombstoneList = 1;
const longTombstoneList = 2;

/** As many tombstones that may not go yet are passed over in search of one that may. */
const passedOver = 16;

/**
 * The life of a span's row: unknown → open → ended or evicted → forgotten, with its counts. Every span
 * is at each moment in exactly one queue, so each is forgotten one day.
 */
export class WorkLedger {
  /** What was decided since it was last emptied. */
  readonly events: ActivityEvent[] = [];
  /** Open work by the moment it will have been silent for too long. */
  readonly ages: TimingWheel;
  /** `ages` as the agenda reads it: what was heard of since counts. */
  readonly silences: DeadlineSource;
  readonly #limits: ActivityLimits;
  readonly #graph: ActivityGraph;
  readonly #counts: ActivityCounts;
  readonly #queues = new LinkedLists(3);
  readonly #onForgotten: (span: number) => void;
  /** Open markers by process. */
  readonly #openMarkers = new Int32Column();
  /** When evicted work was evicted, where it is remembered for longer because of open work below. */
  readonly #evictedAtMs = new Map<number, number>();
  #isEvicting = false;
  #implied = 0;
  #evictions = 0;
  #admitted = 0;
  #tombstones = 0;
  #openWork = 0;

  constructor(
    limits: ActivityLimits,
    graph: ActivityGraph,
    counts: ActivityCounts,
    onForgotten: (span: number) => void,
  ) {
    this.#limits = limits;
    this.#graph = graph;
    this.#counts = counts;
    this.#onForgotten = onForgotten;
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

  archive(io: Archive): void {
    this.#admitted = io.number(this.#admitted);
    this.#queues.archive(io, this.#admitted);
    this.ages.archive(io, this.#admitted);
    this.#tombstones = io.number(this.#tombstones);
    this.#openWork = io.number(this.#openWork);
    this.#implied = io.number(this.#implied);
    io.column(this.#openMarkers, this.#openMarkers.capacity);
    const evicted = io.numbers([...this.#evictedAtMs].flat());
    for (let at = 0; io.isLoading && at < evicted.length; at += 2) {
      this.#evictedAtMs.set(evicted[at] ?? -1, evicted[at + 1] ?? 0);
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

  /** Spans that were named and have not arrived. */
  get implied(): number {
    return this.#implied;
  }

  /** When evicted work was evicted. */
  evictedAtMs(span: number): number {
    return this.#evictedAtMs.get(span) ?? this.#graph.spans.seenAtMs.get(span);
  }

  /** Whether the work that is being closed is evicted, as opposed to ended. */
  get isEvicting(): boolean {
    return this.#isEvicting;
  }

  get tombstones(): number {
    return this.#tombstones;
  }

  /** Whether one more span fits, forgetting an old one where that helps. May give up any span in a queue. */
  makeRoom(): boolean {
    const room = this.#limits.maxOpenWork + this.#limits.maxTombstones;
    return this.#graph.spans.size < room || this.#forgetOne();
  }

  /** Adds a span nobody has told us of yet: a child named it, or it is about to be told. Needs `makeRoom`. */
  addUnknown(trace: number, id0: number, id1: number, nowMs: number): number {
    const span = this.#graph.addSpan(trace, id0, id1);
    while (this.#admitted <= span) {
      this.#queues.ensure(this.#admitted + 1);
      this.#queues.clear(this.#admitted);
      this.ages.admit(this.#admitted);
      this.#admitted++;
    }
    this.#implied++;
    this.bury(span, nowMs);
    return span;
  }

  /** A span is told of: it is out of every queue, and closed until it is opened. */
  arrive(span: number): void {
    const { spans } = this.#graph;
    this.hold(span);
    this.#evictedAtMs.delete(span);
    this.#implied -= spans.state.get(span) === spanStates.unknown ? 1 : 0;
    spans.state.set(span, spanStates.ended);
  }

  /** Starts open work. */
  open(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    this.hold(span);
    this.#openWork++;
    add(this.#counts.started, kind, 1);
    add(this.#counts.open, kind, 1);
    spans.endMs.set(span, nowMs);
    spans.seenAtMs.set(span, nowMs);
    this.#graph.open(span);
    if (kind === workKinds.run) {
      const trace = spans.trace.get(span);
      const { traces } = this.#graph;
      traces.openOwners.set(trace, traces.openOwners.get(trace) + 1);
    } else {
      this.#countMarker(span, 1);
    }
    this.#graph.countOpen(
      spans.group.get(span),
      kind === workKinds.run ? 1 : 0,
      kind === workKinds.run ? 0 : 1,
    );
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

  /** Ends open work as its sender told. Its group's open counts fall; a marker leaves its group. */
  end(span: number, endMs: number, nowMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    add(this.#counts.ended, kind, 1);
    this.#counts.addDuration(
      kind,
      spans.hasFlag(span, spanFlags.failed) ? 1 : 0,
      endMs - spans.startMs.get(span),
    );
    this.#close(span, spanStates.ended, endMs, nowMs);
  }

  /** Takes open work out of the tracked state for `reason`. */
  evict(span: number, reason: EvictionReason, atMs: number): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    const ageMs = atMs - spans.endMs.get(span);
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
    this.#counts.addDuration(
      kind,
      spans.hasFlag(span, spanFlags.failed) ? 1 : 0,
      spans.endMs.get(span) - spans.startMs.get(span),
    );
    this.#decide(span, spanStates.ended, nowMs);
  }

  /** Finished work found to be an orphan that somebody else closed. `isCounted`: it was already, without a name. */
  condemn(span: number, options: { readonly isCounted: boolean; readonly atMs: number }): void {
    const { spans } = this.#graph;
    const kind = toWorkKind(spans.kind.get(span));
    if (!options.isCounted) {
      add(this.#counts.started, kind, 1);
      this.#counts.addEvicted("orphaned_no_owner", kind, 1);
      this.#counts.addDuration(kind, 2, spans.endMs.get(span) - spans.startMs.get(span));
    }
    spans.setFlag(span, spanFlags.settled);
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

  /** Keeps finished work until it is known whether it outlived its owner. */
  suspend(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    this.hold(span);
    spans.setFlag(span, spanFlags.undecided);
    spans.seenAtMs.set(span, nowMs);
    this.#queues.push(undecidedList, span);
  }

  /** The finished work that has waited longest, or -1. */
  longestUndecided(): number {
    return this.#queues.first(undecidedList);
  }

  /** Finished work will be decided by its group's deadline: it no longer waits for its own. */
  awaitGroup(span: number): void {
    this.#queues.remove(span);
  }

  /** Takes a span out of its queue, so that it cannot be forgotten while it is worked on. */
  hold(span: number): void {
    const { spans } = this.#graph;
    if (this.#queues.isListed(span)) {
      this.#queues.remove(span);
      if (!spans.hasFlag(span, spanFlags.undecided)) {
        this.#tombstones--;
      }
    }
  }

  /** Queues a closed span to be forgotten. Nothing happens to one that is queued already. */
  bury(span: number, nowMs: number): void {
    const { spans } = this.#graph;
    if (this.#queues.isListed(span)) {
      return;
    }
    spans.seenAtMs.set(span, nowMs);
    const state = spans.state.get(span);
    const isOwner = spans.kind.get(span) === workKinds.run && state !== spanStates.unknown;
    // Its gateway may close the span of an orphan hours later, and that is not another orphan.
    const isLong = isOwner || state === spanStates.evicted;
    this.#queues.push(isLong ? longTombstoneList : tombstoneList, span);
    this.#tombstones++;
  }

  /** Evicted work is still told of: it is remembered for as long as from an eviction at `nowMs`. */
  rebury(span: number, nowMs: number): void {
    if (this.#graph.spans.state.get(span) === spanStates.evicted) {
      this.#evictedAtMs.set(span, this.evictedAtMs(span));
      this.hold(span);
      this.bury(span, nowMs);
    }
  }

  /**
   * Forgets what has been remembered long enough by `nowMs`, `most` of it; returns how much. Must be called
   * before anything happens at `nowMs`, so that it is known at each moment what is forgotten.
   */
  forgetOld(nowMs: number, most: number): number {
    const forgotten = this.#forgetFrom(tombstoneList, this.#limits.tombstoneTtlMs, nowMs, most);
    const longTtlMs = Math.max(this.#limits.maxAgeMs, this.#limits.tombstoneTtlMs);
    return forgotten + this.#forgetFrom(longTombstoneList, longTtlMs, nowMs, most - forgotten);
  }

  /** Forgets the oldest beyond the bound. Must be called after anything happened, for the same reason. */
  forgetExcess(): void {
    while (this.#tombstones > this.#limits.maxTombstones && this.#forgetOne()) {}
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
    this.#graph.countOpen(spans.group.get(span), isRun ? -1 : 0, isRun ? 0 : -1);
    this.#graph.close(span, state);
    if (isRun) {
      const { traces } = this.#graph;
      const trace = spans.trace.get(span);
      traces.openOwners.set(trace, traces.openOwners.get(trace) - 1);
    } else {
      this.#countMarker(span, -1);
      this.#graph.leave(span);
    }
    this.bury(span, atMs);
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
    this.hold(span);
    spans.clearFlag(span, spanFlags.undecided);
    this.bury(span, atMs);
  }

  #forgetFrom(queue: number, ttlMs: number, nowMs: number, most: number): number {
    const { spans } = this.#graph;
    for (let forgotten = 0; forgotten < most; forgotten++) {
      const span = this.#queues.first(queue);
      const dueMs = span === -1 ? Number.POSITIVE_INFINITY : spans.seenAtMs.get(span) + ttlMs;
      if (dueMs > nowMs) {
        return forgotten;
      }
      this.#forgetOrPass(queue, span, dueMs);
    }
    return Math.max(0, most);
  }

  #forgetOne(): boolean {
    const { spans } = this.#graph;
    for (const queue of [tombstoneList, longTombstoneList]) {
      for (let tries = passedOver; tries > 0; tries--) {
        const span = this.#queues.first(queue);
        if (span === -1) {
          break;
        }
        const newestMs = spans.seenAtMs.get(this.#queues.last(queue));
        if (this.#forgetOrPass(queue, span, newestMs)) {
          return true;
        }
      }
    }
    return false;
  }

  /** A span with open work below is the way to its owner: it goes to the end of the queue, as of `atMs`. */
  #forgetOrPass(queue: number, span: number, atMs: number): boolean {
    const { spans } = this.#graph;
    this.#queues.remove(span);
    if (spans.openBelow.get(span) > 0) {
      if (spans.state.get(span) === spanStates.evicted) {
        this.#evictedAtMs.set(span, this.evictedAtMs(span));
      }
      spans.seenAtMs.set(span, atMs);
      this.#queues.push(queue, span);
      return false;
    }
    this.#tombstones--;
    this.#implied -= spans.state.get(span) === spanStates.unknown ? 1 : 0;
    this.#evictedAtMs.delete(span);
    this.#onForgotten(span);
    this.#graph.removeSpan(span);
    return true;
  }
}

import { dialects } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import { type ActivityCounters, add } from "./activity-counters.ts";
import type { ActivityStore } from "./activity-store.ts";
import { LinkedLists } from "./linked-lists.ts";
import type { SnapshotStream } from "./snapshot.ts";
import { spanStates } from "./span-lifecycle.ts";
import { spanFlags } from "./span-table.ts";

const undecidedList = 0;
const tombstoneList = 1;
const longTombstoneList = 2;

/** At most so many tombstones with open work below are passed over in search of one that can be freed. */
const maxRequeued = 16;

/** What it needs of the engine. */
interface RetentionParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
}

/**
 * How long spans that are not open are remembered.
 *
 * Keeps them in three queues by the time they were queued: undecided finished work, tombstones, and tombstones that are kept
 * longer. Each is in exactly one queue, or pinned while it is worked on. At `maxTombstones` the oldest is freed;
 * `makeRoom` refuses a new span when open work and tombstones fill the table and none can be freed.
 */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #queues = new LinkedLists(3);
  readonly #onDropped: (span: number) => void;
  /** When evicted work was evicted, where it was queued again since. */
  readonly #evictedAtMs = new Map<number, number>();
  #implied = 0;
  #admitted = 0;
  #size = 0;

  /** `onDropped` is called before the row of a span is freed. */
  constructor(parts: RetentionParts, onDropped: (span: number) => void) {
    this.#parts = parts;
    this.#onDropped = onDropped;
  }

  snapshot(stream: SnapshotStream): void {
    this.#admitted = stream.number(this.#admitted);
    this.#queues.snapshot(stream, this.#admitted);
    this.#size = stream.number(this.#size);
    this.#implied = stream.number(this.#implied);
    const evicted = stream.numbers([...this.#evictedAtMs].flat());
    for (let at = 0; stream.isLoading && at < evicted.length; at += 2) {
      this.#evictedAtMs.set(evicted[at] ?? -1, evicted[at + 1] ?? 0);
    }
  }

  /** Spans in state `unknown`: named, and not arrived. */
  get impliedSize(): number {
    return this.#implied;
  }

  /** When evicted work was evicted. */
  evictedAtMs(span: number): number {
    return this.#evictedAtMs.get(span) ?? this.#parts.store.spans.seenAtMs.get(span);
  }

  /** Tombstones, spans in state `unknown` included. Undecided work is not counted. */
  get size(): number {
    return this.#size;
  }

  /** Whether one more span fits. Frees an old one where it must: any span in a queue but an undecided one. */
  makeRoom(): boolean {
    const room = this.#parts.limits.maxOpenWork + this.#parts.limits.maxTombstones;
    return this.#parts.store.spans.rows.size < room || this.#dropOne();
  }

  /** Adds a span in state `unknown`: a child names it, or it is about to arrive. Call `makeRoom` before. */
  addUnknown(trace: number, id0: number, id1: number, nowMs: number): number {
    const { spans, traces } = this.#parts.store;
    traces.retain(trace);
    const span = spans.add(trace, id0, id1);
    while (this.#admitted <= span) {
      this.#queues.admit(this.#admitted++);
    }
    this.#implied++;
    this.retain(span, nowMs);
    return span;
  }

  /** A span that has not arrived is named again: its time starts anew. */
  renew(span: number, nowMs: number): void {
    if (this.#parts.store.spans.state.get(span) === spanStates.unknown) {
      this.pin(span);
      this.retain(span, nowMs);
    }
  }

  /** A span has arrived: it is pinned, and `ended` until it is opened. */
  onArrival(span: number): void {
    const { spans } = this.#parts.store;
    this.pin(span);
    this.#evictedAtMs.delete(span);
    if (spans.state.get(span) === spanStates.unknown) {
      this.#implied--;
      spans.state.move(span, spanStates.ended);
    }
  }

  /** Queues finished work until it is decided whether it outlived its owner. */
  awaitDecision(span: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    this.pin(span);
    spans.setFlag(span, spanFlags.undecided);
    spans.seenAtMs.set(span, nowMs);
    this.#queues.push(undecidedList, span);
  }

  /** The undecided work that has waited longest, or -1. */
  oldestUndecided(): number {
    return this.#queues.first(undecidedList);
  }

  /** Takes a span out of its queue, so that it is not freed while it is worked on. */
  pin(span: number): void {
    const { spans } = this.#parts.store;
    if (this.#queues.remove(span) && !spans.hasFlag(span, spanFlags.undecided)) {
      this.#size--;
    }
  }

  /** Queues a closed span to be freed. Nothing happens to one that is queued already. */
  retain(span: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    const state = spans.state.get(span);
    const isRun = spans.kind.get(span) === workKinds.run && state !== spanStates.unknown;
    // A gateway may close the span of an orphan hours later, and that is not another orphan.
    const isLong =
      isRun ||
      state === spanStates.evicted ||
      state === spanStates.untracked ||
      spans.hasFlag(span, spanFlags.impliedTool);
    if (this.#queues.push(isLong ? longTombstoneList : tombstoneList, span)) {
      spans.seenAtMs.set(span, nowMs);
      this.#size++;
    }
  }

  /** A signal of evicted work has arrived: its time starts anew at `nowMs`. */
  retainLonger(span: number, nowMs: number): void {
    if (this.#parts.store.spans.state.get(span) === spanStates.evicted) {
      this.#evictedAtMs.set(span, this.evictedAtMs(span));
      this.pin(span);
      this.retain(span, nowMs);
    }
  }

  /**
   * Frees up to `most` spans whose time has passed by `nowMs`, in the order in which it did; returns how many it took from a
   * queue. Must be called before any signal at `nowMs` is applied, so that replay frees the same rows at the same moments.
   */
  dropExpired(nowMs: number, most: number): number {
    const { seenAtMs } = this.#parts.store.spans;
    const { maxAgeMs, tombstoneTtlMs } = this.#parts.limits;
    const longTtlMs = Math.max(maxAgeMs, tombstoneTtlMs);
    for (let taken = 0; taken < most; taken++) {
      const short = this.#queues.first(tombstoneList);
      const long = this.#queues.first(longTombstoneList);
      const shortDueMs =
        short === -1 ? Number.POSITIVE_INFINITY : seenAtMs.get(short) + tombstoneTtlMs;
      const longDueMs = long === -1 ? Number.POSITIVE_INFINITY : seenAtMs.get(long) + longTtlMs;
      if (Math.min(shortDueMs, longDueMs) > nowMs) {
        return taken;
      }
      if (shortDueMs <= longDueMs) {
        this.#dropOrRequeue(tombstoneList, short, shortDueMs);
      } else {
        this.#dropOrRequeue(longTombstoneList, long, longDueMs);
      }
    }
    return Math.max(0, most);
  }

  /** Frees the oldest tombstones beyond `maxTombstones`. Must be called after each signal, for the same reason. */
  dropExcess(): void {
    while (this.#size > this.#parts.limits.maxTombstones && this.#dropOne()) {}
  }

  #dropOne(): boolean {
    const { spans } = this.#parts.store;
    for (const queue of [tombstoneList, longTombstoneList]) {
      for (let tries = maxRequeued; tries > 0; tries--) {
        const span = this.#queues.first(queue);
        if (span === -1) {
          break;
        }
        const newestMs = spans.seenAtMs.get(this.#queues.last(queue));
        if (this.#dropOrRequeue(queue, span, newestMs)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Frees the first span of a queue, or puts it at the end, as of `atMs`, when open work below it needs it to find its owner. */
  #dropOrRequeue(queue: number, span: number, atMs: number): boolean {
    const { store } = this.#parts;
    const { spans } = store;
    this.#queues.remove(span);
    if (spans.openBelow.get(span) > 0) {
      if (spans.state.get(span) === spanStates.evicted) {
        this.#evictedAtMs.set(span, this.evictedAtMs(span));
      }
      spans.seenAtMs.set(span, atMs);
      this.#queues.push(queue, span);
      return false;
    }
    this.#size--;
    if (spans.state.get(span) === spanStates.unknown) {
      this.#implied--;
      if (!spans.hasFlag(span, spanFlags.presumedEvicted)) {
        add(this.#parts.counters.signals.get("forgotten"), dialects.impliedParent.storedId, 1);
      }
    }
    this.#evictedAtMs.delete(span);
    this.#onDropped(span);
    store.leave(span);
    store.traces.release(spans.trace.get(span));
    spans.remove(span);
    return true;
  }
}

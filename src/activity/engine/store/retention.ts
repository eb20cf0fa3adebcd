import { dialects } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityCounters } from "./activity-counters.ts";
import type { ActivityStore } from "./activity-store.ts";
import { LinkedLists } from "./linked-lists.ts";
import type { SnapshotStream } from "./snapshot.ts";
import { spanStates } from "./span-lifecycle.ts";
import { spanFlags } from "./span-table.ts";

const undecidedList = 0;
const tombstoneList = 1;
const longTombstoneList = 2;

/** As many tombstones that may not go yet are passed over in search of one that may. */
const maxRequeued = 16;

/** What it needs of the engine. */
interface RetentionParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly counters: ActivityCounters;
}

/**
 * The rows of spans that are not open, and how long each is remembered: ended and evicted work, links, what was only
 * named, finished work that is not decided yet. Each is in exactly one queue, so each is forgotten one day.
 */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #queues = new LinkedLists(3);
  readonly #onDropped: (span: number) => void;
  /** When evicted work was evicted, where it is remembered for longer than from then on. */
  readonly #evictedAtMs = new Map<number, number>();
  #implied = 0;
  #admitted = 0;
  #size = 0;

  /** `onDropped` is called before the row of a span is removed. */
  constructor(parts: RetentionParts, onDropped: (span: number) => void) {
    this.#parts = parts;
    this.#onDropped = onDropped;
  }

  snapshot(io: SnapshotStream): void {
    this.#admitted = io.number(this.#admitted);
    this.#queues.snapshot(io, this.#admitted);
    this.#size = io.number(this.#size);
    this.#implied = io.number(this.#implied);
    const evicted = io.numbers([...this.#evictedAtMs].flat());
    for (let at = 0; io.isLoading && at < evicted.length; at += 2) {
      this.#evictedAtMs.set(evicted[at] ?? -1, evicted[at + 1] ?? 0);
    }
  }

  /** Rows of spans that were named and have not arrived. */
  get impliedSize(): number {
    return this.#implied;
  }

  /**
   * Work that is open because something names it as its parent: that is open too, or arrived within the lateness before
   * `nowMs`. Walks every row.
   */
  countImpliedOpen(nowMs: number): number {
    const { spans } = this.#parts.store;
    let open = 0;
    for (let span = 0; span < spans.rows; span++) {
      if (
        spans.state.get(span) === spanStates.unknown &&
        !spans.hasFlag(span, spanFlags.presumedEvicted) &&
        (spans.openBelow.get(span) > 0 ||
          spans.seenAtMs.get(span) + this.#parts.limits.allowedLatenessMs > nowMs)
      ) {
        open++;
      }
    }
    return open;
  }

  /** When evicted work was evicted. */
  evictedAtMs(span: number): number {
    return this.#evictedAtMs.get(span) ?? this.#parts.store.spans.seenAtMs.get(span);
  }

  /** Those that are remembered of ended or evicted work, and of what was only named. */
  get size(): number {
    return this.#size;
  }

  /** Whether one more span fits, forgetting an old one where that helps. May give up any span in a queue. */
  makeRoom(): boolean {
    const room = this.#parts.limits.maxOpenWork + this.#parts.limits.maxTombstones;
    return this.#parts.store.spans.size < room || this.#dropOne();
  }

  /** Adds a span nobody has told us of yet: a child named it, or it is about to be told. Needs `makeRoom`. */
  addUnknown(trace: number, id0: number, id1: number, nowMs: number): number {
    const span = this.#parts.store.addSpan(trace, id0, id1);
    while (this.#admitted <= span) {
      this.#queues.ensure(this.#admitted + 1);
      this.#queues.clear(this.#admitted);
      this.#admitted++;
    }
    this.#implied++;
    this.retain(span, nowMs);
    return span;
  }

  /** A span that has not arrived is named once more: it is remembered for as long as from now on. */
  renew(span: number, nowMs: number): void {
    if (this.#parts.store.spans.state.get(span) === spanStates.unknown) {
      this.pin(span);
      this.retain(span, nowMs);
    }
  }

  /** A span is told of: it is out of every queue, and closed until it is opened. */
  onArrival(span: number): void {
    const { spans } = this.#parts.store;
    this.pin(span);
    this.#evictedAtMs.delete(span);
    if (spans.state.get(span) === spanStates.unknown) {
      this.#implied--;
      spans.state.move(span, spanStates.ended);
    }
  }

  /** Keeps finished work until it is known whether it outlived its owner. */
  awaitDecision(span: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    this.pin(span);
    spans.setFlag(span, spanFlags.undecided);
    spans.seenAtMs.set(span, nowMs);
    this.#queues.push(undecidedList, span);
  }

  /** The finished work that has waited longest, or -1. */
  oldestUndecided(): number {
    return this.#queues.first(undecidedList);
  }

  /** Takes a span out of its queue, so that it cannot be forgotten while it is worked on. */
  pin(span: number): void {
    const { spans } = this.#parts.store;
    if (this.#queues.isListed(span)) {
      this.#queues.remove(span);
      if (!spans.hasFlag(span, spanFlags.undecided)) {
        this.#size--;
      }
    }
  }

  /** Queues a closed span to be forgotten. Nothing happens to one that is queued already. */
  retain(span: number, nowMs: number): void {
    const { spans } = this.#parts.store;
    if (this.#queues.isListed(span)) {
      return;
    }
    spans.seenAtMs.set(span, nowMs);
    const state = spans.state.get(span);
    const isOwner = spans.kind.get(span) === workKinds.run && state !== spanStates.unknown;
    // Its gateway may close the span of an orphan hours later, and that is not another orphan.
    const isLong =
      isOwner ||
      state === spanStates.evicted ||
      state === spanStates.untracked ||
      spans.hasFlag(span, spanFlags.impliedTool);
    this.#queues.push(isLong ? longTombstoneList : tombstoneList, span);
    this.#size++;
  }

  /** Evicted work is still told of: it is remembered for as long as from an eviction at `nowMs`. */
  retainLonger(span: number, nowMs: number): void {
    if (this.#parts.store.spans.state.get(span) === spanStates.evicted) {
      this.#evictedAtMs.set(span, this.evictedAtMs(span));
      this.pin(span);
      this.retain(span, nowMs);
    }
  }

  /**
   * Forgets what has been remembered long enough by `nowMs`, `most` of it, in the order in which it was; returns how
   * much. Must be called before anything happens at `nowMs`, so that it is known at each moment what is forgotten, and
   * which row is free.
   */
  dropExpired(nowMs: number, most: number): number {
    for (let forgotten = 0; forgotten < most; forgotten++) {
      const shortDueMs = this.#nextDueMs(tombstoneList);
      const longDueMs = this.#nextDueMs(longTombstoneList);
      const dueMs = Math.min(shortDueMs, longDueMs);
      if (dueMs > nowMs) {
        return forgotten;
      }
      const queue = shortDueMs <= longDueMs ? tombstoneList : longTombstoneList;
      this.#dropOrRequeue(queue, this.#queues.first(queue), dueMs);
    }
    return Math.max(0, most);
  }

  /** Forgets the oldest beyond the bound. Must be called after anything happened, for the same reason. */
  dropExcess(): void {
    while (this.#size > this.#parts.limits.maxTombstones && this.#dropOne()) {}
  }

  #nextDueMs(queue: number): number {
    const span = this.#queues.first(queue);
    if (span === -1) {
      return Number.POSITIVE_INFINITY;
    }
    const { maxAgeMs, tombstoneTtlMs } = this.#parts.limits;
    const ttlMs = queue === tombstoneList ? tombstoneTtlMs : Math.max(maxAgeMs, tombstoneTtlMs);
    return this.#parts.store.spans.seenAtMs.get(span) + ttlMs;
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

  /** A span with open work below is the way to its owner: it goes to the end of the queue, as of `atMs`. */
  #dropOrRequeue(queue: number, span: number, atMs: number): boolean {
    const { spans } = this.#parts.store;
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
        this.#parts.counters.addSignal("forgotten", dialects.impliedParent.storedId);
      }
    }
    this.#evictedAtMs.delete(span);
    this.#onDropped(span);
    this.#parts.store.removeSpan(span);
    return true;
  }
}

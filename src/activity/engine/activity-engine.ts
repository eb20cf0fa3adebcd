import type { ActivityEvent } from "../model/events.ts";
import type { ActivityLimits } from "../model/limits.ts";
import { type SignalBatch, signalTypes } from "../model/signal-batch.ts";
import { EngineParts } from "./engine-parts.ts";
import { restoreSnapshotV1, transferSnapshot } from "./engine-snapshot.ts";
import { EngineView } from "./engine-view.ts";
import { type ActivityCounters, add } from "./store/activity-counters.ts";
import type { SnapshotStream, SnapshotVersion } from "./store/snapshot.ts";
import type { TabulationHash } from "./store/tabulation-hash.ts";

/**
 * Keeps the activity of every session: which runs, tools and model calls are open, and which of them have no owner.
 *
 * Pure: no clock, no I/O, no randomness. The caller passes the time (`nowMs`, monotonic milliseconds; an earlier time than that of
 * the last call counts as the same time) and gets decisions as events. Deadlines depend on arrival times only; the sender's
 * timestamps order signals and never drive a timer. Extra calls of `tick` change when events are emitted, and nothing else.
 *
 * At every moment and for every kind of work: *started = ended + evicted + open + untracked*, where started includes what was corrected to
 * the kind, and not what was corrected from it.
 */
export class ActivityEngine {
  /** Reads its state. */
  readonly view: EngineView;
  /** Everything that is counted, as plain numbers. */
  readonly counters: ActivityCounters;
  readonly #parts: EngineParts;
  #hasDecided = false;

  /** `hash`: see `EngineParts`. `parts`: those of an engine without state, where the caller looks into them. */
  constructor(
    limits: ActivityLimits,
    hash?: TabulationHash,
    parts = new EngineParts(limits, hash),
  ) {
    this.#parts = parts;
    this.view = new EngineView(parts);
    this.counters = parts.counters;
  }

  /** Decides everything that was due by `nowMs`, then ingests signals that arrived then: those of `rows`, or all of the batch. */
  apply(
    batch: SignalBatch,
    nowMs: number,
    rows: { readonly from: number; readonly to: number } = { from: 0, to: batch.count },
  ): readonly ActivityEvent[] {
    this.#advance(nowMs);
    const parts = this.#parts;
    if (isInput(batch)) {
      parts.breaker.onInput(parts.nowMs);
      if (parts.leasePolicy.isWaitingForInput) {
        parts.leasePolicy.onInput(parts.nowMs);
      }
    }
    parts.states.nowMs = parts.nowMs;
    for (let row = rows.from; row < rows.to; row++) {
      const result = parts.router.ingest(batch, row, parts.nowMs);
      add(parts.counters.signals.get(result), batch.dialect.get(row), 1);
      if (parts.store.tree.unblocked.length > 0) {
        parts.orphanPolicy.drainUnblocked(parts.nowMs);
      }
      parts.retention.dropExcess();
    }
    parts.states.reviewChanged();
    return parts.events.splice(0);
  }

  /** Decides everything that is due by `nowMs`, each as of its deadline. A long backlog takes several calls; see `isBehind`. */
  tick(nowMs: number): readonly ActivityEvent[] {
    this.#advance(nowMs);
    return this.#parts.events.splice(0);
  }

  /** The engine's clock: the latest time that was passed in a call. */
  get nowMs(): number {
    return this.#parts.nowMs;
  }

  /** Whether more is due than one call handles: call `tick` again at once, with the same time. */
  get isBehind(): boolean {
    return this.#parts.scheduler.unfinishedMs !== undefined;
  }

  /** Whether the last call decided anything because time had passed. A call that decided nothing need not be journaled. */
  get hasDecided(): boolean {
    return this.#hasDecided;
  }

  /** Saves the state, or loads it into an engine without state; see `transferSnapshot`. */
  snapshot(stream: SnapshotStream, version?: Exclude<SnapshotVersion, 1>): void {
    transferSnapshot(this.#parts, stream, version);
  }

  /** Loads a snapshot of version 1 into an engine without state. */
  restoreV1(stream: SnapshotStream): void {
    restoreSnapshotV1(this.#parts, stream);
  }

  /**
   * The program was down or paused for `durationMs`, while the engine's clock stood still at `atMs`, by default that of the last call. Only
   * ages include that time.
   */
  addDowntime(durationMs: number, atMs: number = this.nowMs): void {
    if (durationMs > 0) {
      // A wall clock that jumped meanwhile would make work older than anything that is tracked.
      const { store, limits } = this.#parts;
      store.downtime.add(atMs, Math.min(durationMs, limits.maxAgeMs));
    }
  }

  /**
   * The program starts again at `nowMs` with its state. Nothing is evicted for `graceMs`. `downtimeMs`: how long the engine's
   * clock advanced while the program was down, as in journals of versions 1 and 2; leases are extended by it. `isIncomplete`: what
   * happened last is not in the state, so what is open in it may have ended, and is untracked.
   */
  restart(
    nowMs: number,
    options: {
      readonly downtimeMs: number;
      readonly graceMs: number;
      readonly isIncomplete?: boolean;
    },
  ): void {
    const parts = this.#parts;
    parts.nowMs = Math.max(parts.nowMs, nowMs);
    parts.scheduler.restart(parts.nowMs, options.downtimeMs, options.graceMs);
    if (options.isIncomplete === true) {
      parts.unwatched.untrackAll(parts.nowMs);
    }
  }

  #advance(nowMs: number): void {
    const parts = this.#parts;
    parts.nowMs = Math.max(parts.nowMs, nowMs);
    parts.requests.evicted.dropExpired(parts.nowMs);
    this.#hasDecided = parts.scheduler.advance(parts.nowMs);
  }
}

/** Whether a batch shows that senders are heard. What an agent reports about other processes does not: it may run beside this program. */
function isInput(batch: SignalBatch): boolean {
  for (let row = 0; row < batch.count; row++) {
    if (batch.type.get(row) !== signalTypes.foreign) {
      return true;
    }
  }
  return batch.count === 0;
}

import { OldestFirstMap } from "../../../collections/oldest-first-map.ts";
import { dialects } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Claims } from "./claims.ts";
import type { OwnerEnds } from "./owner-ends.ts";
import type { ProcessLiveness } from "./process-liveness.ts";
import { startOf } from "./span-start.ts";

/** Unwatched processes that are remembered. */
const maxRemembered = 10_000;

interface Unwatched {
  /** By the sender's clock: its relay has reported all work that began before. */
  readonly beforeMs: number;
  /** How much our clock was ahead of the sender's. */
  readonly aheadMs: number;
  /** It is remembered until then. */
  readonly untilMs: number;
}

/** What it needs of the engine. */
interface UnwatchedWorkParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly processes: ProcessLiveness;
  readonly claims: Claims;
  readonly ownerEnds: OwnerEnds;
}

/**
 * Handles a source that no longer reports on a process that lives on: a relay that is switched off, whose open work is untracked
 * (no orphan, decides no state, and its end changes nothing), or another source when a relay takes over, whose open work ends. Stored
 * state whose end is lost is treated like the first.
 *
 * Keeps the processes whose relay was switched off, each for `maxAgeMs`: 10 000 at most. The oldest makes room; what its relay had
 * reported is then tracked a second time if another source reports it.
 */
export class UnwatchedWork {
  readonly #parts: UnwatchedWorkParts;
  /** By process, the oldest first. */
  readonly #unwatched = new OldestFirstMap<number, Unwatched>(maxRemembered);
  /** The processes whose relay was switched off. */
  readonly processes: { readonly size: number } = this.#unwatched;
  #endsUnknown = 0;

  constructor(parts: UnwatchedWorkParts) {
    this.#parts = parts;
  }

  /** Work that was open when the end of the stored state was lost, is remembered, and has not reported its end since. */
  get endsUnknown(): number {
    return this.#endsUnknown;
  }

  snapshot(io: SnapshotStream): void {
    const cells = io.numbers(
      [...this.#unwatched.entries()].flatMap(([process, { beforeMs, aheadMs, untilMs }]) => [
        process,
        beforeMs,
        aheadMs,
        untilMs,
      ]),
    );
    for (let at = 0; io.isLoading && at < cells.length; at += 4) {
      const [process = 0, beforeMs = 0, aheadMs = 0, untilMs = 0] = cells.slice(at, at + 4);
      this.#unwatched.set(process, { beforeMs, aheadMs, untilMs });
    }
    if (io.isLoading) {
      const { spans } = this.#parts.store;
      for (let span = 0; span < spans.rows.count; span++) {
        this.#endsUnknown += spans.hasFlag(span, spanFlags.endUnknown) ? 1 : 0;
      }
    }
  }

  /** The end of work that is not open has arrived, or it is forgotten. */
  endIsKnown(span: number): void {
    const { spans } = this.#parts.store;
    if (spans.hasFlag(span, spanFlags.endUnknown)) {
      spans.clearFlag(span, spanFlags.endUnknown);
      this.#endsUnknown--;
    }
  }

  /** The source of this signal no longer watches its process: the work that it has reported as open is untracked. */
  onUnwatched(batch: SignalBatch, row: number, nowMs: number): void {
    const { store, limits, processes, openWork, claims } = this.#parts;
    const process = batch.process.get(row);
    const isRelay = batch.dialect.get(row) === dialects.relay.storedId;
    const wasRelayed = processes.unwatch(process, { isRelay });
    if (isRelay && wasRelayed) {
      this.#unwatched.set(process, {
        beforeMs: batch.startMs.get(row),
        aheadMs: nowMs - batch.startMs.get(row),
        untilMs: nowMs + limits.maxAgeMs,
      });
    }
    // Work that began later belongs to another source: this signal is a repeat, or was overtaken.
    const end: Moment = { atMs: nowMs, timeMs: batch.startMs.get(row), seq: 0 };
    const isBefore = (span: number) =>
      compareMoments({ ...startOf(store, span), seq: 0 }, end, limits.allowedLatenessMs) <= 0;
    this.#untrack(openWork.byProcess.of(process, isRelay).filter(isBefore), nowMs);
    claims.forgetProcess(process);
  }

  /** What happened lately is lost, perhaps the ends of work: all that is open is untracked. Walks every row; only a restart calls it. */
  untrackAll(nowMs: number): void {
    const { spans } = this.#parts.store;
    const open: number[] = [];
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open) {
        open.push(span);
        spans.setFlag(span, spanFlags.endUnknown);
      }
    }
    this.#endsUnknown += open.length;
    this.#untrack(open, nowMs);
  }

  #untrack(open: readonly number[], nowMs: number): void {
    const { store, openWork, ownerEnds } = this.#parts;
    const { spans, owners } = store;
    for (const span of open) {
      const owner = spans.owner.get(span);
      if (spans.kind.get(span) === workKinds.run && owner !== -1) {
        owners.setFlag(owner, ownerFlags.unwatched);
      }
    }
    for (const span of open) {
      openWork.untrack(span, nowMs);
      if (spans.kind.get(span) === workKinds.run) {
        ownerEnds.runEnded(span, { atMs: nowMs, timeMs: 0, seq: 0 });
      }
    }
  }

  /** A relay has begun to report on a process: the work that other sources reported as open ends, and the relay reports it again. */
  handOver(process: number, nowMs: number): void {
    const { store, openWork, ownerEnds } = this.#parts;
    const { spans } = store;
    for (const span of openWork.byProcess.of(process, false)) {
      openWork.end(span, Number.NaN, nowMs);
      if (spans.kind.get(span) === workKinds.run) {
        ownerEnds.runEnded(span, { atMs: nowMs, timeMs: 0, seq: 0 });
      }
    }
  }

  /** The number of a process is freed. */
  forgetProcess(process: number): void {
    this.#unwatched.delete(process);
  }

  /**
   * Whether a signal is about work that a relay had reported before it was switched off, or arrives too late: an exporter of the
   * same process names that work by other ids. In doubt it is not.
   */
  covers(batch: SignalBatch, row: number, nowMs: number): boolean {
    const process = batch.process.get(row);
    const known = this.#unwatched.get(process);
    const isStart = batch.type.get(row) === signalTypes.start;
    if (known === undefined || (batch.dialect.get(row) === dialects.relay.storedId && !isStart)) {
      return false;
    }
    if (known.untilMs <= nowMs) {
      this.#unwatched.delete(process);
      return false;
    }
    const startMs = batch.startMs.get(row);
    const endMs = isStart ? 0 : batch.endMs.get(row);
    // By the sender's clock, unless that was set meanwhile.
    const delayMs = nowMs - (endMs || startMs) - known.aheadMs;
    return (
      (startMs || endMs) < known.beforeMs &&
      Math.abs(delayMs) <= this.#parts.limits.allowedLatenessMs
    );
  }
}

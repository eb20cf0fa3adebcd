import { dialects } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanFlags } from "../store/span-table.ts";
import type { Claims } from "./claims.ts";
import type { LeasePolicy } from "./lease-policy.ts";
import type { Ownership } from "./ownership.ts";
import type { ProcessLiveness } from "./process-liveness.ts";

/** Processes of which it is remembered since when nobody watches them. */
const maxRemembered = 10_000;

interface Unwatched {
  /** By the sender's clock: its relay has reported what began before. */
  readonly beforeMs: number;
  /** How much our clock was ahead of that. */
  readonly aheadMs: number;
  /** Until then that is remembered. */
  readonly untilMs: number;
}

/** What it needs of the engine. */
interface UnwatchedWorkParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly processes: ProcessLiveness;
  readonly leasePolicy: LeasePolicy;
  readonly claims: Claims;
  readonly ownership: Ownership;
}

/**
 * What becomes of open work when its source stops watching while the process lives on, as a relay does that is switched
 * off: it is untracked. It is no orphan, decides no state, and its end changes nothing when it is reported after all.
 */
export class UnwatchedWork {
  readonly #parts: UnwatchedWorkParts;
  /** By process, the oldest first. */
  readonly #unwatched = new Map<number, Unwatched>();

  constructor(parts: UnwatchedWorkParts) {
    this.#parts = parts;
  }

  snapshot(io: SnapshotStream): void {
    const cells = io.numbers(
      [...this.#unwatched].flatMap(([process, { beforeMs, aheadMs, untilMs }]) => [
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
  }

  /** The source of this signal no longer watches its process: what it has reported as open is untracked. */
  onUnwatched(batch: SignalBatch, row: number, nowMs: number): void {
    const process = batch.process.get(row);
    const isRelay = batch.dialect.get(row) === dialects.relay.storedId;
    const wasRelayed = this.#parts.processes.unwatch(process, { isRelay });
    if (isRelay && wasRelayed) {
      this.#remember(process, {
        beforeMs: batch.startMs.get(row),
        aheadMs: nowMs - batch.startMs.get(row),
        untilMs: nowMs + this.#parts.limits.maxAgeMs,
      });
    }
    const { spans, owners } = this.#parts.store;
    // What began later is another source's: this is a repeat, or overtaken.
    const said: Moment = { atMs: nowMs, timeMs: batch.startMs.get(row), seq: 0 };
    const startOf = (span: number): Moment => ({
      atMs: spans.startedAtMs.get(span),
      timeMs: spans.startMs.get(span),
      seq: 0,
    });
    const open = this.#parts.leasePolicy
      .openWorkOf(process)
      .filter((span) => spans.hasFlag(span, spanFlags.relayed) === isRelay)
      .filter(
        (span) => compareMoments(startOf(span), said, this.#parts.limits.allowedLatenessMs) <= 0,
      );
    for (const span of open) {
      const owner = spans.owner.get(span);
      if (spans.kind.get(span) === workKinds.run && owner !== -1) {
        owners.setFlag(owner, ownerFlags.unwatched);
      }
    }
    for (const span of open) {
      this.#parts.openWork.untrack(span, nowMs);
      if (spans.kind.get(span) === workKinds.run) {
        this.#parts.ownership.runEnded(span, { atMs: nowMs, timeMs: 0, seq: 0 });
      }
    }
    this.#parts.claims.forgetProcess(process);
  }

  /** Must be called when the number of a process is given up. */
  forgetProcess(process: number): void {
    this.#unwatched.delete(process);
  }

  /**
   * Whether a signal of work speaks of what a relay had reported before it was switched off, or reports too late: an exporter of
   * the same process names it by other ids. In doubt it does not.
   */
  covers(batch: SignalBatch, row: number, nowMs: number): boolean {
    const process = batch.process.get(row);
    const known = this.#unwatched.size === 0 ? undefined : this.#unwatched.get(process);
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
    // By the sender's clock, as far as that has not been set meanwhile.
    const delayMs = nowMs - (endMs || startMs) - known.aheadMs;
    return (
      (startMs || endMs) < known.beforeMs &&
      Math.abs(delayMs) <= this.#parts.limits.allowedLatenessMs
    );
  }

  #remember(process: number, unwatched: Unwatched): void {
    this.#unwatched.delete(process);
    this.#unwatched.set(process, unwatched);
    for (const oldest of this.#unwatched.size > maxRemembered ? this.#unwatched.keys() : []) {
      this.#unwatched.delete(oldest);
      break;
    }
  }
}

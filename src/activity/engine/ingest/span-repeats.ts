import { dialects } from "../../model/dialects.ts";
import { reasonOf, reasons } from "../../model/reasons.ts";
import { type SignalBatch, signalFlags } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import { leaseMsOf, maxInferredLeaseMs } from "../policy/leases.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { SessionStates } from "../policy/session-states.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { openMembersOf } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { evictionHolds, spanFlags } from "../store/span-table.ts";
import type { SpanRegistry } from "./span-registry.ts";

/** No sender retries a signal for longer than a few minutes. */
const maxDelayMs = 900_000;

/** What it needs of the engine. */
interface SpanRepeatsParts {
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly processes: ProcessLiveness;
  readonly states: SessionStates;
  readonly registry: SpanRegistry;
}

/** Ingests repeated starts: heartbeats of open work, and evidence that evicted work is still open. Keeps nothing. */
export class SpanRepeats {
  readonly #parts: SpanRepeatsParts;

  constructor(parts: SpanRepeatsParts) {
    this.#parts = parts;
  }

  /** A start of open work arrived once more: renews its lease, and takes over what the first start did not report. */
  onRepeat(span: number, batch: SignalBatch, row: number, nowMs: number): void {
    const { store, openWork, processes, registry } = this.#parts;
    const { spans } = store;
    const sent = { atMs: nowMs, timeMs: batch.sentMs.get(row), seq: 0 };
    if (processes.wasDeletedBefore(batch.process.get(row), sent)) {
      spans.setFlag(span, spanFlags.reportedAfterDelete);
    }
    const gapMs = nowMs - spans.seenAtMs.get(span);
    const wasHeld = spans.held.get(span) !== evictionHolds.none;
    spans.seenAtMs.set(span, nowMs);
    openWork.byProcess.hold(span, evictionHolds.none);
    if ((batch.flags.get(row) & signalFlags.progress) !== 0) {
      this.#recordProgress(span);
    }
    const leaseMs =
      batch.dialect.get(row) === dialects.datadogPartial.storedId
        ? this.#leaseBySnapshots(span, batch.sentMs.get(row), gapMs)
        : leaseMsOf(batch.intervalMs.get(row));
    const isLeaseNew = leaseMs > 0 && leaseMs !== spans.leaseMs.get(span);
    if (isLeaseNew) {
      spans.leaseMs.set(span, leaseMs);
    }
    if (isLeaseNew || wasHeld) {
      openWork.expiry.set(span, openWork.expiresAtMs(span));
    }
    const kind = spans.kind.get(span);
    if (kind === workKinds.tool && (batch.flags.get(row) & signalFlags.detached) !== 0) {
      store.detach(span);
    }
    registry.linkParent(span, batch, row, nowMs);
    if (kind === workKinds.run) {
      registry.addReferences(span, batch, row);
    }
  }

  /**
   * Whether a start of evicted work shows that the work is still open. That corrects only evictions for silence, and only a
   * report from after the eviction counts: the relay repeats what is open, a heartbeat carries its own time.
   */
  isAfterEviction(span: number, batch: SignalBatch, row: number, nowMs: number): boolean {
    const { spans } = this.#parts.store;
    const isSame = spans.kind.get(span) === batch.kind.get(row);
    const isEvicted = spans.state.get(span) === spanStates.evicted;
    if (!isSame || !isEvicted || spans.hasFlag(span, spanFlags.endReported)) {
      return false;
    }
    const reason = reasonOf(spans.reason.get(span));
    const reopensOn = reason === undefined ? "nothing" : reasons[reason].reopensOn;
    const isRelayed = batch.dialect.get(row) === dialects.relay.storedId;
    switch (reopensOn) {
      case "relay_or_later_heartbeat":
        return isRelayed || this.#wasSentAfterEviction(span, batch.sentMs.get(row), nowMs);
      case "later_heartbeat":
        return this.#wasSentAfterEviction(span, batch.sentMs.get(row), nowMs);
      default:
        return false;
    }
  }

  /** A heartbeat from before the eviction that would have been delayed for too long counts too: the sender's clock was set back. */
  #wasSentAfterEviction(span: number, sentMs: number, nowMs: number): boolean {
    const { spans } = this.#parts.store;
    if (sentMs <= 0 || sentMs > spans.closedMs.get(span)) {
      return sentMs > 0;
    }
    const startOffsetMs = spans.startedAtMs.get(span) - spans.startMs.get(span);
    return nowMs - sentMs - startOffsetMs > maxDelayMs;
  }

  /**
   * The lease of work of which a snapshot arrived that was taken at `takenMs`, by the sender's clock, `gapMs` after the last one. One that was
   * taken no later than the last one is the same one, sent again, and shows no interval. Notes when it was taken.
   */
  #leaseBySnapshots(span: number, takenMs: number, gapMs: number): number {
    const { spans } = this.#parts.store;
    const leaseMs = spans.leaseMs.get(span);
    if (takenMs <= spans.closedMs.get(span)) {
      return leaseMs;
    }
    spans.closedMs.set(span, takenMs);
    return Math.max(leaseMs, Math.min(leaseMsOf(gapMs), maxInferredLeaseMs));
  }

  /** Progress of a run is also progress of its open model calls. */
  #recordProgress(span: number): void {
    const { store, states } = this.#parts;
    const { spans } = store;
    if (spans.kind.get(span) === workKinds.run) {
      for (const each of openMembersOf(store, spans.owner.get(span))) {
        if (spans.kind.get(each) === workKinds.modelCall) {
          states.recordProgress(each, "progress");
        }
      }
    }
    states.recordProgress(span, "progress");
  }
}

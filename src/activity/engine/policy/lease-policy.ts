import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { type EvictionReason, reasons } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { evictionHolds, spanFlags } from "../store/span-table.ts";
import type { CircuitBreaker, DueCount } from "./circuit-breaker.ts";
import type { Eviction, Evictions } from "./evictions.ts";
import { heartbeatIntervalMsOf } from "./leases.ts";
import type { OwnerEnds } from "./owner-ends.ts";
import type { Pauses } from "./pauses.ts";
import type { ProcessLiveness } from "./process-liveness.ts";

const noSpans: ReadonlySet<number> = new Set();

/** An eviction for silence that is due, of a process or of a span. */
interface Silence {
  readonly reason: EvictionReason;
  readonly process: number;
  readonly dueMs: number;
  /** The time between two signals of its sender. */
  readonly usualGapMs: number;
}

/** What it needs of the engine. */
interface LeasePolicyParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly processes: ProcessLiveness;
  readonly ownerEnds: OwnerEnds;
  readonly evictions: Evictions;
  readonly breaker: CircuitBreaker;
  readonly pauses: Pauses;
}

/**
 * Evicts the work of processes that ended, work that missed the heartbeats it promised, and work that is open for `maxAgeMs`.
 * Silence proves little, so an eviction for silence may wait: see `#holdOf`.
 *
 * Keeps one bit: whether anything waits for input. The other state is in the tables of spans and processes.
 */
export class LeasePolicy {
  readonly #parts: LeasePolicyParts;
  /** Whether evictions wait for input, so that `onInput` is to be called. */
  isWaitingForInput = false;

  constructor(parts: LeasePolicyParts) {
    this.#parts = parts;
  }

  snapshot(io: SnapshotStream): void {
    this.isWaitingForInput = io.number(this.isWaitingForInput ? 1 : 0) === 1;
  }

  /**
   * The deadline of a process passed: it was silent for too long, has a successor, or reported its end. Its open work is evicted
   * in whole groups until that is `most` rows; the rest is decided again as soon as possible.
   */
  decideProcess(
    process: number,
    dueMs: number,
    { due, most }: { readonly due: DueCount; readonly most: number },
  ): void {
    const { store, processes, evictions } = this.#parts;
    const end = processes.decide(process, dueMs, (held, usualGapMs) =>
      this.#holdOf(held, { reason: "lease_expired", process, dueMs, usualGapMs }, due),
    );
    if (end === undefined) {
      return;
    }
    const reason = end === "lease_expired" ? end : "process_gone";
    const confidence = end === "replaced" ? "probable" : reasons[reason].confidence;
    const deleted = end === "process_gone" ? processes.deletedAt(process) : undefined;
    const kept = deleted === undefined ? noSpans : this.#openSince(process, deleted);
    const { parts, isAll } = this.#openByGroup(process, most, kept);
    const { spans } = store;
    const isRun = (span: number) => spans.kind.get(span) === workKinds.run;
    for (const members of parts.values()) {
      const markers = members.filter((span) => !isRun(span));
      if (markers.length > 0) {
        const channel = evictions.channelOf(markers[0] ?? -1);
        evictions.evict(markers, { reason, confidence, channel, atMs: dueMs });
      }
    }
    for (const run of [...parts.values()].flat().filter(isRun)) {
      this.#evictRun(run, { reason, confidence, atMs: dueMs });
    }
    processes.drain(process, isAll ? undefined : { reason: end, dueMs });
    if (isAll && kept.size > 0) {
      processes.reopen(process);
    }
  }

  /** Open work that began, or was still reported, after its process reported its end, and all that is above that work. */
  #openSince(process: number, deleted: Moment): ReadonlySet<number> {
    const { store, limits } = this.#parts;
    const { spans } = store;
    const since = new Set<number>();
    for (const span of this.openWorkOf(process)) {
      const start = { atMs: spans.startedAtMs.get(span), timeMs: spans.startMs.get(span), seq: 0 };
      const isLater =
        compareMoments(start, deleted, limits.allowedLatenessMs) > 0 ||
        spans.hasFlag(span, spanFlags.reportedAfterDelete);
      for (let at = isLater ? span : -1; at !== -1; at = spans.parentOf(at)) {
        since.add(at);
      }
    }
    return since;
  }

  /** The deadline of open work passed: it may have been silent for too long. */
  expire(span: number, dueMs: number, due: DueCount): void {
    const { store, openWork, pauses, evictions, limits } = this.#parts;
    const { spans, traces } = store;
    if (spans.state.get(span) !== spanStates.open) {
      return;
    }
    const silentUntilMs = openWork.expiresAtMs(span);
    if (silentUntilMs > dueMs) {
      openWork.expiry.set(span, silentUntilMs);
      return;
    }
    const leaseMs = spans.leaseMs.get(span);
    if (leaseMs === 0 && pauses.holdsTime(span)) {
      spans.seenAtMs.set(span, dueMs);
      openWork.expiry.set(span, openWork.expiresAtMs(span));
      return;
    }
    const reason = leaseMs > 0 ? "lease_expired" : "max_age";
    // No silence makes an age doubtful, only a mass does.
    const usualGapMs = leaseMs > 0 ? heartbeatIntervalMsOf(leaseMs) : Number.POSITIVE_INFINITY;
    const process = traces.process.get(spans.trace.get(span));
    const held = this.#holdOf(spans.held.get(span), { reason, process, dueMs, usualGapMs }, due);
    spans.held.set(span, held);
    if (held !== evictionHolds.none) {
      openWork.expiry.set(span, dueMs + limits.allowedLatenessMs);
    } else if (spans.kind.get(span) === workKinds.run) {
      this.#evictRun(span, { reason, confidence: reasons[reason].confidence, atMs: dueMs });
    } else {
      evictions.evict([span], { reason, channel: evictions.channelOf(span), atMs: dueMs });
    }
  }

  /** Work that the run leaves open is evicted later, and then no more surely than the run was. */
  #evictRun(run: number, eviction: Required<Omit<Eviction, "channel">>): void {
    const { store, openWork, ownerEnds } = this.#parts;
    const { reason, atMs, confidence } = eviction;
    if (confidence !== "confirmed") {
      const { endProbable, endPresumed } = spanFlags;
      store.spans.setFlag(run, confidence === "probable" ? endProbable : endPresumed);
    }
    openWork.evict(run, reason, atMs);
    ownerEnds.runEvicted(run, atMs);
  }

  /** Signals arrived, from any sender: everything that waits for input gets a new lease. */
  onInput(nowMs: number): void {
    this.isWaitingForInput = false;
    const { spans } = this.#parts.store;
    this.#parts.processes.renewHeld(nowMs);
    this.#renewSpans((span) => spans.held.get(span) === evictionHolds.untilInput, nowMs);
  }

  /** Open work of a process in whole groups, which reach `most` rows if there are as many, and whether that is all of it. */
  #openByGroup(process: number, most: number, but: ReadonlySet<number>) {
    const { store } = this.#parts;
    const parts = new Map<number, number[]>();
    const open = this.openWorkOf(process).filter((span) => !but.has(span));
    let taken = 0;
    for (const span of open) {
      const group = store.groupOf(span);
      const known = parts.get(group);
      if (known !== undefined) {
        known.push(span);
      } else if (taken < most) {
        parts.set(group, [span]);
      } else {
        continue;
      }
      taken++;
    }
    return { parts, isAll: taken === open.length };
  }

  /** Open work of a process. Walks every row; processes end rarely. */
  openWorkOf(process: number): number[] {
    const { spans, traces } = this.#parts.store;
    const open: number[] = [];
    for (let span = 0; span < spans.rows.count; span++) {
      if (
        spans.state.get(span) === spanStates.open &&
        traces.process.get(spans.trace.get(span)) === process
      ) {
        open.push(span);
      }
    }
    return open;
  }

  /** Signals arrive again from the host of these processes: their work that waits for the host gets a new lease. */
  renewHost(isThere: (process: number) => boolean, nowMs: number): void {
    const { spans, traces } = this.#parts.store;
    this.#renewSpans(
      (span) =>
        spans.held.get(span) === evictionHolds.untilHost &&
        isThere(traces.process.get(spans.trace.get(span))),
      nowMs,
    );
  }

  #renewSpans(isMeant: (span: number) => boolean, nowMs: number): void {
    const { store, openWork } = this.#parts;
    const { spans } = store;
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open && isMeant(span)) {
        spans.held.set(span, evictionHolds.none);
        spans.seenAtMs.set(span, nowMs);
        openWork.expiry.set(span, openWork.expiresAtMs(span));
      }
    }
  }

  /**
   * Whether an eviction for silence waits, and for what: one of `evictionHolds`. `held` is how it has waited until now. It waits
   * one lateness if it is one of a mass, if all input has stopped, or if its host is silent (and gets a new lease when a signal
   * arrives from there); a mass while all input has stopped waits until input arrives.
   */
  #holdOf(held: number, { reason, process, dueMs, usualGapMs }: Silence, due: DueCount): number {
    const { breaker, processes } = this.#parts;
    const hasStopped = breaker.hasInputStopped(dueMs, usualGapMs);
    const isMass = breaker.isMass(reason, dueMs, due);
    if (isMass && hasStopped) {
      this.isWaitingForInput = true;
      return evictionHolds.untilInput;
    }
    const isHostSilent = processes.isHostSilent(process, dueMs, usualGapMs);
    if (held !== evictionHolds.none || !(isMass || hasStopped || isHostSilent)) {
      return evictionHolds.none;
    }
    const isFirstOfHost = isHostSilent && processes.holdHost(process);
    const markers = !isMass && (hasStopped || isFirstOfHost) ? due(dueMs).total : 0;
    if (markers > 0) {
      breaker.report(hasStopped ? "input_stopped" : "host_silent", dueMs, markers);
    }
    return isHostSilent ? evictionHolds.untilHost : evictionHolds.once;
  }
}

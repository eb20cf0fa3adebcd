import type { ActivityLimits } from "../../model/limits.ts";
import { type EvictionReason, reasons } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { evictionHolds, spanFlags } from "../store/span-table.ts";
import type { CircuitBreaker, DueCount } from "./circuit-breaker.ts";
import { EndedWork } from "./ended-work.ts";
import type { Eviction, Evictions } from "./evictions.ts";
import { heartbeatIntervalMsOf } from "./leases.ts";
import type { OwnerEnds } from "./owner-ends.ts";
import type { Pauses } from "./pauses.ts";
import type { ProcessLiveness } from "./process-liveness.ts";

/** An eviction for silence that is due, of a process or of a span. */
interface Silence {
  readonly reason: EvictionReason;
  readonly process: number;
  readonly dueMs: number;
  /** The time between two signals of its sender. */
  readonly usualGapMs: number;
}

/** What it needs of the engine, where `lookups` counts the rows that a decision reads. */
interface LeasePolicyParts {
  lookups: number;
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
 * Keeps whether anything waits for input, and the rows of processes whose work is evicted in parts. The other state is in the tables
 * of spans and processes.
 */
export class LeasePolicy {
  readonly #parts: LeasePolicyParts;
  /** The rest of the work of processes that are gone. Not stored: it follows from what is open. */
  readonly #draining = new Map<number, EndedWork>();
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
    if (!processes.isDraining(process)) {
      this.#draining.delete(process); // It has spoken since.
    }
    const end = processes.decide(process, dueMs, (held, usualGapMs) =>
      this.#holdOf(held, { reason: "lease_expired", process, dueMs, usualGapMs }, due),
    );
    if (end === undefined) {
      return;
    }
    const reason = end === "lease_expired" ? end : "process_gone";
    const confidence = end === "replaced" ? "probable" : reasons[reason].confidence;
    const deleted = end === "process_gone" ? processes.deletedAt(process) : undefined;
    const work = this.#draining.get(process) ?? new EndedWork(this.#parts, process, deleted);
    const { groups, isAll } = work.next(most);
    const { spans } = store;
    const isRun = (span: number) => spans.kind.get(span) === workKinds.run;
    for (const members of groups) {
      const markers = members.filter((span) => !isRun(span));
      if (markers.length > 0) {
        const channel = evictions.channelOf(markers[0] ?? -1);
        evictions.evict(markers, { reason, confidence, channel, atMs: dueMs });
      }
    }
    for (const run of groups.flat().filter(isRun)) {
      this.#evictRun(run, { reason, confidence, atMs: dueMs });
    }
    processes.drain(process, isAll ? undefined : { reason: end, dueMs });
    if (isAll) {
      this.#draining.delete(process);
    } else {
      this.#draining.set(process, work);
    }
    if (isAll && work.isAnyKept) {
      processes.reopen(process);
    }
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
    openWork.byProcess.hold(span, held);
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
    const { processes, openWork } = this.#parts;
    processes.renewHeld(nowMs);
    this.#renew(openWork.byProcess.takeWaitingForInput(), nowMs);
  }

  /** Signals arrive again from the host of these processes: their work that waits for the host gets a new lease. */
  renewHost(processes: Iterable<number>, nowMs: number): void {
    const { byProcess } = this.#parts.openWork;
    for (const process of processes) {
      this.#renew(byProcess.takeWaitingForHost(process), nowMs);
    }
  }

  #renew(waited: readonly number[], nowMs: number): void {
    const { store, openWork } = this.#parts;
    for (const span of waited) {
      store.spans.seenAtMs.set(span, nowMs);
      openWork.expiry.set(span, openWork.expiresAtMs(span));
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

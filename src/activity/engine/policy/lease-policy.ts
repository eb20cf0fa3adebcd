import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { reasons } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { evictionHolds, spanFlags } from "../store/span-table.ts";
import type { CircuitBreaker, DueCount } from "./circuit-breaker.ts";
import type { Eviction, Evictions } from "./evictions.ts";
import { heartbeatIntervalMsOf } from "./leases.ts";
import type { Ownership } from "./ownership.ts";
import type { Pauses } from "./pauses.ts";
import type { ProcessLiveness } from "./process-liveness.ts";

const noSpans: ReadonlySet<number> = new Set();

/** What it needs of the engine. */
interface LeasePolicyParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly processes: ProcessLiveness;
  readonly ownership: Ownership;
  readonly evictions: Evictions;
  readonly breaker: CircuitBreaker;
  readonly pauses: Pauses;
}

/**
 * What silence means: of a process or of a span that promised heartbeats, and of work that has been open
 * for longer than any should be. Silence proves little, so the breaker is asked first.
 */
export class LeasePolicy {
  readonly #parts: LeasePolicyParts;
  #waitsForInput = false;

  constructor(parts: LeasePolicyParts) {
    this.#parts = parts;
  }

  snapshot(io: SnapshotStream): void {
    this.#waitsForInput = io.number(this.#waitsForInput ? 1 : 0) === 1;
  }

  /**
   * A process has been silent for too long, or has a successor, or said that it ends. `most`: where more work
   * than that is open the other groups of it go when it is decided again, which is as soon as can be.
   */
  decideProcess(
    process: number,
    dueMs: number,
    { due, most }: { readonly due: DueCount; readonly most: number },
  ): void {
    const end = this.#parts.processes.decide(process, dueMs, (held, intervalMs) =>
      this.#holdFor(held, { process, dueMs, usualGapMs: intervalMs }, due),
    );
    if (end === undefined) {
      return;
    }
    const reason = end === "lease_expired" ? end : "process_gone";
    const sureness = end === "replaced" ? ({ confidence: "probable" } as const) : {};
    const deleted = end === "process_gone" ? this.#parts.processes.deletedAt(process) : undefined;
    const kept = deleted === undefined ? noSpans : this.#openSince(process, deleted);
    const { parts, isAll } = this.#openByGroup(process, most, kept);
    const { spans } = this.#parts.store;
    const isRun = (span: number) => spans.kind.get(span) === workKinds.run;
    for (const members of parts.values()) {
      const markers = members.filter((span) => !isRun(span));
      if (markers.length > 0) {
        const channel = this.#parts.evictions.channelOf(markers[0] ?? -1);
        this.#parts.evictions.evict(markers, { reason, ...sureness, channel, atMs: dueMs });
      }
    }
    for (const run of [...parts.values()].flat().filter(isRun)) {
      this.#evictRun(run, { reason, ...sureness, atMs: dueMs });
    }
    this.#parts.processes.drain(process, isAll ? undefined : { reason: end, dueMs });
    if (isAll && kept.size > 0) {
      this.#parts.processes.reopen(process);
    }
  }

  /** Open work that began, or was still reported, after its process said that it ends, and what is above that. */
  #openSince(process: number, deleted: Moment): ReadonlySet<number> {
    const { spans } = this.#parts.store;
    const since = new Set<number>();
    for (const span of this.openWorkOf(process)) {
      const start = {
        atMs: spans.startedAtMs.get(span),
        timeMs: spans.startMs.get(span),
        seq: 0,
      };
      const isLater =
        compareMoments(start, deleted, this.#parts.limits.allowedLatenessMs) > 0 ||
        spans.hasFlag(span, spanFlags.reportedAfterDelete);
      for (let at = isLater ? span : -1; at !== -1; at = spans.parentOf(at)) {
        since.add(at);
      }
    }
    return since;
  }

  /** Open work may have been silent for too long. */
  expire(span: number, dueMs: number, due: DueCount): void {
    const { spans } = this.#parts.store;
    if (spans.state.get(span) !== spanStates.open) {
      return;
    }
    const { expiry } = this.#parts.openWork;
    const silentUntilMs = this.#parts.openWork.expiresAtMs(span);
    const leaseMs = spans.leaseMs.get(span);
    if (silentUntilMs > dueMs) {
      expiry.set(span, silentUntilMs);
      return;
    }
    if (leaseMs === 0 && this.#parts.pauses.holdsTime(span)) {
      spans.seenAtMs.set(span, dueMs);
      expiry.set(span, this.#parts.openWork.expiresAtMs(span));
      return;
    }
    const held = spans.held.get(span);
    // Work is as old as it is, whoever is heard: only that there are many makes the age doubtful.
    const gapMs = leaseMs > 0 ? heartbeatIntervalMsOf(leaseMs) : Number.POSITIVE_INFINITY;
    const process = this.#parts.store.traces.process.get(spans.trace.get(span));
    const hold = this.#holdFor(held, { process, dueMs, usualGapMs: gapMs }, due);
    spans.held.set(span, hold);
    if (hold !== evictionHolds.none) {
      expiry.set(span, dueMs + this.#parts.limits.allowedLatenessMs);
      return;
    }
    const reason = leaseMs > 0 ? "lease_expired" : "max_age";
    if (spans.kind.get(span) === workKinds.run) {
      this.#evictRun(span, { reason, atMs: dueMs });
    } else {
      const channel = this.#parts.evictions.channelOf(span);
      this.#parts.evictions.evict([span], { reason, channel, atMs: dueMs });
    }
  }

  /** What the run leaves open is evicted later, and then no surer than the run was. */
  #evictRun(run: number, eviction: Omit<Eviction, "channel">): void {
    const { reason, atMs, confidence = reasons[reason].confidence } = eviction;
    if (confidence !== "confirmed") {
      const { endProbable, endPresumed } = spanFlags;
      this.#parts.store.spans.setFlag(run, confidence === "probable" ? endProbable : endPresumed);
    }
    this.#parts.openWork.evict(run, reason, atMs);
    this.#parts.ownership.runEvicted(run, atMs);
  }

  /** Something is heard again, of whomever: whoever was held back for that gets a new lease. */
  onInput(nowMs: number): void {
    if (!this.#waitsForInput) {
      return;
    }
    this.#waitsForInput = false;
    this.#parts.processes.renewHeld(nowMs);
    this.#renewSpans(
      (span) => this.#parts.store.spans.held.get(span) === evictionHolds.untilInput,
      nowMs,
    );
  }

  /** Open work of a process in whole groups, of which there are enough for `most`, and whether that is all. */
  #openByGroup(process: number, most: number, but: ReadonlySet<number>) {
    const parts = new Map<number, number[]>();
    const open = this.openWorkOf(process).filter((span) => !but.has(span));
    let taken = 0;
    for (const span of open) {
      const group = this.#parts.store.groupOf(span);
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
    for (let span = 0; span < spans.rows; span++) {
      if (
        spans.state.get(span) === spanStates.open &&
        traces.process.get(spans.trace.get(span)) === process
      ) {
        open.push(span);
      }
    }
    return open;
  }

  /** Something comes again from the host of these processes: what was held back of them gets a new lease. */
  renewHost(isThere: (process: number) => boolean, nowMs: number): void {
    this.#renewSpans((span) => {
      const { spans, traces } = this.#parts.store;
      return (
        spans.held.get(span) === evictionHolds.untilHost &&
        isThere(traces.process.get(spans.trace.get(span)))
      );
    }, nowMs);
  }

  #renewSpans(isMeant: (span: number) => boolean, nowMs: number): void {
    const { spans } = this.#parts.store;
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open && isMeant(span)) {
        spans.held.set(span, evictionHolds.none);
        spans.seenAtMs.set(span, nowMs);
        this.#parts.openWork.expiry.set(span, this.#parts.openWork.expiresAtMs(span));
      }
    }
  }

  /**
   * Whether an eviction waits, and for what. `held`: how it waited until now. Once, for a lateness; but a mass while nothing
   * comes at all waits until something does. What waits because its whole host is silent gets a new lease when that is heard.
   */
  #holdFor(
    held: number,
    {
      process,
      dueMs,
      usualGapMs,
    }: { readonly process: number; readonly dueMs: number; readonly usualGapMs: number },
    due: DueCount,
  ): number {
    const hasStopped = this.#parts.breaker.hasInputStopped(dueMs, usualGapMs);
    const isMass = this.#parts.breaker.isMass("lease_expired", dueMs, due);
    if (isMass && hasStopped) {
      this.#waitsForInput = true;
      return evictionHolds.untilInput;
    }
    const isHostSilent = this.#parts.processes.isHostSilent(process, dueMs, usualGapMs);
    if (held !== evictionHolds.none || !(isMass || hasStopped || isHostSilent)) {
      return evictionHolds.none;
    }
    const isFirstOfHost = isHostSilent && this.#parts.processes.holdHost(process);
    const markers = !isMass && (hasStopped || isFirstOfHost) ? due(dueMs).total : 0;
    if (markers > 0) {
      this.#parts.breaker.report(hasStopped ? "input_stopped" : "host_silent", dueMs, markers);
    }
    return isHostSilent ? evictionHolds.untilHost : evictionHolds.once;
  }
}

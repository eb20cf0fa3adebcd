import { type EvictionReason, workKinds } from "../kinds.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import type { Archive } from "./archive.ts";
import type { Breaker, DueCount } from "./breaker.ts";
import type { Evictions } from "./evictions.ts";
import { usualGapMsOf } from "./leases.ts";
import type { Ownership } from "./ownership.ts";
import type { Pauses } from "./pauses.ts";
import type { ProcessWatch } from "./process-watch.ts";
import { holds, spanStates } from "./span-table.ts";
import type { WorkLedger } from "./work-ledger.ts";

/**
 * What silence means: of a process or of a span that promised heartbeats, and of work that has been open
 * for longer than any should be. Silence proves little, so the breaker is asked first.
 */
export class Silence {
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #processes: ProcessWatch;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;
  readonly #breaker: Breaker;
  readonly #pauses: Pauses;
  /** How long an eviction is held back. */
  readonly #holdMs: number;
  #waitsForInput = false;

  constructor(parts: {
    readonly graph: ActivityGraph;
    readonly ledger: WorkLedger;
    readonly processes: ProcessWatch;
    readonly ownership: Ownership;
    readonly evictions: Evictions;
    readonly breaker: Breaker;
    readonly pauses: Pauses;
    readonly allowedLatenessMs: number;
  }) {
    this.#graph = parts.graph;
    this.#ledger = parts.ledger;
    this.#processes = parts.processes;
    this.#ownership = parts.ownership;
    this.#evictions = parts.evictions;
    this.#breaker = parts.breaker;
    this.#pauses = parts.pauses;
    this.#holdMs = parts.allowedLatenessMs;
  }

  archive(io: Archive): void {
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
    const end = this.#processes.decide(process, dueMs, (held, intervalMs) =>
      this.#hold(held, dueMs, intervalMs, due),
    );
    if (end === undefined) {
      return;
    }
    const reason = end === "lease_expired" ? end : "process_gone";
    const sureness = end === "replaced" ? ({ confidence: "probable" } as const) : {};
    const { parts, isAll } = this.#openByGroup(process, most);
    const { spans } = this.#graph;
    const isRun = (span: number) => spans.kind.get(span) === workKinds.run;
    for (const members of parts.values()) {
      const markers = members.filter((span) => !isRun(span));
      if (markers.length > 0) {
        const channel = this.#evictions.channelOf(markers[0] ?? -1);
        this.#evictions.evict(markers, { reason, ...sureness, channel, atMs: dueMs });
      }
    }
    for (const run of [...parts.values()].flat().filter(isRun)) {
      this.#evictRun(run, reason, dueMs);
    }
    this.#processes.leave(process, isAll ? undefined : { reason: end, dueMs });
  }

  /** Open work may have been silent for too long. */
  expire(span: number, dueMs: number, due: DueCount): void {
    const { spans } = this.#graph;
    if (spans.state.get(span) !== spanStates.open) {
      return;
    }
    const { ages } = this.#ledger;
    const silentUntilMs = this.#ledger.silentUntilMs(span);
    const leaseMs = spans.leaseMs.get(span);
    if (silentUntilMs > dueMs) {
      ages.set(span, silentUntilMs);
      return;
    }
    if (leaseMs === 0 && this.#pauses.holdsTime(span)) {
      spans.seenAtMs.set(span, dueMs);
      ages.set(span, this.#ledger.silentUntilMs(span));
      return;
    }
    const held = spans.held.get(span);
    // Work is as old as it is, whoever is heard: only that there are many makes the age doubtful.
    const gapMs = leaseMs > 0 ? usualGapMsOf(leaseMs) : Number.POSITIVE_INFINITY;
    const hold = this.#hold(held, dueMs, gapMs, due);
    spans.held.set(span, hold);
    if (hold !== holds.none) {
      ages.set(span, dueMs + this.#holdMs);
      return;
    }
    const reason = leaseMs > 0 ? "lease_expired" : "max_age";
    if (spans.kind.get(span) === workKinds.run) {
      this.#evictRun(span, reason, dueMs);
    } else {
      const channel = this.#evictions.channelOf(span);
      this.#evictions.evict([span], { reason, channel, atMs: dueMs });
    }
  }

  #evictRun(run: number, reason: EvictionReason, atMs: number): void {
    this.#ledger.evict(run, reason, atMs);
    this.#ownership.runEvicted(run, atMs);
  }

  /** Something is heard again, of whomever: whoever was held back for that gets a new lease. */
  hear(nowMs: number): void {
    if (!this.#waitsForInput) {
      return;
    }
    this.#waitsForInput = false;
    this.#processes.renewHeld(nowMs);
    const { spans } = this.#graph;
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open && spans.held.get(span) === holds.untilInput) {
        spans.held.set(span, holds.none);
        spans.seenAtMs.set(span, nowMs);
        this.#ledger.ages.set(span, this.#ledger.silentUntilMs(span));
      }
    }
  }

  /** Open work of a process in whole groups, of which there are enough for `most`, and whether that is all. */
  #openByGroup(process: number, most: number) {
    const parts = new Map<number, number[]>();
    const open = this.openOf(process);
    let taken = 0;
    for (const span of open) {
      const group = this.#graph.groupOf(span);
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
  openOf(process: number): number[] {
    const { spans, traces } = this.#graph;
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

  /** Whether an eviction waits, and for what. `held`: how it waited until now. */
  #hold(held: number, dueMs: number, usualGapMs: number, due: DueCount): number {
    const hasStopped = this.#breaker.hasInputStopped(dueMs, usualGapMs);
    const isMass = this.#breaker.isSilentMass(dueMs, due);
    if (isMass && hasStopped) {
      this.#waitsForInput = true;
      return holds.untilInput;
    }
    if (held !== holds.none || !(isMass || hasStopped)) {
      return holds.none;
    }
    if (!isMass) {
      this.#breaker.tellStopped(dueMs, due(dueMs).total);
    }
    return holds.once;
  }
}

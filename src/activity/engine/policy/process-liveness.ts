import { dialectRows, sourceRanks } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { SnapshotStream, SnapshotVersion } from "../store/snapshot.ts";
import { evictionHolds } from "../store/span-table.ts";
import type { WatchedHost } from "./host-watch.ts";
import { leaseMsOf } from "./leases.ts";
import { type ProcessEnd, ProcessTable, type WatchedProcess } from "./process-table.ts";
import { ProcessTimers } from "./process-timers.ts";

/** A report of open work may be overtaken by the end of its process by so much. */
const maxInFlightMs = 1_000;

/** What it asks, and what it reports. */
export interface ProcessListeners {
  /** Whether a process has rows. */
  isUsed(process: number): boolean;
  onForgotten(processes: ReadonlySet<number>): void;
  /** Idle processes were looked for; anything older than `beforeMs` may be forgotten. */
  onExpired(beforeMs: number): void;
  /** A signal arrived from a host that was held. */
  onHostSeen(processes: Iterable<number>, nowMs: number): void;
}

/** Whether the end of a lease waits; returns one of `evictionHolds`. */
export type AskHold = (held: number, intervalMs: number) => number;

/** What it needs of the engine. */
interface ProcessLivenessParts {
  readonly limits: ActivityLimits;
}

/**
 * Decides whether the processes that send still live. A process ends when it reports that (`entity.delete`), or when it misses the
 * heartbeats it promised; if a newer process of the same service has come to its host since its last signal, that is its
 * successor. Silence without a promise proves nothing, nor does the start of a sibling.
 *
 * Keeps a `ProcessTable` and one deadline for each process that promised heartbeats or ends. Process 0 stands for all processes
 * beyond the bound on their number: nothing is known of it.
 */
export class ProcessLiveness {
  readonly #parts: ProcessLivenessParts;
  readonly #forgetAfterMs: number;
  readonly #listeners: ProcessListeners;
  readonly #table: ProcessTable;
  /** When each process is to be decided. */
  readonly timers = new ProcessTimers((process) => this.#leaseEndMs(this.#table.rows[process]));

  constructor(parts: ProcessLivenessParts, listeners: ProcessListeners) {
    const { maxAgeMs, tombstoneTtlMs } = parts.limits;
    this.#parts = parts;
    this.#forgetAfterMs = Math.max(maxAgeMs, tombstoneTtlMs);
    this.#table = new ProcessTable(this.#forgetAfterMs);
    this.#listeners = listeners;
  }

  snapshot(io: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    const table = this.#table;
    const count = io.number(table.rows.length);
    for (let process = 0; process < count; process++) {
      const cells = io.numbers(table.cellsOf(process));
      if (io.isLoading) {
        table.restore(process, cells);
      }
    }
    const latest = io.numbers(table.latest());
    if (io.isLoading) {
      table.restoreLatest(latest);
    }
    if (version < 3) {
      io.numbers([]); // Service hosts that several processes share.
    }
    this.timers.snapshot(io, count);
    if (version > 2) {
      const checkedAtMs = io.number(table.checkedAtMs);
      const heldHosts = io.numbers(table.heldHosts());
      if (io.isLoading) {
        table.restoreChecks(checkedAtMs, heldHosts);
      }
    }
  }

  /** Processes of which something is known. */
  *remembered(): Generator<number> {
    for (const [process, known] of this.#table.rows.entries()) {
      if (known !== undefined) {
        yield process;
      }
    }
  }

  /** The rank of the best source that has reported on `process`, one of `sourceRanks`. */
  sourceOf(process: number): number {
    return this.#table.rows[process]?.source ?? sourceRanks.finishedSpans;
  }

  /** A signal of work arrived from `process`. True when it is the first from a better source than before. */
  onSignal(signal: {
    readonly process: number;
    readonly serviceHost: number;
    readonly dialect: number;
    readonly nowMs: number;
  }): boolean {
    const { process, serviceHost, dialect, nowMs } = signal;
    if (process === 0) {
      this.#forgetIdle(nowMs);
      return false;
    }
    const known = this.#table.rows[process] ?? this.#add(process, serviceHost, nowMs);
    known.seenAtMs = nowMs;
    if (known.serviceHost === 0 && serviceHost !== 0) {
      this.#table.setServiceHost(process, known, serviceHost);
    }
    if (known.host !== undefined) {
      known.host.seenAtMs = nowMs;
      if (known.host.isHeld) {
        this.#releaseHost(known.host, nowMs);
      }
    }
    if (known.held !== evictionHolds.none) {
      this.#renewLease(process, known);
    }
    if (known.state === "replaced" || known.state === "gone") {
      this.#reopen(process, known);
    }
    const rank = dialectRows[dialect]?.rank ?? sourceRanks.none;
    if (rank <= known.source) {
      return false;
    }
    known.source = rank;
    return true;
  }

  /** `process` reports at `sent` that it lives, and promises to repeat that every `intervalMs`; 0 promises nothing. */
  onHeartbeat(process: number, intervalMs: number, sent: Moment): void {
    const known = this.#table.rows[process];
    if (known === undefined) {
      return;
    }
    const isOld = known.lastDeleteAt !== undefined && this.#compare(sent, known.lastDeleteAt) < 0;
    if (known.state === "deleted" && isOld) {
      return; // It was overtaken by the end.
    }
    known.lastStateAt = sent;
    known.seenAtMs = sent.atMs;
    known.held = evictionHolds.none;
    known.intervalMs = intervalMs > 0 ? intervalMs : undefined;
    // A state after a delete revives, as the specification of entity events has it.
    this.#reopen(process, known);
  }

  /**
   * A source no longer watches `process`, which lives on: no heartbeat is promised any more. Whether that was a relay, which
   * leaves the process to other sources; false where the process is not known.
   */
  unwatch(process: number, { isRelay }: { readonly isRelay: boolean }): boolean {
    const known = this.#table.rows[process];
    if (known === undefined) {
      return false;
    }
    known.intervalMs = undefined;
    known.held = evictionHolds.none;
    this.#reopen(process, known);
    const wasRelayed = isRelay && known.source === sourceRanks.relay;
    known.source = wasRelayed ? sourceRanks.finishedSpans : known.source;
    return wasRelayed;
  }

  /** `process` reports at `sent` that it ends. Ignored where it has reported later that it lives. */
  onDelete(process: number, sent: Moment): void {
    const known = this.#table.rows[process];
    if (known === undefined || known.state === "gone" || known.state === "deleted") {
      return;
    }
    if (known.lastStateAt === undefined || this.#compare(sent, known.lastStateAt) >= 0) {
      known.state = "deleted";
      known.lastDeleteAt = sent;
      this.timers.set(process, sent.atMs + this.#parts.limits.allowedLatenessMs);
    }
  }

  /** When a process reported its end; undefined when it never did. */
  deletedAt(process: number): Moment | undefined {
    return this.#table.rows[process]?.lastDeleteAt;
  }

  /**
   * Whether a process has reported its end before it sent a signal that arrives now: so long before that the signal was not merely
   * overtaken by it, and, where both show when they were sent, before by the sender's clock. So a request that the network
   * delivers a second time proves nothing.
   */
  wasDeletedBefore(process: number, signal: Moment): boolean {
    const known = this.#table.rows[process];
    const deletedAt = known?.lastDeleteAt;
    if (known?.state !== "deleted" || deletedAt === undefined) {
      return false;
    }
    const inFlightMs = Math.min(maxInFlightMs, this.#parts.limits.allowedLatenessMs);
    return signal.atMs > deletedAt.atMs + inFlightMs && this.#compare(signal, deletedAt) > 0;
  }

  /** A process has work that began after its reported end: it lives, as a new process of the same name. */
  reopen(process: number): void {
    const known = this.#table.rows[process];
    if (known !== undefined) {
      this.#reopen(process, known);
    }
  }

  /** Whether a process that promised heartbeats has missed them by `untilMs`. */
  isLeaseOver(process: number, untilMs: number): boolean {
    const leaseEndMs = this.#leaseEndMs(this.#table.rows[process]);
    return leaseEndMs !== undefined && leaseEndMs <= untilMs;
  }

  /** Whether the end of its lease waits. */
  isHeld(process: number): boolean {
    return (this.#table.rows[process]?.held ?? evictionHolds.none) !== evictionHolds.none;
  }

  /** Whether no signal has arrived from the host of a process for `gapMs` before `atMs`; false when the host is not known. */
  isHostSilent(process: number, atMs: number, gapMs: number): boolean {
    const host = this.#table.rows[process]?.host;
    return host !== undefined && atMs - host.seenAtMs >= gapMs;
  }

  /** Evictions wait until a signal arrives from the host of a process. False when some waited for that already. */
  holdHost(process: number): boolean {
    const host = this.#table.rows[process]?.host;
    const isNew = host?.isHeld === false;
    if (host !== undefined) {
      host.isHeld = true;
    }
    return isNew;
  }

  /** Whether some open work of a process that is gone is not evicted yet. */
  isDraining(process: number): boolean {
    return this.#table.rows[process]?.draining !== undefined;
  }

  /** `rest`: some open work of a process that is gone is not evicted yet, and is decided at once; undefined when there is none. */
  drain(
    process: number,
    rest: { readonly reason: ProcessEnd; readonly dueMs: number } | undefined,
  ): void {
    const known = this.#table.rows[process];
    if (known !== undefined) {
      known.draining = rest?.reason;
      if (rest !== undefined) {
        this.timers.set(process, rest.dueMs);
      }
    }
  }

  /** Input has arrived, from any sender: the processes that wait for that get a new lease. */
  renewHeld(nowMs: number): void {
    for (const [process, known] of this.#table.rows.entries()) {
      if (known?.held === evictionHolds.untilInput) {
        known.seenAtMs = nowMs;
        this.#renewLease(process, known);
      }
    }
  }

  /** Time in which nothing could arrive does not count as silence. */
  extendLeases(byMs: number): void {
    for (const [process, known] of this.#table.rows.entries()) {
      if (known !== undefined) {
        known.seenAtMs += byMs;
        if (known.held !== evictionHolds.none) {
          this.timers.extend(process, byMs);
        } else if (isAlive(known)) {
          this.#watchLease(process, known);
        }
      }
    }
  }

  /** How `process` ended, if it did by `dueMs`. */
  decide(process: number, dueMs: number, askHold: AskHold): ProcessEnd | undefined {
    const known = this.#table.rows[process];
    if (known === undefined || this.timers.isSet(process)) {
      return undefined;
    }
    if (known.state === "gone") {
      return known.draining;
    }
    if (!isAlive(known)) {
      known.state = "gone";
      return "process_gone";
    }
    const leaseEndMs = this.#leaseEndMs(known);
    if (leaseEndMs === undefined || leaseEndMs > dueMs) {
      this.#watchLease(process, known);
      return undefined;
    }
    known.held = askHold(known.held, known.intervalMs ?? 0);
    if (known.held !== evictionHolds.none) {
      this.timers.set(process, dueMs + this.#parts.limits.allowedLatenessMs);
      return undefined;
    }
    const wasReplaced = known.state === "replaced";
    known.state = "gone";
    return wasReplaced ? "replaced" : "lease_expired";
  }

  #add(process: number, serviceHost: number, nowMs: number): WatchedProcess {
    this.#forgetIdle(nowMs);
    return this.#table.add(process, serviceHost, nowMs);
  }

  #forgetIdle(nowMs: number): void {
    if (!this.#table.isCheckDue(nowMs)) {
      return;
    }
    const forgotten = this.#table.forgetIdle(nowMs, (process) => this.#listeners.isUsed(process));
    for (const process of forgotten) {
      this.timers.cancel(process);
    }
    this.#listeners.onForgotten(forgotten);
    this.#listeners.onExpired(nowMs - this.#forgetAfterMs);
  }

  /** A signal arrived from a host that was held: its processes get a new lease. */
  #releaseHost(host: WatchedHost, nowMs: number): void {
    const { rows } = this.#table;
    host.isHeld = false;
    for (const process of host.processes) {
      const known = rows[process];
      if (known !== undefined && known.held !== evictionHolds.none) {
        known.seenAtMs = nowMs;
        this.#renewLease(process, known);
      }
    }
    this.#listeners.onHostSeen(host.processes, nowMs);
  }

  #reopen(process: number, known: WatchedProcess): void {
    known.state = "alive";
    known.draining = undefined;
    this.#watchLease(process, known);
  }

  /** A signal arrived from a process whose lease end waited. */
  #renewLease(process: number, known: WatchedProcess): void {
    known.held = evictionHolds.none;
    this.#watchLease(process, known);
  }

  #watchLease(process: number, { seenAtMs, intervalMs }: WatchedProcess): void {
    if (intervalMs === undefined) {
      this.timers.cancel(process);
    } else {
      this.timers.set(process, seenAtMs + leaseMsOf(intervalMs));
    }
  }

  /** When the lease of a process that is not known to have ended ends; undefined when it promised no heartbeats. */
  #leaseEndMs(known: WatchedProcess | undefined): number | undefined {
    return known === undefined || known.intervalMs === undefined || !isAlive(known)
      ? undefined
      : known.seenAtMs + leaseMsOf(known.intervalMs);
  }

  #compare(a: Moment, b: Moment): number {
    return compareMoments(a, b, this.#parts.limits.allowedLatenessMs);
  }
}

function isAlive({ state }: WatchedProcess): boolean {
  return state === "alive" || state === "replaced";
}

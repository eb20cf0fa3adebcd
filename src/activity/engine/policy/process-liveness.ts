import { sourceRankOf, sourceRanks } from "../../model/dialects.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { hostOf } from "../../model/service-host.ts";
import { TimingWheel } from "../schedule/timing-wheel.ts";
import type { SnapshotStream, SnapshotVersion } from "../store/snapshot.ts";
import { evictionHolds } from "../store/span-table.ts";
import { leaseMsOf } from "./leases.ts";

/** Their indexes are stored. */
const processEnds = ["process_gone", "lease_expired", "replaced"] as const;

/** `replaced`: a newer process of its service came to its host, and nothing has come from it since. Their indexes are stored. */
const processStates = ["alive", "replaced", "deleted", "gone"] as const;

/** Why a process is held to have ended: by its own word, because another one came in its place, or by silence. */
export type ProcessEnd = (typeof processEnds)[number];

/** How often within the time that they are remembered idle processes are looked for. */
const checksPerAge = 16;

/** A report of open work may be overtaken by the end of its process by so much. */
const maxInFlightMs = 1_000;

/** What is known of a host, if it is known at all. */
interface WatchedHost {
  seenAtMs: number;
  /** Whether something is held back because the whole host is silent. */
  isHeld: boolean;
  /** Processes that are remembered on it. */
  processes: number;
}

interface WatchedProcess {
  serviceHost: number;
  host: WatchedHost | undefined;
  /** Rank of the best source it was heard from. */
  source: number;
  seenAtMs: number;
  /** Between heartbeats; undefined when none were promised. */
  intervalMs: number | undefined;
  state: (typeof processStates)[number];
  /** One of `holds`: that its lease ran out is not acted on yet. */
  held: number;
  /** Why it is gone, while not all of its open work has gone with it. */
  draining: ProcessEnd | undefined;
  /** When it last said that it lives, and that it ends. */
  lastStateAt: Moment | undefined;
  lastDeleteAt: Moment | undefined;
}

/** What a process watch needs to know, and what it reports. */
export interface ProcessListeners {
  /** Processes that have left traces. Walks every row. */
  usedProcesses(): ReadonlySet<number>;
  onForgotten(process: number): void;
  /** Idle processes were looked for; what is older than `beforeMs` may be forgotten. */
  onExpired(beforeMs: number): void;
  /** Something came from a host of which something was held back. */
  onHostSeen(isThere: (process: number) => boolean, nowMs: number): void;
}

/** Whether to hold back that a lease ran out; gives one of `holds`. */
export type AskHold = (held: number, intervalMs: number) => number;

/** What it needs of the engine. */
interface ProcessLivenessParts {
  readonly limits: ActivityLimits;
}

/**
 * What is known of the processes that send: by which dialect, and whether they still live. A process ends by its own word
 * (`entity.delete`), or by missing the heartbeats it promised; if a newer process of the same service has come to its host
 * since it was heard last, that is its successor. Silence without a promise proves nothing, nor does the start of a sibling. A
 * process that has sent nothing for `forgetAfterMs`, and has left no trace, is forgotten. Process 0 stands for those beyond the
 * bound: nothing is known of it.
 */
export class ProcessLiveness {
  readonly #parts: ProcessLivenessParts;
  readonly #forgetAfterMs: number;
  readonly #listeners: ProcessListeners;
  readonly #processes: (WatchedProcess | undefined)[] = [];
  readonly #hosts = new Map<number, WatchedHost>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  /** Place → the process that came last. */
  readonly #latest = new Map<number, number>();
  readonly #deadlines = new TimingWheel(500);

  constructor(parts: ProcessLivenessParts, listeners: ProcessListeners) {
    const { maxAgeMs, tombstoneTtlMs } = parts.limits;
    this.#parts = parts;
    this.#forgetAfterMs = Math.max(maxAgeMs, tombstoneTtlMs);
    this.#listeners = listeners;
  }

  snapshot(io: SnapshotStream, { version }: { readonly version: SnapshotVersion }): void {
    const rows = this.#processes.map((known) =>
      known === undefined
        ? []
        : [
            known.serviceHost,
            known.source,
            known.seenAtMs,
            known.intervalMs ?? -1,
            processStates.indexOf(known.state),
            known.held,
            known.draining === undefined ? -1 : processEnds.indexOf(known.draining),
            ...[known.lastStateAt, known.lastDeleteAt].flatMap((said) => [
              said?.atMs ?? -1,
              said?.timeMs ?? 0,
            ]),
          ],
    );
    const count = io.number(rows.length);
    this.#processes.length = count;
    for (let process = 0; process < count; process++) {
      const cells = io.numbers(rows[process] ?? []);
      const [serviceHost = 0, , seenAtMs = 0] = cells;
      if (io.isLoading && cells.length > 0) {
        this.#processes[process] = watchedOf(cells, this.#hostAt(serviceHost, seenAtMs));
      }
    }
    const latest = io.numbers([...this.#latest].flat());
    for (let at = 0; at < latest.length; at += 2) {
      this.#latest.set(latest[at] ?? 0, latest[at + 1] ?? 0);
    }
    if (version < 3) {
      io.numbers([]); // Places that several processes share.
    }
    this.#deadlines.snapshot(io, count);
    if (version > 2) {
      this.#sweptAtMs = io.number(this.#sweptAtMs);
      const held = [...this.#hosts].flatMap(([host, { isHeld }]) => (isHeld ? [host] : []));
      for (const host of io.numbers(held)) {
        const known = this.#hosts.get(host);
        if (known !== undefined) {
          known.isHeld = true;
        }
      }
    }
  }

  /** Processes of which something is known. */
  *remembered(): Generator<number> {
    for (const [process, known] of this.#processes.entries()) {
      if (known !== undefined) {
        yield process;
      }
    }
  }

  /** The rank of the best source `process` was heard from, one of `sourceRanks`. */
  sourceOf(process: number): number {
    return this.#processes[process]?.source ?? sourceRanks.finishedSpans;
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
    const known = this.#processes[process] ?? this.#add(process, serviceHost, nowMs);
    known.seenAtMs = nowMs;
    if (known.serviceHost === 0 && serviceHost !== 0) {
      this.#setServiceHost(process, known, serviceHost);
    }
    if (known.host !== undefined) {
      known.host.seenAtMs = nowMs;
      if (known.host.isHeld) {
        this.#releaseHost(known.host, nowMs);
      }
    }
    this.#releaseHold(process, known);
    if (known.state === "replaced" || known.state === "gone") {
      this.#reopenKnown(process, known);
    }
    const rank = sourceRankOf(dialect);
    if (rank <= known.source) {
      return false;
    }
    known.source = rank;
    return true;
  }

  /** `process` says that it lives and will say so again every `intervalMs`; 0 promises nothing. */
  onHeartbeat(process: number, intervalMs: number, said: Moment): void {
    const known = this.#processes[process];
    if (known === undefined) {
      return;
    }
    const isOld = known.lastDeleteAt !== undefined && this.#compare(said, known.lastDeleteAt) < 0;
    if (known.state === "deleted" && isOld) {
      return; // It was overtaken by the end.
    }
    known.lastStateAt = said;
    known.seenAtMs = said.atMs;
    known.held = evictionHolds.none;
    known.intervalMs = intervalMs > 0 ? intervalMs : undefined;
    // A state after a delete revives, as the specification of entity events has it.
    this.#reopenKnown(process, known);
  }

  /**
   * A source no longer watches `process`, which lives on: no heartbeat is promised any more. Whether the relay did, which
   * leaves the process to other sources. False too where the process is not known.
   */
  unwatch(process: number, { isRelay }: { readonly isRelay: boolean }): boolean {
    const known = this.#processes[process];
    if (known === undefined) {
      return false;
    }
    known.intervalMs = undefined;
    known.held = evictionHolds.none;
    this.#reopenKnown(process, known);
    const wasRelayed = isRelay && known.source === sourceRanks.relay;
    known.source = wasRelayed ? sourceRanks.finishedSpans : known.source;
    return wasRelayed;
  }

  /** `process` says that it ends; not where it has said later that it lives. */
  onDelete(process: number, said: Moment): void {
    const known = this.#processes[process];
    if (known === undefined || known.state === "gone" || known.state === "deleted") {
      return;
    }
    if (known.lastStateAt === undefined || this.#compare(said, known.lastStateAt) >= 0) {
      known.state = "deleted";
      known.lastDeleteAt = said;
      this.#deadlines.set(process, said.atMs + this.#parts.limits.allowedLatenessMs);
    }
  }

  /** When a process said that it ends; undefined when it never did. */
  deletedAt(process: number): Moment | undefined {
    return this.#processes[process]?.lastDeleteAt;
  }

  /** Whether a process has said that it ends, so long before `nowMs` that what comes now was not merely overtaken by that. */
  wasDeletedBefore(process: number, nowMs: number): boolean {
    const known = this.#processes[process];
    const onTheWayMs = Math.min(maxInFlightMs, this.#parts.limits.allowedLatenessMs);
    return known?.state === "deleted" && nowMs > (known.lastDeleteAt?.atMs ?? nowMs) + onTheWayMs;
  }

  /** Work has come of a process after it said that it ends: it lives, as a new one of the same name. */
  reopen(process: number): void {
    const known = this.#processes[process];
    if (known !== undefined) {
      this.#reopenKnown(process, known);
    }
  }

  #compare(a: Moment, b: Moment): number {
    return compareMoments(a, b, this.#parts.limits.allowedLatenessMs);
  }

  /** Processes whose deadline passed by `untilMs`, to be decided with `decide` in order of `dueMsOf`. */
  due(untilMs: number, into: number[]): void {
    this.#deadlines.due(untilMs, into);
  }

  hasMoreDue(untilMs: number, most: number): boolean {
    return this.#deadlines.hasMoreDue(untilMs, most);
  }

  get size(): number {
    return this.#deadlines.size;
  }

  dueMsOf(process: number): number {
    const known = this.#processes[process];
    const leaseEndMs = known !== undefined && isAlive(known) ? this.#leaseEndMs(known) : undefined;
    return Math.max(this.#deadlines.dueMsOf(process), leaseEndMs ?? 0);
  }

  /** Calls `see` for each process that is to be decided by `untilMs`. */
  peek(untilMs: number, see: (process: number) => void): void {
    this.#deadlines.peek(untilMs, see);
  }

  /** Whether a process that promised heartbeats has missed them by `untilMs`. */
  isLeaseOver(process: number, untilMs: number): boolean {
    const known = this.#processes[process];
    const leaseEndMs = known !== undefined && isAlive(known) ? this.#leaseEndMs(known) : undefined;
    return leaseEndMs !== undefined && leaseEndMs <= untilMs;
  }

  /** Whether the end of its lease is not acted on yet. */
  isHeld(process: number): boolean {
    return (this.#processes[process]?.held ?? evictionHolds.none) !== evictionHolds.none;
  }

  /** Whether nothing has come from the host of a process for `gapMs` before `atMs`; false when the host is not known. */
  isHostSilent(process: number, atMs: number, gapMs: number): boolean {
    const host = this.#processes[process]?.host;
    return host !== undefined && atMs - host.seenAtMs >= gapMs;
  }

  /** What was due is held back until something comes from the host of a process. False when something was already. */
  holdHost(process: number): boolean {
    const host = this.#processes[process]?.host;
    const isNew = host?.isHeld === false;
    if (host !== undefined) {
      host.isHeld = true;
    }
    return isNew;
  }

  /** Whether not all open work of a process that is gone has gone with it; the rest is decided at once. */
  drain(
    process: number,
    rest: { readonly reason: ProcessEnd; readonly dueMs: number } | undefined,
  ): void {
    const known = this.#processes[process];
    if (known !== undefined) {
      known.draining = rest?.reason;
      if (rest !== undefined) {
        this.#deadlines.set(process, rest.dueMs);
      }
    }
  }

  /** Whoever waits for any input at all gets a new lease. */
  renewHeld(nowMs: number): void {
    for (const [process, known] of this.#processes.entries()) {
      if (known?.held === evictionHolds.untilInput) {
        known.seenAtMs = nowMs;
        this.#releaseHold(process, known);
      }
    }
  }

  /** The process is decided no earlier than `dueMs`. */
  postpone(process: number, dueMs: number): void {
    this.#deadlines.postpone(process, dueMs);
  }

  /** Time in which nothing could be heard does not count as silence. */
  extendLeases(byMs: number): void {
    for (const [process, known] of this.#processes.entries()) {
      if (known !== undefined) {
        known.seenAtMs += byMs;
        if (known.held !== evictionHolds.none) {
          this.#deadlines.set(process, this.#deadlines.dueMsOf(process) + byMs);
        } else if (isAlive(known)) {
          this.#watchLease(process, known);
        }
      }
    }
  }

  /** How `process` ended, if it did by `dueMs`. */
  decide(process: number, dueMs: number, askHold: AskHold): ProcessEnd | undefined {
    const known = this.#processes[process];
    if (known === undefined || this.#deadlines.isSet(process)) {
      return undefined;
    }
    if (known.state === "gone") {
      return known.draining;
    }
    if (isAlive(known)) {
      const leaseEndMs = this.#leaseEndMs(known);
      if (leaseEndMs === undefined || leaseEndMs > dueMs) {
        this.#watchLease(process, known);
        return undefined;
      }
      known.held = askHold(known.held, known.intervalMs ?? 0);
      if (known.held !== evictionHolds.none) {
        this.#deadlines.set(process, dueMs + this.#parts.limits.allowedLatenessMs);
        return undefined;
      }
      const wasReplaced = known.state === "replaced";
      known.state = "gone";
      return wasReplaced ? "replaced" : "lease_expired";
    }
    known.state = "gone";
    return "process_gone";
  }

  #hostAt(serviceHost: number, nowMs: number): WatchedHost | undefined {
    const host = hostOf(serviceHost);
    if (host === 0) {
      return undefined;
    }
    const known = this.#hosts.get(host) ?? { seenAtMs: nowMs, isHeld: false, processes: 0 };
    known.processes++;
    known.seenAtMs = Math.max(known.seenAtMs, nowMs);
    this.#hosts.set(host, known);
    return known;
  }

  #releaseHost(host: WatchedHost, nowMs: number): void {
    host.isHeld = false;
    for (const [process, known] of this.#processes.entries()) {
      if (known?.host === host && known.held !== evictionHolds.none) {
        known.seenAtMs = nowMs;
        this.#releaseHold(process, known);
      }
    }
    this.#listeners.onHostSeen((process) => this.#processes[process]?.host === host, nowMs);
  }

  #forgetIdle(nowMs: number): void {
    if (nowMs < this.#sweptAtMs + this.#forgetAfterMs / checksPerAge) {
      return;
    }
    this.#sweptAtMs = nowMs;
    const used = this.#listeners.usedProcesses();
    for (const [process, known] of this.#processes.entries()) {
      if (
        known !== undefined &&
        known.seenAtMs + this.#forgetAfterMs <= nowMs &&
        !used.has(process)
      ) {
        this.#forget(process, known);
      }
    }
    this.#listeners.onExpired(nowMs - this.#forgetAfterMs);
  }

  #forget(process: number, known: WatchedProcess): void {
    this.#deadlines.cancel(process);
    this.#processes[process] = undefined;
    if (this.#latest.get(known.serviceHost) === process) {
      this.#latest.delete(known.serviceHost);
    }
    if (known.host !== undefined && --known.host.processes === 0) {
      this.#hosts.delete(hostOf(known.serviceHost));
    }
    this.#listeners.onForgotten(process);
  }

  #add(process: number, serviceHost: number, nowMs: number): WatchedProcess {
    this.#forgetIdle(nowMs);
    while (this.#processes.length <= process) {
      this.#deadlines.admit(this.#processes.length);
      this.#processes.push(undefined);
    }
    const made: WatchedProcess = {
      serviceHost,
      host: this.#hostAt(serviceHost, nowMs),
      source: sourceRanks.finishedSpans,
      seenAtMs: nowMs,
      intervalMs: undefined,
      state: "alive",
      held: evictionHolds.none,
      draining: undefined,
      lastStateAt: undefined,
      lastDeleteAt: undefined,
    };
    this.#processes[process] = made;
    this.#becomeLatest(process, serviceHost);
    return made;
  }

  /** It becomes known where a process runs. */
  #setServiceHost(process: number, known: WatchedProcess, serviceHost: number): void {
    known.serviceHost = serviceHost;
    known.host = this.#hostAt(serviceHost, known.seenAtMs);
    this.#becomeLatest(process, serviceHost);
  }

  /** A process is the newest of its service on its host. */
  #becomeLatest(process: number, serviceHost: number): void {
    const latest = this.#processes[this.#latest.get(serviceHost) ?? -1];
    this.#latest.set(serviceHost, process);
    if (latest?.state === "alive" && serviceHost !== 0) {
      latest.state = "replaced"; // Which proves nothing by itself: it may be a sibling.
    }
  }

  #reopenKnown(process: number, known: WatchedProcess): void {
    known.state = "alive";
    known.draining = undefined;
    this.#watchLease(process, known);
  }

  /** It is heard of: what was held back does not count, and its lease begins anew. */
  #releaseHold(process: number, known: WatchedProcess): void {
    if (known.held !== evictionHolds.none) {
      known.held = evictionHolds.none;
      this.#watchLease(process, known);
    }
  }

  #watchLease(process: number, known: WatchedProcess): void {
    const leaseEndMs = this.#leaseEndMs(known);
    if (leaseEndMs === undefined) {
      this.#deadlines.cancel(process);
    } else {
      this.#deadlines.set(process, leaseEndMs);
    }
  }

  #leaseEndMs(known: WatchedProcess): number | undefined {
    return known.intervalMs === undefined
      ? undefined
      : known.seenAtMs + leaseMsOf(known.intervalMs);
  }
}

function momentOf(atMs = -1, timeMs = 0): Moment | undefined {
  return atMs < 0 ? undefined : { atMs, timeMs, seq: 0 };
}

function isAlive({ state }: WatchedProcess): boolean {
  return state === "alive" || state === "replaced";
}

function watchedOf(cells: readonly number[], host: WatchedHost | undefined): WatchedProcess {
  const [
    serviceHost = 0,
    source = 0,
    seenAtMs = 0,
    intervalMs = -1,
    state = 0,
    held = 0,
    end = -1,
  ] = cells;
  return {
    serviceHost,
    host,
    source,
    seenAtMs,
    intervalMs: intervalMs < 0 ? undefined : intervalMs,
    state: processStates[state] ?? "alive",
    held,
    draining: processEnds[end],
    lastStateAt: momentOf(cells[7], cells[8]),
    lastDeleteAt: momentOf(cells[9], cells[10]),
  };
}

import { sourceRankOf, sourceRanks } from "../signals/dialects.ts";
import type { Archive } from "./archive.ts";
import { leaseMsOf } from "./leases.ts";
import { holds } from "./span-table.ts";
import { TimingWheel } from "./timing-wheel.ts";

/** A replaced process that promises heartbeats is believed gone when it has missed one and a half. */
const missedByReplaced = 1.5;

/** Their indexes are stored. */
const processEnds = ["process_gone", "lease_expired", "replaced"] as const;

const processStates = ["alive", "replaced", "deleted", "gone"] as const;

/** Why a process is held to have ended: by its own word, because another one came in its place, or by silence. */
export type ProcessEnd = (typeof processEnds)[number];

interface WatchedProcess {
  readonly place: number;
  /** Rank of the best source it was heard from. */
  source: number;
  seenAtMs: number;
  /** Between heartbeats; undefined when none were promised. */
  intervalMs: number | undefined;
  state: (typeof processStates)[number];
  /** One of `holds`: that its lease ran out is not acted on yet. */
  held: number;
  /** Why it is gone, while not all of its open work has gone with it. */
  leaving: ProcessEnd | undefined;
}

/** Whether to hold back that a lease ran out; gives one of `holds`. */
export type AskHold = (held: number, intervalMs: number) => number;

/**
 * What is known of the processes that send: by which dialect, and whether they still live. A process
 * ends by its own word (`entity.delete`), by missing the heartbeats it promised, or by a successor: a
 * new process of the same service on the same host, while the old one stays silent. Where two of them
 * turn out to live side by side, the place is shared and succession means nothing there.
 */
export class ProcessWatch {
  readonly #allowedLatenessMs: number;
  readonly #processes: (WatchedProcess | undefined)[] = [];
  /** Place → the process that came last. */
  readonly #latest = new Map<number, number>();
  readonly #sharedPlaces = new Set<number>();
  readonly #deadlines = new TimingWheel(500);

  constructor(allowedLatenessMs: number) {
    this.#allowedLatenessMs = allowedLatenessMs;
  }

  archive(io: Archive): void {
    const rows = this.#processes.map((known) =>
      known === undefined
        ? []
        : [
            known.place,
            known.source,
            known.seenAtMs,
            known.intervalMs ?? -1,
            processStates.indexOf(known.state),
            known.held,
            known.leaving === undefined ? -1 : processEnds.indexOf(known.leaving),
          ],
    );
    const count = io.number(rows.length);
    this.#processes.length = count;
    for (let process = 0; process < count; process++) {
      const cells = io.numbers(rows[process] ?? []);
      this.#processes[process] = cells.length === 0 ? undefined : watchedOf(cells);
    }
    const latest = io.numbers([...this.#latest].flat());
    for (let at = 0; at < latest.length; at += 2) {
      this.#latest.set(latest[at] ?? 0, latest[at + 1] ?? 0);
    }
    for (const place of io.numbers([...this.#sharedPlaces])) {
      this.#sharedPlaces.add(place);
    }
    this.#deadlines.archive(io, count);
  }

  /** The rank of the best source `process` was heard from, one of `sourceRanks`. */
  sourceOf(process: number): number {
    return this.#processes[process]?.source ?? sourceRanks.finishedSpans;
  }

  /** A signal of work arrived from `process`. True when it is the first from a better source than before. */
  hear(signal: {
    readonly process: number;
    readonly place: number;
    readonly dialect: number;
    readonly nowMs: number;
  }): boolean {
    const { process, place, dialect, nowMs } = signal;
    const known = this.#processes[process] ?? this.#introduce(process, place, nowMs);
    known.seenAtMs = nowMs;
    this.#letGo(process, known);
    if (known.state === "replaced") {
      // Both live: a second worker of one service, not a successor.
      this.#sharedPlaces.add(known.place);
      this.#revive(process, known);
    } else if (known.state === "gone") {
      this.#revive(process, known);
    }
    const rank = sourceRankOf(dialect);
    if (rank <= known.source) {
      return false;
    }
    known.source = rank;
    return true;
  }

  /** `process` says that it lives and will say so again every `intervalMs`; 0 promises nothing. */
  beat(process: number, intervalMs: number, nowMs: number): void {
    const known = this.#processes[process];
    if (known === undefined) {
      return;
    }
    known.seenAtMs = nowMs;
    known.held = holds.none;
    known.intervalMs = intervalMs > 0 ? intervalMs : undefined;
    // A state after a delete revives, as the specification of entity events has it.
    this.#revive(process, known);
  }

  /** `process` says that it ends. */
  bury(process: number, nowMs: number): void {
    const known = this.#processes[process];
    if (known !== undefined && known.state !== "gone") {
      known.state = "deleted";
      this.#deadlines.set(process, nowMs + this.#allowedLatenessMs);
    }
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
    const leaseEndMs = known?.state === "alive" ? this.#leaseEndMs(known) : undefined;
    return Math.max(this.#deadlines.dueMsOf(process), leaseEndMs ?? 0);
  }

  /** Calls `see` for each process that is to be decided by `untilMs`. */
  peek(untilMs: number, see: (process: number) => void): void {
    this.#deadlines.peek(untilMs, see);
  }

  /** Whether a process that promised heartbeats has missed them by `untilMs`. */
  isLeaseOver(process: number, untilMs: number): boolean {
    const known = this.#processes[process];
    const leaseEndMs = known?.state === "alive" ? this.#leaseEndMs(known) : undefined;
    return leaseEndMs !== undefined && leaseEndMs <= untilMs;
  }

  /** Whether the end of its lease is not acted on yet. */
  isHeld(process: number): boolean {
    return (this.#processes[process]?.held ?? holds.none) !== holds.none;
  }

  /** Whether not all open work of a process that is gone has gone with it; the rest is decided at once. */
  leave(
    process: number,
    rest: { readonly reason: ProcessEnd; readonly dueMs: number } | undefined,
  ): void {
    const known = this.#processes[process];
    if (known !== undefined) {
      known.leaving = rest?.reason;
      if (rest !== undefined) {
        this.#deadlines.set(process, rest.dueMs);
      }
    }
  }

  /** Whoever waits for any input at all gets a new lease. */
  renewHeld(nowMs: number): void {
    for (const [process, known] of this.#processes.entries()) {
      if (known?.held === holds.untilInput) {
        known.seenAtMs = nowMs;
        this.#letGo(process, known);
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
        if (known.held !== holds.none) {
          this.#deadlines.set(process, this.#deadlines.dueMsOf(process) + byMs);
        } else if (known.state === "alive") {
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
      return known.leaving;
    }
    if (known.state === "alive") {
      const leaseEndMs = this.#leaseEndMs(known);
      if (leaseEndMs === undefined || leaseEndMs > dueMs) {
        this.#watchLease(process, known);
        return undefined;
      }
      known.held = askHold(known.held, known.intervalMs ?? 0);
      if (known.held !== holds.none) {
        this.#deadlines.set(process, dueMs + this.#allowedLatenessMs);
        return undefined;
      }
      known.state = "gone";
      return "lease_expired";
    }
    const wasReplaced = known.state === "replaced";
    known.state = "gone";
    return wasReplaced ? "replaced" : "process_gone";
  }

  #introduce(process: number, place: number, nowMs: number): WatchedProcess {
    while (this.#processes.length <= process) {
      this.#deadlines.admit(this.#processes.length);
      this.#processes.push(undefined);
    }
    const made: WatchedProcess = {
      place,
      source: sourceRanks.finishedSpans,
      seenAtMs: nowMs,
      intervalMs: undefined,
      state: "alive",
      held: holds.none,
      leaving: undefined,
    };
    this.#processes[process] = made;
    const latest = this.#latest.get(place);
    this.#latest.set(place, process);
    if (latest !== undefined && place !== 0 && !this.#sharedPlaces.has(place)) {
      this.#replace(latest, nowMs);
    }
    return made;
  }

  #replace(process: number, nowMs: number): void {
    const known = this.#processes[process];
    if (known === undefined || known.state !== "alive" || known.intervalMs === undefined) {
      return; // A sibling's birth proves nothing, and an open tool explains silence.
    }
    known.state = "replaced";
    known.held = holds.none;
    const silentUntilMs = known.seenAtMs + known.intervalMs * missedByReplaced;
    this.#deadlines.set(process, Math.max(nowMs + this.#allowedLatenessMs, silentUntilMs));
  }

  #revive(process: number, known: WatchedProcess): void {
    known.state = "alive";
    known.leaving = undefined;
    this.#watchLease(process, known);
  }

  /** It is heard of: what was held back does not count, and its lease begins anew. */
  #letGo(process: number, known: WatchedProcess): void {
    if (known.held !== holds.none) {
      known.held = holds.none;
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

function watchedOf(cells: readonly number[]): WatchedProcess {
  const [place = 0, source = 0, seenAtMs = 0, intervalMs = -1, state = 0, held = 0, end = -1] =
    cells;
  return {
    place,
    source,
    seenAtMs,
    intervalMs: intervalMs < 0 ? undefined : intervalMs,
    state: processStates[state] ?? "alive",
    held,
    leaving: processEnds[end],
  };
}

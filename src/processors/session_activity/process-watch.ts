import { dialects } from "./dialects.ts";
import { TimingWheel } from "./timing-wheel.ts";

/** A lease is never shorter: one lost heartbeat must not look like a death. */
const shortestLeaseMs = 30_000;
const heartbeatsPerLease = 3;
/** A replaced process that promises heartbeats is believed gone when it has missed one and a half. */
const missedByReplaced = 1.5;

/** Why a process is held to have ended. */
export type ProcessEnd = "process_gone" | "lease_expired";

interface WatchedProcess {
  readonly place: number;
  /** The best dialect it was heard in. */
  source: number;
  seenAtMs: number;
  /** Between heartbeats; undefined when none were promised. */
  intervalMs: number | undefined;
  state: "alive" | "replaced" | "deleted" | "gone";
}

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

  /** The best dialect `process` was heard in. */
  sourceOf(process: number): number {
    return this.#processes[process]?.source ?? dialects.span;
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
    if (known.state === "replaced") {
      // Both live: a second worker of one service, not a successor.
      this.#sharedPlaces.add(known.place);
      this.#revive(process, known);
    } else if (known.state === "gone") {
      this.#revive(process, known);
    }
    if (dialect <= known.source || dialect > dialects.relay) {
      return false;
    }
    known.source = dialect;
    return true;
  }

  /** `process` says that it lives and will say so again every `intervalMs`; 0 promises nothing. */
  beat(process: number, intervalMs: number, nowMs: number): void {
    const known = this.#processes[process];
    if (known === undefined) {
      return;
    }
    known.seenAtMs = nowMs;
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

  dueMsOf(process: number): number {
    return this.#deadlines.dueMsOf(process);
  }

  /** How `process` ended, if it did by `dueMs`. */
  decide(process: number, dueMs: number): ProcessEnd | undefined {
    const known = this.#processes[process];
    if (known === undefined || known.state === "gone" || this.#deadlines.isSet(process)) {
      return undefined;
    }
    if (known.state === "alive") {
      const leaseEndMs = this.#leaseEndMs(known);
      if (leaseEndMs === undefined || leaseEndMs > dueMs) {
        this.#watchLease(process, known);
        return undefined;
      }
      known.state = "gone";
      return "lease_expired";
    }
    known.state = "gone";
    return "process_gone";
  }

  #introduce(process: number, place: number, nowMs: number): WatchedProcess {
    while (this.#processes.length <= process) {
      this.#deadlines.admit(this.#processes.length);
      this.#processes.push(undefined);
    }
    const made: WatchedProcess = {
      place,
      source: dialects.span,
      seenAtMs: nowMs,
      intervalMs: undefined,
      state: "alive",
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
    if (known === undefined || known.state !== "alive") {
      return;
    }
    known.state = "replaced";
    const silentUntilMs =
      known.intervalMs === undefined
        ? nowMs + shortestLeaseMs
        : known.seenAtMs + known.intervalMs * missedByReplaced;
    this.#deadlines.set(process, Math.max(nowMs + this.#allowedLatenessMs, silentUntilMs));
  }

  #revive(process: number, known: WatchedProcess): void {
    known.state = "alive";
    this.#watchLease(process, known);
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
      : known.seenAtMs + Math.max(known.intervalMs * heartbeatsPerLease, shortestLeaseMs);
  }
}

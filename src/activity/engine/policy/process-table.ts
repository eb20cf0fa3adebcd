import { sourceRanks } from "../../model/dialects.ts";
import type { Moment } from "../../model/moment.ts";
import { evictionHolds } from "../store/span-table.ts";
import { HostWatch, type WatchedHost } from "./host-watch.ts";

/** Why a process ended: it reported that, or missed its heartbeats, without a newer process in its place or with one. Stored by index. */
const processEnds = ["process_gone", "lease_expired", "replaced"] as const;

export type ProcessEnd = (typeof processEnds)[number];

/** `replaced`: a newer process of its service came to its host, and no signal has arrived from it since. Stored by index. */
const processStates = ["alive", "replaced", "deleted", "gone"] as const;

/** How often within the time for which they are remembered idle processes are looked for. */
const checksPerAge = 16;

/** A process that sends. */
export interface WatchedProcess {
  serviceHost: number;
  host: WatchedHost | undefined;
  /** Rank of the best source that has reported on it. */
  source: number;
  seenAtMs: number;
  /** Between heartbeats; undefined when it promised none. */
  intervalMs: number | undefined;
  state: (typeof processStates)[number];
  /** One of `evictionHolds`: the end of its lease waits. */
  held: number;
  /** Why it is gone, while some of its open work is not evicted yet. */
  draining: ProcessEnd | undefined;
  /** When it last reported that it lives, and that it ends. */
  lastStateAt: Moment | undefined;
  lastDeleteAt: Moment | undefined;
}

/**
 * Keeps a row for each process that sends, by its number. The senders' numbers are bounded where they are given out
 * (number 0 stands for all beyond that bound). A process that has sent nothing for `forgetAfterMs` and is not used is forgotten.
 */
export class ProcessTable {
  readonly #forgetAfterMs: number;
  readonly #rows: (WatchedProcess | undefined)[] = [];
  /** By number; undefined where nothing is known. */
  readonly rows: readonly (WatchedProcess | undefined)[] = this.#rows;
  readonly #hosts = new HostWatch();
  /** Service host → the process that came last. */
  readonly #latest = new Map<number, number>();
  #checkedAtMs = Number.NEGATIVE_INFINITY;

  constructor(forgetAfterMs: number) {
    this.#forgetAfterMs = forgetAfterMs;
  }

  /** Adds a process that is not known. */
  add(process: number, serviceHost: number, nowMs: number): WatchedProcess {
    const added: WatchedProcess = {
      serviceHost,
      host: this.#hosts.join(process, serviceHost, nowMs),
      source: sourceRanks.finishedSpans,
      seenAtMs: nowMs,
      intervalMs: undefined,
      state: "alive",
      held: evictionHolds.none,
      draining: undefined,
      lastStateAt: undefined,
      lastDeleteAt: undefined,
    };
    while (this.#rows.length <= process) {
      this.#rows.push(undefined);
    }
    this.#rows[process] = added;
    this.#becomeLatest(process, serviceHost);
    return added;
  }

  /** The service host of a process becomes known. */
  setServiceHost(process: number, known: WatchedProcess, serviceHost: number): void {
    known.serviceHost = serviceHost;
    known.host = this.#hosts.join(process, serviceHost, known.seenAtMs);
    this.#becomeLatest(process, serviceHost);
  }

  /** Whether it is time to look for processes to forget. */
  isCheckDue(nowMs: number): boolean {
    return nowMs >= this.#checkedAtMs + this.#forgetAfterMs / checksPerAge;
  }

  /** Forgets the processes that have sent nothing for long and are not used. Returns their numbers. */
  forgetIdle(nowMs: number, isUsed: (process: number) => boolean): ReadonlySet<number> {
    this.#checkedAtMs = nowMs;
    const forgotten = new Set<number>();
    for (const [process, known] of this.#rows.entries()) {
      const isIdle = known !== undefined && known.seenAtMs + this.#forgetAfterMs <= nowMs;
      if (isIdle && !isUsed(process)) {
        this.#rows[process] = undefined;
        if (this.#latest.get(known.serviceHost) === process) {
          this.#latest.delete(known.serviceHost);
        }
        this.#hosts.leave(process, known.serviceHost);
        forgotten.add(process);
      }
    }
    return forgotten;
  }

  /** A process as it is stored; nothing of one that is not known. */
  cellsOf(process: number): readonly number[] {
    const known = this.#rows[process];
    return known === undefined
      ? []
      : [
          known.serviceHost,
          known.source,
          known.seenAtMs,
          known.intervalMs ?? -1,
          processStates.indexOf(known.state),
          known.held,
          known.draining === undefined ? -1 : processEnds.indexOf(known.draining),
          ...[known.lastStateAt, known.lastDeleteAt].flatMap((moment) => [
            moment?.atMs ?? -1,
            moment?.timeMs ?? 0,
          ]),
        ];
  }

  restore(process: number, cells: readonly number[]): void {
    this.#rows.length = Math.max(this.#rows.length, process + 1);
    if (cells.length === 0) {
      return;
    }
    const [serviceHost = 0, source = 0, seenAtMs = 0, intervalMs = -1, ...rest] = cells;
    const [state = 0, held = 0, end = -1, ...moments] = rest;
    this.#rows[process] = {
      serviceHost,
      host: this.#hosts.join(process, serviceHost, seenAtMs),
      source,
      seenAtMs,
      intervalMs: intervalMs < 0 ? undefined : intervalMs,
      state: processStates[state] ?? "alive",
      held,
      draining: processEnds[end],
      lastStateAt: momentOf(moments[0], moments[1]),
      lastDeleteAt: momentOf(moments[2], moments[3]),
    };
  }

  /** Pairs of a service host and the process that came last. */
  latest(): readonly number[] {
    return [...this.#latest].flat();
  }

  restoreLatest(pairs: readonly number[]): void {
    for (let at = 0; at < pairs.length; at += 2) {
      this.#latest.set(pairs[at] ?? 0, pairs[at + 1] ?? 0);
    }
  }

  /** When idle processes were looked for, and the hosts that are held. */
  get checkedAtMs(): number {
    return this.#checkedAtMs;
  }

  heldHosts(): readonly number[] {
    return this.#hosts.held();
  }

  restoreChecks(checkedAtMs: number, heldHosts: readonly number[]): void {
    this.#checkedAtMs = checkedAtMs;
    this.#hosts.restoreHeld(heldHosts);
  }

  /** A process is the newest of its service on its host. */
  #becomeLatest(process: number, serviceHost: number): void {
    const latest = this.#rows[this.#latest.get(serviceHost) ?? -1];
    this.#latest.set(serviceHost, process);
    if (latest?.state === "alive" && serviceHost !== 0) {
      latest.state = "replaced"; // This proves nothing by itself: it may be a sibling.
    }
  }
}

function momentOf(atMs = -1, timeMs = 0): Moment | undefined {
  return atMs < 0 ? undefined : { atMs, timeMs, seq: 0 };
}

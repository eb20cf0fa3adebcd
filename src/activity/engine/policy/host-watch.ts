import { hostOf } from "../../model/service-host.ts";

/** A host that senders run on. */
export interface WatchedHost {
  seenAtMs: number;
  /** Whether evictions wait because the whole host is silent. */
  isHeld: boolean;
  /** Processes on it that are remembered. */
  readonly processes: Set<number>;
}

/** Keeps when a signal last arrived from each host. Bounded by the processes: a host is forgotten with the last one that is remembered on it. */
export class HostWatch {
  readonly #hosts = new Map<number, WatchedHost>();

  /** A process runs on the host of `serviceHost`; undefined where that names no host. */
  join(process: number, serviceHost: number, nowMs: number): WatchedHost | undefined {
    const number = hostOf(serviceHost);
    if (number === 0) {
      return undefined;
    }
    const host = this.#hosts.get(number) ?? {
      seenAtMs: nowMs,
      isHeld: false,
      processes: new Set<number>(),
    };
    host.processes.add(process);
    host.seenAtMs = Math.max(host.seenAtMs, nowMs);
    this.#hosts.set(number, host);
    return host;
  }

  /** A process that runs on the host of `serviceHost` is forgotten. */
  leave(process: number, serviceHost: number): void {
    const number = hostOf(serviceHost);
    const host = this.#hosts.get(number);
    host?.processes.delete(process);
    if (host?.processes.size === 0) {
      this.#hosts.delete(number);
    }
  }

  /** The numbers of the hosts that are held. */
  held(): readonly number[] {
    return [...this.#hosts].flatMap(([number, { isHeld }]) => (isHeld ? [number] : []));
  }

  /** Holds the hosts with these numbers, as far as they are known. */
  restoreHeld(numbers: readonly number[]): void {
    for (const number of numbers) {
      const host = this.#hosts.get(number);
      if (host !== undefined) {
        host.isHeld = true;
      }
    }
  }
}

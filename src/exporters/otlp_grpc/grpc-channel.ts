import type { LookupAddress } from "node:dns";
import type { Clock } from "../../component/clock.ts";
import { type GrpcConnection, type OpenResult, openFailures } from "./grpc-connection.ts";
import { abortedEnd, type CallEnd, codeOf } from "./unary-call.ts";

export interface ChannelOptions {
  /** Opens a connection to a name or an address. */
  readonly open: (host: string) => Promise<OpenResult>;
  readonly host: string;
  /** All addresses of the host. */
  readonly lookup: (host: string) => Promise<readonly LookupAddress[]>;
  readonly balancer: "round_robin" | "pick_first";
  readonly waitForReady: boolean;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** A connection for a call, or how the call ends without one. */
export type Picked =
  | { readonly ok: true; readonly connection: GrpcConnection }
  | { readonly ok: false; readonly end: CallEnd };

/** An address of the backend, or its name: then Node tries its addresses in turn. */
interface Subchannel {
  readonly host: string;
  connection?: GrpcConnection;
  opening?: Promise<OpenResult>;
  failures: number;
  /** Not before this time is it tried beside others that work. */
  nextTryMs: number;
}

/** A name with more addresses than this is used with the first ones. */
const maxAddresses = 100;
const lookupIntervalMs = 30_000;

/**
 * The connections to a backend, one per address with `round_robin`. They are opened when a call needs one, and again
 * after they were closed. Keeps at most {@link maxAddresses} connections.
 *
 * While no address works, each call tries all of them, or joins those that try: the retries of the exporter space them out.
 * An address that fails beside others that work is tried again after 1 s, then at growing intervals of up to two minutes.
 */
export class GrpcChannel {
  readonly #options: ChannelOptions;
  readonly #subchannels = new Map<string, Subchannel>();
  #turn = 0;
  #nextLookupMs = Number.NEGATIVE_INFINITY;
  #connecting: Promise<OpenResult> | undefined;
  #isClosed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** The connection for the next call. Without `waitForReady`, it fails when no address works. */
  async pick(signal: AbortSignal): Promise<Picked> {
    for (let failures = 1; ; failures++) {
      if (signal.aborted) {
        return { ok: false, end: abortedEnd(signal) };
      }
      const connection = this.#next();
      if (connection !== undefined) {
        return { ok: true, connection };
      }
      this.#connecting ??= this.#connect().finally(() => {
        this.#connecting = undefined;
      });
      const opened = await unlessAborted(this.#connecting, signal);
      if (opened === undefined) {
        continue;
      }
      if (opened.ok) {
        return { ok: true, connection: opened.connection };
      }
      if (!this.#options.waitForReady || this.#isClosed) {
        const { ok: _, ...failure } = opened;
        return { ok: false, end: { kind: "failed", ...failure } };
      }
      await this.#pause(backOffMs(failures, this.#options.random()), signal);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#subchannels.values()];
    await Promise.all(all.map(({ opening }) => opening));
    await Promise.all(all.map(({ connection }) => connection?.close()));
    this.#subchannels.clear();
  }

  /** An open connection, in turn. Beside it, addresses that do not work are tried again. */
  #next(): GrpcConnection | undefined {
    const all = [...this.#subchannels.values()];
    const usable = all.flatMap(({ connection }) =>
      connection?.isUsable === true ? [connection] : [],
    );
    if (usable.length > 0 && usable.length < all.length) {
      this.#repair();
    }
    this.#turn = usable.length === 0 ? 0 : (this.#turn + 1) % usable.length;
    return usable[this.#turn];
  }

  #repair(): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs >= this.#nextLookupMs) {
      // A lookup that fails leaves the known addresses.
      void this.#lookup();
    }
    for (const subchannel of this.#subchannels.values()) {
      if (subchannel.connection?.isUsable !== true && nowMs >= subchannel.nextTryMs) {
        void this.#open(subchannel);
      }
    }
  }

  /** Looks the addresses up and tries all of them; the first connection wins. */
  async #connect(): Promise<OpenResult> {
    const code = await this.#lookup();
    const attempts = [...this.#subchannels.values()].map((each) => this.#open(each));
    if (attempts.length === 0 || this.#isClosed) {
      return { ok: false, code: this.#isClosed ? openFailures.closed : code };
    }
    try {
      return await Promise.any(attempts.map(orThrow));
    } catch {
      const results = await Promise.all(attempts);
      return results[0] ?? { ok: false, code };
    }
  }

  /** The code of the failure, if it fails. */
  async #lookup(): Promise<string | undefined> {
    const { host, lookup, balancer, clock } = this.#options;
    this.#nextLookupMs = clock.nowMs() + lookupIntervalMs;
    if (balancer === "pick_first") {
      this.#setHosts([host]);
      return undefined;
    }
    try {
      const found = await lookup(host);
      this.#setHosts(found.map(({ address }) => address).slice(0, maxAddresses));
      return undefined;
    } catch (error) {
      return codeOf(error);
    }
  }

  #setHosts(hosts: readonly string[]): void {
    for (const [host, { connection }] of this.#subchannels) {
      if (!hosts.includes(host)) {
        connection?.retire();
        this.#subchannels.delete(host);
      }
    }
    for (const host of hosts) {
      if (!this.#subchannels.has(host)) {
        this.#subchannels.set(host, { host, failures: 0, nextTryMs: Number.NEGATIVE_INFINITY });
      }
    }
  }

  #open(subchannel: Subchannel): Promise<OpenResult> {
    if (subchannel.connection?.isUsable === true) {
      return Promise.resolve({ ok: true, connection: subchannel.connection });
    }
    subchannel.opening ??= this.#opened(subchannel).finally(() => {
      delete subchannel.opening;
    });
    return subchannel.opening;
  }

  async #opened(subchannel: Subchannel): Promise<OpenResult> {
    const { open, clock, random } = this.#options;
    const result = await open(subchannel.host);
    if (result.ok) {
      subchannel.connection = result.connection;
      subchannel.failures = 0;
      subchannel.nextTryMs = clock.nowMs();
      if (this.#isClosed || this.#subchannels.get(subchannel.host) !== subchannel) {
        await result.connection.close();
      }
    } else {
      delete subchannel.connection;
      subchannel.failures += 1;
      subchannel.nextTryMs = clock.nowMs() + backOffMs(subchannel.failures, random());
    }
    return result;
  }

  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancelTimer();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const cancelTimer = this.#options.clock.after(delayMs, end);
      signal.addEventListener("abort", end, { once: true });
    });
  }
}

/** https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md */
function backOffMs(failures: number, chance: number): number {
  return Math.min(1000 * 1.6 ** (failures - 1), 120_000) * (0.8 + 0.4 * chance);
}

async function orThrow(attempt: Promise<OpenResult>): Promise<OpenResult> {
  const result = await attempt;
  if (!result.ok) {
    throw new Error("Not opened.");
  }
  return result;
}

/** Undefined if the signal aborts first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

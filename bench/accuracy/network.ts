import type { Chance } from "./chance.ts";
import type { GatewayProcess } from "./story.ts";

/** What goes wrong between gateways and the collector, with what probability per request. */
export interface Faults {
  /** Most requests take milliseconds, this part of them up to `longestDelayMs`. */
  readonly slowShare: number;
  readonly longestDelayMs: number;
  /** Fail and are sent again. */
  readonly failedShare: number;
  /** Arrive a second time. */
  readonly repeatedShare: number;
  /** Gone for good: they are never sent again. */
  readonly lostShare: number;
  /** While the network is cut nothing arrives, and senders try again. */
  readonly cuts: readonly Cut[];
}

export interface Cut {
  readonly fromMs: number;
  readonly toMs: number;
  /** For these hosts only; for all when left out. */
  readonly hosts?: readonly string[];
}

/** What becomes of one attempt to send a request. */
export type Fate =
  | { readonly outcome: "arrives"; readonly afterMs: readonly number[] }
  | { readonly outcome: "fails"; readonly afterMs: number }
  | { readonly outcome: "lost" };

const usualDelayMs = { from: 2, to: 300 };
const longestBackOffMs = 10_000;

/** Requests overtake each other, fail and come twice, but all arrive within the lateness. */
export const overtaking: Faults = {
  slowShare: 0.1,
  longestDelayMs: 5_000,
  failedShare: 0.01,
  repeatedShare: 0.01,
  lostShare: 0,
  cuts: [],
};

export class Network {
  readonly #faults: Faults;
  readonly #chance: Chance;

  constructor(faults: Faults, chance: Chance) {
    this.#faults = faults;
    this.#chance = chance;
  }

  /** `attempt` counts from 0. Each request goes its own way, so that they overtake each other. */
  fateOf(attempt: number): Fate {
    const { failedShare, lostShare, repeatedShare } = this.#faults;
    const chance = this.#chance;
    if (attempt === 0 && chance.happens(lostShare)) {
      return { outcome: "lost" };
    }
    if (attempt === 0 && chance.happens(failedShare)) {
      return { outcome: "fails", afterMs: this.#usualDelayMs() };
    }
    // What failed once is not slow as well: all that arrives has come within the longest delay.
    const delayMs = attempt === 0 ? this.#delayMs() : this.#usualDelayMs();
    const afterMs = [delayMs];
    if (chance.happens(repeatedShare)) {
      afterMs.push(this.#delayMs());
    }
    return { outcome: "arrives", afterMs };
  }

  isCut(process: GatewayProcess, atMs: number): boolean {
    return this.#faults.cuts.some(
      ({ fromMs, toMs, hosts }) =>
        fromMs <= atMs && atMs < toMs && (hosts === undefined || hosts.includes(process.host)),
    );
  }

  /** How long a sender waits before it tries again, as the OTLP exporters of the SDKs do. */
  backOffMs(attempt: number): number {
    return Math.min(longestBackOffMs, 1_000 * 2 ** attempt) * this.#chance.between(0.8, 1.2);
  }

  #delayMs(): number {
    const { slowShare, longestDelayMs } = this.#faults;
    return this.#chance.happens(slowShare)
      ? this.#chance.between(usualDelayMs.from, longestDelayMs)
      : this.#usualDelayMs();
  }

  #usualDelayMs(): number {
    return this.#chance.magnitude(usualDelayMs.from, usualDelayMs.to);
  }
}

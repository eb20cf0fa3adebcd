import { setTimeout as pause } from "node:timers/promises";
import { type Deferred, deferred } from "../../support/deferred.ts";
import {
  launchCollector,
  type RunningCollector,
  type StartingCollector,
} from "../../support/process.ts";
import type { Chance } from "./chance.ts";

/** When a collector is killed: before it is ready, just after that, at work, when it tells of evictions. */
export const killTimes = ["recovery", "start", "load", "eviction"] as const;
export type KillTime = (typeof killTimes)[number];

export interface LivesOptions {
  readonly chance: Chance;
  readonly backendUrl: string;
  readonly directory: string;
  /** Resolves when the backend is told of an eviction, or when `signal` aborts. */
  readonly nextEviction: (signal: AbortSignal) => Promise<void>;
  /** Called when a collector is ready, before it is killed under load. */
  readonly onReady: (collector: RunningCollector) => Promise<void>;
}

/** A collector that lives many times on one directory. */
export class Lives {
  readonly kills: Record<KillTime, number> = { recovery: 0, start: 0, load: 0, eviction: 0 };
  readonly #options: LivesOptions;
  #current: Deferred<RunningCollector> = deferred();
  #running: StartingCollector | undefined;
  /** How long a start took last. */
  #startMs = 1_000;

  constructor(options: LivesOptions) {
    this.#options = options;
  }

  /** The collector that takes requests, or the next one when there is none. */
  current(): Promise<RunningCollector> {
    return this.#current.promise;
  }

  /** Starts a collector that is not killed. */
  async live(): Promise<RunningCollector> {
    const collector = await this.#ready();
    await this.#options.onReady(collector);
    return collector;
  }

  /** Starts a collector and kills it at some such time. Rejects when it ends by itself before. */
  async liveUntilKilled(time: KillTime): Promise<void> {
    const { chance } = this.#options;
    this.kills[time]++;
    if (time === "recovery") {
      const starting = this.#launch();
      const failed = starting.ready.then(
        () => {},
        () => {},
      );
      await pause(this.#startMs * chance.next());
      starting.kill("SIGKILL");
      await Promise.all([starting.over(), failed]);
      return;
    }
    const collector = await (time === "start" ? this.#ready() : this.live());
    await this.#wait(time);
    await this.kill(collector);
  }

  /** Leaves nothing running. */
  async end(): Promise<void> {
    this.#running?.kill("SIGKILL");
    await this.#running?.over();
  }

  async kill(collector: RunningCollector): Promise<void> {
    this.#current = deferred();
    collector.kill("SIGKILL");
    const { signal, stderr } = await collector.ended();
    if (signal !== "SIGKILL") {
      throw new Error(`The collector ended by itself. It said:\n${stderr}`);
    }
    const complaint = /\t(error|fatal)\t.*/.exec(stderr)?.[0];
    if (complaint !== undefined) {
      throw new Error(`The collector had something to complain about: ${complaint}`);
    }
  }

  async #ready(): Promise<RunningCollector> {
    const startedAtMs = performance.now();
    const collector = await this.#launch().ready;
    this.#startMs = performance.now() - startedAtMs;
    this.#current.resolve(collector);
    return collector;
  }

  async #wait(time: Exclude<KillTime, "recovery">): Promise<void> {
    const { chance } = this.#options;
    switch (time) {
      case "start":
        return pause(chance.below(150));
      case "load":
        return pause(150 + chance.below(1_500));
      case "eviction": {
        await this.#options.nextEviction(AbortSignal.timeout(8_000));
        return pause(chance.below(20));
      }
      default: {
        const never: never = time;
        return never;
      }
    }
  }

  #launch(): StartingCollector {
    const { backendUrl, directory, chance } = this.#options;
    const compacts = chance.is(0.5);
    this.#running = launchCollector({
      configs: ["test/system/kill/collector.yaml"],
      // A snapshot as soon as it is at work, or a log that grows over several lives.
      overrides: [`extensions::file_storage::compaction::on_start: ${compacts}`],
      freePorts: false,
      directory,
      env: { BACKEND_URL: backendUrl, DIRECTORY: directory },
    });
    return this.#running;
  }
}

import type { Component } from "../../src/component/component.ts";
import { accepted, type Consumer } from "../../src/component/consumer.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { schema } from "../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../src/processors/session_activity/processor.ts";
import { MemoryStorage } from "../../test/activity/journal/memory-journal.ts";
import { testSettings } from "../../test/exporters/settings.ts";
import type { Chance } from "./chance.ts";
import { epochUnixMs } from "./sender-clock.ts";
import type { Request } from "./sender-dialect.ts";
import { createStalledClock, type StalledClock } from "./stalled-clock.ts";
import { type RunReading, readStates } from "./state-reading.ts";

/** What the collector emits, with the time of the world at which it did. */
export interface Derived {
  readonly signal: Signal;
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

/** The real processor in the time of a world. It can be killed and started again. */
export class Collector {
  readonly derived: Derived[] = [];
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #chance: Chance;
  /** Only a collector that is started again needs it. */
  readonly #storage: MemoryStorage | undefined;
  #process: RunningProcessor | undefined;
  /** What has arrived in its sockets while it is stopped. */
  #unread: (() => void | Promise<void>)[] | undefined;

  constructor(
    config: Readonly<Record<string, unknown>>,
    options: { readonly isRestarted: boolean; readonly chance: Chance },
  ) {
    this.#config = config;
    this.#chance = options.chance;
    this.#storage = options.isRestarted ? new MemoryStorage() : undefined;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  /** It is stopped, as by SIGSTOP: time passes, nothing runs, and what arrives waits in its sockets. */
  stall(): void {
    this.#unread ??= [];
  }

  /** It runs again: overdue timers first, then what waits is read in the order in which it came. */
  async wake(atMs: number): Promise<void> {
    const process = this.#process;
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    await process?.clock.wakeAt(atMs - process.startedMs, settled);
    for (const read of unread) {
      await read();
    }
  }

  /** Whether what arrives now waits until it is read; then `read` is called. */
  waitsToBeRead(read: () => void | Promise<void>): boolean {
    this.#unread?.push(read);
    return this.#unread !== undefined;
  }

  async start(atMs: number): Promise<void> {
    const clock = createStalledClock(epochUnixMs + atMs);
    const { settings, log } = testSettings("session_activity");
    const storage = this.#storage;
    const component = createSessionActivity(
      {
        ...settings,
        clock,
        random: () => this.#chance.next(),
        randomBytes: (length) => Uint8Array.from({ length }, () => this.#chance.below(256)),
        ...(storage === undefined ? {} : { storage }),
      },
      schema.parse({
        close_spans: true,
        ...(storage === undefined ? {} : { storage: "file_storage" }),
        ...this.#config,
      }),
    );
    const sink: Consumer = {
      consume: async ({ signal, bytes, transport }) => {
        // What passes through has come over the network.
        if (transport === undefined) {
          this.derived.push({ signal, bytes, atMs: atMs + clock.nowMs() });
        }
        return accepted;
      },
    };
    const { processor, receiver } = component;
    if (processor === undefined || receiver === undefined) {
      throw new Error("session_activity is no processor and receiver any more.");
    }
    receiver.connect("logs", sink);
    const next = { traces: processor.wrap("traces", sink), logs: processor.wrap("logs", sink) };
    await component.start();
    this.#process = { component, clock, log, next, startedMs: atMs };
  }

  /** Lets time pass. */
  async advanceTo(atMs: number): Promise<void> {
    const process = this.#process;
    if (process !== undefined && this.#unread === undefined) {
      const { log } = process;
      await process.clock.advanceTo(atMs - process.startedMs, settled);
      const error = log.find(({ level }) => level === "error");
      if (error !== undefined) {
        throw new Error(`The collector lost something: ${JSON.stringify(error)}`);
      }
    }
  }

  /** What it reports about each open run now; undefined while it is away, or where it can't. */
  readStates(): readonly RunReading[] | undefined {
    return this.#process === undefined || this.#unread !== undefined
      ? undefined
      : readStates(this.#process.component);
  }

  /** Hands over a request that has arrived; true when it was taken. */
  async consume({ signal, bytes, items }: Request): Promise<boolean> {
    if (this.#process === undefined || signal === "metrics") {
      return false;
    }
    const before = this.derived.length;
    const result = await this.#process.next[signal].consume({
      signal,
      bytes,
      items,
      transport: "http",
    });
    if (this.derived.length > before) {
      await settled();
    }
    if (result.status !== "accepted") {
      throw new Error(`The collector did not take a request: ${result.message}`);
    }
    return true;
  }

  /** Ends it: as `kill -9` does, or in good order. */
  async end(atMs: number, how: "killed" | "stopped"): Promise<void> {
    const process = this.#process;
    if (process === undefined) {
      return;
    }
    if (how === "stopped") {
      await process.component.shutdown(new AbortController().signal);
    }
    await settled();
    this.#process = undefined;
    if (this.#storage !== undefined) {
      this.#storage.lastWrittenUnixMs = epochUnixMs + atMs;
    }
  }
}

interface RunningProcessor {
  readonly component: Component;
  readonly clock: StalledClock;
  readonly log: ReturnType<typeof testSettings>["log"];
  readonly next: { readonly traces: Consumer; readonly logs: Consumer };
  readonly startedMs: number;
}

/** Resolves when everything that was set in motion is done. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

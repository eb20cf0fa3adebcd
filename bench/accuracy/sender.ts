import type { ArrivalTimes } from "./arrival-times.ts";
import type { Calendar } from "./calendar.ts";
import type { Network } from "./network.ts";
import {
  type Channel,
  channels,
  type Dialect,
  type Request,
  type SenderSignal,
} from "./sender-dialect.ts";
import type {
  GatewayClaim,
  GatewayProcess,
  Pause,
  SessionEnd,
  SessionState,
  Work,
} from "./story.ts";

/** The receiver of requests: the collector. */
export interface Receiver {
  readonly isUp: boolean;
  /** True when the request was taken; one that was not is sent again. */
  consume(request: Request): Promise<boolean>;
  /** Whether what arrives now waits to be read, which `read` does then. */
  waitsToBeRead(read: () => void | Promise<void>): boolean;
}

/** Where a sender is: what it shares with all others. */
export interface Surroundings {
  readonly calendar: Calendar;
  readonly network: Network;
  readonly collector: Receiver;
  readonly arrivals: Pick<ArrivalTimes, "record">;
  /** How long each way out waits for company before it sends. */
  readonly flushMs: number;
  now(): number;
}

const mostPerRequest = 512;
/** A process that stops gives its last requests that long to arrive. */
const lastWordsMs = 2_000;

interface Batch {
  readonly requests: readonly Request[];
  readonly signals: readonly SenderSignal[];
  /** Of the exporter that sends it: a later one knows nothing of it. */
  readonly generation: number;
  readonly number: number;
}

/** One process of a gateway as its exporters see it: its signals are queued, batched, sent, sent again. */
export class Sender {
  readonly #process: GatewayProcess;
  readonly #dialect: Dialect;
  readonly #around: Surroundings;
  readonly #queues = new Map<Channel, SenderSignal[]>();
  /** What is open, with the number of its start. */
  readonly #open = new Map<Work, number>();
  #seq = 0;
  #isWatched = true;
  #generation = 0;
  #batches = 0;
  /** What waits, in order, while the collector is away; undefined while it is not. */
  #waiting: Batch[] | undefined;

  constructor(process: GatewayProcess, dialect: Dialect, around: Surroundings) {
    this.#process = process;
    this.#dialect = dialect;
    this.#around = around;
  }

  get #isAlive(): boolean {
    return this.#around.now() < this.#process.diesMs;
  }

  born(): void {
    this.#repeat(this.#dialect.aliveMs(this.#process), () =>
      this.#enqueueWatched({ what: "alive", atMs: this.#around.now() }, 0),
    );
    this.#repeat(this.#dialect.beatMs, () => this.#enqueueOpen("beat"));
  }

  started(work: Work): void {
    if (!this.#isWatched) {
      return;
    }
    const seq = ++this.#seq;
    this.#open.set(work, seq);
    this.#enqueue({ what: "start", work, atMs: work.startMs, seq });
  }

  ended(work: Work, atMs: number): void {
    if (!this.#open.delete(work)) {
      return; // It began while the process was not watched.
    }
    this.#enqueue({ what: "end", work, atMs, seq: ++this.#seq });
  }

  progressed(work: Work): void {
    this.#enqueueWatched({ what: "progress", work, atMs: this.#around.now(), seq: ++this.#seq });
  }

  waits(what: "pause" | "resume", pause: Pause): void {
    this.#enqueueWatched({ what, pause, atMs: this.#around.now(), seq: ++this.#seq });
  }

  reportsState(state: SessionState): void {
    this.#enqueueWatched({ what: "state", state, atMs: state.atMs, seq: ++this.#seq });
  }

  claims(claim: GatewayClaim): void {
    this.#enqueueWatched({ what: "claim", claim, atMs: claim.atMs, seq: ++this.#seq });
  }

  sessionEnds(over: SessionEnd): void {
    this.#enqueueWatched({ what: "session_end", over, atMs: over.atMs, seq: ++this.#seq });
  }

  /** The work of the process is no longer watched, which is reported; open work is forgotten. */
  switchedOff(): void {
    for (const channel of channels) {
      this.#flush(channel);
    }
    this.#enqueue({ what: "unwatched", atMs: this.#around.now() }, 0);
    this.#open.clear();
    this.#isWatched = false;
  }

  switchedOn(): void {
    this.#isWatched = true;
  }

  /** The exporter begins anew: what waited in it is gone. */
  restartExporter(): void {
    this.#generation++;
    this.#queues.clear();
    if (this.#dialect.resendsOpenWork) {
      this.#enqueueOpen("start");
    }
  }

  dies(): void {
    if (this.#process.death === "stops") {
      for (const channel of channels) {
        this.#flush(channel);
      }
      this.#enqueueWatched({ what: "gone", atMs: this.#around.now() }, 0);
    } else {
      this.#generation++;
      this.#queues.clear();
    }
  }

  #enqueueOpen(what: "start" | "beat"): void {
    for (const [work, seq] of this.#open) {
      this.#enqueue({ what, work, atMs: this.#around.now(), seq });
    }
  }

  #enqueueWatched(signal: SenderSignal, flushMs?: number): void {
    if (this.#isWatched) {
      this.#enqueue(signal, flushMs);
    }
  }

  #enqueue(signal: SenderSignal, flushMs = this.#around.flushMs): void {
    for (const channel of this.#dialect.channelsOf(signal, this.#process)) {
      const queue = this.#queues.get(channel);
      if (queue === undefined) {
        this.#queues.set(channel, [signal]);
        const generation = this.#generation;
        this.#after(flushMs, () => {
          if (generation === this.#generation) {
            this.#flush(channel);
          }
        });
      } else {
        queue.push(signal);
      }
    }
  }

  #flush(channel: Channel): void {
    const queue = this.#queues.get(channel) ?? [];
    this.#queues.delete(channel);
    for (let from = 0; from < queue.length; from += mostPerRequest) {
      const signals = queue.slice(from, from + mostPerRequest);
      const requests = this.#dialect.encode(signals, this.#process, channel);
      const number = this.#batches++;
      this.#send({ requests, signals, generation: this.#generation, number }, 0);
    }
  }

  #send(batch: Batch, attempt: number): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(batch);
      return;
    }
    const { network, now } = this.#around;
    const fate = network.fateOf(attempt);
    const sentMs = now();
    switch (fate.outcome) {
      case "lost":
        return;
      case "fails":
        this.#after(fate.afterMs, () => this.#sendAgain(batch, attempt));
        return;
      case "arrives":
        for (const [copy, afterMs] of fate.afterMs.entries()) {
          this.#after(afterMs, () => this.#arrive(batch, { attempt, sentMs, isCopy: copy > 0 }));
        }
        return;
      default:
        fate satisfies never;
    }
  }

  async #arrive(
    batch: Batch,
    how: { readonly attempt: number; readonly sentMs: number; readonly isCopy: boolean },
  ): Promise<void> {
    const { network, collector, arrivals, now } = this.#around;
    const isCut = network.isCut(this.#process, how.sentMs) || network.isCut(this.#process, now());
    if (isCut || !collector.isUp) {
      this.#failed(batch, how);
      return;
    }
    if (collector.waitsToBeRead(() => this.#arrive(batch, { ...how, sentMs: now() }))) {
      return;
    }
    for (const request of batch.requests) {
      if (!(await collector.consume(request))) {
        this.#failed(batch, how);
        return;
      }
    }
    for (const signal of batch.signals) {
      arrivals.record(signal, now(), this.#process);
    }
  }

  /** The collector is away: what there is to send waits until it is back, and goes in order then. */
  #failed(batch: Batch, { isCopy }: { readonly isCopy: boolean }): void {
    if (isCopy) {
      return;
    }
    if (this.#waiting === undefined) {
      this.#waiting = [];
      this.#tryAgain(0);
    }
    this.#waiting.push(batch);
  }

  #tryAgain(attempt: number): void {
    const { network, collector, now } = this.#around;
    this.#after(network.backOffMs(attempt), () => {
      const isAway = !collector.isUp || network.isCut(this.#process, now());
      if (isAway && this.#isThere) {
        this.#tryAgain(attempt + 1);
        return;
      }
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const batch of waiting.sort((a, b) => a.number - b.number)) {
        if (this.#isThere && batch.generation === this.#generation) {
          this.#send(batch, attempt + 1);
        }
      }
      if (this.#isAlive && this.#dialect.resendsOpenWork) {
        this.#enqueueOpen("start");
      }
    });
  }

  #sendAgain(batch: Batch, attempt: number): void {
    this.#after(this.#around.network.backOffMs(attempt), () => {
      if (this.#isThere && batch.generation === this.#generation) {
        this.#send(batch, attempt + 1);
      }
    });
  }

  /** Whether it can still send. */
  get #isThere(): boolean {
    const { diesMs, death } = this.#process;
    return this.#around.now() < diesMs + (death === "stops" ? lastWordsMs : 0);
  }

  #repeat(intervalMs: number, act: () => void): void {
    if (intervalMs > 0 && this.#isAlive) {
      act();
      this.#after(intervalMs, () => this.#repeat(intervalMs, act));
    }
  }

  #after(delayMs: number, act: () => void | Promise<void>): void {
    this.#around.calendar.enter(this.#around.now() + delayMs, act);
  }
}

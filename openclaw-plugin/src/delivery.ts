import { backOffMs } from "../../src/sender/back-off.ts";
import { isOwner } from "./gateway-work.ts";
import type { HttpSender, SendOutcome } from "./http-sender.ts";
import type { OtlpEncoder, ProcessRecord } from "./otlp.ts";
import { RecordQueue } from "./record-queue.ts";
import type { EventRecord, RelayRecord, SpanRecord } from "./relay-record.ts";

export interface DeliveryOptions {
  readonly sender: HttpSender;
  readonly encoder: OtlpEncoder;
  readonly log: Log;
  /** How long records wait for company before they are sent. */
  readonly flushMs: number;
  readonly heartbeatMs: number;
  /** How many records wait at most. */
  readonly maxQueue: number;
  /** What a collector has to hear that may be a new one; `toldMs` says when it took a record, by `performance.now`. */
  readonly resend: (
    nowMs: number,
    toldMs: (record: SpanRecord) => number | undefined,
  ) => readonly RelayRecord[];
  /** Pushes what is to be pushed, right before it is sent. */
  readonly collect: () => void;
  /** Records lost before they came here. */
  readonly lostBefore: () => number;
  /** 0 ≤ chance < 1, for spreading retries. */
  readonly chance: () => number;
}

export interface Log {
  info(message: string): void;
  warn(message: string): void;
}

/** The last word: the process ends, or it lives on and is not watched any more. */
export type Farewell = Exclude<ProcessRecord["event"], "entity.state">;

/** For how long is tried to say that the process is not watched any more: after that the collector gives its work up. */
const longestFarewellMs = 12 * 3_600_000;

const backOff = { firstMs: 500, longestMs: 30_000, longestAskedMs: 300_000 };

/** How many records go into one request. */
const maxBatch = 2_048;

/** Brings records to the collector: in order, in batches, again when it was away, with heartbeats between. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #queue: RecordQueue;
  #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #heartbeatDueMs = 0;
  #failures = 0;
  #retryAfterMs: number | undefined;
  #hasConnected = false;
  #isAnnounced = false;
  /** When the collector took the end of a run or harness run. */
  readonly #toldMs = new WeakMap<RelayRecord, number>();
  #sent = 0;
  #refused = 0;
  #lastRefusal: string | undefined;
  #isStopping = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#queue = new RecordQueue(options.maxQueue);
    this.#schedule(0);
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Records the collector took. */
  get sent(): number {
    return this.#sent;
  }

  /** Records other than starts that will never reach it. */
  get lost(): number {
    return this.#queue.lost + this.#refused;
  }

  push(record: RelayRecord): void {
    this.#queue.push(record);
  }

  /** Says that there is something to collect. It is sent `flushMs` later, together with what came meanwhile. */
  announce(): void {
    this.#isAnnounced = true;
    if (this.#failures === 0) {
      this.#schedule(this.#options.flushMs);
    }
  }

  /**
   * Sends what waits and the farewell; resolves within `withinMs`, whatever the collector does. That the process is not
   * watched any more is said later where the collector is away: else it would hold the process to be dead.
   */
  async stop(withinMs: number, farewell: Farewell): Promise<void> {
    if (this.#isStopping) {
      await this.#running;
      return;
    }
    this.#isStopping = true;
    clearTimeout(this.#timer);
    const deadline = setTimeout(() => this.#abort.abort(), withinMs);
    await this.#running;
    const isSaid = this.#sendFarewell(farewell);
    this.#running = isSaid.then(() => {});
    await this.#running;
    clearTimeout(deadline);
    if (farewell === "entity.delete" || (await isSaid)) {
      this.#options.sender.close();
    } else {
      this.#abort = new AbortController();
      this.#sayLater(farewell, performance.now() + longestFarewellMs);
    }
  }

  /** Whether it was delivered, or refused for good. What is said before an end has to come first. */
  async #sendFarewell(farewell: Farewell): Promise<boolean> {
    await this.#sendAll();
    const isInOrder = farewell === "entity.delete" || this.#queue.length === 0;
    return isInOrder && this.#sendProcess(farewell);
  }

  #sayLater(farewell: Farewell, untilMs: number): void {
    const { sender } = this.#options;
    const delayMs = this.#backOffMs();
    const timer = setTimeout(() => {
      void this.#sendFarewell(farewell).then((isSaid) => {
        if (isSaid || performance.now() >= untilMs) {
          sender.close();
        } else {
          this.#sayLater(farewell, untilMs);
        }
      }); // Does not reject.
    }, delayMs);
    timer.unref();
  }

  /** Sees to it that sending starts in `delayMs` or earlier. */
  #schedule(delayMs: number): void {
    const dueMs = performance.now() + delayMs;
    if (this.#isStopping || this.#running !== undefined || this.#dueMs <= dueMs) {
      return;
    }
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#running = this.#cycle().finally(() => {
        this.#running = undefined;
        this.#schedule(this.#nextDelayMs());
      });
    }, delayMs);
    // A gateway that is done otherwise must not wait for us.
    this.#timer.unref();
  }

  #nextDelayMs(): number {
    const { flushMs } = this.#options;
    if (this.#failures > 0) {
      return this.#backOffMs();
    }
    const heartbeatMs = Math.max(0, this.#heartbeatDueMs - performance.now());
    const isWaiting = this.#isAnnounced || this.#queue.length > 0;
    return isWaiting ? Math.min(flushMs, heartbeatMs) : heartbeatMs;
  }

  #backOffMs(): number {
    const retryAfterMs = this.#retryAfterMs;
    return backOffMs(backOff, {
      failures: Math.max(1, this.#failures),
      chance: this.#options.chance(),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  async #cycle(): Promise<void> {
    if (performance.now() >= this.#heartbeatDueMs) {
      if (!(await this.#sendProcess("entity.state"))) {
        return;
      }
      this.#heartbeatDueMs = performance.now() + this.#options.heartbeatMs;
    }
    await this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isAnnounced = false;
    this.#options.collect();
    while (this.#queue.length > 0) {
      const batch = this.#queue.head(maxBatch);
      const outcome = await this.#post(batch);
      if (outcome.status === "retryable") {
        return;
      }
      this.#queue.remove(batch);
      if (outcome.status === "accepted") {
        this.#sent += batch.length;
        this.#noteEndsOfRuns(batch);
      } else {
        this.#refused += batch.length;
      }
    }
  }

  #noteEndsOfRuns(batch: readonly RelayRecord[]): void {
    const nowMs = performance.now();
    for (const record of batch) {
      const isEndOfRun = record.signal === "span" && record.phase === "end" && isOwner(record);
      if (isEndOfRun && !this.#toldMs.has(record)) {
        this.#toldMs.set(record, nowMs);
      }
    }
  }

  async #sendProcess(event: ProcessRecord["event"]): Promise<boolean> {
    const lost = this.lost + this.#options.lostBefore();
    const record = { signal: "process", event, atMs: Date.now(), lost } as const;
    return (await this.#post([record])).status !== "retryable";
  }

  /** Never rejects: what cannot be encoded is lost, and nothing more. */
  async #post(batch: readonly (RelayRecord | ProcessRecord)[]): Promise<SendOutcome> {
    const outcome = await this.#request(batch).catch(
      (): SendOutcome => ({ status: "permanent", reason: "a record could not be written down" }),
    );
    this.#note(outcome);
    return outcome;
  }

  async #request(batch: readonly (RelayRecord | ProcessRecord)[]): Promise<SendOutcome> {
    const { encoder, sender } = this.#options;
    const spans = batch.filter((record): record is SpanRecord => record.signal === "span");
    const others = batch.filter(
      (record): record is EventRecord | ProcessRecord => record.signal !== "span",
    );
    return spans.length > 0
      ? sender.post("/v1/traces", encoder.traces(spans), this.#abort.signal)
      : sender.post("/v1/logs", encoder.logs(others), this.#abort.signal);
  }

  #note(outcome: SendOutcome): void {
    const { log, resend } = this.#options;
    if (outcome.status === "retryable") {
      this.#failures += 1;
      this.#retryAfterMs = outcome.retryAfterMs;
      if (this.#failures === 1 && !this.#isStopping) {
        log.warn(
          `The activity collector cannot be reached (${outcome.reason}). Records wait for it here; the gateway goes on as ever.`,
        );
      }
      return;
    }
    const wasAway = this.#failures > 0;
    this.#failures = 0;
    if (outcome.status === "permanent") {
      if (outcome.reason !== this.#lastRefusal) {
        this.#lastRefusal = outcome.reason;
        log.warn(
          `Some records for the activity collector are lost: ${outcome.reason}. Check "endpoint" and "headers" of the plugin.`,
        );
      }
      return;
    }
    if (wasAway) {
      log.info(`The activity collector takes records again; ${this.lost} were lost on the way.`);
    }
    // A new connection may lead to a collector that knows nothing of what was told before.
    if (wasAway || (outcome.isNewConnection && this.#hasConnected)) {
      for (const record of this.#isStopping
        ? []
        : resend(performance.now(), (told) => this.#toldMs.get(told))) {
        this.#queue.push(record);
      }
    }
    this.#hasConnected = true;
  }
}

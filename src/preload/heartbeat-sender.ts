import type { Clock } from "../component/clock.ts";
import type { HttpClient, PostRequest } from "../sender/http-client.ts";

/** What is said of a process: it lives and will say so again; it promises nothing any more; nobody watches its work any more. */
export type Promised = "heartbeats" | "nothing" | "unwatched";

/** What is said of one process until something else is. */
export interface Word {
  readonly process: string;
  readonly promised: Promised;
  /** `ResourceLogs` of OTLP/JSON with one record that lacks its time. */
  readonly resourceLogs: ResourceLogs;
}

export interface ResourceLogs {
  readonly resource: object;
  readonly scope: object;
  readonly record: object;
}

interface Standing extends Word {
  readonly sinceMs: number;
}

/**
 * Says of each process what was asked for: heartbeats at once and again after each interval, in one request for all; the
 * rest once it has been true for an interval, until the collector has taken it. So a process that ends meanwhile has not
 * said that it lives on.
 */
export class HeartbeatSender {
  readonly #clock: Clock;
  readonly #client: Pick<HttpClient, "post">;
  readonly #intervalMs: number;
  readonly #onProblem: (message: string) => void;
  readonly #words = new Map<string, Standing>();
  #isSending = false;
  /** Something was said that must not wait for the next interval. */
  #isUrgent = false;
  #hasProblem = false;

  constructor(options: {
    readonly clock: Clock;
    /** Posts OTLP/JSON to `/v1/logs`. */
    readonly client: Pick<HttpClient, "post">;
    readonly intervalMs: number;
    /** Told, in a sentence, what went wrong, once until it works again. */
    readonly onProblem: (message: string) => void;
  }) {
    this.#clock = options.clock;
    this.#client = options.client;
    this.#intervalMs = options.intervalMs;
    this.#onProblem = options.onProblem;
    this.#clock.every(options.intervalMs, () => void this.#send()); // Does not reject.
  }

  say(words: readonly Word[]): void {
    const isNew = words.some(
      ({ process, promised }) =>
        promised === "heartbeats" && this.#words.get(process)?.promised !== promised,
    );
    for (const word of words) {
      this.#words.set(word.process, { ...word, sinceMs: this.#clock.nowMs() });
    }
    if (isNew) {
      this.#isUrgent = true;
      void this.#send(); // Does not reject.
    }
  }

  async #send(): Promise<void> {
    const untilMs = this.#clock.nowMs() - this.#intervalMs;
    const due = [...this.#words.values()].filter(
      ({ promised, sinceMs }) => promised === "heartbeats" || sinceMs <= untilMs,
    );
    if (due.length === 0 || this.#isSending) {
      return;
    }
    this.#isSending = true;
    this.#isUrgent = false;
    const outcome = await this.#client.post(requestOf(due, this.#clock.unixMs()));
    this.#isSending = false;
    for (const word of outcome.status === "retryable" ? [] : due) {
      if (word.promised !== "heartbeats" && this.#words.get(word.process) === word) {
        this.#words.delete(word.process);
      }
    }
    if (outcome.status === "accepted") {
      this.#hasProblem = false;
    } else if (!this.#hasProblem) {
      this.#hasProblem = true;
      this.#onProblem(
        `The activity collector takes no heartbeats; trying again every ${this.#intervalMs} ms. ${outcome.message}`,
      );
    }
    if (this.#isUrgent) {
      await this.#send();
    }
  }
}

function requestOf(words: readonly Word[], unixMs: number): PostRequest {
  const time = `${Math.trunc(unixMs)}000000`;
  const resourceLogs = words.map(({ resourceLogs: { resource, scope, record } }) => ({
    resource,
    scopeLogs: [
      { scope, logRecords: [{ timeUnixNano: time, observedTimeUnixNano: time, ...record }] },
    ],
  }));
  return { signal: "logs", body: Buffer.from(JSON.stringify({ resourceLogs })) };
}

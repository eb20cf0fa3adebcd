import type { Clock } from "../component/clock.ts";
import type { HttpClient, PostRequest } from "../sender/http-client.ts";

/**
 * The collector's expectation of a process. `heartbeats`: it is alive and sends further heartbeats. `nothing`: it sends no
 * further heartbeats. `unwatched`: its work is no longer watched.
 */
export type Promised = "heartbeats" | "nothing" | "unwatched";

/** The report on one process, which holds until the next report on it. */
export interface ProcessReport {
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

interface TimedReport extends ProcessReport {
  readonly sinceMs: number;
}

/**
 * Sends the reports on processes. Heartbeats are sent at once and again after each interval, in one request for all processes.
 * Other reports are sent after they have held for an interval, until the collector accepts them, so that a process that ends
 * within the interval does not report that it keeps running. Keeps one report per process; `Heartbeats` bounds the processes.
 */
export class HeartbeatSender {
  readonly #clock: Clock;
  readonly #client: Pick<HttpClient, "post">;
  readonly #intervalMs: number;
  readonly #onProblem: (message: string) => void;
  readonly #reports = new Map<string, TimedReport>();
  #isSending = false;
  /** Whether a report must not wait for the next interval. */
  #isUrgent = false;
  #hasProblem = false;

  constructor(options: {
    readonly clock: Clock;
    /** Posts OTLP/JSON to `/v1/logs`. */
    readonly client: Pick<HttpClient, "post">;
    readonly intervalMs: number;
    /** Called with a sentence about a problem, once until sending works again. */
    readonly onProblem: (message: string) => void;
  }) {
    this.#clock = options.clock;
    this.#client = options.client;
    this.#intervalMs = options.intervalMs;
    this.#onProblem = options.onProblem;
    this.#clock.every(options.intervalMs, () => void this.#send()); // Does not reject.
  }

  report(reports: readonly ProcessReport[]): void {
    const isNew = reports.some(
      ({ process, promised }) =>
        promised === "heartbeats" && this.#reports.get(process)?.promised !== promised,
    );
    for (const report of reports) {
      this.#reports.set(report.process, { ...report, sinceMs: this.#clock.nowMs() });
    }
    if (isNew) {
      this.#isUrgent = true;
      void this.#send(); // Does not reject.
    }
  }

  async #send(): Promise<void> {
    const untilMs = this.#clock.nowMs() - this.#intervalMs;
    const due = [...this.#reports.values()].filter(
      ({ promised, sinceMs }) => promised === "heartbeats" || sinceMs <= untilMs,
    );
    if (due.length === 0 || this.#isSending) {
      return;
    }
    this.#isSending = true;
    this.#isUrgent = false;
    const outcome = await this.#client.post(requestOf(due, this.#clock.unixMs()));
    this.#isSending = false;
    for (const report of outcome.status === "retryable" ? [] : due) {
      if (report.promised !== "heartbeats" && this.#reports.get(report.process) === report) {
        this.#reports.delete(report.process);
      }
    }
    if (outcome.status === "accepted") {
      this.#hasProblem = false;
    } else if (!this.#hasProblem) {
      this.#hasProblem = true;
      this.#onProblem(
        `The activity collector does not accept heartbeats; retrying every ${this.#intervalMs} ms. ${outcome.message}`,
      );
    }
    if (this.#isUrgent) {
      await this.#send();
    }
  }
}

function requestOf(reports: readonly ProcessReport[], unixMs: number): PostRequest {
  const time = `${Math.trunc(unixMs)}000000`;
  const resourceLogs = reports.map(({ resourceLogs: { resource, scope, record } }) => ({
    resource,
    scopeLogs: [
      { scope, logRecords: [{ timeUnixNano: time, observedTimeUnixNano: time, ...record }] },
    ],
  }));
  return { signal: "logs", body: Buffer.from(JSON.stringify({ resourceLogs })) };
}

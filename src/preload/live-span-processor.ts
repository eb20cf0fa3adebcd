import { diag } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { workKinds } from "../activity/model/work.ts";
import type { CancelTimer, Clock } from "../component/clock.ts";
import { keepProcessAlive, systemClock } from "../system-clock.ts";
import {
  type CollectorClient,
  createCollectorClient,
  type PostOutcome,
  type TlsOptions,
} from "./collector-client.ts";
import { defaultHeartbeatIntervalMs } from "./environment.ts";
import { heartbeatsOf, type Membership } from "./heartbeats.ts";
import { createResourceOf, liveSpanOf } from "./live-span.ts";
import { type OpenWork, OpenWorkTable } from "./open-work-table.ts";
import { hasSessionReference, isHarnessRun, kindOf, type SpanFacts } from "./span-kind.ts";
import { SpanLinks } from "./span-links.ts";
import { isSampled, parentIdOf, type StartedSpan, scopeNameOf } from "./started-span.ts";

export interface LiveSpanProcessorOptions {
  /**
   * The collector's OTLP/HTTP endpoint, e.g. `http://127.0.0.1:4318`. `/v1/traces` is added unless the
   * path ends with it.
   */
  readonly endpoint: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For an `https:` endpoint. */
  readonly tls?: TlsOptions;
  /** How long starts are gathered before they are sent. Default 200, at most 1000. */
  readonly batchDelayMs?: number;
  /** How much open work is remembered; beyond it the oldest is forgotten. Default 4096. */
  readonly maxOpen?: number;
  /** Starts in one request. Default 512. */
  readonly maxBatchSize?: number;
  /** How long a request may take. Default 5000. */
  readonly timeoutMs?: number;
  /**
   * How often the collector is assured that the process lives, while it has open work. Default 10 000; 0: never. Heartbeats
   * are no progress: a tool that hangs is reported as silent all the same. They come from a thread of their own, so that a
   * tool that keeps the event loop busy does not look like a dead process.
   */
  readonly heartbeatIntervalMs?: number;
  /** Told, in a sentence, what went wrong, once until it works again. Default `diag.warn`. */
  readonly onProblem?: (message: string) => void;
  /** The source of time. Default the system's. */
  readonly clock?: Clock;
}

const maxBatchDelayMs = 1_000;
const sweepIntervalMs = 5_000;
const firstBackOffMs = 500;
const maxBackOffMs = 10_000;
const flushDeadlineMs = 5_000;
const shutdownDeadlineMs = 2_000;
const resourceDeadlineMs = 2_000;

const unencodable: PostOutcome = { status: "permanent", message: "They could not be encoded." };

/**
 * A span processor for the SDKs of OpenTelemetry JS, 1.x to 3.x: tells a collector when a run, a tool or
 * a model call *starts*, by a span without an end. Finished spans are not its business; keep the exporter
 * there is.
 *
 * Never throws, never waits, and never keeps the process alive except during `forceFlush` (5 s at most)
 * and `shutdown` (2 s at most). While the collector is away it backs off (0.5 to 10 s) and keeps up to
 * `maxOpen` starts; when it is back, all that is still open is sent again. What ended before it could be
 * sent, is not sampled, or is a tool or model call with neither parent nor session, is not sent. A span that
 * is no work, or is a harness run of OpenClaw, is sent only when work starts below it, so that the collector
 * can tell whose that is.
 */
export class LiveSpanProcessor {
  readonly #clock: Clock;
  readonly #client: CollectorClient;
  readonly #work: OpenWorkTable;
  readonly #links: SpanLinks;
  readonly #batchDelayMs: number;
  readonly #maxBatchSize: number;
  readonly #onProblem: (message: string) => void;
  readonly #resourceOf = createResourceOf();
  readonly #heartbeats: Membership | undefined;
  readonly #stopSweep: CancelTimer;
  #cancelFlush: CancelTimer | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #sent = 0;
  #refused = 0;
  #isStopped = false;
  #problem = "";

  constructor(options: LiveSpanProcessorOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#work = new OpenWorkTable(options.maxOpen ?? 4096);
    this.#links = new SpanLinks(options.maxOpen ?? 4096);
    this.#batchDelayMs = Math.min(options.batchDelayMs ?? 200, maxBatchDelayMs);
    this.#maxBatchSize = options.maxBatchSize ?? 512;
    this.#onProblem = options.onProblem ?? ((message) => diag.warn(message));
    const shared = {
      headers: options.headers ?? {},
      tls: options.tls ?? {},
      timeoutMs: options.timeoutMs ?? 5_000,
    };
    this.#client = createCollectorClient({
      url: urlOf(options.endpoint, "traces"),
      clock: this.#clock,
      ...shared,
    });
    const intervalMs = options.heartbeatIntervalMs ?? defaultHeartbeatIntervalMs;
    this.#heartbeats =
      intervalMs > 0
        ? heartbeatsOf(
            { url: urlOf(options.endpoint, "logs").href, intervalMs, ...shared },
            { clock: this.#clock, onProblem: this.#onProblem },
          ).join(() => this.#work.openResources())
        : undefined;
    this.#stopSweep = this.#clock.every(sweepIntervalMs, () => {
      this.#work.sweep();
      this.#links.sweep();
      this.#heartbeats?.update();
    });
  }

  /** What became of the starts so far: taken by the collector, refused by it, forgotten for want of room. */
  get counts(): { readonly sent: number; readonly refused: number; readonly dropped: number } {
    return { sent: this.#sent, refused: this.#refused, dropped: this.#work.dropped };
  }

  onStart(span: StartedSpan, _parentContext?: unknown): void {
    try {
      if (this.#isStopped || !isSampled(span)) {
        return;
      }
      if (isHarnessRun(factsOf(span))) {
        this.#links.add(span);
      } else if (isReportable(span)) {
        // Each only once: the next tool of the same step finds them among what is open.
        for (const each of [...this.#links.takeAbove(span), span]) {
          this.#work.add({ span: each, live: liveSpanOf(each, this.#resourceOf) });
        }
        this.#flushAfter(this.#batchDelayMs);
      } else if (this.#isBelowOpenWork(span)) {
        this.#links.add(span);
      }
    } catch (error) {
      this.#report(`A start could not be reported to the activity collector. ${String(error)}`);
    }
  }

  #isBelowOpenWork(span: StartedSpan): boolean {
    const parentId = parentIdOf(span);
    return parentId !== undefined && (this.#work.has(parentId) || this.#links.has(parentId));
  }

  /** Does nothing: the finished span is what the exporter is for. */
  onEnd(_span: unknown): void {}

  /** Sends what waits, in one attempt. Resolves in any case: a lost start must not fail a flush of spans. */
  async forceFlush(): Promise<void> {
    await this.#flushWithin(flushDeadlineMs);
  }

  async shutdown(): Promise<void> {
    if (this.#isStopped) {
      return;
    }
    this.#isStopped = true;
    this.#stopSweep();
    await this.#flushWithin(shutdownDeadlineMs);
    this.#cancelFlush?.();
    this.#client.close();
    this.#heartbeats?.leave();
    this.#work.clear();
  }

  async #flushWithin(deadlineMs: number): Promise<void> {
    const letGo = keepProcessAlive();
    const flushed = async () => {
      await this.#sending;
      await this.#send();
    };
    await within(this.#clock, deadlineMs, flushed());
    letGo();
  }

  #flushAfter(delayMs: number): void {
    if (this.#cancelFlush === undefined && this.#sending === undefined) {
      this.#cancelFlush = this.#clock.after(delayMs, () => {
        this.#cancelFlush = undefined;
        void this.#send(); // Does not reject.
      });
    }
  }

  /** Sends until nothing waits or the collector does not take it. Never rejects. */
  #send(): Promise<void> {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#sending ??= this.#sendBatches()
      .catch((error: unknown) => {
        this.#report(`Starts could not be sent to the activity collector. ${String(error)}`);
        return undefined;
      })
      .then((retryAfterMs) => {
        this.#sending = undefined;
        if (!this.#isStopped && this.#work.hasUnsent) {
          this.#flushAfter(retryAfterMs ?? this.#batchDelayMs);
        }
      });
    return this.#sending;
  }

  /** Returns how long to wait before the next attempt, when this one failed. */
  async #sendBatches(): Promise<number | undefined> {
    for (;;) {
      const batch = this.#work.unsent(this.#maxBatchSize);
      if (batch.length === 0) {
        return undefined;
      }
      await within(this.#clock, resourceDeadlineMs, settled(batch));
      const bytes = ProtobufTraceSerializer.serializeRequest(batch.map(({ live }) => live));
      const outcome: PostOutcome =
        bytes === undefined ? unencodable : await this.#client.post(bytes);
      if (outcome.status === "retryable") {
        return this.#backOffMs(outcome);
      }
      this.#work.markSent(batch);
      if (outcome.status === "permanent") {
        this.#refused += batch.length;
        this.#report(`The activity collector refuses live spans. ${outcome.message}`);
        continue;
      }
      this.#sent += batch.length;
      this.#problem = "";
      this.#heartbeats?.update();
      if (this.#failures > 0) {
        // It was away and may have lost what it knew.
        this.#failures = 0;
        this.#work.resend();
        this.#work.markSent(batch);
      }
    }
  }

  #backOffMs(outcome: PostOutcome & { readonly status: "retryable" }): number {
    this.#report(
      `The activity collector does not take live spans; trying again until it does. ${outcome.message}`,
    );
    const delayMs = Math.min(firstBackOffMs * 2 ** this.#failures, maxBackOffMs);
    this.#failures++;
    return outcome.retryAfterMs ?? delayMs;
  }

  #report(message: string): void {
    if (message !== this.#problem && !this.#isStopped) {
      this.#problem = message;
      this.#onProblem(message);
    }
  }
}

/** Senders make phantoms: tools that start outside of any run and never end, beside the real ones. */
function isReportable(span: StartedSpan): boolean {
  const kind = kindOf(factsOf(span));
  return (
    kind !== workKinds.other &&
    (kind === workKinds.run ||
      parentIdOf(span) !== undefined ||
      hasSessionReference(span.attributes))
  );
}

function factsOf(span: StartedSpan): SpanFacts {
  return {
    name: span.name,
    attributes: span.attributes,
    scope: scopeNameOf(span),
    isRoot: parentIdOf(span) === undefined,
  };
}

/** Detectors tell the host id late; the collector tells processes apart by it, so it has to be there. */
async function settled(batch: readonly OpenWork[]): Promise<void> {
  const resources = new Set(batch.map(({ span }) => span.resource));
  for (const resource of resources) {
    if (resource.asyncAttributesPending === true) {
      await resource.waitForAsyncAttributes?.();
    }
  }
}

/** Waits for `promise`, which does not reject, but no longer than `deadlineMs`. */
async function within(clock: Clock, deadlineMs: number, promise: Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(deadlineMs, resolve);
    void promise.finally(() => {
      cancel();
      resolve();
    });
  });
}

/** `endpoint` may be the base address, or that of traces. */
function urlOf(endpoint: string, signal: "traces" | "logs"): URL {
  const url = new URL(endpoint);
  const base = url.pathname.replace(/\/v1\/traces$/, "").replace(/\/+$/, "");
  url.pathname = `${base}/v1/${signal}`;
  return url;
}

import { diag } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { isHarnessRun, isRun, isWork, type SpanClass } from "../activity/recognition/span-class.ts";
import type { CancelTimer, Clock } from "../component/clock.ts";
import { createHttpClient, type TlsOptions, urlOf } from "../sender/http-client.ts";
import { Sender } from "../sender/sender.ts";
import { within } from "../sender/sender-clock.ts";
import { keepProcessAlive, systemClock } from "../system-clock.ts";
import { defaultHeartbeatIntervalMs } from "./environment.ts";
import { heartbeatsOf, type Membership } from "./heartbeats.ts";
import { createResourceOf, liveSpanOf } from "./live-span.ts";
import { type OpenWork, OpenWorkTable } from "./open-work-table.ts";
import { classOf, hasSessionReference } from "./span-kind.ts";
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
const backOff = { firstMs: 500, longestMs: 10_000, longestAskedMs: 30_000 };
const flushDeadlineMs = 5_000;
const shutdownDeadlineMs = 2_000;
const resourceDeadlineMs = 2_000;

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
  readonly #sender: Sender<OpenWork>;
  readonly #work: OpenWorkTable;
  readonly #links: SpanLinks;
  readonly #batchDelayMs: number;
  readonly #onProblem: (message: string) => void;
  readonly #resourceOf = createResourceOf();
  readonly #heartbeats: Membership | undefined;
  readonly #stopSweep: CancelTimer;
  #sent = 0;
  #refused = 0;
  #isStopped = false;
  #problem = "";

  constructor(options: LiveSpanProcessorOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#work = new OpenWorkTable(options.maxOpen ?? 4096);
    this.#links = new SpanLinks(options.maxOpen ?? 4096);
    this.#batchDelayMs = Math.min(options.batchDelayMs ?? 200, maxBatchDelayMs);
    this.#onProblem = options.onProblem ?? ((message) => diag.warn(message));
    const shared = {
      headers: options.headers ?? {},
      tls: options.tls ?? {},
      timeoutMs: options.timeoutMs ?? 5_000,
    };
    const endpoint = new URL(options.endpoint);
    this.#sender = new Sender<OpenWork>({
      client: createHttpClient({ endpoint, clock: this.#clock, ...shared }),
      clock: this.#clock,
      keepAlive: keepProcessAlive,
      backOff,
      next: () => {
        this.#work.sweep();
        return this.#work.unsent.head(options.maxBatchSize ?? 512);
      },
      encode: async (batch) => {
        await within(this.#clock, resourceDeadlineMs, settled(batch));
        const body = ProtobufTraceSerializer.serializeRequest(batch.map(({ live }) => live));
        return body && { signal: "traces", body };
      },
      onAccepted: (batch, { wasAway }) => {
        this.#sent += batch.length;
        this.#problem = "";
        if (wasAway) {
          this.#work.resend(); // It may have lost what it knew.
        }
        this.#work.unsent.remove(batch);
        this.#heartbeats?.update();
      },
      onRefused: (batch, message) => {
        this.#work.unsent.remove(batch);
        this.#refused += batch.length;
        this.#report(`The activity collector refuses live spans. ${message}`);
      },
      onAway: (message) =>
        this.#report(
          `The activity collector does not take live spans; trying again until it does. ${message}`,
        ),
    });
    const intervalMs = options.heartbeatIntervalMs ?? defaultHeartbeatIntervalMs;
    this.#heartbeats =
      intervalMs > 0
        ? heartbeatsOf(
            { url: urlOf(endpoint, "logs").href, intervalMs, ...shared },
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
    return { sent: this.#sent, refused: this.#refused, dropped: this.#work.unsent.lost };
  }

  onStart(span: StartedSpan, _parentContext?: unknown): void {
    try {
      if (this.#isStopped || !isSampled(span)) {
        return;
      }
      const spanClass = classOfStarted(span);
      if (isHarnessRun(spanClass)) {
        // Some versions start one that they never end, and create another, complete one when it is over.
        this.#links.add(span);
      } else if (isReportable(span, spanClass)) {
        // Each only once: the next tool of the same step finds them among what is open.
        for (const each of [...this.#links.takeAbove(span), span]) {
          this.#work.add({ span: each, live: liveSpanOf(each, this.#resourceOf) });
        }
        this.#sender.wake(this.#batchDelayMs);
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
    await this.#sender.flush(flushDeadlineMs);
  }

  async shutdown(): Promise<void> {
    if (this.#isStopped) {
      return;
    }
    this.#isStopped = true;
    this.#stopSweep();
    await this.#sender.flush(shutdownDeadlineMs);
    this.#sender.close();
    this.#heartbeats?.leave();
    this.#work.clear();
  }

  #report(message: string): void {
    if (message !== this.#problem && !this.#isStopped) {
      this.#problem = message;
      this.#onProblem(message);
    }
  }
}

/** Senders make phantoms: tools that start outside of any run and never end, beside the real ones. */
function isReportable(span: StartedSpan, spanClass: SpanClass): boolean {
  return (
    isWork(spanClass) &&
    (isRun(spanClass) || parentIdOf(span) !== undefined || hasSessionReference(span.attributes))
  );
}

function classOfStarted(span: StartedSpan): SpanClass {
  return classOf({
    name: span.name,
    attributes: span.attributes,
    scope: scopeNameOf(span),
    isRoot: parentIdOf(span) === undefined,
  });
}

/** Detectors tell the host id late; the collector tells processes apart by it, so it has to be there. */
async function settled(batch: readonly OpenWork[]): Promise<void> {
  const resources = new Set(batch.map(({ span }) => span.resource));
  for (const resource of resources) {
    if (resource.asyncAttributesPending === true) {
      await resource.waitForAsyncAttributes?.().catch(() => {}); // Then it stays unknown.
    }
  }
}

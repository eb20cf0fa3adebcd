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
  /** How long the first start of a batch waits for others. Default 200, at most 1000. */
  readonly batchDelayMs?: number;
  /** How many pieces of open work are remembered; beyond it the oldest is forgotten. Default 4096. */
  readonly maxOpen?: number;
  /** Starts in one request. Default 512. */
  readonly maxBatchSize?: number;
  /** How long a request may take. Default 5000. */
  readonly timeoutMs?: number;
  /**
   * The interval of heartbeats while the process has open work. Default 10 000; 0: no heartbeats. Heartbeats are not progress:
   * a tool that hangs is still reported as silent. They are sent by a thread of their own, so that a tool that blocks the
   * event loop does not look like a dead process.
   */
  readonly heartbeatIntervalMs?: number;
  /** Called with a sentence about a problem, once until sending works again. Default `diag.warn`. */
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
 * A span processor for the SDKs of OpenTelemetry JS, 1.x to 3.x. It reports to a collector when a run, a tool or a model call
 * *starts*, with a span without an end. It does not export finished spans; keep the existing exporter.
 *
 * Never throws, never waits, and never keeps the process alive except during `forceFlush` (5 s at most) and `shutdown` (2 s at
 * most). While the collector is away it backs off (0.5 to 10 s) and keeps up to `maxOpen` starts; when the collector is back,
 * all open work is sent again. It does not send work that ended before it could be sent, spans that are not sampled, and tool
 * and model calls with neither parent nor session. A span that is not work, or is a harness run of OpenClaw, is sent only when
 * work starts below it, so that the collector can determine the owner of that work.
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
          this.#work.resend(); // The collector may have lost its state.
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
          `The activity collector does not accept live spans; retrying until it does. ${message}`,
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

  /** The starts so far that the collector accepted, that it refused, and that were dropped because too many waited. */
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
        // Some versions start a harness run that they never end, and create another, complete one at its end.
        this.#links.add(span);
      } else if (isReportable(span, spanClass)) {
        // Each link is sent only once: for the next tool of the same step it is already open work.
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

  /** Does nothing: the exporter sends the finished span. */
  onEnd(_span: unknown): void {}

  /** Sends the waiting starts in one attempt. Never rejects: a lost start must not fail a flush of spans. */
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

/** Some senders start tools outside of any run that never end, beside the real ones. These are not reported. */
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

/** Waits for detectors that find the host id late: the collector needs it to distinguish processes. */
async function settled(batch: readonly OpenWork[]): Promise<void> {
  const resources = new Set(batch.map(({ span }) => span.resource));
  for (const resource of resources) {
    if (resource.asyncAttributesPending === true) {
      await resource.waitForAsyncAttributes?.().catch(() => {}); // Then it stays unknown.
    }
  }
}

import { diag } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { isHarnessRun, isRun, isWork } from "../activity/recognition/span-class.ts";
import type { CancelTimer, Clock } from "../component/clock.ts";
import { createHttpClient, type TlsOptions, urlOf } from "../sender/http-client.ts";
import { Sender } from "../sender/sender.ts";
import { within } from "../sender/sender-clock.ts";
import { keepProcessAlive, systemClock } from "../system-clock.ts";
import { defaultHeartbeatIntervalMs } from "./environment.ts";
import { HarnessRuns } from "./harness-runs.ts";
import { heartbeatsOf, type Membership } from "./heartbeats.ts";
import { createResourceOf, endedSpanOf, liveSpanOf } from "./live-span.ts";
import { OpenSpans, type Report } from "./open-spans.ts";
import { classOf, hasSessionReference } from "./span-kind.ts";
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
  /**
   * How long the first start of a batch waits for others, and for the attributes that libraries set after the start. Default 200, at
   * most 1000.
   */
  readonly batchDelayMs?: number;
  /** How many open spans are remembered; beyond it the oldest is forgotten. Default 4096. */
  readonly maxOpen?: number;
  /** Starts and ends in one request. Default 512. */
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
const watchIntervalMs = 200;
const backOff = { firstMs: 500, longestMs: 10_000, longestAskedMs: 30_000 };
const flushDeadlineMs = 5_000;
const shutdownDeadlineMs = 2_000;
const resourceDeadlineMs = 2_000;

/**
 * A span processor for the SDKs of OpenTelemetry JS, 1.x to 3.x. It reports to a collector which spans are open: 0.2 s after a start, with a
 * span without an end, and when such a span ends, with a copy of it for the collector alone. It does not export finished spans; keep the
 * existing exporter.
 *
 * Spans are read when they are sent, because libraries set attributes after the start. One that has ended by then is not sent. All others
 * are, for their name and what is known of finished spans may tell the collector what they are, or they lie between a run and its tools. Not
 * sent are spans that are not sampled, tools and model calls with neither parent nor session, and a harness run of OpenClaw while nothing
 * has started below it.
 *
 * Never throws, never waits, and never keeps the process alive except during `forceFlush` (5 s at most) and `shutdown` (2 s at
 * most). While the collector is away it backs off (0.5 to 10 s) and keeps up to `maxOpen` starts; when the collector is back,
 * all open spans are sent again.
 */
export class LiveSpanProcessor {
  readonly #clock: Clock;
  readonly #sender: Sender<Report>;
  readonly #spans: OpenSpans;
  readonly #harnessRuns: HarnessRuns;
  readonly #batchDelayMs: number;
  readonly #onProblem: (message: string) => void;
  readonly #resourceOf = createResourceOf();
  readonly #heartbeats: Membership | undefined;
  readonly #stopSweep: CancelTimer;
  /** Looks for ends while any span is open. */
  #stopWatch: CancelTimer | undefined;
  #sent = 0;
  #refused = 0;
  #isStopped = false;
  #problem = "";

  constructor(options: LiveSpanProcessorOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#spans = new OpenSpans(options.maxOpen ?? 4096, (span) =>
      endedSpanOf(span, this.#resourceOf, this.#clock.unixMs()),
    );
    this.#harnessRuns = new HarnessRuns(options.maxOpen ?? 4096);
    this.#batchDelayMs = Math.min(options.batchDelayMs ?? 200, maxBatchDelayMs);
    this.#onProblem = options.onProblem ?? ((message) => diag.warn(message));
    const shared = {
      headers: options.headers ?? {},
      tls: options.tls ?? {},
      timeoutMs: options.timeoutMs ?? 5_000,
    };
    const endpoint = new URL(options.endpoint);
    this.#sender = new Sender<Report>({
      client: createHttpClient({ endpoint, clock: this.#clock, ...shared }),
      clock: this.#clock,
      keepAlive: keepProcessAlive,
      backOff,
      next: () => {
        this.#readStarted();
        this.#spans.sweep();
        return this.#spans.take(options.maxBatchSize ?? 512);
      },
      encode: async (batch) => {
        await within(this.#clock, resourceDeadlineMs, settled(batch));
        const body = ProtobufTraceSerializer.serializeRequest(batch.map(({ live }) => live));
        return body && { signal: "traces", body };
      },
      onAccepted: (batch, { wasAway }) => {
        this.#sent += batch.filter(({ isEnd }) => !isEnd).length;
        this.#problem = "";
        if (wasAway) {
          this.#spans.resend(); // The collector may have lost its state.
        }
        this.#spans.settle(batch, { isAccepted: true });
        this.#heartbeats?.update();
      },
      onRefused: (batch, message) => {
        this.#spans.settle(batch, { isAccepted: false });
        this.#refused += batch.filter(({ isEnd }) => !isEnd).length;
        this.#report(`The activity collector refuses live spans. ${message}`);
      },
      onAway: (message) => {
        this.#spans.keep();
        this.#report(
          `The activity collector does not accept live spans; retrying until it does. ${message}`,
        );
      },
    });
    const intervalMs = options.heartbeatIntervalMs ?? defaultHeartbeatIntervalMs;
    this.#heartbeats =
      intervalMs > 0
        ? heartbeatsOf(
            { url: urlOf(endpoint, "logs").href, intervalMs, ...shared },
            { clock: this.#clock, onProblem: this.#onProblem },
          ).join(() => this.#spans.openResources())
        : undefined;
    this.#stopSweep = this.#clock.every(sweepIntervalMs, () => {
      this.#harnessRuns.sweep();
      this.#readAgain();
      this.#heartbeats?.update();
    });
  }

  /** The starts so far that the collector accepted, that it refused, and that were dropped because too many waited. */
  get counts(): { readonly sent: number; readonly refused: number; readonly dropped: number } {
    return { sent: this.#sent, refused: this.#refused, dropped: this.#spans.lost };
  }

  onStart(span: StartedSpan, _parentContext?: unknown): void {
    try {
      if (!this.#isStopped && isSampled(span)) {
        this.#spans.collect(span);
        this.#sender.wake(this.#batchDelayMs);
      }
    } catch (error) {
      this.#report(`A start could not be reported to the activity collector. ${String(error)}`);
    }
  }

  /** Reads the spans that have started, as they are now. One that cannot be read does not cost the others. */
  #readStarted(): void {
    for (const span of this.#spans.takeStarted()) {
      try {
        this.#read(span);
      } catch (error) {
        this.#report(`A start could not be reported to the activity collector. ${String(error)}`);
      }
    }
    if (this.#spans.size > 0 && this.#stopWatch === undefined && !this.#isStopped) {
      this.#stopWatch = this.#clock.every(watchIntervalMs, () => this.#watch());
    }
  }

  #read(span: StartedSpan): void {
    const spanClass = classOfStarted(span);
    if (isHarnessRun(spanClass)) {
      this.#harnessRuns.add(span);
      return;
    }
    // Some senders start tools outside of any run that never end, beside the real ones.
    const isStray =
      isWork(spanClass) &&
      !isRun(spanClass) &&
      parentIdOf(span) === undefined &&
      !hasSessionReference(span.attributes);
    if (isStray) {
      return;
    }
    for (const each of [...this.#harnessRuns.takeAbove(span), span]) {
      const isDecided = each !== span || !spanClass.isUndecided;
      this.#spans.add(each, liveSpanOf(each, this.#resourceOf), { isDecided });
    }
  }

  /** Sends once more the starts of spans that say what they are only now. */
  #readAgain(): void {
    this.#spans.readAgain((span) =>
      classOfStarted(span).isUndecided ? undefined : liveSpanOf(span, this.#resourceOf),
    );
    if (this.#spans.hasReports) {
      this.#sender.wake(0);
    }
  }

  /** Sends the ends of spans. */
  #watch(): void {
    this.#spans.sweep();
    if (this.#spans.hasEnds) {
      this.#sender.wake(0);
    }
    if (this.#spans.size === 0) {
      this.#stopWatch?.();
      this.#stopWatch = undefined;
      this.#heartbeats?.update();
    }
  }

  /** Does nothing: the exporter sends the finished span, and the collector is told of the end with the next starts and ends. */
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
    this.#stopWatch?.();
    await this.#sender.flush(shutdownDeadlineMs);
    this.#sender.close();
    this.#heartbeats?.leave();
    this.#spans.clear();
  }

  #report(message: string): void {
    if (message !== this.#problem && !this.#isStopped) {
      this.#problem = message;
      this.#onProblem(message);
    }
  }
}

function classOfStarted(span: StartedSpan): ReturnType<typeof classOf> {
  return classOf({
    name: span.name,
    attributes: span.attributes,
    scope: scopeNameOf(span),
    isRoot: parentIdOf(span) === undefined,
  });
}

/** Waits for detectors that find the host id late: the collector needs it to distinguish processes. */
async function settled(batch: readonly Report[]): Promise<void> {
  const resources = new Set(batch.map(({ of }) => of.span.resource));
  for (const resource of resources) {
    if (resource.asyncAttributesPending === true) {
      await resource.waitForAsyncAttributes?.().catch(() => {}); // Then it stays unknown.
    }
  }
}

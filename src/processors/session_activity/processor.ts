import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { ActivityEngine } from "../../activity/engine/activity-engine.ts";
import { EngineParts } from "../../activity/engine/engine-parts.ts";
import type { RunDiagnosis } from "../../activity/engine/engine-view.ts";
import { TabulationHash, tabulationBytes } from "../../activity/engine/store/tabulation-hash.ts";
import type { ActivityHandover } from "../../activity/journal/activity-handover.ts";
import { DurableActivity } from "../../activity/journal/durable-activity.ts";
import { SignalBatch } from "../../activity/model/signal-batch.ts";
import { maxProcesses } from "../../activity/recognition/sender-processes.ts";
import type { CancelTimer } from "../../component/clock.ts";
import type { Component } from "../../component/component.ts";
import type { ConsumeResult, Consumer } from "../../component/consumer.ts";
import { accepted } from "../../component/consumer.ts";
import { beforeDeadline } from "../../component/deadline.ts";
import type { Settings } from "../../component/settings.ts";
import { maxSnapshotBytes } from "../../memory/memory-budget.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import { withoutSpans } from "../../otlp/splice.ts";
import { forgetView } from "../../otlp/wire-reader.ts";
import { activityBoundsOf, reportActivityBounds } from "./activity-bounds.ts";
import { createActivityMetrics } from "./activity-metrics.ts";
import { BoundsWatch } from "./bounds-watch.ts";
import type { Config } from "./config.ts";
import { ActivityEventEmitter } from "./event-emitter.ts";
import { publishOverflow } from "./label-overflow.ts";
import { MetricsPush } from "./metrics-push.ts";
import { PassingItems } from "./passing-items.ts";
import { SessionActivityHandover } from "./session-activity-handover.ts";
import { createSignalReaders } from "./signal-readers.ts";
import { StoreWait } from "./store-wait.ts";

const scopeName = "openclaw-activity-collector";
/** How often due deadlines are decided when no input arrives. Events carry the time of the deadline itself. */
const tickMs = 200;
/** About ten milliseconds of work, during which no request is served. */
const stepsPerCall = 2_048;

/** The component. `diagnose` reports what each open run does, for pages and benchmarks. */
export interface SessionActivityComponent extends Component {
  readonly diagnose: () => readonly RunDiagnosis[];
}

/**
 * The shell around the engine: reads signals from payloads, applies them, emits the events and forwards the payloads. It owns the
 * timers and the random key of session references, and decides nothing. A sender gets its answer when its signals would survive
 * the end of this process.
 *
 * Keeps one batch, which each request uses again, and the push of derived metrics; the state is the engine's.
 */
export function createSessionActivity(
  settings: Settings,
  config: Config,
): SessionActivityComponent {
  const { clock, logger } = settings;
  const bounds = activityBoundsOf(config, settings.memory);
  const boundsWatch = new BoundsWatch({ ...bounds, maxProcesses }, settings);
  const readers = createSignalReaders(settings, config, () => durable.engine.view.inUse());
  const { labels, processes, hash, spanReader, logReader } = readers;
  const tableHash = new TabulationHash(settings.randomBytes(tabulationBytes));
  const scope = { name: scopeName, version: settings.version };
  const emitter: ActivityEventEmitter = new ActivityEventEmitter({
    ...labels,
    hasTraceContext: config.trace_context,
    resource,
    scope,
    logger,
    clock,
    isStored: settings.storage !== undefined,
    randomBytes: settings.randomBytes,
    activity: () => active.durable,
  });
  const durable = new DurableActivity({
    persisted: { processes, hash, ...labels },
    limits: {
      allowedLatenessMs: config.allowed_lateness,
      maxAgeMs: config.max_age,
      tombstoneTtlMs: config.tombstone_ttl,
      ...bounds,
      stalledAfterMs: config.stalled_after,
      longRunningAfterMs: config.long_running_after,
      maxPauseMs: config.max_pause,
      stepsPerCall,
      includesMarkers: config.close_spans,
      holdsAcrossProcesses: true,
      boundsSearches: true,
      correctsKinds: true,
      presumesElsewhere: true,
    },
    maxStateBytes: maxSnapshotBytes(bounds),
    createEngine: (limits) =>
      new ActivityEngine(
        limits,
        tableHash,
        new EngineParts(limits, tableHash, (process) => processes.clientOf(process)),
      ),
    emitter,
    clock,
    logger,
    hashKey: readers.hashKey,
    refKey: readers.refKey,
    instanceId: Buffer.from(settings.randomBytes(16)).toString("hex"),
    restartGraceMs: config.restart_grace,
    tickMs,
  });
  /** The engine whose events are delivered; another component may have taken it over. */
  let active = { durable };
  let restored = () => {};
  const storeWait = new StoreWait(() => durable.written());
  const metrics = createActivityMetrics({
    source: durable,
    events: emitter,
    senders: processes,
    whenRestored:
      settings.storage === undefined && settings.replaces === undefined
        ? Promise.resolve()
        : new Promise((resolve) => {
            restored = resolve;
          }),
    whenStored: () => storeWait.wait(clock.nowMs()),
    resource,
    scope,
  });
  const signals = new SignalBatch();
  const passing = new PassingItems(settings);
  publishOverflow(settings, { tool_name: labels.tools, channel: labels.channels });
  let derived: MetricsPush | undefined;
  let timers: readonly CancelTimer[] = [];
  let nextPart: CancelTimer | undefined;
  let isShutDown = false;
  let hasDrained = false;
  /** What has become of its journal after the handover. */
  let left: Pick<ActivityHandover, "journal" | "released"> | undefined;

  /** The derived metrics as a request; undefined if they could not be collected. */
  async function metricsRequest(): Promise<Payload | undefined> {
    const { resourceMetrics, errors } = await metrics.collect();
    const bytes = ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
    if (errors.length > 0 || bytes === undefined) {
      return undefined;
    }
    const items = resourceMetrics.scopeMetrics
      .flatMap((part) => part.metrics)
      .reduce((sum, metric) => sum + metric.dataPoints.length, 0);
    return { signal: "metrics", bytes, items };
  }

  function applySignals(): void {
    for (const events of durable.apply(signals)) {
      emitter.emit(events);
    }
  }

  /** What distinguishes the processes of an authenticated client, also after a restart; empty for other senders. Its name cannot be read from it. */
  function clientKeyOf({ client }: Payload): string {
    if (client === undefined) {
      return "";
    }
    hash.updateWithText(`client ${client}`);
    return Buffer.from(Int32Array.of(hash.hi, hash.lo).buffer).toString("hex");
  }

  /** Applies the signals of a payload of spans. Returns what is forwarded, or why the payload is refused. */
  function takeSpans(payload: Payload): Payload | ConsumeResult {
    const outcome = spanReader.read(payload.bytes, signals, {
      expected: payload.items,
      client: clientKeyOf(payload),
    });
    if (!outcome.ok) {
      return { status: "permanent", message: outcome.message };
    }
    applySignals();
    return spanReader.consumed.length === 0
      ? payload
      : { ...payload, ...withoutSpans(spanReader.spans, spanReader.consumed) };
  }

  /** Applies the signals of a payload of log records. Returns what is forwarded. */
  function takeRecords(payload: Payload): Payload {
    logReader.read(payload.bytes, signals, clientKeyOf(payload));
    if (signals.count > 0) {
      applySignals();
    }
    const items = payload.items - logReader.consumedRecords;
    return items === payload.items
      ? payload
      : { ...payload, bytes: logReader.rest(payload.bytes), items };
  }

  return {
    diagnose: () => durable.engine.view.diagnose(),

    processor: {
      wrap(signal: Signal, next: Consumer): Consumer {
        if (signal === "traces" && config.close_spans) {
          emitter.connectTraces(passing.adding(next), (items, reason) =>
            passing.dropped(items, reason),
          );
        }
        const which = signal === "traces" ? signal : "logs";
        const take = which === "traces" ? takeSpans : takeRecords;
        return {
          async consume(payload) {
            if (isShutDown) {
              passing.refused(which, payload.items);
              return {
                status: "retryable",
                message: "The collector is stopping and accepts no more data.",
              };
            }
            readers.clock.nowMs = durable.now().atMs;
            let answer: ConsumeResult | Promise<ConsumeResult>;
            let hasSignals = false;
            try {
              const rest = take(payload);
              hasSignals = signals.count > 0;
              if ("status" in rest) {
                passing.refused(which, payload.items);
                answer = rest;
              } else {
                passing.consumed(which, payload.items - rest.items);
                answer = rest.items === 0 ? accepted : next.consume(rest);
              }
            } finally {
              // The payload is read before the first wait, and nothing here may keep its bytes.
              spanReader.release();
              signals.release();
              forgetView();
            }
            // The sender gets its answer when its signals would survive the end of this process.
            const written = hasSignals ? durable.written() : undefined;
            const [result] = await Promise.all([answer, written]);
            return result;
          },
        };
      },
    },

    receiver: {
      metrics,
      connect(signal: Signal, next: Consumer): void {
        if (signal === "logs") {
          emitter.connectLogs(next);
        } else if (signal === "metrics") {
          derived = new MetricsPush(next, logger);
        }
      },
    },

    async start() {
      reportActivityBounds(bounds, config, settings);
      const { storage, replaces } = settings;
      if (replaces !== undefined) {
        // It begins with the state of its predecessor.
        if (storage !== undefined && !replaces.sharesStorage) {
          await durable.openEmpty(storage);
        }
        return;
      }
      if (storage !== undefined) {
        await durable.open(storage);
        restored();
      }
      startTimers();
    },

    state: {
      handOver() {
        stopTimers();
        isShutDown = true;
        decideAll();
        const activity = durable.handOver();
        left = activity;
        return new SessionActivityHandover({ activity, emitter, active });
      },
      takeOver(state) {
        if (state instanceof SessionActivityHandover) {
          const { activity, emitter: from } = state;
          emitter.takeOver(from);
          const isSameJournal = settings.replaces?.sharesStorage === true;
          durable.takeOver(activity, { isSameJournal });
          active = state.active;
          active.durable = durable;
          durable.storeTakenOver();
          const { openWork, sessions } = durable.engine.view.sizes();
          logger.info("The state of sessions was taken over.", { open_work: openWork, sessions });
        }
        restored();
        startTimers();
      },
    },

    async shutdown(deadline: AbortSignal) {
      const wasRunning = timers.length > 0;
      stopTimers();
      if (hasDrained) {
        return;
      }
      hasDrained = true;
      const isHandedOver = isShutDown;
      isShutDown = true;
      if (!isHandedOver) {
        decideAll();
      }
      await Promise.all([
        emitter.drain(deadline),
        wasRunning && !isHandedOver ? derived?.drain(metricsRequest, deadline) : undefined,
        leaveJournal(deadline),
        beforeDeadline(deadline, durable.takenOverStored()),
      ]);
    },
  };

  function startTimers(): void {
    timers = [
      clock.every(tickMs, onTick),
      ...(derived === undefined
        ? []
        : [clock.every(config.export_interval, () => void derived?.push(metricsRequest))]),
    ];
  }

  function stopTimers(): void {
    for (const cancel of timers) {
      cancel();
    }
    timers = [];
    nextPart?.();
    storeWait.end();
  }

  /** The storage closes the journal afterwards. What its successor could not store elsewhere by then must not be discarded. */
  async function leaveJournal(deadline: AbortSignal): Promise<void> {
    if (left !== undefined && (await beforeDeadline(deadline, left.released)) === "late") {
      const directory = left.journal?.directory;
      logger.warn(
        "The state of sessions is not stored in its new place yet, so the copy in the old place was kept. Check the new place. Remove the old copy before you start from it again, or work that has ended meanwhile comes back.",
        directory === undefined ? {} : { directory },
      );
    }
  }

  /** Decides everything that is due by now. */
  function decideAll(): void {
    do {
      emitter.emit(durable.close());
    } while (durable.engine.isBehind);
  }

  function resource() {
    return {
      "service.name": scopeName,
      "service.version": settings.version,
      "service.instance.id": durable.series.instanceId,
    };
  }

  /** A long backlog is decided in parts, and requests are served between them. */
  function onTick(): void {
    nextPart?.();
    nextPart = undefined;
    storeWait.onTick(clock.nowMs());
    emitter.emit(durable.tick());
    if (boundsWatch.isBlind) {
      readers.clock.nowMs = durable.now().atMs;
      processes.forgetUnused();
    }
    boundsWatch.check({
      ...durable.engine.view.sizes(),
      processes: processes.size,
      isStateLost: durable.isStateLost,
    });
    if (durable.engine.isBehind) {
      nextPart = clock.after(0, onTick);
    }
  }
}

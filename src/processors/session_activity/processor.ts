import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { CancelTimer } from "../../component/clock.ts";
import type { Component } from "../../component/component.ts";
import type { ConsumeResult, Consumer } from "../../component/consumer.ts";
import { accepted } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { encodeLogEvents, type LogEvent } from "../../otlp/encode.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import { withoutSpans } from "../../otlp/splice.ts";
import type { ActivityEvent } from "./activity-event.ts";
import { createActivityMetrics } from "./activity-metrics.ts";
import type { Config } from "./config.ts";
import { EntityObserver } from "./entity-observer.ts";
import { toEvictedRecord, toReconciledRecord } from "./event-records.ts";
import { KeyedHash } from "./keyed-hash.ts";
import { LabelValues } from "./label-values.ts";
import { Outbox } from "./outbox.ts";
import { SenderProcesses } from "./sender-processes.ts";
import { SessionActivity } from "./session-activity.ts";
import { SignalBatch } from "./signal-batch.ts";
import { SpanObserver } from "./span-observer.ts";

const scopeName = "openclaw-activity-collector";
/** How often deadlines are looked at when no input comes; events are stamped with their deadline anyway. */
const tickMs = 200;
const mostToolNames = 1000;
const mostChannels = 100;

/**
 * The shell around the machine: spans in, events and metrics out. It owns the timers, the random key of
 * references and the conversion of times; it decides nothing.
 */
export function createSessionActivity(settings: Settings, config: Config): Component {
  const { clock, logger } = settings;
  const labels = { tools: new LabelValues(mostToolNames), channels: new LabelValues(mostChannels) };
  const processes = new SenderProcesses();
  const entities = new EntityObserver(processes);
  const observer = new SpanObserver({
    processes,
    hash: new KeyedHash(settings.randomBytes(8)),
    ...labels,
    workSpans: config.work_spans,
    sessionReferences: config.session_references,
  });
  const activity = new SessionActivity(
    {
      allowedLatenessMs: config.allowed_lateness,
      maxAgeMs: config.max_age,
      tombstoneTtlMs: config.tombstone_ttl,
      maxSessions: config.max_sessions,
      maxOpenWork: config.max_open_work,
      maxTombstones: config.max_tombstones,
    },
    new DataView(settings.randomBytes(4).slice().buffer).getInt32(0),
  );
  const attributes = {
    "service.name": scopeName,
    "service.version": settings.version,
    "service.instance.id": Buffer.from(settings.randomBytes(16)).toString("hex"),
  };
  const scope = { name: scopeName, version: settings.version };
  const metrics = createActivityMetrics({
    activity,
    resource: resourceFromAttributes(attributes),
    scope,
    nowMs: () => clock.nowMs(),
    unixMs: () => clock.unixMs(),
  });
  const signals = new SignalBatch();
  let logs: Outbox | undefined;
  let derived: Outbox | undefined;
  let timers: readonly CancelTimer[] = [];
  let isShutDown = false;

  function tell(events: readonly ActivityEvent[]): void {
    if (logs === undefined || events.length === 0) {
      return;
    }
    const nowMs = clock.nowMs();
    const unixMs = clock.unixMs();
    const toUnixNano = (atMs: number) =>
      BigInt(Math.round((unixMs - (nowMs - atMs)) * 1000)) * 1000n;
    const context = { ...labels, hasTraceContext: config.trace_context };
    const told: readonly LogEvent[] = events.map((event) =>
      event.type === "evicted"
        ? toEvictedRecord(event, toUnixNano(event.atMs), context)
        : toReconciledRecord(event, toUnixNano(nowMs)),
    );
    const bytes = encodeLogEvents({ resource: attributes, scope, events: told });
    logs.post({ signal: "logs", bytes, items: told.length });
  }

  async function pushMetrics(): Promise<void> {
    const { resourceMetrics, errors } = await metrics.collect();
    const bytes = ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
    if (errors.length > 0 || bytes === undefined) {
      logger.warn("Derived metrics could not be collected.", { errors: errors.length });
      return;
    }
    const items = resourceMetrics.scopeMetrics
      .flatMap((part) => part.metrics)
      .reduce((sum, metric) => sum + metric.dataPoints.length, 0);
    derived?.post({ signal: "metrics", bytes, items });
  }

  async function consumeTraces(payload: Payload, next: Consumer): Promise<ConsumeResult> {
    const outcome = observer.observe(payload.bytes, signals);
    if (!outcome.ok) {
      return { status: "permanent", message: outcome.message };
    }
    tell(activity.apply(signals, clock.nowMs()));
    if (observer.consumedSpans === 0) {
      return next.consume(payload);
    }
    const rest = withoutSpans(observer.spans, (row) => observer.isConsumed(row));
    return rest.items === 0 ? accepted : next.consume({ ...payload, ...rest });
  }

  function consumeLogs(payload: Payload, next: Consumer): Promise<ConsumeResult> {
    entities.observe(payload.bytes, signals);
    if (signals.count > 0) {
      tell(activity.apply(signals, clock.nowMs()));
    }
    return next.consume(payload);
  }

  return {
    processor: {
      wrap(signal: Signal, next: Consumer): Consumer {
        const consume = signal === "traces" ? consumeTraces : consumeLogs;
        return { consume: (payload) => consume(payload, next) };
      },
    },

    receiver: {
      metrics,
      connect(signal: Signal, next: Consumer): void {
        if (signal === "logs") {
          logs = new Outbox(next, logger);
        } else if (signal === "metrics") {
          derived = new Outbox(next, logger);
        }
      },
    },

    async start() {
      timers = [
        clock.every(tickMs, () => tell(activity.tick(clock.nowMs()))),
        ...(derived === undefined
          ? []
          : [clock.every(config.export_interval, () => void pushMetrics().catch(reportPush))]),
      ];
    },

    async shutdown(deadline: AbortSignal) {
      for (const cancel of timers) {
        cancel();
      }
      if (isShutDown) {
        return;
      }
      isShutDown = true;
      tell(activity.tick(clock.nowMs()));
      if (derived !== undefined && timers.length > 0) {
        await pushMetrics().catch(reportPush);
      }
      await Promise.all([logs?.drain(deadline), derived?.drain(deadline)]);
    },
  };

  function reportPush(error: unknown): void {
    logger.warn("Derived metrics could not be collected.", {
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}

import type { BatchObservableCallback, Meter, Observable } from "@opentelemetry/api";
import { ValueType } from "@opentelemetry/api";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  MeterProvider,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { ActivityEngine } from "../../activity/engine/activity-engine.ts";
import { reportedStates } from "../../activity/engine/policy/session-lifecycle.ts";
import { durationBoundsS, outcomes } from "../../activity/engine/store/activity-counters.ts";
import type { ClockAnchor, SeriesIdentity } from "../../activity/journal/persisted-state.ts";
import { claimNames, verdictNames } from "../../activity/model/diagnosis.ts";
import { dialectRows } from "../../activity/model/dialects.ts";
import { evictionReasons } from "../../activity/model/reasons.ts";
import { kindNames, workKinds } from "../../activity/model/work.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";
import { ManualReader } from "../../metrics/manual-reader.ts";
import type { DescribedSource } from "../../metrics/metrics-source.ts";
import { activityInstruments, specs } from "./activity-instruments.ts";
import { type DropReason, dropReasons } from "./outbox.ts";

/** What is published, and what it is called. */
export interface MetricsInput {
  /** Read only when `whenRestored` has resolved. */
  readonly source: {
    readonly engine: ActivityEngine;
    readonly series: SeriesIdentity;
    now(): ClockAnchor;
  };
  /** The delivery of events. */
  readonly events: EventCounts;
  readonly senders: { readonly unrecognizedServices: number };
  /** Resolves when the counters have their values of before the restart. Earlier they would seem to fall. */
  readonly whenRestored: Promise<void>;
  /** Resolves when what is counted now is stored. After a crash in between the counters would seem to fall. */
  readonly whenStored: () => Promise<void>;
  readonly resource: () => Readonly<Record<string, string>>;
  readonly scope: { readonly name: string; readonly version: string };
}

/** The delivery of events since the start of the process. */
interface EventCounts {
  readonly pendingEvents: number;
  droppedEvents(reason: DropReason): number;
}

const { run, tool, modelCall } = workKinds;
const countedKinds = [run, tool, modelCall] as const;

/**
 * Publishes the numbers of the engine as OpenTelemetry metrics, computed when they are collected. Every attribute value is present
 * from the start, as 0, so that the first eviction is a step and not a new series.
 */
export function createActivityMetrics(input: MetricsInput): DescribedSource {
  let reader: ManualReader | undefined;
  return {
    collect: async () => {
      await input.whenRestored;
      reader ??= createReader(input);
      const collected = await reader.collect();
      await input.whenStored();
      // The SDK sets the start of this process. A backend would then add the counters of before the restart again.
      const startTime = toHrTime(input.source.series.sinceUnixMs);
      for (const { metrics } of collected.resourceMetrics.scopeMetrics) {
        for (const { descriptor, dataPoints } of metrics) {
          if (descriptor.name === specs.eventsDropped.name) {
            continue; // It counts since the start of this process.
          }
          for (const point of dataPoints) {
            Object.assign(point, { startTime });
          }
        }
      }
      return collected;
    },
    instruments: activityInstruments,
  };
}

function createReader(input: MetricsInput): ManualReader {
  const resource = resourceFromAttributes(input.resource());
  const reader = new ManualReader({ metricProducers: [durationProducer(input, resource)] });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const meter = provider.getMeter(input.scope.name, input.scope.version);
  const instruments = createInstruments(meter);
  meter.addBatchObservableCallback(createObserver(input, instruments), Object.values(instruments));
  return reader;
}

/** Every instrument but the histogram, in the order of the page. */
function createInstruments(meter: Meter) {
  const create = ({ name, kind, description, unit }: InstrumentSpec): Observable => {
    const options = { description, unit };
    switch (kind) {
      case "counter":
        return meter.createObservableCounter(name, options);
      case "up_down_counter":
        return meter.createObservableUpDownCounter(name, options);
      default:
        return meter.createObservableGauge(name, options);
    }
  };
  return {
    evicted: create(specs.evicted),
    evictedWork: create(specs.evictedWork),
    started: create(specs.started),
    ended: create(specs.ended),
    untracked: create(specs.untracked),
    reconciled: create(specs.reconciled),
    corrected: create(specs.corrected),
    lateStarts: create(specs.lateStarts),
    open: create(specs.open),
    signals: create(specs.signals),
    sessions: create(specs.sessions),
    diagnosed: create(specs.diagnosed),
    held: create(specs.held),
    implied: create(specs.implied),
    unrecognizedServices: create(specs.unrecognizedServices),
    eventsPending: create(specs.eventsPending),
    eventsDropped: create(specs.eventsDropped),
    oldestAge: create(specs.oldestAge),
  };
}

/** Observes the numbers of the engine as they are at one scrape. */
function createObserver(
  { source, events, senders }: MetricsInput,
  to: ReturnType<typeof createInstruments>,
): BatchObservableCallback {
  return (result) => {
    const { counters, view } = source.engine;
    const { atMs: nowMs } = source.now();
    const oldestAgesMs = view.oldestAgesMs(nowMs);
    for (const reason of evictionReasons) {
      const evicted = counters.evicted.get(reason) ?? [];
      const markers = (evicted[tool] ?? 0) + (evicted[modelCall] ?? 0);
      result.observe(to.evicted, markers, { "openclaw.reason": reason });
    }
    for (const kind of countedKinds) {
      const attributes = { "openclaw.kind": kindNames[kind] };
      for (const reason of evictionReasons) {
        const evicted = counters.evicted.get(reason)?.[kind] ?? 0;
        result.observe(to.evictedWork, evicted, { ...attributes, "openclaw.reason": reason });
      }
      result.observe(to.started, counters.started[kind] ?? 0, attributes);
      result.observe(to.ended, counters.ended[kind] ?? 0, attributes);
      result.observe(to.untracked, counters.untracked[kind] ?? 0, attributes);
      result.observe(to.reconciled, counters.reconciled[kind] ?? 0, attributes);
      for (const is of [...countedKinds, workKinds.other]) {
        if (is !== kind) {
          result.observe(to.corrected, counters.corrected[kind]?.[is] ?? 0, {
            "openclaw.from": kindNames[kind],
            "openclaw.to": is === workKinds.other ? "none" : kindNames[is],
          });
        }
      }
      // A run never starts too late: markers start too late for their run.
      if (kind !== run) {
        result.observe(to.lateStarts, counters.lateStarts[kind] ?? 0, attributes);
      }
      result.observe(to.open, counters.open[kind] ?? 0, attributes);
      result.observe(to.oldestAge, (oldestAgesMs[kind] ?? 0) / 1000, attributes);
    }
    for (const { name, storedId, results } of dialectRows) {
      for (const each of results) {
        const attributes = { "openclaw.dialect": name, "openclaw.result": each };
        const signals = counters.signals.get(each)?.[storedId] ?? 0;
        result.observe(to.signals, signals, attributes);
      }
    }
    for (const { state, blockedBy } of reportedStates) {
      const attributes = { "openclaw.state": state, "openclaw.blocked_by": blockedBy };
      result.observe(to.sessions, view.sessionsIn(state, blockedBy), attributes);
    }
    for (const verdict of verdictNames) {
      for (const [at, claim] of claimNames.entries()) {
        const attributes = { "openclaw.verdict": verdict, "openclaw.claim": claim };
        const diagnosed = counters.diagnosed.get(verdict)?.[at] ?? 0;
        result.observe(to.diagnosed, diagnosed, attributes);
      }
    }
    result.observe(to.held, view.heldMarkers());
    result.observe(to.implied, view.impliedWork(nowMs));
    result.observe(to.unrecognizedServices, senders.unrecognizedServices);
    result.observe(to.eventsPending, events.pendingEvents);
    for (const reason of dropReasons) {
      const attributes = { "openclaw.reason": reason };
      result.observe(to.eventsDropped, events.droppedEvents(reason), attributes);
    }
  };
}

/** No instrument of the SDK takes a finished histogram, so the durations join the collection as they are. */
function durationProducer({ source, scope }: MetricsInput, resource: Resource): MetricProducer {
  const { name, description, unit } = specs.duration;
  return {
    collect: async (): Promise<CollectionResult> => {
      const startTime = toHrTime(source.series.sinceUnixMs);
      const endTime = toHrTime(source.now().unixMs);
      const dataPoints = [];
      for (const kind of countedKinds) {
        for (const [at, outcome] of outcomes.entries()) {
          const cells = source.engine.counters.durations[kind]?.[at];
          if (cells !== undefined) {
            const { buckets, sum, count, min, max } = cells;
            dataPoints.push({
              attributes: { "openclaw.kind": kindNames[kind], "openclaw.outcome": outcome },
              startTime,
              endTime,
              value: {
                buckets: { boundaries: [...durationBoundsS], counts: [...buckets] },
                sum,
                count,
                ...(count === 0 ? {} : { min, max }),
              },
            });
          }
        }
      }
      const metric = {
        descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
        aggregationTemporality: AggregationTemporality.CUMULATIVE,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints,
      } as const;
      return {
        errors: [],
        resourceMetrics: {
          resource,
          scopeMetrics: [{ scope, metrics: [metric] }],
        },
      };
    },
  };
}

function toHrTime(unixMs: number): [number, number] {
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
}

import type { Attributes } from "@opentelemetry/api";
import { ValueType } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  MeterProvider,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { ActivityEngine } from "../../activity/engine/activity-engine.ts";
import type { EngineView } from "../../activity/engine/engine-view.ts";
import { reportedStates } from "../../activity/engine/policy/session-lifecycle.ts";
import {
  type ActivityCounters,
  durationBoundsS,
  outcomes,
} from "../../activity/engine/store/activity-counters.ts";
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
  /** Resolves when the counters have their values of before the restart. Earlier they would seem to fall. */
  readonly whenRestored: Promise<void>;
  readonly resource: () => Readonly<Record<string, string>>;
  readonly scope: { readonly name: string; readonly version: string };
}

interface EventCounts {
  readonly pendingEvents: number;
  droppedEvents(reason: DropReason): number;
}

/** The state of the engine at one scrape. */
interface Reading {
  readonly events: EventCounts;
  readonly counters: ActivityCounters;
  readonly view: EngineView;
  readonly nowMs: number;
  readonly oldestAgesMs: readonly number[];
}

interface Point {
  readonly attributes: Attributes;
  readonly value: (reading: Reading) => number;
}

const { run, tool, modelCall } = workKinds;
const countedKinds = [run, tool, modelCall] as const;
/** A run never starts too late: markers start too late for their run. */
const markerKinds = [tool, modelCall] as const;

const kindAttributes = kindNames.map((name) => ({ "openclaw.kind": name }));

/** Every instrument but the histogram, with its points in the order of the page. */
const table: readonly (readonly [InstrumentSpec, readonly Point[]])[] = [
  [
    specs.evicted,
    evictionReasons.map((reason) => ({
      attributes: { "openclaw.reason": reason },
      value: ({ counters }) => counters.evicted(reason, tool) + counters.evicted(reason, modelCall),
    })),
  ],
  [
    specs.evictedWork,
    countedKinds.flatMap((kind) =>
      evictionReasons.map((reason) => ({
        attributes: { ...kindAttributes[kind], "openclaw.reason": reason },
        value: ({ counters }: Reading) => counters.evicted(reason, kind),
      })),
    ),
  ],
  [specs.started, byKind("started", countedKinds)],
  [specs.ended, byKind("ended", countedKinds)],
  [specs.untracked, byKind("untracked", countedKinds)],
  [specs.reconciled, byKind("reconciled", countedKinds)],
  [specs.lateStarts, byKind("lateStarts", markerKinds)],
  [specs.open, byKind("open", countedKinds)],
  [
    specs.signals,
    dialectRows.flatMap(({ name, storedId, results }) =>
      results.map((result) => ({
        attributes: { "openclaw.dialect": name, "openclaw.result": result },
        value: ({ counters }: Reading) => counters.signals(result, storedId),
      })),
    ),
  ],
  [
    specs.sessions,
    reportedStates.map(({ state, blockedBy }) => ({
      attributes: { "openclaw.state": state, "openclaw.blocked_by": blockedBy },
      value: ({ view }) => view.sessionsBy(state, blockedBy),
    })),
  ],
  [
    specs.diagnosed,
    verdictNames.flatMap((verdict) =>
      claimNames.map((claim) => ({
        attributes: { "openclaw.verdict": verdict, "openclaw.claim": claim },
        value: ({ counters }: Reading) => counters.diagnosed(verdict, claim),
      })),
    ),
  ],
  [specs.held, [{ attributes: {}, value: ({ view }) => view.heldMarkers() }]],
  [specs.implied, [{ attributes: {}, value: ({ view, nowMs }) => view.impliedWork(nowMs) }]],
  [specs.eventsPending, [{ attributes: {}, value: ({ events }) => events.pendingEvents }]],
  [
    specs.eventsDropped,
    dropReasons.map((reason) => ({
      attributes: { "openclaw.reason": reason },
      value: ({ events }) => events.droppedEvents(reason),
    })),
  ],
  [
    specs.oldestAge,
    countedKinds.map((kind) => ({
      attributes: { ...kindAttributes[kind] },
      value: ({ oldestAgesMs }) => (oldestAgesMs[kind] ?? 0) / 1000,
    })),
  ],
];

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
  const reader = new ManualReader({ metricProducers: [durationProducer(input)] });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const meter = provider.getMeter(input.scope.name, input.scope.version);
  const observed = table.map(([{ name, kind, description, unit }, points]) => {
    const options = { description, unit };
    const instrument =
      kind === "counter"
        ? meter.createObservableCounter(name, options)
        : kind === "up_down_counter"
          ? meter.createObservableUpDownCounter(name, options)
          : meter.createObservableGauge(name, options);
    return [instrument, points] as const;
  });
  meter.addBatchObservableCallback(
    (result) => {
      const { engine } = input.source;
      const { counters, view } = engine;
      const { atMs: nowMs } = input.source.now();
      const { events } = input;
      const reading = { events, counters, view, nowMs, oldestAgesMs: view.oldestAgesMs(nowMs) };
      for (const [instrument, points] of observed) {
        for (const { attributes, value } of points) {
          result.observe(instrument, value(reading), attributes);
        }
      }
    },
    observed.map(([instrument]) => instrument),
  );
  return reader;
}

/** A counter of the engine that has a number for each kind of work. */
function byKind(
  name: "started" | "ended" | "untracked" | "reconciled" | "lateStarts" | "open",
  kinds: readonly (typeof countedKinds)[number][],
): readonly Point[] {
  return kinds.map((kind) => ({
    attributes: { ...kindAttributes[kind] },
    value: ({ counters }) => counters[name][kind] ?? 0,
  }));
}

/** No instrument of the SDK takes a finished histogram, so the durations join the collection as they are. */
function durationProducer({ source, resource, scope }: MetricsInput): MetricProducer {
  const { name, description, unit } = specs.duration;
  return {
    collect: async (): Promise<CollectionResult> => {
      const startTime = toHrTime(source.series.sinceUnixMs);
      const endTime = toHrTime(source.now().unixMs);
      const dataPoints = [];
      for (const kind of countedKinds) {
        for (const outcome of outcomes) {
          const cells = source.engine.counters.durations(kind, outcome);
          if (cells !== undefined) {
            const { buckets, sum, count, min, max } = cells;
            dataPoints.push({
              attributes: { ...kindAttributes[kind], "openclaw.outcome": outcome },
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
          resource: resourceFromAttributes(resource()),
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

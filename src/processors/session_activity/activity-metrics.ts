import { type Attributes, ValueType } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  MeterProvider,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { ActivityEngine } from "../../activity/engine/activity-engine.ts";
import {
  type ActivityCounters,
  durationBoundsS,
  outcomes,
} from "../../activity/engine/store/activity-counters.ts";
import type { SessionState } from "../../activity/model/diagnosis.ts";
import { type BlockedBy, claimNames, verdictNames } from "../../activity/model/diagnosis.ts";
import { dialectNames, resultsOf } from "../../activity/model/dialects.ts";
import { evictionReasons } from "../../activity/model/reasons.ts";
import { kindNames, toWorkKind, workKinds } from "../../activity/model/work.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";
import { ManualReader } from "../../metrics/manual-reader.ts";
import type { DescribedSource } from "../../metrics/metrics-source.ts";
import { activityInstruments, specs } from "./activity-instruments.ts";

const countedKinds = [workKinds.run, workKinds.tool, workKinds.modelCall] as const;
/** A run never starts too late: it is the owner that others come too late for. */
const markerKinds = [workKinds.tool, workKinds.modelCall] as const;

/** What a session in a state can be blocked by; no other pair occurs. */
const sessionPlaces: readonly (readonly [state: SessionState, blockedBy: BlockedBy])[] = [
  ["active", "none"],
  ["long_running", "none"],
  ["stalled", "model_call"],
  ["stalled", "run"],
  ["blocked_tool_call", "tool"],
  ["paused", "none"],
];

/** What publishing needs of the machine and of the outside. */
export interface MetricsInput {
  /** Asked after `whenRestored`; always the same from then on. */
  readonly activity: () => ActivityEngine;
  /** When the numbers are whole: before, those that are put back would seem to fall and rise. */
  readonly whenRestored: Promise<void>;
  /** Since when they count. */
  readonly sinceUnixMs: () => number;
  /** Asked when metrics are first collected. */
  readonly resource: () => Resource;
  readonly scope: { readonly name: string; readonly version: string };
  /** Monotonic and Unix time. */
  readonly nowMs: () => number;
  readonly unixMs: () => number;
}

/**
 * The machine's plain numbers as OpenTelemetry metrics, made when somebody asks. Every attribute value
 * is there from the start, as 0, so that a first eviction is seen as a step and absence means absence.
 */
export function createActivityMetrics(input: MetricsInput): DescribedSource {
  let reader: ManualReader | undefined;
  return {
    collect: async () => {
      await input.whenRestored;
      reader ??= createReader(input);
      const collected = await reader.collect();
      // The SDK has it that they count since now, and who adds up would count again what they are already.
      const startTime = toHrTime(input.sinceUnixMs());
      for (const { metrics } of collected.resourceMetrics.scopeMetrics) {
        for (const point of metrics.flatMap(({ dataPoints }): readonly object[] => dataPoints)) {
          Object.assign(point, { startTime });
        }
      }
      return collected;
    },
    instruments: activityInstruments,
  };
}

function createReader(input: MetricsInput): ManualReader {
  const reader = new ManualReader({ metricProducers: [durationProducer(input)] });
  const provider = new MeterProvider({ resource: input.resource(), readers: [reader] });
  const meter = provider.getMeter(input.scope.name, input.scope.version);
  const activity = input.activity();
  const { counters } = activity;
  const observe = (spec: InstrumentSpec, points: () => Iterable<readonly [number, Attributes]>) => {
    const options = { description: spec.description, unit: spec.unit };
    const instrument =
      spec.kind === "counter"
        ? meter.createObservableCounter(spec.name, options)
        : spec.kind === "up_down_counter"
          ? meter.createObservableUpDownCounter(spec.name, options)
          : meter.createObservableGauge(spec.name, options);
    instrument.addCallback((result) => {
      for (const [value, attributes] of points()) {
        result.observe(value, attributes);
      }
    });
  };
  const byKind = (values: () => readonly number[], kinds: readonly number[] = countedKinds) => {
    return () => {
      const now = values();
      return kinds.map((kind) => [now[kind] ?? 0, kindOf(kind)] as const);
    };
  };
  observe(specs.evicted, () =>
    evictionReasons.map(
      (reason) =>
        [
          counters.evicted(reason, workKinds.tool) + counters.evicted(reason, workKinds.modelCall),
          { "openclaw.reason": reason },
        ] as const,
    ),
  );
  observe(specs.evictedWork, () =>
    countedKinds.flatMap((kind) =>
      evictionReasons.map(
        (reason) =>
          [counters.evicted(reason, kind), { ...kindOf(kind), "openclaw.reason": reason }] as const,
      ),
    ),
  );
  observe(
    specs.started,
    byKind(() => counters.started),
  );
  observe(
    specs.ended,
    byKind(() => counters.ended),
  );
  observe(
    specs.untracked,
    byKind(() => counters.untracked),
  );
  observe(
    specs.reconciled,
    byKind(() => counters.reconciled),
  );
  observe(
    specs.lateStarts,
    byKind(() => counters.lateStarts, markerKinds),
  );
  observe(
    specs.open,
    byKind(() => counters.open),
  );
  observe(specs.signals, () => signalPoints(counters));
  observe(specs.sessions, () =>
    sessionPlaces.map(
      ([state, blockedBy]) =>
        [
          activity.view.sessionsBy(state, blockedBy),
          { "openclaw.state": state, "openclaw.blocked_by": blockedBy },
        ] as const,
    ),
  );
  observe(specs.diagnosed, () =>
    verdictNames.flatMap((verdict) =>
      claimNames.map(
        (claim) =>
          [
            counters.diagnosed(verdict, claim),
            { "openclaw.verdict": verdict, "openclaw.claim": claim },
          ] as const,
      ),
    ),
  );
  observe(specs.held, () => [[activity.view.heldMarkers(), {}] as const]);
  observe(specs.implied, () => [[activity.view.impliedWork(input.nowMs()), {}] as const]);
  observe(
    specs.oldestAge,
    byKind(() => activity.view.oldestAgesMs(input.nowMs()).map((ms) => ms / 1000)),
  );
  return reader;
}

function* signalPoints(counts: ActivityCounters): Iterable<readonly [number, Attributes]> {
  for (const [index, dialect] of dialectNames.entries()) {
    for (const result of resultsOf[dialect]) {
      const attributes = { "openclaw.dialect": dialect, "openclaw.result": result };
      yield [counts.signals(result, index), attributes];
    }
  }
}

/** Histograms have no observable instrument, so the buckets join the page as they are. */
function durationProducer(input: MetricsInput): MetricProducer {
  const { name, description, unit } = specs.duration;
  return {
    collect: async (): Promise<CollectionResult> => ({
      errors: [],
      resourceMetrics: {
        resource: input.resource(),
        scopeMetrics: [
          {
            scope: input.scope,
            metrics: [
              {
                descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
                aggregationTemporality: AggregationTemporality.CUMULATIVE,
                dataPointType: DataPointType.HISTOGRAM,
                dataPoints: [...durationPoints(input.activity().counters)].map((point) => ({
                  ...point,
                  startTime: toHrTime(input.sinceUnixMs()),
                  endTime: toHrTime(input.unixMs()),
                })),
              },
            ],
          },
        ],
      },
    }),
  };
}

function* durationPoints(counts: ActivityCounters) {
  for (const kind of countedKinds) {
    for (const outcome of outcomes) {
      const cells = counts.durations(kind, outcome);
      if (cells !== undefined) {
        yield {
          attributes: { ...kindOf(kind), "openclaw.outcome": outcome },
          value: {
            buckets: { boundaries: [...durationBoundsS], counts: [...cells.buckets] },
            sum: cells.sum,
            count: cells.count,
            ...(cells.count === 0 ? {} : { min: cells.min, max: cells.max }),
          },
        };
      }
    }
  }
}

function kindOf(kind: number): Attributes {
  return { "openclaw.kind": kindNames[toWorkKind(kind)] };
}

function toHrTime(unixMs: number): [number, number] {
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
}

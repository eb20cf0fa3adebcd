import type { Clock } from "../../component/clock.ts";
import type { Settings } from "../../component/settings.ts";
import {
  type DropReason,
  droppedLabels,
  droppedPoints,
  dropReasons,
  labelReasons,
  overflowedPoints,
  shownSeries,
  truncatedLabels,
} from "./page-instruments.ts";
import type { PassedReport } from "./passed-metrics.ts";

/** The time between two log lines about the same reason. */
const logIntervalMs = 10_000;

/** `late` has none: a newer value is shown, so nothing is missing. */
const remedies: Readonly<Record<Exclude<DropReason, "late"> | "overflow", string>> = {
  id_in_name: "The name of the metric contains an id. Move it into an attribute.",
  invalid_name: "The name of the metric has no letter or digit that Prometheus allows.",
  malformed:
    "The data point cannot be read: it has no value, or its buckets do not fit its bounds.",
  too_large: "The data point has too many buckets or attributes, or too long a name.",
  temporality: "The sender does not say whether its sums are delta or cumulative.",
  invalid_value: "A delta is not finite, or makes a counter decrease.",
  out_of_order:
    "Deltas of one time arrive twice: several processes may send with one resource. Give each its own service.instance.id.",
  type_conflict: "Senders use one name for metrics of different types. The first one is shown.",
  name_conflict:
    "The metric would have the lines of another one, such as a metric that this collector derives itself. The first one is shown.",
  series_limit: "max_series is reached and the metric cannot be added to an overflow.",
  overflow:
    'max_series is reached. Further series are added up in one with otel_metric_overflow="true".',
};

/** Counts what is not on the page, on `service.telemetry`, and logs each reason at most every ten seconds. */
export function createDropReport(
  { id, clock, logger, meter }: Settings,
  seriesCount: () => number,
): PassedReport {
  const points = new Map<string, number>(dropReasons.map((reason) => [reason, 0]));
  const labels = new Map<string, number>(labelReasons.map((reason) => [reason, 0]));
  let truncated = 0;
  let overflowed = 0;
  const warn = createWarning(clock, logger);

  for (const [spec, counts] of [
    [droppedPoints, points],
    [droppedLabels, labels],
  ] as const) {
    meter.createObservableCounter(spec.name, spec).addCallback((result) => {
      for (const [reason, count] of counts) {
        result.observe(count, { exporter: id, reason });
      }
    });
  }
  for (const [spec, count] of [
    [truncatedLabels, () => truncated],
    [overflowedPoints, () => overflowed],
  ] as const) {
    meter
      .createObservableCounter(spec.name, spec)
      .addCallback((result) => result.observe(count(), { exporter: id }));
  }
  meter
    .createObservableGauge(shownSeries.name, shownSeries)
    .addCallback((result) => result.observe(seriesCount(), { exporter: id }));

  return {
    dropped: (reason) => labels.set(reason, (labels.get(reason) ?? 0) + 1),
    truncated: () => {
      truncated += 1;
    },
    droppedPoint(reason, metric) {
      points.set(reason, (points.get(reason) ?? 0) + 1);
      if (reason !== "late") {
        warn(reason, metric);
      }
    },
    overflowedPoint(metric) {
      overflowed += 1;
      warn("overflow", metric);
    },
  };
}

function createWarning(clock: Clock, logger: Settings["logger"]) {
  const seen = new Map<string, { points: number; nextMs: number }>();
  return (reason: keyof typeof remedies, metric: string | undefined): void => {
    const before = seen.get(reason) ?? { points: 0, nextMs: Number.NEGATIVE_INFINITY };
    seen.set(reason, before);
    before.points += 1;
    const nowMs = clock.nowMs();
    if (nowMs < before.nextMs) {
      return;
    }
    logger.warn(
      reason === "overflow"
        ? "Metrics of senders are shown only in part on the page for Prometheus."
        : "Metrics of senders are not shown on the page for Prometheus.",
      {
        reason,
        data_points: before.points,
        ...(metric === undefined ? {} : { metric }),
        remedy: remedies[reason],
      },
    );
    before.points = 0;
    before.nextMs = nowMs + logIntervalMs;
  };
}

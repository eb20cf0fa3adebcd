import { isDeepStrictEqual } from "node:util";
import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import type { Component } from "../../component/component.ts";
import { accepted } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { mergeCollections } from "../../metrics/merge-collections.ts";
import type { DescribedSource } from "../../metrics/metrics-source.ts";
import { foldedLabels, lineNamesOf } from "../../metrics/prometheus-text.ts";
import { createScrapeHandler } from "../../metrics/scrape.ts";
import type { HttpServer } from "../../net/server.ts";
import { servePages } from "../../serving/page-server.ts";
import type { Config } from "./config.ts";
import { createDropReport } from "./drop-report.ts";
import { PassedMetrics, type PassedReport } from "./passed-metrics.ts";

/** OpenClaw's own Prometheus plugin spells the label `reason`, not `openclaw_reason`. */
const text = { stripPrefix: "openclaw." } as const;

/**
 * Serves the metrics of all attached sources and those that senders push on one page. Keeps the sources, as many as the config
 * connects, and the last values of what is pushed, bounded by `max_series`. Names of derived metrics are reserved for them.
 */
export function createPrometheusExporter(settings: Settings, config: Config): Component {
  const { logger } = settings;
  const sources = new Set<DescribedSource>();
  let passed: PassedMetrics | undefined;
  let server: HttpServer | undefined;
  let isStopping = false;
  const report = createDropReport(settings, () => passed?.seriesCount ?? 0);
  /** Where the metrics report to: a reload hands them over to another exporter. */
  let reporting = { to: report };
  const instruments = () => [...sources].flatMap((source) => source.instruments ?? []);
  // Made with the first payload or scrape, when all sources are known.
  const pageOptions = () => ({
    ...passedOptions(config),
    reserved: new Set(instruments().flatMap((spec) => lineNamesOf(spec, text))),
  });
  const passedMetrics = () => {
    const at = reporting;
    passed ??= new PassedMetrics({
      ...pageOptions(),
      clock: settings.clock,
      key: settings.randomBytes(32),
      report: {
        dropped: (reason) => at.to.dropped(reason),
        truncated: () => at.to.truncated(),
        droppedPoint: (reason, metric) => at.to.droppedPoint(reason, metric),
        overflowedPoint: (metric) => at.to.overflowedPoint(metric),
      },
    });
    return passed;
  };

  const handler = createScrapeHandler({
    async source() {
      const collected: CollectionResult[] = [];
      for (const source of sources) {
        collected.push(await source.collect());
      }
      return mergeCollections(collected);
    },
    rest: (taken) => passedMetrics().page(taken, { sendTimestamps: config.send_timestamps }),
    text,
    onFailure: (error) =>
      logger.warn("The metrics could not be collected, so a scrape got status 500.", {
        reasons: reasonsOf(error),
      }),
  });

  return {
    exporter: {
      // The page is gone after a restart, so it does not answer for data that another exporter could not take.
      keepsNothing: true,
      attach(source: DescribedSource) {
        sources.add(source);
      },
      consumer: () => ({
        async consume({ bytes }) {
          if (isStopping) {
            return { status: "retryable", message: "This collector stops and shows nothing more." };
          }
          await passedMetrics().take(bytes);
          return accepted;
        },
      }),
    },

    state: {
      handOver() {
        isStopping = true;
        return new PageHandover({ passed, reporting, options: pageOptions() });
      },
      takeOver(state) {
        if (!(state instanceof PageHandover) || state.passed === undefined) {
          return;
        }
        if (!isDeepStrictEqual(state.options, pageOptions())) {
          logger.info(
            "The options of the page have changed, so the metrics of senders appear again when they are sent next.",
          );
          return;
        }
        passed = state.passed;
        reporting = state.reporting;
        reporting.to = report;
      },
    },

    async start() {
      const problems = foldedLabelsOf(sources);
      if (problems.length > 0) {
        throw new Error(problems.join(" "));
      }
      server = await servePages(settings, config, {
        handler,
        onError: (error) =>
          logger.warn("The HTTP server of the metrics reported an error.", {
            reasons: reasonsOf(error),
          }),
      });
      logger.info("Serving metrics for Prometheus.", { endpoint: server.endpoint });
    },

    async shutdown(deadline) {
      isStopping = true;
      await server?.close(deadline);
    },
  };
}

/** The metrics of senders on their way to the exporter that shows them from now on. */
class PageHandover {
  readonly passed: PassedMetrics | undefined;
  readonly reporting: { to: PassedReport };
  /** On which the values depend. */
  readonly options: object;

  constructor(parts: Pick<PageHandover, "passed" | "reporting" | "options">) {
    this.passed = parts.passed;
    this.reporting = parts.reporting;
    this.options = parts.options;
  }
}

function foldedLabelsOf(sources: ReadonlySet<DescribedSource>): readonly string[] {
  return [...sources].flatMap((source) => foldedLabels(source.instruments ?? [], text));
}

function passedOptions(config: Config) {
  const { enabled, exclude_service_attributes } = config.resource_to_telemetry_conversion;
  const strategy = config.translation_strategy;
  return {
    namespace: config.namespace,
    suffixes:
      strategy === undefined
        ? config.add_metric_suffixes
        : strategy === "UnderscoreEscapingWithSuffixes",
    constLabels: config.const_labels,
    scopeLabels: !config.without_scope_info,
    resourceLabels: enabled ? (exclude_service_attributes ? "all_but_service" : "all") : "none",
    expirationMs: config.metric_expiration,
    maxSeries: config.max_series,
  } as const;
}

function reasonsOf(error: unknown): readonly string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((each) => (each instanceof Error ? each.message : String(each)));
}

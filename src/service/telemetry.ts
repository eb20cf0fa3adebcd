import type { Meter } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { type CollectionResult, MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Clock } from "../component/clock.ts";
import type { Component } from "../component/component.ts";
import { exceptionFields } from "../component/exception-fields.ts";
import type { Logger, Settings } from "../component/settings.ts";
import { ManualReader } from "../metrics/manual-reader.ts";
import { createScrapeHandler } from "../metrics/scrape.ts";
import type { HttpServer } from "../net/server.ts";
import { servePages } from "../serving/page-server.ts";
import type { ServerSection } from "../serving/server-options.ts";
import type { FlowCounts } from "./flow-counts.ts";
import { flowInstruments, processInstruments } from "./telemetry-instruments.ts";

export interface TelemetryOptions {
  readonly version: string;
  readonly clock: Clock;
  readonly counts: FlowCounts;
  readonly logger: Logger;
  readonly resource: Resource;
}

/** How the metrics are served. */
export interface TelemetryPage
  extends Pick<Settings, "authenticator" | "env" | "meter" | "sockets"> {
  readonly section: ServerSection;
}

/** The program's own metrics, separate from the metrics that it derives from received data. */
export interface Telemetry {
  /** For a component's own instruments. */
  meterFor(component: { readonly id: string }): Meter;
  /** All metrics, as totals since the start. */
  collect(): Promise<CollectionResult>;
  /** The page under `/metrics`, which a reload may replace. The metrics go on. */
  page(options: TelemetryPage): Component;
  /** Once, at the end. */
  shutdown(): Promise<void>;
}

/** Builds the instruments. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { version, clock, counts, logger } = options;
  const reader = new ManualReader();
  const provider = new MeterProvider({
    resource: options.resource,
    readers: [reader],
  });
  const meter = provider.getMeter("activity-collector/service", version);
  publishFlow(meter, counts);
  publishProcess(meter, clock);

  return {
    meterFor: ({ id }) => provider.getMeter(`activity-collector/${id}`, version),
    collect: () => reader.collect(),
    page: (page) => createPage(page, reader, { clock, logger }),
    shutdown: () => provider.shutdown(),
  };
}

function createPage(
  { section, ...settings }: TelemetryPage,
  reader: ManualReader,
  { clock, logger }: Pick<TelemetryOptions, "clock" | "logger">,
): Component {
  let server: HttpServer | undefined;
  return {
    async start() {
      const id = "service.telemetry.metrics";
      server = await servePages({ ...settings, id, clock, logger }, section, {
        handler: createScrapeHandler({
          source: () => reader.collect(),
          // The Collector's default reader prints names in this form, and its dashboards expect them.
          text: { suffixes: false },
          onFailure: (error) =>
            logger.warn(
              "The collector's own metrics could not be collected, so a scrape got status 500.",
              exceptionFields(error),
            ),
        }),
        onError: (error) =>
          logger.warn(
            "The HTTP server of the collector's own metrics reported an error.",
            exceptionFields(error),
          ),
      });
      logger.info("Serving the collector's own metrics.", { endpoint: server.endpoint });
    },

    async shutdown(deadline) {
      await server?.close(deadline);
    },
  };
}

function publishFlow(meter: Meter, counts: FlowCounts): void {
  for (const { name, unit, description } of flowInstruments) {
    meter.createObservableCounter(name, { unit, description }).addCallback((result) => {
      for (const { value, attributes } of counts.of(name)) {
        result.observe(value, attributes);
      }
    });
  }
}

function publishProcess(meter: Meter, clock: Clock): void {
  const { uptime, cpuSeconds, memoryRss, heapAlloc, systemMemory } = processInstruments;
  const startedMs = clock.nowMs();
  meter
    .createObservableCounter(uptime.name, uptime)
    .addCallback((result) => result.observe((clock.nowMs() - startedMs) / 1000));
  meter.createObservableCounter(cpuSeconds.name, cpuSeconds).addCallback((result) => {
    const { user, system } = process.cpuUsage();
    result.observe((user + system) / 1e6);
  });
  const rss = meter.createObservableGauge(memoryRss.name, memoryRss);
  const heap = meter.createObservableGauge(heapAlloc.name, heapAlloc);
  const reserved = meter.createObservableGauge(systemMemory.name, systemMemory);
  meter.addBatchObservableCallback(
    (result) => {
      const usage = process.memoryUsage();
      result.observe(rss, usage.rss);
      result.observe(heap, usage.heapUsed);
      result.observe(reserved, usage.heapTotal + usage.external);
    },
    [rss, heap, reserved],
  );
}

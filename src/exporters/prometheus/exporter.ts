import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import type { Component } from "../../component/component.ts";
import type { Settings } from "../../component/settings.ts";
import { mergeCollections } from "../../metrics/merge-collections.ts";
import type { DescribedSource } from "../../metrics/metrics-source.ts";
import { foldedLabels } from "../../metrics/prometheus-text.ts";
import { createScrapeHandler } from "../../metrics/scrape.ts";
import { type HttpServer, hostPortOf, listen } from "../../net/server.ts";
import type { Config } from "./config.ts";

/** OpenClaw's own Prometheus plugin spells the label `reason`, not `openclaw_reason`. */
const text = { stripPrefix: "openclaw." } as const;

/** Serves the metrics of all attached sources on one page. Keeps the sources, as many as the config connects. */
export function createPrometheusExporter(settings: Settings, config: Config): Component {
  const { logger } = settings;
  const sources = new Set<DescribedSource>();
  let server: HttpServer | undefined;

  const handler = createScrapeHandler({
    async source() {
      const collected: CollectionResult[] = [];
      for (const source of sources) {
        collected.push(await source.collect());
      }
      return mergeCollections(collected);
    },
    text,
    onFailure: (error) =>
      logger.warn("The metrics could not be collected, so a scrape got status 500.", {
        reasons: reasonsOf(error),
      }),
  });

  return {
    exporter: {
      attach(source: DescribedSource) {
        sources.add(source);
      },
    },

    async start() {
      const problems = [...sources].flatMap(({ instruments }) =>
        foldedLabels(instruments ?? [], text),
      );
      if (problems.length > 0) {
        throw new Error(problems.join(" "));
      }
      server = await listen({
        ...config.endpoint,
        sockets: settings.sockets,
        handler,
        onError: (error) =>
          logger.warn("The HTTP server of the metrics reported an error.", {
            reasons: reasonsOf(error),
          }),
      });
      logger.info("Serving metrics for Prometheus.", { endpoint: hostPortOf(server) });
    },

    async shutdown(deadline) {
      await server?.close(deadline);
    },
  };
}

function reasonsOf(error: unknown): readonly string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((each) => (each instanceof Error ? each.message : String(each)));
}

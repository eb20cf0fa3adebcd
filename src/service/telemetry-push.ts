import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import type { CancelTimer, Clock } from "../component/clock.ts";
import type { Component } from "../component/component.ts";
import { exceptionFields } from "../component/exception-fields.ts";
import type { Logger } from "../component/settings.ts";
import type { OtlpReaderConfig, PeriodicReader } from "./telemetry-readers-schema.ts";

export interface TelemetryPushOptions {
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly collect: () => Promise<CollectionResult>;
  /** The exporter that sends, started and stopped with the push. It logs and counts failures itself. */
  readonly exporter: Component;
}

/**
 * Sends the program's own metrics at each interval and once more at the shutdown, within its deadline. While one push takes longer than
 * the interval, the next waits for it: there is at most one at a time. A failed push is not kept, because the next one has all totals.
 */
export function createTelemetryPush(options: TelemetryPushOptions): Component {
  const { intervalMs, clock, logger, collect, exporter } = options;
  const consumer = exporter.exporter?.consumer?.("metrics");
  if (consumer === undefined) {
    throw new Error("The exporter of the collector's own metrics takes no metrics.");
  }
  let timer: CancelTimer | undefined;
  let pushing: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  async function push(): Promise<void> {
    try {
      const { resourceMetrics, errors } = await collect();
      const bytes = ProtobufMetricsSerializer.serializeRequest(resourceMetrics);
      if (errors.length > 0 || bytes === undefined) {
        throw new AggregateError(errors, "A part of the metrics could not be collected.");
      }
      const items = resourceMetrics.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .reduce((sum, { dataPoints }) => sum + dataPoints.length, 0);
      await consumer?.consume({ signal: "metrics", bytes, items });
    } catch (error) {
      logger.warn(
        "The collector's own metrics could not be collected, so they were not pushed.",
        exceptionFields(error),
      );
    }
  }

  function tick(): void {
    pushing ??= push().finally(() => {
      pushing = undefined;
    });
  }

  return {
    async start() {
      await exporter.start();
      timer = clock.every(intervalMs, tick);
    },
    shutdown(deadline) {
      stopped ??= (async () => {
        const hasStarted = timer !== undefined;
        timer?.();
        if (hasStarted) {
          // The last one has the counts of what was delivered meanwhile.
          const last = (pushing ?? Promise.resolve()).then(push);
          await Promise.race([last, whenAborted(deadline)]);
        }
        await exporter.shutdown(deadline);
      })();
      return stopped;
    },
  };
}

/** The exporter of a periodic reader, as a section of `otlp_http` or `otlp_grpc`. */
export function exporterSectionOf({ exporter: { otlp }, timeout }: PeriodicReader): {
  readonly type: "otlp_http" | "otlp_grpc";
  readonly section: unknown;
} {
  const isGrpc = otlp.protocol === "grpc";
  const url = urlOf(otlp);
  const insecure = url.protocol === "http:";
  const secured = {
    ...(otlp.certificate === undefined ? {} : { ca_file: otlp.certificate }),
    ...(otlp.client_certificate === undefined ? {} : { cert_file: otlp.client_certificate }),
    ...(otlp.client_key === undefined ? {} : { key_file: otlp.client_key }),
  };
  const common = {
    headers: headersOf(otlp),
    compression: otlp.compression,
    timeout: `${otlp.timeout}ms`,
    sending_queue: { enabled: false },
    retry_on_failure: {
      initial_interval: `${Math.min(5_000, timeout)}ms`,
      max_interval: `${Math.min(30_000, timeout)}ms`,
      max_elapsed_time: `${timeout}ms`,
    },
  };
  if (isGrpc) {
    const section = { endpoint: url.host, tls: insecure ? { insecure } : secured, ...common };
    return { type: "otlp_grpc", section };
  }
  const key = url.pathname === "/" ? "endpoint" : "metrics_endpoint";
  return {
    type: "otlp_http",
    section: { [key]: url.href, ...(insecure ? {} : { tls: secured }), ...common },
  };
}

/** As in the Collector: without a scheme, `insecure` decides. */
function urlOf({ endpoint, protocol, insecure }: OtlpReaderConfig): URL {
  const written =
    endpoint ?? (protocol === "grpc" ? "http://127.0.0.1:4317" : "http://127.0.0.1:4318");
  return new URL(written.includes("://") ? written : `${insecure ? "http" : "https"}://${written}`);
}

function headersOf({ headers }: OtlpReaderConfig): Readonly<Record<string, string>> {
  const pairs = Array.isArray(headers)
    ? headers.map(({ name, value }) => [name, value] as const)
    : Object.entries(headers);
  return Object.fromEntries(pairs.map(([name, value]) => [name, value.reveal()]));
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

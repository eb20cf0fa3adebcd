import type { ContextManager, TextMapPropagator } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  type Resource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { PreloadSettings } from "./environment.ts";

/**
 * The resource of this process: the service's name, the host, the process. It omits the command line and the user, which the
 * SDK's process detector would add, because command lines can contain tokens.
 */
export function createResource(processId: number): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ "process.pid": processId, "process.runtime.name": "nodejs" }))
    .merge(detectResources({ detectors: [hostDetector, serviceInstanceIdDetector] }))
    .merge(detectResources({ detectors: [envDetector] }));
}

/** Passes every start to `live`, and exports finished spans unless `OTEL_TRACES_EXPORTER` is `none`. */
export function createTracerProvider(
  settings: PreloadSettings,
  resource: Resource,
  live: SpanProcessor,
): TracerProvider {
  return new TracerProvider({
    resource,
    sampler: samplerOf(settings.sampler),
    spanLimits: settings.spanLimits,
    spanProcessors: settings.exportsTraces
      ? [live, new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), ...settings.batch })]
      : [live],
  });
}

export function createMeterProvider(settings: PreloadSettings, resource: Resource): MeterProvider {
  return new MeterProvider({
    resource,
    readers: settings.exportsMetrics
      ? [
          new PeriodicExportingMetricReader({
            exporter: new OTLPMetricExporter(),
            exportIntervalMillis: settings.metricIntervalMs,
            exportTimeoutMillis: Math.min(settings.metricTimeoutMs, settings.metricIntervalMs),
          }),
        ]
      : [],
  });
}

export function createContextManager(): ContextManager {
  return new AsyncLocalStorageContextManager().enable();
}

export function createPropagator(names: PreloadSettings["propagators"]): TextMapPropagator {
  return new CompositePropagator({
    propagators: names.map((name) =>
      name === "tracecontext" ? new W3CTraceContextPropagator() : new W3CBaggagePropagator(),
    ),
  });
}

function samplerOf({ name, ratio }: PreloadSettings["sampler"]): Sampler {
  switch (name) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(ratio);
    case "parentbased_always_on":
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case "parentbased_always_off":
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case "parentbased_traceidratio":
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
    default: {
      const never: never = name;
      return never;
    }
  }
}

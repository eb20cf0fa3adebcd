/**
 * `node --import openclaw-activity-collector/register app.mjs`: reports to the activity collector when the application starts
 * a run, a tool or a model call. An application with an OpenTelemetry SDK of its own keeps it; one without gets an SDK that
 * exports finished spans according to the `OTEL_*` variables. `docs/preload.md` is its manual.
 */
import { readFileSync } from "node:fs";
import { context, metrics, propagation, type TracerProvider, trace } from "@opentelemetry/api";
import { globalApiKey, property } from "../sender/global-context.ts";
import type { TlsOptions } from "../sender/http-client.ts";
import { keepProcessAlive, systemClock } from "../system-clock.ts";
import { createDelegatingProvider } from "./delegating-provider.ts";
import { type PreloadSettings, readEnvironment } from "./environment.ts";
import { type Flushable, flushBeforeExit, flushOnSignals } from "./exit-flush.ts";
import { watchGlobalApi } from "./global-api.ts";
import { LiveSpanProcessor } from "./live-span-processor.ts";
import {
  createContextManager,
  createMeterProvider,
  createPropagator,
  createResource,
  createTracerProvider,
} from "./own-sdk.ts";
import { watchProvider } from "./provider-watch.ts";
import type { StartedSpan } from "./started-span.ts";

const exit = {
  host: process,
  clock: systemClock,
  keepAlive: keepProcessAlive,
  deadlineMs: 2_000,
  intervalMs: 250,
};

function preload(settings: PreloadSettings): void {
  const live = new LiveSpanProcessor({
    endpoint: settings.live.endpoint,
    headers: settings.live.headers,
    tls: readTlsFiles(settings.live.tlsFiles),
    heartbeatIntervalMs: settings.live.heartbeatIntervalMs,
    onProblem: warn,
  });
  const flushables: Flushable[] = [live];
  flushBeforeExit(flushables, exit);

  const isFirst = property(globalThis, globalApiKey) === undefined;
  const sdk = settings.providesSdk && isFirst ? lendSdk(settings, live, flushables) : undefined;
  watchGlobalApi(
    {
      onProvider(provider) {
        const listeners = {
          onStart: (span: StartedSpan) => live.onStart(span),
          // Does not reject.
          onShutdown: () => void live.shutdown(),
        };
        if (!watchProvider(provider, listeners)) {
          warn("The application's tracer provider cannot be watched: no live spans are sent.");
        }
        if (isTracerProvider(provider)) {
          sdk?.makeWayFor(provider);
        }
      },
      onRefused: () =>
        warn(
          "The application has a copy of @opentelemetry/api that cannot register beside the preload's. Set ACTIVITY_PRELOAD_SDK=app and restart it.",
        ),
    },
    { isLent: sdk !== undefined },
  );
}

/** Registers an SDK that is created with the first span and replaced by the application's own. */
function lendSdk(settings: PreloadSettings, live: LiveSpanProcessor, flushables: Flushable[]) {
  const resource = createResource(process.pid);
  let own: ReturnType<typeof createTracerProvider> | undefined;
  let current: TracerProvider | undefined;

  const delegating = createDelegatingProvider(() => {
    if (current === undefined) {
      own = createTracerProvider(settings, resource, live);
      current = own;
      flushables.push(own);
      flushOnSignals(flushables, exit);
    }
    return current;
  });
  context.setGlobalContextManager(createContextManager());
  propagation.setGlobalPropagator(createPropagator(settings.propagators));
  trace.setGlobalTracerProvider(delegating);
  if (settings.providesMetrics) {
    const meterProvider = createMeterProvider(settings, resource);
    metrics.setGlobalMeterProvider(meterProvider);
    flushables.push(meterProvider);
  }

  return {
    makeWayFor(provider: TracerProvider): void {
      current = provider;
      // Spans recorded so far are still exported; `live` is not shut down.
      void own?.forceFlush().catch(() => {});
    },
  };
}

function isTracerProvider(provider: unknown): provider is TracerProvider {
  return typeof property(provider, "getTracer") === "function";
}

function readTlsFiles(paths: PreloadSettings["live"]["tlsFiles"]): TlsOptions {
  const read = (path: string | undefined) => {
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      warn(`A certificate file cannot be read. ${String(error)}`);
      return undefined;
    }
  };
  const [ca, cert, key] = [read(paths.ca), read(paths.cert), read(paths.key)];
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function warn(message: string): void {
  process.emitWarning(message, { type: "ActivityPreloadWarning" });
}

const settings = readEnvironment(process.env);
for (const problem of settings.problems) {
  warn(problem);
}
if (!settings.isDisabled) {
  try {
    preload(settings);
  } catch (error) {
    // An error of the preload must not keep the application from starting.
    warn(`Live spans are off. ${String(error)}`);
  }
}

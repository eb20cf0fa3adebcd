import { parseKeyPairsIntoRecord } from "@opentelemetry/core";

/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type SamplerName =
  | "always_on"
  | "always_off"
  | "traceidratio"
  | "parentbased_always_on"
  | "parentbased_always_off"
  | "parentbased_traceidratio";

/** The settings of the preload, from the environment. */
export interface PreloadSettings {
  /** `OTEL_SDK_DISABLED`. */
  readonly isDisabled: boolean;
  /** Whether an SDK is provided when the application has none; not with `ACTIVITY_PRELOAD_SDK=app`. */
  readonly providesSdk: boolean;
  /** `OPENCLAW_OTEL_PRELOADED`: OpenClaw relies on our SDK, for metrics too. */
  readonly providesMetrics: boolean;
  readonly live: {
    readonly endpoint: string;
    readonly headers: Readonly<Record<string, string>>;
    /** Paths of PEM files. */
    readonly tlsFiles: { readonly ca?: string; readonly cert?: string; readonly key?: string };
    readonly heartbeatIntervalMs: number;
  };
  readonly exportsTraces: boolean;
  readonly exportsMetrics: boolean;
  readonly sampler: { readonly name: SamplerName; readonly ratio: number };
  readonly propagators: readonly ("tracecontext" | "baggage")[];
  /** Only values that are set: the SDK's defaults are the specification's. */
  readonly batch: {
    readonly maxQueueSize?: number;
    readonly scheduledDelayMillis?: number;
    readonly exportTimeoutMillis?: number;
    readonly maxExportBatchSize?: number;
  };
  readonly spanLimits: {
    readonly attributeCountLimit?: number;
    readonly attributeValueLengthLimit?: number;
    readonly eventCountLimit?: number;
    readonly linkCountLimit?: number;
  };
  readonly metricIntervalMs: number;
  readonly metricTimeoutMs: number;
  /** A sentence for each value that is not supported. */
  readonly problems: readonly string[];
}

const defaultEndpoint = "http://127.0.0.1:4318";

/** Milliseconds between two heartbeats. */
export const defaultHeartbeatIntervalMs = 10_000;

const samplerNames: readonly SamplerName[] = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
];

/**
 * Reads the `OTEL_*` variables that the SDK for Node leaves to its caller. The libraries themselves read endpoints, headers,
 * timeouts and compression of the exporters, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`. An empty value counts as
 * none. A value that is not supported is listed in `problems` and replaced by the default.
 */
export function readEnvironment(environment: Environment): PreloadSettings {
  const problems: string[] = [];
  const text = (name: string) => environment[name]?.trim() || undefined;
  const isTrue = (name: string) => /^(1|true)$/i.test(text(name) ?? "");
  const number = (name: string): number | undefined => {
    const written = text(name);
    const value = Number(written);
    if (written !== undefined && !(value >= 0)) {
      problems.push(`${name}=${written} is not a number of 0 or more. The default is used.`);
      return undefined;
    }
    return written === undefined ? undefined : value;
  };
  const oneOf = <T extends string>(name: string, known: readonly T[], otherwise: T): T => {
    const written = text(name);
    const value = known.find((each) => each === written);
    if (written !== undefined && value === undefined) {
      problems.push(
        `${name}=${written} is not supported here. Use one of ${known.join(", ")}. ${otherwise} is used instead.`,
      );
    }
    return value ?? otherwise;
  };
  const protocol = (signal: "TRACES" | "METRICS") => {
    const name = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
    oneOf(
      text(name) === undefined ? "OTEL_EXPORTER_OTLP_PROTOCOL" : name,
      ["http/protobuf"],
      "http/protobuf",
    );
  };
  const exporter = (name: string) => oneOf(name, ["otlp", "none"], "otlp") === "otlp";

  const providesSdk = oneOf("ACTIVITY_PRELOAD_SDK", ["auto", "app"], "auto") === "auto";
  const providesMetrics = isTrue("OPENCLAW_OTEL_PRELOADED");
  if (providesSdk) {
    protocol("TRACES");
  }
  const name = oneOf("OTEL_TRACES_SAMPLER", samplerNames, "parentbased_always_on");
  const ratio = number("OTEL_TRACES_SAMPLER_ARG") ?? 1;
  return {
    isDisabled: isTrue("OTEL_SDK_DISABLED"),
    providesSdk,
    providesMetrics,
    live: readLive(text, number, problems),
    exportsTraces: exporter("OTEL_TRACES_EXPORTER"),
    exportsMetrics: exporter("OTEL_METRICS_EXPORTER"),
    sampler: { name, ratio: Math.min(1, ratio) },
    propagators: readPropagators(text("OTEL_PROPAGATORS"), problems),
    batch: defined({
      maxQueueSize: number("OTEL_BSP_MAX_QUEUE_SIZE"),
      scheduledDelayMillis: number("OTEL_BSP_SCHEDULE_DELAY"),
      exportTimeoutMillis: number("OTEL_BSP_EXPORT_TIMEOUT"),
      maxExportBatchSize: number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
    }),
    spanLimits: defined({
      attributeCountLimit:
        number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") ?? number("OTEL_ATTRIBUTE_COUNT_LIMIT"),
      attributeValueLengthLimit:
        number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT") ??
        number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
      eventCountLimit: number("OTEL_SPAN_EVENT_COUNT_LIMIT"),
      linkCountLimit: number("OTEL_SPAN_LINK_COUNT_LIMIT"),
    }),
    metricIntervalMs: number("OTEL_METRIC_EXPORT_INTERVAL") ?? 60_000,
    metricTimeoutMs: number("OTEL_METRIC_EXPORT_TIMEOUT") ?? 30_000,
    problems,
  };
}

/** Live spans are sent to the endpoint of finished spans, unless `ACTIVITY_COLLECTOR_ENDPOINT` names the collector. */
function readLive(
  text: (name: string) => string | undefined,
  number: (name: string) => number | undefined,
  problems: string[],
): PreloadSettings["live"] {
  const own = text("ACTIVITY_COLLECTOR_ENDPOINT");
  const forTraces = text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  let endpoint = own ?? forTraces ?? text("OTEL_EXPORTER_OTLP_ENDPOINT") ?? defaultEndpoint;
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    problems.push(
      `The endpoint ${endpoint} is not an http or https URL. Live spans go to ${defaultEndpoint}.`,
    );
    endpoint = defaultEndpoint;
  }
  const pem = (what: string) =>
    text(`OTEL_EXPORTER_OTLP_TRACES_${what}`) ?? text(`OTEL_EXPORTER_OTLP_${what}`);
  return {
    endpoint,
    // Keys for a backend must not be sent to a collector at another endpoint.
    headers:
      own === undefined
        ? {
            ...parseKeyPairsIntoRecord(text("OTEL_EXPORTER_OTLP_HEADERS")),
            ...parseKeyPairsIntoRecord(text("OTEL_EXPORTER_OTLP_TRACES_HEADERS")),
          }
        : parseKeyPairsIntoRecord(text("ACTIVITY_COLLECTOR_HEADERS")),
    tlsFiles: defined({
      ca: pem("CERTIFICATE"),
      cert: pem("CLIENT_CERTIFICATE"),
      key: pem("CLIENT_KEY"),
    }),
    heartbeatIntervalMs: number("ACTIVITY_HEARTBEAT_INTERVAL") ?? defaultHeartbeatIntervalMs,
  };
}

function readPropagators(
  written: string | undefined,
  problems: string[],
): PreloadSettings["propagators"] {
  const known = ["tracecontext", "baggage"] as const;
  const names = (written ?? known.join(",")).split(",").map((each) => each.trim());
  const unknown = names.filter((each) => each !== "none" && !known.some((name) => name === each));
  if (unknown.length > 0) {
    problems.push(
      `OTEL_PROPAGATORS names ${unknown.join(", ")}, which is not supported here. Use ${known.join(", ")} or none.`,
    );
  }
  return names.includes("none") ? [] : known.filter((each) => names.includes(each));
}

/** The properties that have a value. */
function defined<T>(values: Readonly<Record<string, T | undefined>>): Record<string, T> {
  const kept: Record<string, T> = {};
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) {
      kept[key] = value;
    }
  }
  return kept;
}

import { describe, expect, test } from "vitest";
import { type Environment, readEnvironment } from "../../src/preload/environment.ts";

const defaults = readEnvironment({});

describe("an empty environment", () => {
  test("sends live spans to the collector on this machine, with heartbeats", () => {
    expect(defaults.live).toEqual({
      endpoint: "http://127.0.0.1:4318",
      headers: {},
      tlsFiles: {},
      heartbeatIntervalMs: 10_000,
    });
  });

  test("provides an SDK that samples everything and exports traces", () => {
    expect(defaults).toMatchObject({
      isDisabled: false,
      providesSdk: true,
      providesMetrics: false,
      exportsTraces: true,
      sampler: { name: "parentbased_always_on", ratio: 1 },
      propagators: ["tracecontext", "baggage"],
      batch: {},
      spanLimits: {},
      problems: [],
    });
  });
});

describe("where live spans go", () => {
  for (const [title, environment, endpoint, headers] of [
    [
      "where all signals go",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/x", OTEL_EXPORTER_OTLP_HEADERS: "a=1,b=%20x" },
      "http://c:4318/x",
      { a: "1", b: " x" },
    ],
    [
      "where traces go, when that is elsewhere",
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://all:4318",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://t:4318/v1/traces",
        OTEL_EXPORTER_OTLP_HEADERS: "a=1,b=2",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: "b=3",
      },
      "http://t:4318/v1/traces",
      { a: "1", b: "3" },
    ],
    [
      "to a collector of their own, without the keys for the backend",
      {
        ACTIVITY_COLLECTOR_ENDPOINT: "http://127.0.0.1:4318",
        ACTIVITY_COLLECTOR_HEADERS: "authorization=Bearer%20x",
        OTEL_EXPORTER_OTLP_ENDPOINT: "https://backend.example",
        OTEL_EXPORTER_OTLP_HEADERS: "api-key=secret",
      },
      "http://127.0.0.1:4318",
      { authorization: "Bearer x" },
    ],
  ] satisfies [string, Environment, string, Record<string, string>][]) {
    test(title, () => {
      expect(readEnvironment(environment).live).toMatchObject({ endpoint, headers });
    });
  }
});

describe("what is written", () => {
  for (const [name, value, want] of [
    ["OTEL_SDK_DISABLED", "TRUE", { isDisabled: true }],
    ["OTEL_SDK_DISABLED", "yes", { isDisabled: false }],
    ["OTEL_SDK_DISABLED", "", { isDisabled: false }],
    ["ACTIVITY_PRELOAD_SDK", "app", { providesSdk: false }],
    ["OPENCLAW_OTEL_PRELOADED", "1", { providesMetrics: true }],
    ["OPENCLAW_OTEL_PRELOADED", "0", { providesMetrics: false }],
    ["OTEL_TRACES_EXPORTER", "none", { exportsTraces: false }],
    ["OTEL_METRICS_EXPORTER", "none", { exportsMetrics: false }],
    ["OTEL_TRACES_SAMPLER", "always_off", { sampler: { name: "always_off", ratio: 1 } }],
    ["OTEL_BSP_SCHEDULE_DELAY", "100", { batch: { scheduledDelayMillis: 100 } }],
    ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "64", { spanLimits: { attributeValueLengthLimit: 64 } }],
    ["OTEL_METRIC_EXPORT_INTERVAL", "1000", { metricIntervalMs: 1000 }],
    ["OTEL_PROPAGATORS", "none", { propagators: [] }],
    ["OTEL_PROPAGATORS", "baggage", { propagators: ["baggage"] }],
    ["ACTIVITY_HEARTBEAT_INTERVAL", "30000", { live: { heartbeatIntervalMs: 30_000 } }],
    ["ACTIVITY_HEARTBEAT_INTERVAL", "0", { live: { heartbeatIntervalMs: 0 } }],
    ["OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", { live: { tlsFiles: { ca: "/ca.pem" } } }],
  ] as const) {
    test(`${name}=${value} is honoured`, () => {
      expect(readEnvironment({ [name]: value })).toMatchObject({ ...want, problems: [] });
    });
  }

  for (const [name, value, want, problem] of [
    ["OTEL_TRACES_SAMPLER", "jaeger_remote", { sampler: defaults.sampler }, /not supported here/],
    ["OTEL_TRACES_EXPORTER", "zipkin", { exportsTraces: true }, /Use one of otlp, none/],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", {}, /OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not/],
    ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", {}, /OTLP_TRACES_PROTOCOL=grpc is not/],
    ["OTEL_BSP_MAX_QUEUE_SIZE", "many", { batch: {} }, /is not a number of 0 or more/],
    ["OTEL_PROPAGATORS", "tracecontext,b3", { propagators: ["tracecontext"] }, /names b3,/],
    ["ACTIVITY_PRELOAD_SDK", "none", { providesSdk: true }, /Use one of auto, app/],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318", { live: defaults.live }, /not an http or/],
  ] as const) {
    test(`${name}=${value} is reported, and the default used`, () => {
      const settings = readEnvironment({ [name]: value });
      expect(settings).toMatchObject(want);
      expect(settings.problems).toEqual([expect.stringMatching(problem)]);
    });
  }
});

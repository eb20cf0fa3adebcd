// Sends all three signals with everything the SDK can say, with no settings but those of the environment.
import {
  context,
  DiagLogLevel,
  diag,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const protocol = process.argv[2];
// The package decides the protocol: JavaScript has one for each.
const kind = { grpc: "grpc", "http/protobuf": "proto", "http/json": "http" }[protocol];
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPMetricExporter } = await import(`@opentelemetry/exporter-metrics-otlp-${kind}`);
const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${kind}`);

// An exporter that fails only says so here.
const complain = (...words) => process.stderr.write(`${words.join(" ")}\n`);
diag.setLogger(
  { error: complain, warn: complain, info() {}, debug() {}, verbose() {} },
  DiagLogLevel.WARN,
);

const bulkSpans = 1200;
const bulkLogs = 600;

const simple = {
  text: "grüße 👋",
  empty: "",
  yes: true,
  no: false,
  zero: 0,
  largest: Number.MAX_SAFE_INTEGER,
  smallest: Number.MIN_SAFE_INTEGER,
  tenth: 0.1,
  // Not above 2^53: the SDK writes every number without a fraction as an int.
  tiny: Number.MIN_VALUE,
  texts: ["a", "", "ü"],
  flags: [true, false],
  numbers: [1, -2, 4_294_967_296],
  fractions: [0.5, -1e-300],
};
// Only log records have values of every type: the SDK drops others from spans with a warning.
const nested = {
  ...simple,
  bytes: new Uint8Array([0, 255, 128]),
  map: { inner: { list: [1, "two", { three: 3.5 }] }, empty: {} },
  mixed: ["a", 1, true, 2.5, new Uint8Array([1]), ["deep"]],
};

const resource = resourceFromAttributes({ "service.name": "peer-javascript", ...simple });

const tracers = new TracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
});
const tracer = tracers.getTracer("peer", "1.2.3", { schemaUrl: "urn:schema" });
const remote = {
  traceId: "80000000000000000000000000000005",
  spanId: "8000000000000007",
  traceFlags: 1,
  isRemote: true,
  traceState: new TraceState("vendor=a:b"),
};
const root = tracer.startSpan(
  "root",
  {
    kind: SpanKind.SERVER,
    attributes: simple,
    links: [{ context: remote, attributes: simple }, { context: remote }],
  },
  trace.setSpanContext(context.active(), remote),
);
const inRoot = trace.setSpan(context.active(), root);
root.addEvent("event", simple, [1_700_000_000, 123_456_789]);
root.addEvent("bare");
root.setStatus({ code: SpanStatusCode.ERROR, message: "went wrong" });
for (const [name, kind] of Object.entries(SpanKind).filter(
  ([, kind]) => typeof kind === "number",
)) {
  tracer.startSpan(`kind ${name}`, { kind }, inRoot).end();
}
const ok = tracer.startSpan("ok", { startTime: [1_700_000_000, 123_456_789] }, inRoot);
ok.setStatus({ code: SpanStatusCode.OK });
ok.end([1_700_000_000, 123_456_790]);
for (let index = 0; index < bulkSpans; index += 1) {
  tracer.startSpan(`bulk ${index}`, { attributes: { index } }, inRoot).end();
}
root.end();

const meters = new MeterProvider({
  resource,
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(),
      exportIntervalMillis: 3_600_000,
    }),
  ],
  views: [
    { instrumentName: "exponential", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
  ],
});
const meter = meters.getMeter("peer", "1.2.3");
const counter = meter.createCounter("counter", { unit: "By", description: "counts" });
counter.add(5, simple, inRoot);
counter.add(4_294_967_297, { other: "series" });
meter.createCounter("fraction").add(0.25);
meter.createUpDownCounter("updown").add(-3, { side: "down" });
meter.createGauge("gauge", { unit: "Cel" }).record(-40.5, { place: "Oslo" });
for (const name of ["histogram", "exponential"]) {
  const histogram = meter.createHistogram(name, { unit: "ms" });
  for (const value of [0, 0.001, 7, 7.5, 123_456]) {
    histogram.record(value, { route: "/" }, inRoot);
  }
}
meter.createObservableGauge("observed").addCallback((result) => result.observe(7, { seen: true }));

const loggers = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
});
const logger = loggers.getLogger("peer", "1.2.3");
for (const body of [
  "text",
  "",
  true,
  Number.MAX_SAFE_INTEGER,
  -0.5,
  new Uint8Array([0, 255]),
  ["list", 1, [true]],
  nested,
]) {
  logger.emit({
    timestamp: [1_700_000_000, 123_456_789],
    severityNumber: SeverityNumber.WARN2,
    severityText: "WARN2",
    body,
    attributes: nested,
    eventName: "peer.event",
    context: inRoot,
  });
}
for (let index = 0; index < bulkLogs; index += 1) {
  logger.emit({ body: `bulk ${index}`, attributes: { index } });
}

for (const provider of [tracers, meters, loggers]) {
  await provider.forceFlush();
  await provider.shutdown();
}

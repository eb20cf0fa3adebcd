"""Sends all three signals with everything the SDK can say, with no settings but those of the environment."""

import sys

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

if sys.argv[1] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

SPANS = 1200
LOGS = 600

simple = {
    "text": "grüße 👋",
    "empty": "",
    "yes": True,
    "no": False,
    "zero": 0,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "tenth": 0.1,
    "huge": 1.7976931348623157e308,
    "texts": ["a", "", "ü"],
    "flags": [True, False],
    "numbers": [1, -2, 2**53 + 1],
    "fractions": [0.5, -1e-300],
}
nested = {
    **simple,
    "bytes": b"\x00\xff\x80",
    "map": {"inner": {"list": [1, "two", {"three": 3.5}], "none": None}, "empty": {}},
    "mixed": ["a", 1, True, 2.5, b"\x01", ["deep"]],
}

resource = Resource.create({"service.name": "peer-python", **simple})

tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = tracers.get_tracer("peer", "1.2.3", "urn:schema", {"scope": "attribute"})
remote = SpanContext(2**127 + 5, 2**63 + 7, True, TraceFlags(1), TraceState([("vendor", "a:b")]))
with tracer.start_as_current_span(
    "root",
    context=trace.set_span_in_context(trace.NonRecordingSpan(remote)),
    kind=SpanKind.SERVER,
    attributes=nested,
    links=[Link(remote, simple), Link(remote)],
) as root:
    root.add_event("event", nested, timestamp=1)
    root.add_event("bare")
    root.set_status(Status(StatusCode.ERROR, "went wrong"))
    for kind in SpanKind:
        tracer.start_span(f"kind {kind.name}", kind=kind).end()
    ok = tracer.start_span("ok", start_time=1_700_000_000_123_456_789)
    ok.set_status(Status(StatusCode.OK))
    ok.end(1_700_000_000_123_456_790)
    for index in range(SPANS):
        tracer.start_span(f"bulk {index}", attributes={"index": index}).end()

readers = [PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=3_600_000)]
exponential = View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())
meters = MeterProvider(readers, resource, views=[exponential])
meter = meters.get_meter("peer", "1.2.3")
with trace.use_span(root):
    counter = meter.create_counter("counter", "By", "counts")
    counter.add(5, simple)
    counter.add(2**53 + 1, {"other": "series"})
    meter.create_counter("fraction").add(0.25)
    meter.create_up_down_counter("updown").add(-3, {"side": "down"})
    meter.create_gauge("gauge", "Cel").set(-40.5, {"place": "Oslo"})
    for name in ("histogram", "exponential"):
        histogram = meter.create_histogram(name, "ms")
        for value in (0, 0.001, 7, 7.5, 123_456):
            histogram.record(value, {"route": "/"})
meter.create_observable_gauge("observed", [lambda _: [Observation(7, {"seen": True})]])

loggers = LoggerProvider(resource)
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
logger = loggers.get_logger("peer", "1.2.3")
bodies = ["text", "", True, 2**63 - 1, -0.5, b"\x00\xff", ["list", 1, [True]], nested]
with trace.use_span(root):
    for body in bodies:
        logger.emit(
            timestamp=1_700_000_000_123_456_789,
            severity_number=SeverityNumber.WARN2,
            severity_text="WARN2",
            body=body,
            attributes=nested,
            event_name="peer.event",
        )
for index in range(LOGS):
    logger.emit(body=f"bulk {index}", attributes={"index": index})

for provider in (tracers, meters, loggers):
    provider.force_flush()
    provider.shutdown()

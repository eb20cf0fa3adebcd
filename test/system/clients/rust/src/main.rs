//! Sends all three signals with everything the SDK can say, with no settings but those of the environment.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::trace::{
    Link, Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Array, Context, InstrumentationScope, Key, KeyValue, Value};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};
use opentelemetry_sdk::trace::SdkTracerProvider;
use opentelemetry_sdk::Resource;

const BULK_SPANS: i64 = 1200;
const BULK_LOGS: i64 = 600;

fn simple() -> Vec<KeyValue> {
    vec![
        KeyValue::new("text", "grüße 👋"),
        KeyValue::new("empty", ""),
        KeyValue::new("yes", true),
        KeyValue::new("no", false),
        KeyValue::new("zero", 0_i64),
        KeyValue::new("largest", i64::MAX),
        KeyValue::new("smallest", i64::MIN),
        KeyValue::new("tenth", 0.1),
        KeyValue::new("huge", f64::MAX),
        KeyValue::new("texts", Value::Array(Array::String(vec!["a".into(), "".into(), "ü".into()]))),
        KeyValue::new("flags", Value::Array(Array::Bool(vec![true, false]))),
        KeyValue::new("numbers", Value::Array(Array::I64(vec![1, -2, (1 << 53) + 1]))),
        KeyValue::new("fractions", Value::Array(Array::F64(vec![0.5, -1e-300]))),
    ]
}

fn map() -> AnyValue {
    let inner = AnyValue::Map(Box::new(HashMap::from([(
        Key::new("list"),
        AnyValue::ListAny(Box::new(vec![AnyValue::Int(1), AnyValue::String("two".into())])),
    )])));
    AnyValue::Map(Box::new(HashMap::from([
        (Key::new("inner"), inner),
        (Key::new("empty"), AnyValue::Map(Box::default())),
        (Key::new("bytes"), AnyValue::Bytes(Box::new(vec![0, 255, 128]))),
    ])))
}

fn at() -> SystemTime {
    UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789)
}

fn main() -> Result<(), Box<dyn Error>> {
    let is_grpc = std::env::args().nth(1).as_deref() == Some("grpc");
    // The exporter for gRPC wants a runtime around it when it is made and used.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let guard = is_grpc.then(|| runtime.enter());
    let (spans, metrics, logs) = if is_grpc {
        (
            SpanExporter::builder().with_tonic().build()?,
            MetricExporter::builder().with_tonic().build()?,
            LogExporter::builder().with_tonic().build()?,
        )
    } else {
        (
            SpanExporter::builder().with_http().build()?,
            MetricExporter::builder().with_http().build()?,
            LogExporter::builder().with_http().build()?,
        )
    };
    let resource =
        Resource::builder().with_service_name("peer-rust").with_attributes(simple()).build();

    let tracers = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_batch_exporter(spans)
        .build();
    let in_root = send_spans(&tracers);
    let meters = SdkMeterProvider::builder()
        .with_resource(resource.clone())
        .with_periodic_exporter(metrics)
        .with_view(|instrument: &Instrument| {
            (instrument.name() == "exponential").then(|| {
                let aggregation = Aggregation::Base2ExponentialHistogram {
                    max_size: 160,
                    max_scale: 20,
                    record_min_max: true,
                };
                Stream::builder().with_aggregation(aggregation).build().expect("a valid stream")
            })
        })
        .build();
    send_metrics(&meters.meter("peer"));
    let loggers =
        SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(logs).build();
    send_logs(&loggers, in_root);

    tracers.force_flush()?;
    meters.force_flush()?;
    loggers.force_flush()?;
    tracers.shutdown()?;
    meters.shutdown()?;
    loggers.shutdown()?;
    drop(guard);
    Ok(())
}

/// Returns a context with the ended root.
fn send_spans(tracers: &SdkTracerProvider) -> Context {
    let tracer = tracers.tracer_with_scope(
        InstrumentationScope::builder("peer")
            .with_version("1.2.3")
            .with_schema_url("urn:schema")
            .with_attributes([KeyValue::new("scope", "attribute")])
            .build(),
    );
    let remote = SpanContext::new(
        TraceId::from((1_u128 << 127) + 5),
        SpanId::from((1_u64 << 63) + 7),
        TraceFlags::SAMPLED,
        true,
        TraceState::from_key_value([("vendor", "a:b")]).expect("a valid state"),
    );
    let mut root = tracer
        .span_builder("root")
        .with_kind(SpanKind::Server)
        .with_attributes(simple())
        .with_links(vec![
            Link::new(remote.clone(), simple(), 0),
            Link::new(remote.clone(), vec![], 0),
        ])
        .start_with_context(&tracer, &Context::new().with_remote_span_context(remote));
    root.add_event_with_timestamp("event", UNIX_EPOCH + Duration::from_nanos(1), simple());
    root.add_event("bare", vec![]);
    root.set_status(Status::error("went wrong"));
    let in_root = Context::new().with_remote_span_context(root.span_context().clone());
    for kind in [
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ] {
        tracer
            .span_builder(format!("kind {kind:?}"))
            .with_kind(kind)
            .start_with_context(&tracer, &in_root)
            .end();
    }
    let mut ok =
        tracer.span_builder("ok").with_start_time(at()).start_with_context(&tracer, &in_root);
    ok.set_status(Status::Ok);
    ok.end_with_timestamp(at() + Duration::from_nanos(1));
    for index in 0..BULK_SPANS {
        tracer
            .span_builder(format!("bulk {index}"))
            .with_attributes([KeyValue::new("index", index)])
            .start_with_context(&tracer, &in_root)
            .end();
    }
    root.end();
    in_root
}

fn send_metrics(meter: &Meter) {
    let counter = meter.u64_counter("counter").with_unit("By").with_description("counts").build();
    counter.add(5, &simple());
    counter.add((1 << 53) + 1, &[KeyValue::new("other", "series")]);
    meter.f64_counter("fraction").build().add(0.25, &[]);
    meter.i64_up_down_counter("updown").build().add(-3, &[KeyValue::new("side", "down")]);
    let gauge = meter.f64_gauge("gauge").with_unit("Cel").build();
    gauge.record(-40.5, &[KeyValue::new("place", "Oslo")]);
    for name in ["histogram", "exponential"] {
        let histogram = meter.f64_histogram(name).with_unit("ms").build();
        for value in [0.0, 0.001, 7.0, 7.5, 123_456.0] {
            histogram.record(value, &[KeyValue::new("route", "/")]);
        }
    }
    meter
        .i64_observable_gauge("observed")
        .with_callback(|observer| observer.observe(7, &[KeyValue::new("seen", true)]))
        .build();
}

fn send_logs(loggers: &SdkLoggerProvider, in_root: Context) {
    let logger = loggers.logger("peer");
    let entered = in_root.attach();
    for body in [
        AnyValue::String("text".into()),
        AnyValue::String("".into()),
        AnyValue::Boolean(true),
        AnyValue::Int(i64::MAX),
        AnyValue::Double(-0.5),
        AnyValue::Bytes(Box::new(vec![0, 255])),
        AnyValue::ListAny(Box::new(vec![AnyValue::String("list".into()), AnyValue::Int(1)])),
        map(),
    ] {
        let mut record = logger.create_log_record();
        record.set_timestamp(at());
        record.set_severity_number(Severity::Warn2);
        record.set_severity_text("WARN2");
        record.set_body(body);
        record.set_event_name("peer.event");
        record.add_attribute("map", map());
        record.add_attribute("bytes", AnyValue::Bytes(Box::new(vec![0, 255, 128])));
        record.add_attribute("largest", i64::MAX);
        logger.emit(record);
    }
    drop(entered);
    for index in 0..BULK_LOGS {
        let mut record = logger.create_log_record();
        record.set_body(AnyValue::String(format!("bulk {index}").into()));
        record.add_attribute("index", index);
        logger.emit(record);
    }
}

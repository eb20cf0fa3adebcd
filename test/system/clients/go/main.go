// Sends all three signals with everything the SDK can say, with no settings but those of the environment.
package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	bulkSpans = 1200
	bulkLogs  = 600
)

var simple = []attribute.KeyValue{
	attribute.String("text", "grüße 👋"),
	attribute.String("empty", ""),
	attribute.Bool("yes", true),
	attribute.Bool("no", false),
	attribute.Int64("zero", 0),
	attribute.Int64("largest", math.MaxInt64),
	attribute.Int64("smallest", math.MinInt64),
	attribute.Float64("tenth", 0.1),
	attribute.Float64("huge", math.MaxFloat64),
	attribute.Float64("infinite", math.Inf(-1)),
	attribute.StringSlice("texts", []string{"a", "", "ü"}),
	attribute.BoolSlice("flags", []bool{true, false}),
	attribute.Int64Slice("numbers", []int64{1, -2, 1<<53 + 1}),
	attribute.Float64Slice("fractions", []float64{0.5, -1e-300}),
}

var nested = append([]attribute.KeyValue{
	attribute.ByteSlice("bytes", []byte{0, 255, 128}),
	attribute.Map("map",
		attribute.Map("inner", attribute.Slice("list", attribute.IntValue(1), attribute.MapValue(attribute.Float64("three", 3.5)))),
		attribute.Map("empty")),
	attribute.Slice("mixed", attribute.StringValue("a"), attribute.BoolValue(true), attribute.ByteSliceValue([]byte{1}), attribute.Value{}),
}, simple...)

func main() {
	ctx := context.Background()
	// Else an exporter that fails is only a line on stderr.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(fail))
	res := resource.NewSchemaless(append([]attribute.KeyValue{attribute.String("service.name", "peer-go")}, simple...)...)

	spans, metrics, logs := exporters(ctx, os.Args[1])
	tracers := sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithBatcher(spans))
	meters := sdkmetric.NewMeterProvider(
		sdkmetric.WithResource(res),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics, sdkmetric.WithInterval(time.Hour))),
		sdkmetric.WithView(sdkmetric.NewView(
			sdkmetric.Instrument{Name: "exponential"},
			sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}},
		)),
	)
	loggers := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))

	inSpan := sendSpans(ctx, tracers.Tracer("peer", trace.WithInstrumentationVersion("1.2.3"),
		trace.WithSchemaURL("urn:schema"), trace.WithInstrumentationAttributes(attribute.String("scope", "attribute"))))
	sendMetrics(inSpan, meters.Meter("peer", metric.WithInstrumentationVersion("1.2.3")))
	sendLogs(inSpan, loggers.Logger("peer", log.WithInstrumentationVersion("1.2.3")))

	for _, provider := range []interface {
		ForceFlush(context.Context) error
		Shutdown(context.Context) error
	}{tracers, meters, loggers} {
		must(provider.ForceFlush(ctx))
		must(provider.Shutdown(ctx))
	}
}

func exporters(ctx context.Context, protocol string) (sdktrace.SpanExporter, sdkmetric.Exporter, sdklog.Exporter) {
	if protocol == "grpc" {
		return made[sdktrace.SpanExporter](otlptracegrpc.New(ctx)),
			made[sdkmetric.Exporter](otlpmetricgrpc.New(ctx)),
			made[sdklog.Exporter](otlploggrpc.New(ctx))
	}
	return made[sdktrace.SpanExporter](otlptracehttp.New(ctx)),
		made[sdkmetric.Exporter](otlpmetrichttp.New(ctx)),
		made[sdklog.Exporter](otlploghttp.New(ctx))
}

// sendSpans returns a context with the ended root.
func sendSpans(ctx context.Context, tracer trace.Tracer) context.Context {
	state, err := trace.ParseTraceState("vendor=a:b")
	must(err)
	remote := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{15: 5, 0: 128}, SpanID: trace.SpanID{7: 7, 0: 128},
		TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
	})
	inRoot, root := tracer.Start(trace.ContextWithRemoteSpanContext(ctx, remote), "root",
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(nested...),
		trace.WithLinks(trace.Link{SpanContext: remote, Attributes: simple}, trace.Link{SpanContext: remote}))
	root.AddEvent("event", trace.WithAttributes(nested...), trace.WithTimestamp(time.Unix(0, 1)))
	root.AddEvent("bare")
	root.SetStatus(codes.Error, "went wrong")
	for _, kind := range []trace.SpanKind{
		trace.SpanKindInternal, trace.SpanKindServer, trace.SpanKindClient, trace.SpanKindProducer, trace.SpanKindConsumer,
	} {
		_, span := tracer.Start(inRoot, "kind "+kind.String(), trace.WithSpanKind(kind))
		span.End()
	}
	at := time.Unix(1_700_000_000, 123_456_789)
	_, ok := tracer.Start(inRoot, "ok", trace.WithTimestamp(at))
	ok.SetStatus(codes.Ok, "")
	ok.End(trace.WithTimestamp(at.Add(1)))
	for index := range bulkSpans {
		_, span := tracer.Start(inRoot, fmt.Sprint("bulk ", index), trace.WithAttributes(attribute.Int("index", index)))
		span.End()
	}
	root.End()
	return inRoot
}

func sendMetrics(ctx context.Context, meter metric.Meter) {
	counter := made(meter.Int64Counter("counter", metric.WithUnit("By"), metric.WithDescription("counts")))
	counter.Add(ctx, 5, metric.WithAttributes(simple...))
	counter.Add(ctx, 1<<53+1, metric.WithAttributes(attribute.String("other", "series")))
	made(meter.Float64Counter("fraction")).Add(ctx, 0.25)
	made(meter.Int64UpDownCounter("updown")).Add(ctx, -3, metric.WithAttributes(attribute.String("side", "down")))
	made(meter.Float64Gauge("gauge", metric.WithUnit("Cel"))).Record(ctx, -40.5, metric.WithAttributes(attribute.String("place", "Oslo")))
	for _, name := range []string{"histogram", "exponential"} {
		histogram := made(meter.Float64Histogram(name, metric.WithUnit("ms")))
		for _, value := range []float64{0, 0.001, 7, 7.5, 123_456} {
			histogram.Record(ctx, value, metric.WithAttributes(attribute.String("route", "/")))
		}
	}
	made(meter.Int64ObservableGauge("observed", metric.WithInt64Callback(func(_ context.Context, observer metric.Int64Observer) error {
		observer.Observe(7, metric.WithAttributes(attribute.Bool("seen", true)))
		return nil
	})))
}

func sendLogs(ctx context.Context, logger log.Logger) {
	for _, body := range []attribute.Value{
		attribute.StringValue("text"), attribute.StringValue(""), attribute.BoolValue(true), attribute.Int64Value(math.MaxInt64),
		attribute.Float64Value(-0.5), attribute.ByteSliceValue([]byte{0, 255}),
		attribute.SliceValue(attribute.StringValue("list"), attribute.SliceValue(attribute.BoolValue(true))), attribute.MapValue(nested...),
	} {
		var record log.Record
		record.SetTimestamp(time.Unix(1_700_000_000, 123_456_789))
		record.SetSeverity(log.SeverityWarn2)
		record.SetSeverityText("WARN2")
		record.SetBody(body)
		record.AddAttributes(nested...)
		record.SetEventName("peer.event")
		logger.Emit(ctx, record)
	}
	for index := range bulkLogs {
		var record log.Record
		record.SetBody(attribute.StringValue(fmt.Sprint("bulk ", index)))
		record.AddAttributes(attribute.Int("index", index))
		logger.Emit(context.Background(), record)
	}
}

func made[T any](thing T, err error) T {
	must(err)
	return thing
}

func must(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

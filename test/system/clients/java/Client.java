import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentSelector;
import io.opentelemetry.sdk.metrics.View;
import io.opentelemetry.sdk.resources.Resource;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Sends all three signals with everything the SDK can say, with no settings but those of the environment. */
public final class Client {
  private static final int BULK_SPANS = 1200;
  private static final int BULK_LOGS = 600;
  private static final Instant AT = Instant.ofEpochSecond(1_700_000_000L, 123_456_789L);

  private static final Attributes SIMPLE =
      Attributes.builder()
          .put("text", "grüße 👋")
          .put("empty", "")
          .put("yes", true)
          .put("no", false)
          .put("zero", 0)
          .put("largest", Long.MAX_VALUE)
          .put("smallest", Long.MIN_VALUE)
          .put("tenth", 0.1)
          .put("huge", Double.MAX_VALUE)
          .put("infinite", Double.NEGATIVE_INFINITY)
          .put("texts", "a", "", "ü")
          .put("flags", true, false)
          .put("numbers", 1L, -2L, (1L << 53) + 1)
          .put("fractions", 0.5, -1e-300)
          .build();

  private static final Value<?> MAP =
      Value.of(
          KeyValue.of("inner", Value.of(KeyValue.of("list", Value.of(Value.of(1), Value.of("two"))))),
          KeyValue.of("none", Value.empty()),
          KeyValue.of("bytes", Value.of(new byte[] {0, -1, -128})));

  private static final Attributes NESTED =
      SIMPLE.toBuilder()
          .put(AttributeKey.valueKey("bytes"), Value.of(new byte[] {0, -1, -128}))
          .put(AttributeKey.valueKey("map"), MAP)
          .put(
              AttributeKey.valueKey("mixed"),
              Value.of(Value.of("a"), Value.of(true), Value.of(2.5), Value.of(Value.of("deep"))))
          .build();

  public static void main(String[] arguments) {
    OpenTelemetrySdk sdk =
        AutoConfiguredOpenTelemetrySdk.builder()
            .disableShutdownHook()
            .addResourceCustomizer(
                (resource, config) ->
                    resource.merge(
                        Resource.create(SIMPLE.toBuilder().put("service.name", "peer-java").build())))
            .addMeterProviderCustomizer(
                (provider, config) ->
                    provider.registerView(
                        InstrumentSelector.builder().setName("exponential").build(),
                        View.builder()
                            .setAggregation(Aggregation.base2ExponentialBucketHistogram())
                            .build()))
            .build()
            .getOpenTelemetrySdk();
    Context inRoot = sendSpans(tracer(sdk));
    sendMetrics(sdk.getMeterProvider().meterBuilder("peer").setInstrumentationVersion("1.2.3").build(), inRoot);
    sendLogs(
        sdk.getSdkLoggerProvider().loggerBuilder("peer").setInstrumentationVersion("1.2.3").build(), inRoot);

    boolean isSent =
        sdk.getSdkTracerProvider().forceFlush().join(20, TimeUnit.SECONDS).isSuccess()
            && sdk.getSdkMeterProvider().forceFlush().join(20, TimeUnit.SECONDS).isSuccess()
            && sdk.getSdkLoggerProvider().forceFlush().join(20, TimeUnit.SECONDS).isSuccess()
            && sdk.shutdown().join(20, TimeUnit.SECONDS).isSuccess();
    System.exit(isSent ? 0 : 1);
  }

  private static Tracer tracer(OpenTelemetry sdk) {
    return sdk.tracerBuilder("peer").setInstrumentationVersion("1.2.3").setSchemaUrl("urn:schema").build();
  }

  /** Returns a context with the ended root. */
  private static Context sendSpans(Tracer tracer) {
    SpanContext remote =
        SpanContext.createFromRemoteParent(
            "80000000000000000000000000000005",
            "8000000000000007",
            TraceFlags.getSampled(),
            TraceState.builder().put("vendor", "a:b").build());
    Span root =
        tracer
            .spanBuilder("root")
            .setParent(Context.root().with(Span.wrap(remote)))
            .setSpanKind(SpanKind.SERVER)
            .setAllAttributes(NESTED)
            .addLink(remote, SIMPLE)
            .addLink(remote)
            .startSpan();
    Context inRoot = Context.root().with(root);
    root.addEvent("event", NESTED, Instant.ofEpochSecond(0, 1));
    root.addEvent("bare");
    root.setStatus(StatusCode.ERROR, "went wrong");
    for (SpanKind kind : SpanKind.values()) {
      tracer.spanBuilder("kind " + kind).setParent(inRoot).setSpanKind(kind).startSpan().end();
    }
    Span ok = tracer.spanBuilder("ok").setParent(inRoot).setStartTimestamp(AT).startSpan();
    ok.setStatus(StatusCode.OK);
    ok.end(AT.plusNanos(1));
    for (int index = 0; index < BULK_SPANS; index++) {
      tracer.spanBuilder("bulk " + index).setParent(inRoot).setAttribute("index", index).startSpan().end();
    }
    root.end();
    return inRoot;
  }

  private static void sendMetrics(Meter meter, Context inRoot) {
    var counter = meter.counterBuilder("counter").setUnit("By").setDescription("counts").build();
    counter.add(5, SIMPLE, inRoot);
    counter.add((1L << 53) + 1, Attributes.of(AttributeKey.stringKey("other"), "series"));
    meter.counterBuilder("fraction").ofDoubles().build().add(0.25);
    meter.upDownCounterBuilder("updown").build().add(-3, Attributes.of(AttributeKey.stringKey("side"), "down"));
    meter
        .gaugeBuilder("gauge")
        .setUnit("Cel")
        .build()
        .set(-40.5, Attributes.of(AttributeKey.stringKey("place"), "Oslo"));
    for (String name : List.of("histogram", "exponential")) {
      var histogram = meter.histogramBuilder(name).setUnit("ms").build();
      for (double value : new double[] {0, 0.001, 7, 7.5, 123_456}) {
        histogram.record(value, Attributes.of(AttributeKey.stringKey("route"), "/"), inRoot);
      }
    }
    meter
        .gaugeBuilder("observed")
        .ofLongs()
        .buildWithCallback(
            measurement -> measurement.record(7, Attributes.of(AttributeKey.booleanKey("seen"), true)));
  }

  private static void sendLogs(Logger logger, Context inRoot) {
    List<Value<?>> bodies =
        List.of(
            Value.of("text"),
            Value.of(""),
            Value.of(true),
            Value.of(Long.MAX_VALUE),
            Value.of(-0.5),
            Value.of(new byte[] {0, -1}),
            Value.of(Value.of("list"), Value.of(Value.of(true))),
            MAP);
    for (Value<?> body : bodies) {
      logger
          .logRecordBuilder()
          .setContext(inRoot)
          .setTimestamp(AT)
          .setSeverity(Severity.WARN2)
          .setSeverityText("WARN2")
          .setBody(body)
          .setAllAttributes(NESTED)
          .setEventName("peer.event")
          .emit();
    }
    for (int index = 0; index < BULK_LOGS; index++) {
      logger.logRecordBuilder().setBody("bulk " + index).setAttribute("index", index).emit();
    }
  }

  private Client() {}
}

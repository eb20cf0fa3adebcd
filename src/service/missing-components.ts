import type { ComponentKind } from "../component/component-kind.ts";

const useDebug =
  "is not supported: the logging exporter has been removed from the Collector; use the debug exporter instead.";
const noCollection =
  "is not supported: this program collects nothing itself. Run an OpenTelemetry Collector with this receiver and let it send OTLP to the otlp receiver.";
const noOtherProtocol =
  "is not supported: this program receives only OTLP. Let the senders use OTLP, or run an OpenTelemetry Collector in front that converts it.";
const noChange =
  "is not supported: this program changes nothing of what it forwards but what redaction removes. Remove it, and put it into an OpenTelemetry Collector behind this one.";
const noRewriting =
  "is not supported. To delete, hash or mask attributes, use the redaction processor; for other changes, put it into an OpenTelemetry Collector behind this one.";
const noSelection =
  "is not supported: this program forwards everything. Remove it, and put it into an OpenTelemetry Collector behind this one.";
const noOtherBackend =
  "is not supported. Most backends take OTLP: use otlp_http or otlp_grpc, with an OpenTelemetry Collector in between if the backend does not.";
const remoteWrite =
  'is not supported. Prometheus takes OTLP, with --web.enable-otlp-receiver: use otlp_http with endpoint: "http://prometheus:9090/api/v1/otlp". Or let it scrape the prometheus exporter.';
const k8s =
  "is not supported. Set the resource attributes at the sender with OTEL_RESOURCE_ATTRIBUTES and the downward API, or put the processor into an OpenTelemetry Collector behind this one.";
const noSampling =
  "is not supported: this program forwards every trace. Remove it, and sample in an OpenTelemetry Collector behind this one.";
const noFileLogs =
  "is not supported. otlp_json_file reads files of OTLP JSON lines; for other logs, run an OpenTelemetry Collector that sends OTLP to the otlp receiver.";
const noDerivation =
  "is not supported: the metrics of this program are those that session_activity derives. Remove it, and derive others in an OpenTelemetry Collector behind this one.";
/**
 * What to say of a well-known component of the Collector or its contrib distribution that this program does not have, under its old or its
 * new name; `undefined` for all others. It completes a sentence that begins with the path, and says what to do instead.
 */
export function missingComponent(kind: ComponentKind, type: string): string | undefined {
  const ofKind = missingComponents[kind];
  return Object.hasOwn(ofKind, type) ? ofKind[type] : undefined;
}

/** Every type that {@link missingComponent} knows. None of them may be in `components.ts`. */
export function missingTypes(kind: ComponentKind): readonly string[] {
  return Object.keys(missingComponents[kind]);
}

const missingComponents: Readonly<
  Record<ComponentKind, Readonly<Record<string, string | undefined>>>
> = {
  receiver: {
    ...all(noOtherProtocol, ["jaeger", "zipkin", "opencensus", "otlp_arrow", "otelarrow"]),
    ...all(noOtherProtocol, ["skywalking", "datadog", "awsxray", "aws_xray", "statsd", "carbon"]),
    ...all(noOtherProtocol, ["collectd", "influxdb", "splunk_hec", "signalfx", "sapm", "loki"]),
    ...all(noOtherProtocol, ["fluentforward", "fluent_forward", "syslog", "tcplog", "tcp_log"]),
    ...all(noOtherProtocol, ["udplog", "udp_log", "kafka", "pulsar", "webhookevent", "faro"]),
    ...all(noCollection, ["prometheus", "prometheus_simple", "simpleprometheus"]),
    ...all(noCollection, ["hostmetrics", "host_metrics", "kubeletstats", "kubelet_stats"]),
    ...all(noCollection, ["k8s_cluster", "k8s_events", "k8sobjects", "k8s_objects", "httpcheck"]),
    ...all(noCollection, ["docker_stats", "podman_stats", "redis", "postgresql", "mysql", "nginx"]),
    ...all(noCollection, ["sqlquery", "sql_query", "kafkametrics", "kafka_metrics", "jmx"]),
    ...all(noFileLogs, ["filelog", "file_log", "journald", "windowseventlog", "windows_event_log"]),
    nop: "is not supported: a receiver that receives nothing is not needed. Remove it.",
    otlphttp: "is not a type of receiver. Use otlp, with protocols: {http: {}}.",
    otlp_http: "is not a type of receiver. Use otlp, with protocols: {http: {}}.",
    otlp_grpc: "is not a type of receiver. Use otlp, with protocols: {grpc: {}}.",
  },
  processor: {
    batch:
      "is not supported: exporters make batches. Write sending_queue: {batch: {}} into the exporter, and remove it here and from the pipelines.",
    queued_retry:
      "is not supported: exporters queue and retry. Write sending_queue and retry_on_failure into the exporter, and remove it here and from the pipelines.",
    ...all(noRewriting, ["transform", "attributes", "resource"]),
    ...all(noChange, ["span", "metricstransform"]),
    ...all(noChange, [
      "metrics_transform",
      "schema",
      "unroll",
      "logdedup",
      "log_dedup",
      "isolationforest",
    ]),
    ...all(noChange, ["cumulativetodelta", "cumulative_to_delta", "deltatocumulative"]),
    ...all(noChange, ["delta_to_cumulative", "deltatorate", "delta_to_rate", "interval"]),
    ...all(noChange, ["metricsgeneration", "metrics_generation", "groupbyattrs", "group_by_attrs"]),
    ...all(noChange, [
      "groupbytrace",
      "group_by_trace",
      "geoip",
      "geo_ip",
      "remotetap",
      "remote_tap",
    ]),
    ...all(noSelection, ["filter", "routing"]),
    ...all(noSampling, ["tail_sampling", "probabilistic_sampler"]),
    ...all(k8s, ["k8sattributes", "k8s_attributes", "resourcedetection", "resource_detection"]),
    ...all(noDerivation, ["spanmetrics", "span_metrics", "servicegraph", "service_graph"]),
    sumologic: noChange,
  },
  exporter: {
    logging: useDebug,
    ...all(remoteWrite, ["prometheusremotewrite", "prometheus_remote_write"]),
    ...all(noOtherBackend, ["jaeger", "jaeger_thrift", "zipkin", "opencensus", "kafka", "pulsar"]),
    ...all(noOtherBackend, ["elasticsearch", "opensearch", "clickhouse", "datadog", "signalfx"]),
    ...all(noOtherBackend, [
      "splunk_hec",
      "sapm",
      "loki",
      "influxdb",
      "honeycombmarker",
      "azuremonitor",
    ]),
    ...all(noOtherBackend, ["azure_monitor", "googlecloud", "google_cloud", "awsxray", "aws_xray"]),
    ...all(noOtherBackend, ["awsemf", "aws_emf", "awss3", "aws_s3", "awscloudwatchlogs"]),
    ...all(noOtherBackend, ["aws_cloudwatch_logs", "cassandra", "carbon", "syslog", "coralogix"]),
    ...all(noOtherBackend, [
      "sentry",
      "tencentcloud_logservice",
      "rabbitmq",
      "otelarrow",
      "otlp_arrow",
    ]),
    loadbalancing:
      "is not supported. otlp_grpc spreads requests over the addresses of a host name (balancer_name: round_robin); for routing by trace id, put an OpenTelemetry Collector behind this one.",
    load_balancing:
      "is not supported. otlp_grpc spreads requests over the addresses of a host name (balancer_name: round_robin); for routing by trace id, put an OpenTelemetry Collector behind this one.",
    nop: "is not supported. To end a pipeline without a backend, use the debug exporter.",
    ...all(noDerivation, ["spanmetrics", "span_metrics", "servicegraph", "service_graph", "count"]),
  },
  extension: {
    ballast:
      "is not supported: the Collector has removed memory_ballast. Use the memory_limiter processor.",
    memory_ballast:
      "is not supported: the Collector has removed memory_ballast. Use the memory_limiter processor.",
    pprof:
      "is not supported: it profiles programs in Go. Node has profilers of its own, e.g. NODE_OPTIONS=--cpu-prof. Remove it.",
    zpages:
      "is not supported. The health_check extension has a page with the status of every pipeline and component (http.status).",
    healthcheck: "is called health_check; rename it, here and in service.extensions.",
    healthcheckv2:
      "is called health_check, and has the options of version 2; rename it, here and in service.extensions.",
    healthcheck_v2:
      "is called health_check, and has the options of version 2; rename it, here and in service.extensions.",
    memory_limiter:
      "is not supported as an extension. Use the memory_limiter processor, which the receivers ask before they read a body.",
    ...all("is not supported. Components that store data use file_storage.", [
      "db_storage",
      "dbstorage",
      "redis_storage",
      "redisstorage",
    ]),
    ...all(
      'is not supported; write the credentials into headers of the exporter, e.g. authorization: "Bearer …". Remove it.',
      [
        "oauth2client",
        "oauth2_client",
        "headers_setter",
        "headerssetter",
        "sigv4auth",
        "asapclient",
        "googleclientauth",
        "azureauth",
      ],
    ),
    ...all(
      "is not supported: this program is configured by its files and discovers nothing. Remove it.",
      [
        "opamp",
        "opampsupervisor",
        "remoteconfig",
        "host_observer",
        "k8s_observer",
        "docker_observer",
        "jaegerremotesampling",
        "jaeger_remote_sampling",
      ],
    ),
    ...all("is not supported: encodings other than OTLP are not read or written. Remove it.", [
      "otlp_encoding",
      "text_encoding",
      "json_log_encoding",
      "zipkin_encoding",
      "jaeger_encoding",
    ]),
  },
};

function all(message: string, types: readonly string[]): Record<string, string> {
  return Object.fromEntries(types.map((type) => [type, message]));
}

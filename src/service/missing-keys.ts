import type { ComponentKind } from "../component/component-kind.ts";
import type { MissingKey } from "../config/issues.ts";

type Messages = Readonly<Record<string, string | undefined>>;

const remove = "Remove it.";
const noMiddleware = `is not supported, because there are no middleware extensions. ${remove}`;
const noMetadata = `is not supported: headers of senders are not passed on, so they need not be kept. ${remove}`;
const fixedBuffers = `is not supported: the buffers of connections have a fixed size. ${remove}`;
const systemCiphers = `is not supported: the choice is that of Node; narrow it with min_version: "1.3" or, for all connections, with NODE_OPTIONS=--tls-cipher-list=…. ${remove}`;
const curves = `is not supported: the choice is that of Node. ${remove}`;
const noTpm = `is not supported: the key is read from key_file or key_pem. ${remove}`;
const underTls = (key: string) => `belongs in tls: write tls: {${key}: …}.`;
const asHeaders =
  'is not supported; write the credentials into headers, e.g. authorization: "Bearer …".';
const onlyOtlpJson = `is not supported: every line is one OTLP request as JSON. ${remove}`;
const noFileAttributes = `is not supported: what is read is forwarded unchanged. ${remove}`;
const ownReading = `is not supported: how files are recognized and read is fixed. ${remove}`;
const noRebound = `is not supported: files shrink by themselves when a snapshot replaces the log. ${remove}`;

const clientKeys: Messages = {
  middlewares: noMiddleware,
  read_buffer_size: fixedBuffers,
  write_buffer_size: fixedBuffers,
  per_rpc_auth: asHeaders,
  insecure: underTls("insecure"),
  insecure_skip_verify: underTls("insecure_skip_verify"),
  server_name_override: underTls("server_name_override"),
  ca_file: underTls("ca_file"),
  cert_file: underTls("cert_file"),
  key_file: underTls("key_file"),
  tls_settings: "is called tls; rename it.",
  "tls.cipher_suites": systemCiphers,
  "tls.curve_preferences": curves,
  "tls.tpm": noTpm,
};

/** Options that every exporter with a backend has in `src/delivery`. */
const deliveryKeys: Messages = {
  retry: "is called retry_on_failure; rename it.",
  retry_settings: "is called retry_on_failure; rename it.",
  queue: "is called sending_queue; rename it.",
  batcher: "has been replaced; write sending_queue: {batch: …}.",
  "sending_queue.blocking": "has been renamed; write block_on_overflow.",
  "sending_queue.persistent_storage_enabled":
    "has been replaced; write storage: file_storage, and list that in service.extensions.",
  "sending_queue.items": "has been replaced; write sizer: items.",
  "sending_queue.batch.partition": `is not supported: the metadata of senders, by which the Collector divides batches, is not kept. ${remove}`,
  "sending_queue.batch.send_batch_size": "is an option of the batch processor; write min_size.",
  "sending_queue.batch.send_batch_max_size": "is an option of the batch processor; write max_size.",
  "sending_queue.batch.timeout": "is an option of the batch processor; write flush_timeout.",
};

const ofComponents: Readonly<Record<string, Messages>> = {
  "receiver otlp": {
    "protocols.http.include_metadata": noMetadata,
    "protocols.grpc.include_metadata": noMetadata,
    "protocols.http.middlewares": noMiddleware,
    "protocols.grpc.middlewares": noMiddleware,
    "protocols.http.write_timeout": `is not supported: answers are small, and a connection without any traffic is closed after two minutes. ${remove}`,
    "protocols.http.keep_alives_enabled": `is not supported: connections are kept until idle_timeout. ${remove}`,
    "protocols.grpc.read_buffer_size": fixedBuffers,
    "protocols.grpc.write_buffer_size": fixedBuffers,
    "protocols.http.cors_allowed_origins": "has been replaced; write cors: {allowed_origins: […]}.",
    "protocols.http.cors_allowed_headers": "has been replaced; write cors: {allowed_headers: […]}.",
    "protocols.http.max_recv_msg_size_mib":
      'is an option of protocols.grpc; write max_request_body_size, e.g. "20MiB".',
    "protocols.grpc.max_request_body_size":
      "is an option of protocols.http; write max_recv_msg_size_mib.",
  },
  "receiver otlp_json_file": {
    encoding: onlyOtlpJson,
    multiline: onlyOtlpJson,
    operators: onlyOtlpJson,
    header: onlyOtlpJson,
    compression: `is not supported: compressed files are not read. ${remove}`,
    fingerprint_size: ownReading,
    max_batches: ownReading,
    initial_buffer_size: ownReading,
    force_flush_period: ownReading,
    acquire_fs_lock: ownReading,
    ordering_criteria: ownReading,
    preserve_leading_whitespaces: ownReading,
    preserve_trailing_whitespaces: ownReading,
    exclude_older_than: "is not supported; name the files in exclude.",
    retry_on_failure: `is not supported: a line that a pipeline refuses for now is read again until it is taken. ${remove}`,
    include_file_name: noFileAttributes,
    include_file_path: noFileAttributes,
    include_file_name_resolved: noFileAttributes,
    include_file_path_resolved: noFileAttributes,
    include_file_owner_name: noFileAttributes,
    include_file_owner_group_name: noFileAttributes,
    include_file_record_number: noFileAttributes,
    attributes: noFileAttributes,
    resource: noFileAttributes,
  },
  "processor memory_limiter": {
    ballast_size_mib: `has been removed from the Collector: Go's garbage collector needed it. ${remove}`,
  },
  "processor redaction": {
    skip_conditions: `is not supported, because there are no OTTL conditions. Write rules with action: keep.`,
    hmac_key_file: "is not supported; refer to the file in hmac_key, as in docs/config.md.",
    mask: "is called masking_string; rename it.",
    blocked_keys:
      "is not supported; write blocked_key_patterns, or a rule with keys and action: delete.",
  },
  "exporter debug": {
    loglevel:
      "has been removed from the Collector; write verbosity: detailed for debug, normal for info.",
    use_internal_logger: `is not supported: counts go to the log, records to stdout. ${remove}`,
    output_paths: `is not supported: counts go to the log, records to stdout. ${remove}`,
    sending_queue: `is not supported: the exporter writes at once. ${remove}`,
  },
  "exporter file": {
    encoding:
      "is not supported, because there are no encoding extensions; write format: json or proto.",
    group_by: `is not supported: an exporter writes one file. ${remove}`,
    mode: `is not supported: the file is private to its user. ${remove}`,
  },
  "exporter otlp_http": {
    metrics_url_path: "is an option of the receiver; write metrics_endpoint, a whole URL.",
    traces_url_path: "is an option of the receiver; write traces_endpoint, a whole URL.",
    logs_url_path: "is an option of the receiver; write logs_endpoint, a whole URL.",
  },
  "exporter otlp_grpc": {
    compression_params: `is not supported: messages are compressed at the default level. ${remove}`,
  },
  "extension health_check": {
    port: "has been removed from the Collector; write endpoint, e.g. 127.0.0.1:13133.",
    response_body: `is not supported: the pages answer in JSON. ${remove}`,
    check_collector_pipeline:
      "is not supported, and does not work in the Collector. Write component_health: {include_recoverable_errors: true}, which counts exporters that fail.",
    use_v2: `is not needed: the pages are those of version 2. ${remove}`,
    grpc: "is not supported: health is answered over HTTP only. Remove it, and use a probe of HTTP.",
    "http.endpoint":
      "is one level too deep; write endpoint into the section of health_check itself.",
    "http.config": `is not supported, because a page must not show the configuration; print-config does. ${remove}`,
  },
  "extension file_storage": {
    recreate: `is not supported: a damaged journal is read as far as it is whole, and kept. ${remove}`,
    "compaction.directory": noRebound,
    "compaction.on_rebound": noRebound,
    "compaction.rebound_needed_threshold_mib": noRebound,
    "compaction.rebound_trigger_threshold_mib": noRebound,
    "compaction.max_transaction_size": noRebound,
    "compaction.check_interval": noRebound,
    "compaction.cleanup_on_start": noRebound,
  },
};

const withBackend = ["otlp_http", "otlp_grpc"];

const noTraces =
  "is not supported: this program makes no spans of its own. Its metrics and log are in metrics and logs.";

const ofService: Messages = {
  "telemetry.traces.processors": noTraces,
  "telemetry.traces.propagators": noTraces,
  "telemetry.metrics.address":
    "has been removed from the Collector; write endpoint, e.g. endpoint: 127.0.0.1:8888.",
  "telemetry.metrics.views": `is not supported: every metric is served as it is. ${remove}`,
  "telemetry.metrics.readers.periodic.exporter.console":
    "is not supported: stdout is for the debug exporter. Read the page of a pull reader, or push with otlp.",
  "telemetry.metrics.readers.periodic.exporter.otlp_http":
    "is written otlp here, as in the Collector: otlp: {protocol: http/protobuf, endpoint: …}.",
  "telemetry.metrics.readers.periodic.exporter.otlp_grpc":
    "is written otlp here, as in the Collector: otlp: {protocol: grpc, endpoint: …}.",
  "telemetry.metrics.readers.periodic.exporter.otlp.headers_list":
    "is not supported; write headers, a map or a list of name and value.",
  "telemetry.metrics.readers.periodic.exporter.otlp.tls":
    "is not supported; write certificate, client_certificate, client_key and insecure.",
  "telemetry.metrics.readers.periodic.exporter.otlp.default_histogram_aggregation": `is not supported: histograms have fixed buckets. ${remove}`,
  "telemetry.metrics.readers.periodic.producers": `is not supported: there are no other producers. ${remove}`,
  "telemetry.metrics.readers.periodic.cardinality_limits": `is not supported: the number of series follows from the configuration. ${remove}`,
  "telemetry.metrics.readers.pull.producers": `is not supported: there are no other producers. ${remove}`,
  "telemetry.metrics.readers.pull.exporter.prometheus.with_resource_constant_labels": `is not supported: add labels in the scrape config of Prometheus. ${remove}`,
  "telemetry.logs.processors": `is not supported: the log goes to stderr only. Remove it, and let what runs the program collect stderr.`,
};

/** What to say of keys that the Collector's component of this type has, had, or is often given, and that this program's does not have. */
export function missingKeyOf(kind: ComponentKind, type: string): MissingKey {
  const tables = [
    ofComponents[`${kind} ${type}`] ?? {},
    ...(kind === "exporter" && withBackend.includes(type) ? [clientKeys, deliveryKeys] : []),
  ];
  return (path) => tables.map((table) => messageIn(table, path)).find((each) => each !== undefined);
}

/** The same of `service`. */
export const missingServiceKey: MissingKey = (path) => messageIn(ofService, path);

/** Every key that {@link missingKeyOf} knows for a component, dotted. None of them may be in its schema. */
export function missingKeys(kind: ComponentKind, type: string): readonly string[] {
  return Object.keys(ofComponents[`${kind} ${type}`] ?? {});
}

/** Indices of lists do not count. */
function messageIn(table: Messages, path: readonly (string | number)[]): string | undefined {
  const key = path.filter((part) => typeof part === "string").join(".");
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

const files =
  "It reads what the configured files hold, of which the format is a target of its own.";
const checked = "It reads what checkRequest has accepted, which is a target.";
const own = "It reads what this program or its operator wrote.";

/** Files that look like parsers and are no fuzz target, with the reason. */
export const notFuzzed: Readonly<Record<string, string>> = {
  "src/activity/recognition/label-values.ts":
    "It reads names inside of bytes that signals-spans and signals-logs read.",
  "src/activity/recognition/value-count.ts":
    "It counts values inside of bytes that signals-spans reads.",
  "src/cli/capture.ts": own,
  "src/cli/capture-redactor.ts": checked,
  "src/cli/capture-text.ts": checked,
  "src/cli/evictions-table.ts": own,
  "src/cli/read-config.ts": "It calls loadConfig, which is the target config-text.",
  "src/cli/version.ts": own,
  "src/exporters/debug/logs-text.ts": checked,
  "src/exporters/debug/metrics-text.ts": checked,
  "src/exporters/debug/traces-text.ts": checked,
  "src/exporters/file/torn-end.ts": own,
  "src/exporters/otlp_grpc/grpc-endpoint.ts": own,
  "src/exporters/prometheus/resource-targets.ts":
    "prometheus-passed-metrics executes it behind the walk.",
  "src/exporters/prometheus/stream-labels.ts":
    "prometheus-passed-metrics executes it behind the walk.",
  "src/files/regular-file.ts": files,
  "src/memory/system-files.ts": "The operating system writes them.",
  "src/metrics/manual-reader.ts": "It reads instruments, no bytes.",
  "src/net/body.ts": "It collects bytes and looks at none of them.",
  "src/net/first-bytes.ts": "It waits for the bytes that net-first-bytes reads.",
  "src/net/tls-files.ts": "The runtime reads certificates.",
  "src/preload/api-version.ts": own,
  "src/preload/environment.ts": own,
  "src/receivers/otlp/first-signals.ts": checked,
  "src/service/config-id.ts": "It reads names of the config, of which the text is a target.",
  "src/service/logger.ts": own,
  "src/serving/watched-file.ts": files,
};

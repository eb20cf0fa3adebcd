import type { InstrumentSpec } from "../metrics/instrument.ts";
import type { Signal } from "../otlp/payload.ts";

/** The Collector's words for the items of a signal, in the names of its metrics. */
export const itemWords = {
  traces: "spans",
  metrics: "metric_points",
  logs: "log_records",
} as const satisfies Record<Signal, string>;

const transports =
  "how the receiver gets its data: `http` or `grpc` for `otlp`, `file` for `otlp_json_file`";

const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];

const configured = "a component id of the config";

/** The counters of what becomes of the items that an exporter was passed. */
export const exportOutcomes = {
  consumed: "was passed",
  restored: "found in its persistent queue at the start",
  sent: "successfully sent to the destination",
  send_failed:
    "could not send to the destination and gave up, also those whose sender waits for the result (without a queue, or with wait_for_result), gets the error and may send them again",
  enqueue_failed: "refused itself, because its queue was full or it was shutting down",
} as const;

/**
 * The counters of items at the edges of the pipelines, the only ones that `FlowCounts` holds. Names and
 * attributes are the Collector's, so that its dashboards and alerts fit.
 */
export const flowInstruments: readonly InstrumentSpec[] = [
  ...signals.flatMap(receiverInstruments),
  {
    name: "otelcol_processor_incoming_items",
    kind: "counter",
    unit: "{item}",
    description: "Number of items passed to the processor.",
    attributes: { processor: configured, "otel.signal": signals },
  },
  {
    name: "otelcol_processor_outgoing_items",
    kind: "counter",
    unit: "{item}",
    description: "Number of items that the processor forwarded.",
    attributes: { processor: configured, "otel.signal": signals },
  },
  {
    name: "otelcol_connector_produced_items",
    kind: "counter",
    unit: "{item}",
    description:
      "Number of items that a component derived from its input and sent to another pipeline, by the result there.",
    attributes: {
      connector: configured,
      "otel.signal": signals,
      "otelcol.component.outcome": ["success", "refused"],
    },
  },
  ...signals.flatMap(exporterInstruments),
  {
    name: "otelcol_component_exceptions",
    kind: "counter",
    unit: "{exception}",
    description:
      "Number of payloads that were refused with an internal error because a component threw an exception. This is always a bug; please report it.",
    attributes: {
      "otelcol.component.kind": ["receiver", "processor", "exporter"],
      "otelcol.component.id": configured,
    },
  },
];

/** The resources that the process uses. */
export const processInstruments = {
  uptime: {
    name: "otelcol_process_uptime",
    kind: "counter",
    unit: "s",
    description: "Time since the process started.",
    attributes: {},
  },
  cpuSeconds: {
    name: "otelcol_process_cpu_seconds",
    kind: "counter",
    unit: "s",
    description: "CPU time of the process, user and system together.",
    attributes: {},
  },
  memoryRss: {
    name: "otelcol_process_memory_rss",
    kind: "gauge",
    unit: "By",
    description: "Physical memory of the process (resident set size).",
    attributes: {},
  },
  heapAlloc: {
    name: "otelcol_process_runtime_heap_alloc_bytes",
    kind: "gauge",
    unit: "By",
    description: "JavaScript heap in use.",
    attributes: {},
  },
  systemMemory: {
    name: "otelcol_process_runtime_total_sys_memory_bytes",
    kind: "gauge",
    unit: "By",
    description:
      "Memory obtained from the operating system for the JavaScript heap and for buffers outside it.",
    attributes: {},
  },
} as const satisfies Record<string, InstrumentSpec>;

export const reloadResults = ["succeeded", "unchanged", "failed"] as const;

/** Reloads of the config (SIGHUP). */
export const reloadInstruments = {
  reloads: {
    name: "otelcol_config_reloads",
    kind: "counter",
    unit: "{reload}",
    description:
      "Number of reloads of the configuration, by result. After a failed one the configuration before it stays in effect.",
    attributes: { result: reloadResults },
  },
  lastSuccessful: {
    name: "otelcol_config_last_reload_successful",
    kind: "gauge",
    unit: "1",
    description:
      "Whether the last reload of the configuration succeeded, also if nothing had changed: 1 or 0. 1 before the first one.",
    attributes: {},
  },
  lastSuccessTime: {
    name: "otelcol_config_last_reload_success_timestamp_seconds",
    kind: "gauge",
    unit: "s",
    description: "Unix time of the last successful reload of the configuration, or of the start.",
    attributes: {},
  },
} as const satisfies Record<string, InstrumentSpec>;

/**
 * Every instrument that the service itself publishes on `service.telemetry.metrics`: the one registry.
 * Counters are printed without `_total` and without units, as the Collector's default reader does.
 */
export const telemetryInstruments: readonly InstrumentSpec[] = [
  ...flowInstruments,
  ...Object.values(processInstruments),
  ...Object.values(reloadInstruments),
];

function receiverInstruments(signal: Signal): readonly InstrumentSpec[] {
  const word = itemWords[signal];
  const words = word.replace("_", " ");
  return [
    {
      name: `otelcol_receiver_accepted_${word}`,
      kind: "counter",
      unit: "{item}",
      description: `Number of ${words} successfully pushed into the pipelines.`,
      attributes: { receiver: configured, transport: transports },
    },
    {
      name: `otelcol_receiver_refused_${word}`,
      kind: "counter",
      unit: "{item}",
      description: `Number of ${words} that were not accepted: the pipelines refused them and the sender got an error, or they were malformed and left out.`,
      attributes: { receiver: configured, transport: transports },
    },
  ];
}

function exporterInstruments(signal: Signal): readonly InstrumentSpec[] {
  const word = itemWords[signal];
  const words = word.replace("_", " ");
  return Object.entries(exportOutcomes).map(([outcome, description]) => ({
    name: `otelcol_exporter_${outcome}_${word}`,
    kind: "counter",
    unit: "{item}",
    description: `Number of ${words} that the exporter ${description}.`,
    attributes: { exporter: configured },
  }));
}

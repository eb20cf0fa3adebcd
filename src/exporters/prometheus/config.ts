import { z } from "zod";
import { duration } from "../../config/units.ts";
import { unsupported } from "../../config/unsupported.ts";
import { checkServer, serverOptions } from "../../serving/server-options.ts";

const label = z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]*$/, {
  error:
    "is not a name that a label of every series can have: write letters, digits and underscores, beginning with a letter.",
});
const ownLabels = ["le", "quantile", "otel_metric_overflow"];

/** Keys of the Collector's exporter that this one does not have. */
const unsupportedKeys = {
  enable_open_metrics: unsupported(
    "is not supported: the page has the text format 0.0.4, which every Prometheus reads, and no exemplars. Remove it.",
  ),
  resource_constant_labels: unsupported(
    "is not supported; write resource_to_telemetry_conversion: { enabled: true } for all attributes of resources.",
  ),
  sending_queue: unsupported(
    "is not supported: nothing is sent, Prometheus reads the page. Remove it.",
  ),
  timeout: unsupported("is not supported: nothing is sent, Prometheus reads the page. Remove it."),
  retry_on_failure: unsupported(
    "is not supported: nothing is sent, Prometheus reads the page. Remove it.",
  ),
};

export const schema = z
  .strictObject({
    ...serverOptions(
      "127.0.0.1:9464",
      "The address on which Prometheus scrapes the metrics, under the path /metrics. Port 0 takes any free port.",
    ),
    namespace: z
      .string()
      .prefault("")
      .describe(
        "Put in front of the names of metrics that senders push. Metrics that this program derives keep their names.",
      ),
    const_labels: z
      .record(
        label.refine((name) => !ownLabels.includes(name), {
          error: "is a label that some lines of the page have of their own. Choose another name.",
        }),
        z.string(),
      )
      .prefault({})
      .describe("Labels of every series that senders push."),
    send_timestamps: z
      .boolean()
      .prefault(false)
      .describe("Whether lines end with the time that the sender gave its data point."),
    metric_expiration: duration({ min: "1s" })
      .prefault("5m")
      .describe("How long metrics of senders are shown without an update."),
    resource_to_telemetry_conversion: z
      .strictObject({
        enabled: z
          .boolean()
          .prefault(false)
          .describe("Whether attributes of resources become labels of their series."),
        exclude_service_attributes: z
          .boolean()
          .prefault(false)
          .describe("Leaves out service.name, service.namespace and service.instance.id."),
      })
      .prefault({}),
    without_scope_info: z
      .boolean()
      .prefault(false)
      .describe("Leaves out the labels otel_scope_name, otel_scope_version and so on."),
    add_metric_suffixes: z
      .boolean()
      .prefault(true)
      .describe("Whether names get their unit and _total. translation_strategy overrides it."),
    translation_strategy: z
      .enum(["UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes"], {
        error:
          "must be UnderscoreEscapingWithSuffixes or UnderscoreEscapingWithoutSuffixes: names in UTF-8 are not supported.",
      })
      .optional()
      .describe("How names of OTLP become names of Prometheus."),
    max_series: z
      .int()
      .min(1)
      .max(1_000_000)
      .prefault(10_000)
      .describe(
        'The most series of senders on the page; a histogram counts as one. Further ones are added up in one series per metric, with the label otel_metric_overflow="true".',
      ),
    ...unsupportedKeys,
  })
  .check(checkServer);

export type Config = z.output<typeof schema>;

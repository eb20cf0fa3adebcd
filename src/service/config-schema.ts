import { z } from "zod";
import { anyCase } from "../config/any-case.ts";
import { duration } from "../config/units.ts";
import { checkServer, serverOptions } from "../serving/server-options.ts";
import { readersSchema, resourceSchema } from "./telemetry-readers-schema.ts";

/** One entry of `service.pipelines`. */
const pipelineSchema = z.strictObject({
  receivers: ids("The receivers that feed the pipeline.").min(
    1,
    "must name at least one receiver.",
  ),
  processors: ids("The processors that the data passes, in this order.").prefault([]),
  exporters: ids("The exporters that get the data.").min(1, "must name at least one exporter."),
});

/** Only the value that describes what this program does anyway, so that a config of the Collector that writes it can stay. */
function only<const V extends string | boolean>(value: V, message: string) {
  return z.literal(value, { error: message }).optional().describe(message);
}

const toStderr = z
  .array(z.literal("stderr", { error: 'must be "stderr"; redirect that, e.g. 2>file.' }))
  .min(1)
  .max(1)
  .optional();

const telemetrySchema = z.strictObject({
  logs: z
    .strictObject({
      level: anyCase(["debug", "info", "warn", "error"])
        .prefault("info")
        .describe("The lowest level that is logged."),
      sampling: z
        .strictObject({
          enabled: z
            .boolean()
            .prefault(true)
            .describe("Whether repeats of a line are left out when there are many."),
          tick: duration({ min: "1ms", max: "1h" })
            .prefault("10s")
            .describe("The time in which repeats of a line are counted."),
          initial: z
            .int()
            .min(0)
            .prefault(10)
            .describe("How many of the same line are logged in each tick."),
          thereafter: z
            .int()
            .min(0)
            .prefault(100)
            .describe("Of the further ones, every n-th is logged. 0: none."),
        })
        .prefault({})
        .describe("Limits repeated lines."),
      initial_fields: z
        .record(
          z.string().regex(/^(?!(ts|level|msg)$)./, "is a field that every line has; rename it."),
          z.union([z.string(), z.number(), z.boolean()]),
        )
        .prefault({})
        .describe("Fields of every line."),
      output_paths: toStderr.describe("Where the log goes. Only stderr is supported."),
      error_output_paths: toStderr.describe("Where errors of the logger go. Only stderr."),
      development: only(false, "must be false: there is no development mode of the log."),
      disable_caller: only(true, "must be true: lines do not contain the place in the code."),
      disable_stacktrace: only(true, "must be true: lines do not contain stack traces."),
      disable_zap_resource: only(true, "must be true: lines do not contain the resource."),
      encoding: z
        .enum(["console", "json"])
        .prefault("console")
        .describe(
          "console: tab-separated lines for people; json: one object per line for machines.",
        ),
    })
    .prefault({})
    .describe("The program's log on stderr."),
  metrics: z
    .strictObject({
      level: anyCase(["none", "basic", "normal", "detailed"])
        .prefault("normal")
        .describe(
          "none serves no metrics. basic, normal and detailed are accepted because the Collector has them, and serve the same metrics.",
        ),
      ...serverOptions(
        "127.0.0.1:8888",
        "The address on which the program's own metrics are served, under /metrics.",
      ),
      readers: readersSchema
        .optional()
        .describe(
          "The Collector's notation: a page (pull) and pushes (periodic). If it is written, endpoint has no effect, so a list without pull serves no page.",
        ),
    })
    .check(checkServer)
    .prefault({})
    .describe("The program's own metrics."),
  resource: resourceSchema,
  traces: z
    .strictObject({
      level: anyCase(["none"])
        .optional()
        .describe("Only none: the program makes no spans of its own."),
    })
    .optional()
    .describe("The program's own traces, which there are none of."),
});

/** The section `service`. */
export const serviceSchema = z.strictObject({
  extensions: ids("The extensions to run, in the order in which they start.").prefault([]),
  pipelines: z
    .record(z.string(), pipelineSchema)
    .refine((pipelines) => Object.keys(pipelines).length > 0, "must have at least one pipeline.")
    .describe("The pipelines, each named traces, metrics or logs, optionally with /name."),
  telemetry: telemetrySchema.prefault({}).describe("The program's own logs and metrics."),
  shutdown_timeout: duration({ min: "1ms", max: "1h" })
    .prefault("10s")
    .describe("How long a stop may take, including the delivery of buffered data."),
});

/** `service` with defaults filled in. */
export type ServiceSection = z.output<typeof serviceSchema>;

function ids(description: string) {
  return z.array(z.string()).describe(description);
}

import { z } from "zod";
import { duration, endpoint } from "../config/units.ts";

/** One entry of `service.pipelines`. */
const pipelineSchema = z.strictObject({
  receivers: ids("Where the data comes from.").min(1, "must name at least one receiver."),
  processors: ids("What is done with it, in this order.").prefault([]),
  exporters: ids("Where it goes.").min(1, "must name at least one exporter."),
});

const prometheusReaderSchema = z.strictObject({
  host: z.string().min(1).prefault("127.0.0.1").describe("The address to listen on."),
  port: z.int().min(0).max(65_535).prefault(8888).describe("The port to listen on."),
});

/** The `readers` of the Collector, as far as they mean something here: one page for Prometheus. */
const readersSchema = z
  .array(
    z.strictObject({
      pull: z.strictObject({
        exporter: z.strictObject({ prometheus: prometheusReaderSchema }),
      }),
    }),
  )
  .max(1, "must have at most one reader: the metrics are served in one place.");

const telemetrySchema = z.strictObject({
  logs: z
    .strictObject({
      level: z
        .enum(["debug", "info", "warn", "error"])
        .prefault("info")
        .describe("The least important messages that are written."),
      encoding: z
        .enum(["console", "json"])
        .prefault("console")
        .describe("console is for people, json for machines."),
    })
    .prefault({})
    .describe("What the program says on stderr."),
  metrics: z
    .strictObject({
      level: z
        .enum(["none", "basic", "normal", "detailed"])
        .prefault("normal")
        .describe(
          "none serves no metrics; the other levels are taken for the Collector's sake and are the same.",
        ),
      endpoint: endpoint()
        .prefault("127.0.0.1:8888")
        .describe("Where the program's metrics about itself are served, under /metrics."),
      readers: readersSchema
        .optional()
        .describe(
          "The Collector's way to say the endpoint, for configs that have it. Wins over endpoint.",
        ),
    })
    .prefault({})
    .describe("The program's metrics about itself."),
});

/** The section `service`. */
export const serviceSchema = z.strictObject({
  extensions: ids("The extensions to run, in the order to start them.").prefault([]),
  pipelines: z
    .record(z.string(), pipelineSchema)
    .refine((pipelines) => Object.keys(pipelines).length > 0, "must have at least one pipeline.")
    .describe("The ways of the data: traces, metrics or logs, each optionally with /name."),
  telemetry: telemetrySchema.prefault({}).describe("What the program tells about itself."),
  shutdown_timeout: duration({ min: "1ms", max: "1h" })
    .prefault("10s")
    .describe("How long a stop may take to hand on what is held."),
});

/** `service` with defaults filled in. */
export type ServiceSection = z.output<typeof serviceSchema>;

function ids(description: string) {
  return z.array(z.string()).describe(description);
}

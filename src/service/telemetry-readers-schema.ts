import { z } from "zod";
import { bareVariableProblem } from "../config/bare-variable.ts";
import { opaque } from "../config/units.ts";

/** Only the value that describes what the page is anyway, so that a config of the Collector that writes it can stay. */
function always(message: string) {
  return z.literal(true, { error: message }).optional().describe(message);
}

/** As in OpenTelemetry's declarative configuration, times are whole numbers of milliseconds here. */
function milliseconds(preset: number, description: string) {
  return z
    .int({
      error: ({ input }) =>
        typeof input === "string"
          ? "must be a whole number of milliseconds, e.g. 10000 for 10 s."
          : undefined,
    })
    .min(1)
    .max(2_073_600_000)
    .prefault(preset)
    .describe(`${description} In milliseconds.`);
}

const prometheusReaderSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .check(noBareVariable)
    .prefault("127.0.0.1")
    .describe("The address to listen on."),
  port: z.int().min(0).max(65_535).prefault(8888).describe("The port to listen on."),
  without_scope_info: always("must be true: the page has no scopes."),
  without_type_suffix: always("must be true: names have no _total, as by the Collector's default."),
  without_units: always("must be true: names have no units, as by the Collector's default."),
});

const headersSchema = z
  .union([
    z.record(z.string(), opaque()),
    z.array(z.strictObject({ name: z.string().min(1), value: opaque() })),
  ])
  .prefault({})
  .describe(
    "Headers of every request, as a map or as a list of name and value. The values are never shown.",
  );

const otlpSchema = z
  .strictObject({
    protocol: z
      .enum(["http/protobuf", "grpc"], {
        error: ({ input }) =>
          input === undefined
            ? 'is required; write "http/protobuf" or "grpc".'
            : 'must be "http/protobuf" or "grpc".',
      })
      .describe("The protocol."),
    endpoint: z
      .string()
      .min(1)
      .check(noBareVariable)
      .refine(
        isEndpointUrl,
        'must be a URL, e.g. "http://127.0.0.1:4318", or a host and a port, e.g. "127.0.0.1:4317".',
      )
      .optional()
      .describe(
        "The backend. Default: http://127.0.0.1:4318 or, with grpc, http://127.0.0.1:4317. Over HTTP, /v1/metrics is added to a URL without a path.",
      ),
    insecure: z
      .boolean()
      .prefault(false)
      .describe("Whether an endpoint without http:// or https:// is used without TLS."),
    certificate: pemFile("File with the certificates of the authorities that are trusted, as PEM."),
    client_certificate: pemFile("File with the client's certificate, as PEM."),
    client_key: pemFile("File with the private key of the client's certificate, as PEM."),
    headers: headersSchema,
    compression: z.enum(["gzip", "none"]).prefault("none").describe("The compression of requests."),
    timeout: milliseconds(10_000, "How long one attempt may take."),
    temporality_preference: z
      .literal("cumulative", {
        error:
          "must be cumulative: the counters are totals since the start. Remove it, and convert them behind this program if a backend wants deltas.",
      })
      .optional()
      .describe("Only cumulative."),
  })
  .check((context) => {
    const { client_certificate, client_key } = context.value;
    if ((client_certificate === undefined) !== (client_key === undefined)) {
      context.issues.push({
        code: "custom",
        input: undefined,
        path: [client_key === undefined ? "client_key" : "client_certificate"],
        message: "is missing; a client certificate and its private key need each other.",
      });
    }
  });

const periodicSchema = z.strictObject({
  interval: milliseconds(60_000, "How often the metrics are pushed."),
  timeout: milliseconds(30_000, "How long one push may take, with its repetitions."),
  exporter: z.strictObject({ otlp: otlpSchema }),
});

/** `service.telemetry.metrics.readers`, in the Collector's notation. */
export const readersSchema = z
  .array(
    z
      .strictObject({
        pull: z
          .strictObject({ exporter: z.strictObject({ prometheus: prometheusReaderSchema }) })
          .optional(),
        periodic: periodicSchema.optional(),
      })
      .refine(
        ({ pull, periodic }) => (pull === undefined) !== (periodic === undefined),
        "must have pull or periodic, and not both.",
      ),
  )
  .max(20)
  .refine(
    (readers) => readers.filter(({ pull }) => pull !== undefined).length < 2,
    "must have at most one pull reader, because the metrics are served at one address.",
  );

export type PeriodicReader = z.output<typeof periodicSchema>;

/** Where and how a periodic reader sends. */
export type OtlpReaderConfig = z.output<typeof otlpSchema>;

const attributeValue = z.union([z.string(), z.number(), z.boolean()]);

/** `service.telemetry.resource`: a map, in which null removes a default, or `attributes` as a list of name and value. */
export const resourceSchema = z
  .codec(
    z.record(
      z.string(),
      z.union([
        attributeValue,
        z.null(),
        z.array(z.strictObject({ name: z.string().min(1), value: attributeValue })),
      ]),
    ),
    z.custom<Readonly<Record<string, string | number | boolean | null>>>(),
    {
      decode(written, context) {
        const flat: Record<string, string | number | boolean | null> = {};
        for (const [key, value] of Object.entries(written)) {
          if (!Array.isArray(value)) {
            flat[key] = value;
          } else if (key === "attributes") {
            for (const { name, value: of } of value) flat[name] = of;
          } else {
            context.issues.push({
              code: "custom",
              input: undefined,
              path: [key],
              message: "must be text, a number, true or false, or null to leave it out.",
            });
          }
        }
        return flat;
      },
      encode: (flat) => ({ ...flat }),
    },
  )
  .prefault({})
  .describe(
    "Attributes of the pushed metrics, in addition to service.name, service.version and service.instance.id (random for each process). null leaves one of these out. A list of name and value under attributes is accepted, too.",
  );

function pemFile(description: string) {
  return z.string().min(1).optional().describe(description);
}

function noBareVariable(context: z.core.ParsePayload<string>): void {
  const message = bareVariableProblem(context.value);
  if (message !== undefined) {
    context.issues.push({ code: "custom", input: context.value, message });
  }
}

function isEndpointUrl(text: string): boolean {
  if (bareVariableProblem(text) !== undefined) {
    return true; // That has a message of its own.
  }
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  return url !== null && /^https?:$/.test(url.protocol) && url.hostname !== "" && url.search === "";
}

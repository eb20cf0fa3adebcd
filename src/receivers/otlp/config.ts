import { z } from "zod";
import { corsOption } from "../../config/cors-option.ts";
import { byteSize, duration, opaque } from "../../config/units.ts";
import { checkServer, serverOptions } from "../../serving/server-options.ts";
import { grpcSchema } from "./grpc-config.ts";

const httpSchema = z
  .strictObject({
    ...serverOptions("127.0.0.1:4318", "The address to listen on."),
    cors: corsOption(),
    response_headers: z
      .record(z.string(), opaque())
      .prefault({})
      .describe("Headers of every answer. The values are never shown."),
    traces_url_path: urlPath().prefault("/v1/traces").describe("The path for traces."),
    metrics_url_path: urlPath().prefault("/v1/metrics").describe("The path for metrics."),
    logs_url_path: urlPath().prefault("/v1/logs").describe("The path for logs."),
    max_request_body_size: byteSize({ min: "1KiB", max: "1GiB" })
      .prefault("20MiB")
      .describe("The largest request body, both as sent and after decompression."),
    compression_algorithms: z
      .array(z.enum(["", "gzip", "zstd", "zlib", "deflate"]))
      .prefault(["", "gzip", "zstd", "zlib", "deflate"])
      .describe(
        'The accepted content encodings; "" means uncompressed. A request with another encoding gets status 400.',
      ),
    read_header_timeout: duration({ min: "100ms" })
      .prefault("15s")
      .describe("How long the headers of a request may take to arrive."),
    read_timeout: duration({ min: "100ms" })
      .prefault("60s")
      .describe("How long a whole request, with its body, may take to arrive."),
    idle_timeout: duration({ min: "100ms" })
      .prefault("75s")
      .describe("How long a connection without requests is kept open."),
  })
  .check((context) => {
    const { traces_url_path, metrics_url_path, logs_url_path } = context.value;
    const paths = [traces_url_path, metrics_url_path, logs_url_path];
    if (new Set(paths).size < paths.length) {
      context.issues.push({
        code: "custom",
        input: context.value,
        message: "must have a different path for each signal, but two of the paths are the same.",
      });
    }
    for (const [name, value] of Object.entries(context.value.response_headers)) {
      const message = responseHeaderProblem(name, value.reveal());
      if (message !== undefined) {
        // Without the value: it may be a secret.
        const path = ["response_headers", name];
        context.issues.push({ code: "custom", input: name, path, message });
      }
    }
    checkServer(context);
  });

/** Set by the receiver for each answer. */
const ownHeaders =
  /^(content-(type|length|encoding)|connection|date|keep-alive|transfer-encoding)$/i;

function responseHeaderProblem(name: string, value: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    return 'is not a header name; use letters, digits and "-".';
  }
  if (ownHeaders.test(name)) {
    return "is set by the receiver itself; remove it.";
  }
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    ? undefined
    : "contains a character that is not allowed in a header, e.g. a line break at its end.";
}

export type HttpConfig = z.output<typeof httpSchema>;

const oneProtocol = 'must name at least one protocol, e.g. "grpc: {}" or "http: {}".';

export const schema = z.strictObject({
  protocols: z
    .strictObject(
      {
        http: protocol(httpSchema).describe(
          "OTLP over HTTP. The key without a value enables it with its defaults.",
        ),
        grpc: protocol(grpcSchema).describe(
          "OTLP over gRPC. The key without a value enables it with its defaults.",
        ),
      },
      { error: (issue) => (issue.code === "invalid_type" ? oneProtocol : undefined) },
    )
    .check((context) => {
      if (context.value.http === undefined && context.value.grpc === undefined) {
        context.issues.push({
          code: "custom",
          input: context.value,
          message: oneProtocol,
        });
      }
    })
    .describe("The protocols to receive. The presence of its key enables a protocol."),
});

export type Config = z.output<typeof schema>;

/** A section whose key enables it, also without a value. */
function protocol<S extends z.ZodObject>(section: S) {
  return z
    .codec(section.nullable(), z.custom<z.output<S>>(), {
      decode: (value) => value ?? section.parse({}),
      encode: (value) => value,
    })
    .optional();
}

function urlPath() {
  return z.string().regex(/^\/[^?#\s]*$/, {
    error: 'must be a path that begins with "/", e.g. "/v1/traces".',
  });
}

import { z } from "zod";
import { byteSize, duration, endpoint } from "../../config/units.ts";

const httpSchema = z
  .strictObject({
    endpoint: endpoint()
      .prefault("127.0.0.1:4318")
      .describe("Where to listen. 0.0.0.0 opens it to the network: do so on purpose."),
    traces_url_path: urlPath().prefault("/v1/traces").describe("Path that takes traces."),
    metrics_url_path: urlPath().prefault("/v1/metrics").describe("Path that takes metrics."),
    logs_url_path: urlPath().prefault("/v1/logs").describe("Path that takes logs."),
    max_request_body_size: byteSize({ min: "1KiB", max: "1GiB" })
      .prefault("20MiB")
      .describe("Most bytes of one request, both as sent and after inflating."),
    compression_algorithms: z
      .array(z.enum(["", "gzip", "zstd", "zlib", "deflate"]))
      .prefault(["", "gzip", "zstd", "zlib", "deflate"])
      .describe('Content encodings that are taken; "" is none. Others are answered with 400.'),
    read_header_timeout: duration({ min: "100ms" })
      .prefault("15s")
      .describe("How long the headers of a request may take."),
    read_timeout: duration({ min: "100ms" })
      .prefault("60s")
      .describe("How long a whole request, with its body, may take to arrive."),
    idle_timeout: duration({ min: "100ms" })
      .prefault("75s")
      .describe("How long a connection without requests is kept."),
  })
  .check((context) => {
    const { traces_url_path, metrics_url_path, logs_url_path } = context.value;
    const paths = [traces_url_path, metrics_url_path, logs_url_path];
    if (new Set(paths).size < paths.length) {
      context.issues.push({
        code: "custom",
        input: context.value,
        message: "must have a path of its own for each signal, but two of them are the same.",
      });
    }
  });

export type HttpConfig = z.output<typeof httpSchema>;

const oneProtocol = 'must name at least one protocol, e.g. "http: {}".';

export const schema = z.strictObject({
  protocols: z
    .strictObject(
      {
        http: z
          .codec(httpSchema.nullable(), z.custom<HttpConfig>(), {
            decode: (section) => section ?? httpSchema.parse({}),
            encode: (section) => section,
          })
          .optional()
          .describe("OTLP over HTTP. The bare key enables it with its defaults."),
        grpc: z
          .never({
            error:
              "is not built yet: this version takes OTLP over HTTP only. Remove it and let senders use protocols.http.",
          })
          .optional()
          .describe("OTLP over gRPC. Not built yet; must be absent."),
      },
      { error: (issue) => (issue.code === "invalid_type" ? oneProtocol : undefined) },
    )
    .check((context) => {
      if (context.value.http === undefined) {
        context.issues.push({
          code: "custom",
          input: context.value,
          message: oneProtocol,
        });
      }
    })
    .describe("The protocols to receive. One is enabled by its key."),
});

export type Config = z.output<typeof schema>;

function urlPath() {
  return z.string().regex(/^\/[^?#\s]*$/, {
    error: 'must be a path that begins with "/", e.g. "/v1/traces".',
  });
}

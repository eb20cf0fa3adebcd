import { z } from "zod";
import { authOption } from "../../config/auth-option.ts";
import { bareVariableProblem } from "../../config/bare-variable.ts";
import type { Opaque } from "../../config/opaque.ts";
import { clientTlsOptions, unusedWithoutTls } from "../../config/tls-options.ts";
import { duration, opaque } from "../../config/units.ts";
import { unsupported } from "../../config/unsupported.ts";
import { retryOnFailure, sendingQueue, timeoutOption } from "../../delivery/delivery-config.ts";
import { maxRequestSize } from "../../delivery/request-size.ts";
import { type Compression, highestLevels } from "../../net/compress.ts";
import { parseProxy } from "../../net/proxy.ts";

const http1Only = "is not supported: requests are sent over HTTP/1.1. Remove it.";
const boundedByConns =
  "is not supported: max_conns_per_host bounds idle connections too, and idle_conn_timeout ends them. Remove it.";
const fixedBuffers = "is not supported: the buffers of connections have a fixed size. Remove it.";

/** Keys of the Collector's exporter that this one does not have. */
const unsupportedKeys = {
  cookies: unsupported("is not supported: cookies of the backend are ignored. Remove it."),
  middlewares: unsupported(
    "is not supported, because there are no middleware extensions. Remove it.",
  ),
  force_attempt_http2: unsupported(http1Only),
  http2_read_idle_timeout: unsupported(http1Only),
  http2_ping_timeout: unsupported(http1Only),
  max_idle_conns: unsupported(boundedByConns),
  max_idle_conns_per_host: unsupported(boundedByConns),
  read_buffer_size: unsupported(fixedBuffers),
  write_buffer_size: unsupported(fixedBuffers),
  profiles_endpoint: unsupported("is not supported: this program handles no profiles. Remove it."),
};

export const schema = z
  .strictObject({
    endpoint: url({ isBase: true })
      .optional()
      .describe("Base URL of the backend. /v1/traces, /v1/metrics or /v1/logs is appended."),
    traces_endpoint: url({ isBase: false })
      .optional()
      .describe("URL for traces, used unchanged. Overrides endpoint."),
    metrics_endpoint: url({ isBase: false })
      .optional()
      .describe("URL for metrics, used unchanged. Overrides endpoint."),
    logs_endpoint: url({ isBase: false })
      .optional()
      .describe("URL for logs, used unchanged. Overrides endpoint."),
    headers: z
      .record(z.string(), opaque())
      .prefault({})
      .describe("Headers of every request, e.g. credentials. The values are never shown."),
    auth: authOption("The authenticator whose credentials every request has."),
    timeout: timeoutOption("30s"),
    max_request_size: maxRequestSize(),
    encoding: z
      .enum(["proto", "json"])
      .prefault("proto")
      .describe(
        "The encoding of request bodies. proto sends the bytes that arrived; json converts them, which takes longer and leaves out fields that this program does not know.",
      ),
    compression: z
      .enum(["gzip", "zstd", "zlib", "deflate", "none"], {
        error: ({ input }) => compressionProblem(input),
      })
      .prefault("gzip")
      .describe("The compression of request bodies."),
    compression_params: z
      .strictObject({
        level: z
          .int()
          .optional()
          .describe(
            "How much time compression takes for smaller bodies: 1 (fastest) to 9 for gzip, zlib and deflate, to 22 for zstd. Without it, the default of the compression: 6 of 9, 3 of 22.",
          ),
      })
      .prefault({})
      .describe("Details of the compression."),
    tls: clientTlsOptions().describe(
      "How connections to https URLs are secured, those to an https proxy included. The scheme of the URL decides whether TLS is used.",
    ),
    proxy_url: proxyUrl()
      .optional()
      .describe(
        "URL of an HTTP proxy for all requests, which may contain a user and a password and is never shown. Without it, the environment variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY decide.",
      ),
    max_conns_per_host: z
      .int()
      .min(0)
      .max(65_535)
      .prefault(100)
      .describe(
        "The most connections to one server or proxy; further requests wait for one, which timeout includes. 0: any number.",
      ),
    idle_conn_timeout: duration({ min: "0s" })
      .prefault("90s")
      .describe(
        "How long a connection without requests is kept, unless the server closes it earlier. 0s: for as long as the server keeps it.",
      ),
    disable_keep_alives: z
      .boolean()
      .prefault(false)
      .describe("Whether each request gets a connection of its own."),
    retry_on_failure: retryOnFailure(),
    sending_queue: sendingQueue(),
    ...unsupportedKeys,
  })
  .check((context) => {
    const { endpoint, traces_endpoint, metrics_endpoint, logs_endpoint, headers } = context.value;
    if ((endpoint ?? traces_endpoint ?? metrics_endpoint ?? logs_endpoint) === undefined) {
      context.issues.push({
        code: "custom",
        input: context.value,
        message:
          'must have an endpoint, e.g. endpoint: "http://127.0.0.1:14318", or one per signal (traces_endpoint, metrics_endpoint, logs_endpoint).',
      });
    }
    for (const [path, message] of [
      levelProblem(context.value),
      insecureProblem(context.value),
      unusedTlsProblem(context.value),
    ].filter((problem) => problem !== undefined)) {
      context.issues.push({ code: "custom", input: undefined, path: [...path], message });
    }
    for (const [name, value] of Object.entries(headers)) {
      const message = headerProblem(name, value);
      if (message !== undefined) {
        // Without the value: it may be a secret.
        context.issues.push({ code: "custom", input: name, path: ["headers", name], message });
      }
    }
  });

export type Config = z.output<typeof schema>;

/** Where, and what. */
type Problem = readonly [path: readonly string[], message: string];

function compressionProblem(input: unknown): string | undefined {
  return input === "snappy" || input === "x-snappy-framed" || input === "lz4"
    ? `is ${input}, which is not supported; write zstd, which compresses better at a similar speed, or gzip, which every backend of OTLP accepts.`
    : undefined;
}

function levelProblem({
  compression,
  compression_params: { level },
}: {
  readonly compression: Compression;
  readonly compression_params: { readonly level?: number | undefined };
}): Problem | undefined {
  const path = ["compression_params", "level"];
  if (level === undefined) {
    return undefined;
  }
  if (compression === "none") {
    return [path, "has no effect, because compression is none. Remove it."];
  }
  const highest = highestLevels[compression];
  return level < 1 || level > highest
    ? [
        path,
        `must be 1 to ${highest} for ${compression}, but is ${level}; leave it out for the default.`,
      ]
    : undefined;
}

/** In the Collector `insecure` has no effect on an https URL either, but a user who writes it wants no TLS. */
function insecureProblem({
  tls,
  ...endpoints
}: Endpoints & { readonly tls: { readonly insecure: boolean } }): Problem | undefined {
  const secure = urlsOf(endpoints).find(([, url]) => isHttps(url));
  return tls.insecure && secure !== undefined
    ? [
        ["tls", "insecure"],
        `contradicts ${secure[0]}, which begins with https://; write http:// there or remove insecure.`,
      ]
    : undefined;
}

/** A user who names certificates wants TLS. An https proxy uses them, too. */
function unusedTlsProblem({
  tls,
  proxy_url,
  ...endpoints
}: Endpoints & {
  readonly tls: { readonly [key: string]: unknown };
  readonly proxy_url?: Opaque | undefined;
}): Problem | undefined {
  const urls = urlsOf(endpoints);
  const [first] = urls;
  const unused = unusedWithoutTls(tls);
  const isUsed = [...urls.map(([, url]) => url), proxy_url?.reveal()].some(isHttps);
  return first === undefined || unused === undefined || isUsed
    ? undefined
    : [
        ["tls", unused],
        `has no effect, because ${first[0]} begins with http://, which means no TLS; write https:// there or remove ${unused}. For an https proxy of the environment, name it in proxy_url.`,
      ];
}

interface Endpoints {
  readonly endpoint?: string | undefined;
  readonly traces_endpoint?: string | undefined;
  readonly metrics_endpoint?: string | undefined;
  readonly logs_endpoint?: string | undefined;
}

/** The URLs that are set, with their options. */
function urlsOf({
  endpoint,
  traces_endpoint,
  metrics_endpoint,
  logs_endpoint,
}: Endpoints): readonly (readonly [option: string, url: string])[] {
  return Object.entries({ endpoint, traces_endpoint, metrics_endpoint, logs_endpoint }).flatMap(
    ([option, url]) => (url === undefined ? [] : [[option, url] as const]),
  );
}

function isHttps(url: string | undefined): boolean {
  return url !== undefined && /^https:/i.test(url);
}

function proxyUrl() {
  return opaque().check((context) => {
    const proxy = parseProxy(context.value.reveal());
    if (typeof proxy === "string") {
      context.issues.push({ code: "custom", input: undefined, message: proxy });
    }
  });
}

/** Set by the exporter for each request; a value from the config would contradict the body. */
const ownHeaders = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

function headerProblem(name: string, value: Opaque): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    return 'is not a header name; use letters, digits and "-".';
  }
  if (ownHeaders.has(name.toLowerCase())) {
    return "is set by the exporter itself; remove it.";
  }
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value.reveal())
    ? undefined
    : "contains a character that is not allowed in a header, e.g. a line break at its end.";
}

function url({ isBase }: { readonly isBase: boolean }) {
  return z
    .string()
    .meta({ title: "URL", examples: ["http://127.0.0.1:14318"] })
    .check((context) => {
      const message = urlProblem(context.value, isBase);
      if (message !== undefined) {
        context.issues.push({ code: "custom", input: context.value, message });
      }
    });
}

/** The text itself is shown only when it cannot hold a password. */
function urlProblem(text: string, isBase: boolean): string | undefined {
  // Elsewhere in a URL a dollar sign may be meant.
  const variable = bareVariableProblem(/^(?:[a-z]+:\/\/)?[^/?#]*/i.exec(text)?.[0] ?? "");
  if (variable !== undefined) {
    return variable;
  }
  const parsed = URL.parse(text);
  if (parsed === null || !/^https?:\/\//i.test(text)) {
    return 'is not a URL; write the scheme, host and port, e.g. "http://127.0.0.1:14318".';
  }
  if (parsed.username !== "" || parsed.password !== "") {
    return "contains credentials, which logs and pages would show; put them into headers.";
  }
  if (parsed.hash !== "") {
    return `has a fragment (${parsed.hash}), which is never sent; remove it.`;
  }
  const [end] = (isBase && /\/v1\/(traces|metrics|logs)\/*$/.exec(parsed.pathname)) || [];
  if (end !== undefined) {
    // The rest of a longer path is not shown: some backends have a token there.
    const base =
      end === parsed.pathname ? `write ${JSON.stringify(parsed.origin)}` : "leave it out";
    return `ends with ${end}, which is appended to it; ${base}, or write the URL of one signal as traces_endpoint, metrics_endpoint or logs_endpoint.`;
  }
  if (isBase && parsed.search !== "") {
    return "cannot have a query, because /v1/traces, /v1/metrics or /v1/logs is appended; use traces_endpoint, metrics_endpoint and logs_endpoint instead.";
  }
  return undefined;
}

import { z } from "zod";
import type { Opaque } from "../../config/opaque.ts";
import { opaque } from "../../config/units.ts";
import { retryOnFailure, sendingQueue, timeoutOption } from "../../delivery/delivery-config.ts";

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
    timeout: timeoutOption("30s"),
    compression: z
      .enum(["gzip", "zstd", "none"])
      .prefault("gzip")
      .describe("The compression of request bodies."),
    retry_on_failure: retryOnFailure(),
    sending_queue: sendingQueue(),
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
    for (const [name, value] of Object.entries(headers)) {
      const message = headerProblem(name, value);
      if (message !== undefined) {
        // Without the value: it may be a secret.
        context.issues.push({ code: "custom", input: name, path: ["headers", name], message });
      }
    }
  });

export type Config = z.output<typeof schema>;

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
  if (isBase && parsed.search !== "") {
    return "cannot have a query, because /v1/traces, /v1/metrics or /v1/logs is appended; use traces_endpoint, metrics_endpoint and logs_endpoint instead.";
  }
  return undefined;
}

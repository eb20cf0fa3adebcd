import { z } from "zod";
import { authOption } from "../../config/auth-option.ts";
import type { Opaque } from "../../config/opaque.ts";
import { clientTlsOptions } from "../../config/tls-options.ts";
import { duration, opaque } from "../../config/units.ts";
import { retryOnFailure, sendingQueue, timeoutOption } from "../../delivery/delivery-config.ts";
import { maxRequestSize } from "../../delivery/request-size.ts";
import { type GrpcEndpoint, parseGrpcEndpoint } from "./grpc-endpoint.ts";

export const schema = z
  .strictObject({
    endpoint: grpcEndpoint().describe(
      "Host and port of the backend, e.g. backend.example:4317. https:// in front asks for TLS, http:// for none.",
    ),
    tls: clientTlsOptions(),
    headers: z
      .record(z.string(), opaque())
      .prefault({})
      .describe(
        "Metadata of every request, e.g. credentials. The values are never shown. Those of keys that end in -bin are sent in base64.",
      ),
    auth: authOption("The authenticator whose credentials every request has. It needs TLS."),
    timeout: timeoutOption("5s"),
    max_request_size: maxRequestSize(),
    compression: z
      .enum(["gzip", "zstd", "none"])
      .prefault("gzip")
      .describe("The compression of request messages."),
    authority: z
      .string()
      .regex(/^[\x21-\x7e]+$/, "must be a host or a host and a port.")
      .optional()
      .describe(
        "The :authority of requests, for proxies that route by it. The server's certificate must have its host.",
      ),
    user_agent: z
      .string()
      .regex(/^[\x20-\x7e]+$/, "must have printable ASCII characters only.")
      .optional()
      .describe("The user agent of requests. Without it, the name and version of the collector."),
    balancer_name: z
      .enum(["round_robin", "pick_first"])
      .prefault("round_robin")
      .describe(
        "round_robin spreads requests over all addresses of the host, pick_first uses one of them.",
      ),
    wait_for_ready: z
      .boolean()
      .prefault(false)
      .describe(
        "Whether a request waits for a connection until its timeout, instead of failing when none can be opened.",
      ),
    keepalive: z
      .strictObject({
        time: duration({ min: "10s", max: "576h" })
          .prefault("10s")
          .describe("A connection without traffic for this long is pinged."),
        timeout: duration({ min: "1ms", max: "576h" })
          .prefault("10s")
          .describe("A connection whose ping is not answered within this time is closed."),
        permit_without_stream: z
          .boolean()
          .prefault(false)
          .describe("Whether to ping while no request is in flight. The backend must permit it."),
      })
      .optional()
      .describe("Pings connections. Off unless it is written, e.g. keepalive: {}."),
    retry_on_failure: retryOnFailure(),
    sending_queue: sendingQueue(),
  })
  .check((context) => {
    const { endpoint, tls, headers } = context.value;
    if (endpoint.scheme === "http" && !tls.insecure) {
      context.issues.push({
        code: "custom",
        input: undefined,
        path: ["endpoint"],
        message:
          "begins with http://, but tls is on. Add tls: {insecure: true} to send without TLS, or write https://.",
      });
    }
    if (endpoint.scheme === "https" && tls.insecure) {
      context.issues.push({
        code: "custom",
        input: true,
        path: ["tls", "insecure"],
        message: "turns TLS off, but the endpoint begins with https://. Remove one of the two.",
      });
    }
    if (context.value.auth !== undefined && tls.insecure) {
      context.issues.push({
        code: "custom",
        input: undefined,
        path: ["auth"],
        message:
          "needs TLS, as in the Collector, because the credentials would be readable on the way. Remove tls.insecure, or write the credentials into headers.",
      });
    }
    for (const [name, value] of Object.entries(headers)) {
      const message = metadataProblem(name, value);
      if (message !== undefined) {
        // Without the value: it may be a secret.
        context.issues.push({ code: "custom", input: name, path: ["headers", name], message });
      }
    }
  });

export type Config = z.output<typeof schema>;

function grpcEndpoint() {
  const written = z.string().meta({
    title: "endpoint",
    examples: ["127.0.0.1:4317", "https://backend.example:4317"],
  });
  return z.codec(written, z.custom<GrpcEndpoint>(), {
    decode: (text, context) => {
      const parsed = parseGrpcEndpoint(text);
      if (typeof parsed !== "string") return parsed;
      context.issues.push({ code: "custom", input: text, message: parsed });
      return z.NEVER;
    },
    encode: ({ written: text }) => text,
  });
}

/** Set by the exporter or by HTTP/2; a value from the config would contradict it. */
const ownHeaders = new Set(["connection", "content-type", "host", "te"]);

function metadataProblem(name: string, value: Opaque): string | undefined {
  if (!/^[0-9A-Za-z_.-]+$/.test(name)) {
    return 'is not a key of gRPC metadata; use letters, digits, "-", "_" and ".".';
  }
  const key = name.toLowerCase();
  if (key === "user-agent") {
    return "is not metadata; use the option user_agent.";
  }
  if (ownHeaders.has(key) || key.startsWith("grpc-")) {
    return "is set by the exporter itself; remove it.";
  }
  return key.endsWith("-bin") || /^[\x20-\x7e]*$/.test(value.reveal())
    ? undefined
    : "contains a character that is not allowed in gRPC metadata, e.g. a line break at its end. Only keys that end in -bin may have any bytes.";
}

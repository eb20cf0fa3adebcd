import * as clients from "./client-checks.ts";
import { client, listed, type Section, sectionOf, server } from "./row.ts";
import * as servers from "./server-checks.ts";
import { shutdownWaits } from "./shutdown-check.ts";
import { transports } from "./transport.ts";

const grpc = { transports: ["grpc"] } as const;

const cannotBeLong =
  "A response has at most one sentence that does not depend on the request, less than 4 KiB.";

/** The sections about both transports and about OTLP/gRPC, down to full success. */
export const grpcSections: readonly Section[] = [
  sectionOf(
    "Protocol Details",
    server({
      id: "compression",
      level: "MUST",
      quote:
        "All server components MUST support the following transport compression options: No compression, denoted by `none`. Gzip compression, denoted by `gzip`.",
      note: "Also zstd, and over HTTP zlib and deflate.",
      transports,
      ...servers.takesCompressions,
    }),
  ),
  sectionOf(
    "OTLP/gRPC Request",
    server({
      id: "grpc-request-limit",
      level: "MUST",
      quote:
        "The server MUST enforce a message size limit when receiving the request, including after decompression, to mitigate possible excessive memory usage caused by a misconfigured or malicious client sending an oversized request.",
      ...grpc,
      ...servers.limitsRequests,
    }),
    server({
      id: "grpc-request-limit-default",
      level: "RECOMMENDED",
      quote: "However, it is RECOMMENDED to use 64 MiB as the default limit.",
      deviates: true,
      note: "The default is 4 MiB, as in the Collector and in most implementations of gRPC, which the sentence before this one mentions.",
      ...grpc,
      ...servers.hasDefaultLimit,
    }),
    server({
      id: "grpc-request-limit-option",
      level: "SHOULD",
      quote: "Implementations SHOULD allow this limit to be configured.",
      note: "`max_recv_msg_size_mib`",
      ...grpc,
      ...servers.hasConfigurableLimit,
    }),
    server({
      id: "grpc-request-limit-code",
      level: "MUST",
      quote:
        "If the limit is exceeded, the gRPC server implementations MUST report a `RESOURCE_EXHAUSTED` code as a non-retryable error.",
      ...grpc,
      ...servers.namesTheLimit,
    }),
    client({
      id: "grpc-client-request-limit",
      level: "SHOULD",
      quote:
        "The client SHOULD limit the size of the request message, including before compression, to avoid overwhelming the server.",
      ...grpc,
      ...clients.limitsRequests,
    }),
    client({
      id: "grpc-client-request-limit-default",
      level: "RECOMMENDED",
      quote: "It is RECOMMENDED to use 64 MiB as the default limit.",
      ...grpc,
      ...clients.hasDefaultLimit,
    }),
    client({
      id: "grpc-client-request-limit-option",
      level: "SHOULD",
      quote: "Implementations SHOULD allow this limit to be configured.",
      note: "`max_request_size`",
      ...grpc,
      ...clients.hasConfigurableLimit,
    }),
    client({
      id: "grpc-client-request-limit-discards",
      level: "MUST NOT",
      quote:
        "If the limit is exceeded, the client MUST NOT make the request and SHOULD record the fact that the request was discarded.",
      ...grpc,
      ...clients.limitsRequests,
    }),
  ),
  sectionOf(
    "OTLP/gRPC Concurrent Requests",
    client({
      id: "grpc-sequential",
      level: "MAY",
      quote:
        "After sending the request the client MAY wait until the response is received from the server.",
      note: "`otlp_grpc` does not wait, unless `num_consumers` is 1.",
      ...grpc,
      ...clients.sendsConcurrently,
    }),
    client({
      id: "grpc-concurrent-calls",
      level: "SHOULD",
      quote:
        "The implementations that need to achieve high throughput SHOULD support concurrent Unary calls to achieve higher throughput.",
      ...grpc,
      ...clients.sendsConcurrently,
    }),
    server({
      id: "grpc-concurrent-calls-server",
      level: "SHOULD",
      quote:
        "The implementations that need to achieve high throughput SHOULD support concurrent Unary calls to achieve higher throughput.",
      ...grpc,
      ...servers.servesConcurrentCalls,
    }),
    client({
      id: "grpc-pipelining",
      level: "SHOULD",
      quote:
        "The client SHOULD send new requests without waiting for the response to the earlier sent requests, essentially creating a pipeline of requests that are currently in flight that are not acknowledged.",
      ...grpc,
      ...clients.sendsConcurrently,
    }),
    client({
      id: "grpc-concurrency-option",
      level: "SHOULD",
      quote: "The number of concurrent requests SHOULD be configurable.",
      note: "`sending_queue.num_consumers`",
      ...grpc,
      ...clients.boundsConcurrency,
    }),
    client({
      id: "grpc-shutdown-option",
      level: "SHOULD",
      quote:
        "The client implementation SHOULD expose an option to turn on and off the waiting during a shutdown.",
      note: "`service.shutdown_timeout` says how long a stop waits; with `1ms` it does not.",
      collector: "The Collector always waits.",
      ...grpc,
      ...shutdownWaits,
    }),
    client({
      id: "grpc-undelivered",
      level: "SHOULD",
      quote:
        "If the client is unable to deliver a certain request (e.g. a timer expired while waiting for acknowledgements) the client SHOULD record the fact that the data was not delivered.",
      note: "`otelcol_exporter_send_failed_*`, and a log line.",
      ...grpc,
      ...clients.countsFailures,
    }),
  ),
  sectionOf(
    "OTLP/gRPC Response",
    server({
      id: "grpc-response-message",
      level: "MUST",
      quote:
        "The response MUST be the appropriate message (see below for the specific message to use in the Full Success, Partial Success and Failure cases).",
      ...grpc,
      ...servers.answersWithMessages,
    }),
    client({
      id: "grpc-response-limit",
      level: "MUST",
      quote:
        "The client MUST enforce a message size limit when receiving the response, including after decompression, to mitigate possible excessive memory usage caused by a misconfigured or malicious server.",
      ...grpc,
      ...clients.limitsResponses,
    }),
    client({
      id: "grpc-response-limit-option",
      level: "SHOULD",
      quote: "Implementations SHOULD allow this limit to be configured.",
      deviates: true,
      note: "The limit is 64 KiB and has no option: no response of OTLP is nearly as long.",
      ...grpc,
      ...clients.hasFixedResponseLimit,
    }),
    client({
      id: "grpc-response-limit-error",
      level: "MUST",
      quote:
        "If the limit is exceeded, the client MUST treat the response as a non-retryable error.",
      note: "It is logged and counted in `otelcol_exporter_invalid_responses`; the items count as sent, because the server said OK.",
      ...grpc,
      ...clients.limitsResponses,
    }),
    server({
      id: "grpc-server-response-limit",
      level: "MUST",
      quote:
        "The server MUST limit the size of the response message, including before compression, to avoid overwhelming the client.",
      note: cannotBeLong,
      ...grpc,
      ...servers.limitsResponses,
    }),
    server({
      id: "grpc-server-response-limit-default",
      level: "RECOMMENDED",
      quote: "It is RECOMMENDED to use 4 MiB as the default limit.",
      note: cannotBeLong,
      ...grpc,
      ...servers.limitsResponses,
    }),
    listed({
      id: "grpc-server-response-limit-option",
      level: "SHOULD",
      role: "server",
      quote: "Implementations SHOULD allow this limit to be configured.",
      untested: cannotBeLong,
    }),
    listed({
      id: "grpc-server-response-reduced",
      level: "SHOULD",
      role: "server",
      quote:
        "For a Partial Success response that would otherwise exceed the limit, the server SHOULD reduce the response size without changing response semantics if it is possible and practical.",
      untested: cannotBeLong,
    }),
    listed({
      id: "grpc-server-response-verbosity",
      level: "MAY",
      role: "server",
      quote:
        "To do so, the server MAY decrease the verbosity of optional diagnostic fields, such as `partial_success.error_message`, or omit optional diagnostic fields.",
      untested: cannotBeLong,
    }),
    listed({
      id: "grpc-server-response-too-long",
      level: "MUST",
      role: "server",
      quote:
        "If the response still cannot fit within the limit, the server MUST fail the request with the `RESOURCE_EXHAUSTED` code as a non-retryable error.",
      untested: cannotBeLong,
    }),
  ),
];

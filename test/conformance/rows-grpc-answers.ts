import * as clients from "./client-checks.ts";
import { defaultPort } from "./default-port.ts";
import { takesAllAsSuccess } from "./mutants.ts";
import { client, listed, type Section, sectionOf, server } from "./row.ts";
import * as servers from "./server-checks.ts";

const grpc = { transports: ["grpc"] } as const;

/** The sections about the answers of OTLP/gRPC. */
export const grpcAnswerSections: readonly Section[] = [
  sectionOf(
    "OTLP/gRPC: Full Success",
    server({
      id: "grpc-empty-request",
      level: "SHOULD",
      quote:
        "If the server receives an empty request (a request that does not carry any telemetry data) the server SHOULD respond with success.",
      ...grpc,
      ...servers.takesEmptyRequests,
    }),
    server({
      id: "grpc-success-message",
      level: "MUST",
      quote:
        "On success, the server response MUST be a Export<signal>ServiceResponse message (`ExportTraceServiceResponse` for traces, `ExportMetricsServiceResponse` for metrics, `ExportLogsServiceResponse` for logs and `ExportProfilesServiceResponse` for profiles).",
      ...grpc,
      ...servers.answersSuccess,
    }),
    server({
      id: "grpc-success-unset",
      level: "MUST",
      quote:
        "The server MUST leave the `partial_success` field unset in case of a successful response.",
      collector: "The Collector writes an empty `partial_success`.",
      ...grpc,
      ...servers.leavesPartialSuccessUnset,
    }),
  ),
  sectionOf(
    "OTLP/gRPC: Partial Success",
    server({
      id: "grpc-partial-message",
      level: "MUST",
      quote:
        "If the request is only partially accepted (i.e. when the server accepts only parts of the data and rejects the rest), the server response MUST be the same Export<signal>ServiceResponse message as in the Full Success case.",
      ...grpc,
      ...servers.takesParts,
    }),
    server({
      id: "grpc-partial-count",
      level: "MUST",
      quote:
        "Additionally, the server MUST initialize the `partial_success` field (`ExportTracePartialSuccess` message for traces, `ExportMetricsPartialSuccess` message for metrics, `ExportLogsPartialSuccess` message for logs and `ExportProfilesPartialSuccess` for profiles), and it MUST set the respective `rejected_spans`, `rejected_data_points`, `rejected_log_records` or `rejected_profiles` field with the number of spans/data points/log records/profiles it rejected.",
      collector: "The Collector refuses the whole request.",
      ...grpc,
      ...servers.countsRejected,
    }),
    server({
      id: "grpc-partial-reason",
      level: "SHOULD",
      quote:
        "The server SHOULD populate the `error_message` field with a human-readable error message in English.",
      ...grpc,
      ...servers.explainsRejections,
    }),
    listed({
      id: "grpc-partial-warning",
      role: "server",
      level: "MAY",
      quote:
        "Servers MAY also use the `partial_success` field to convey warnings/suggestions to clients even when the server fully accepts the request.",
      untested:
        "Over gRPC nothing is accepted with a warning: what is wrong is rejected, or repaired and counted.",
    }),
    listed({
      id: "grpc-partial-warning-fields",
      role: "server",
      level: "MUST",
      quote:
        "In such cases, the `rejected_<signal>` field MUST have a value of `0`, and the `error_message` field MUST be non-empty.",
      untested:
        "Over gRPC nothing is accepted with a warning: what is wrong is rejected, or repaired and counted.",
    }),
    client({
      id: "grpc-partial-no-retry",
      level: "MUST NOT",
      quote:
        "The client MUST NOT retry the request when it receives a partial success response where the `partial_success` is populated.",
      ...grpc,
      ...clients.keepsPartialSuccess,
    }),
  ),
  sectionOf(
    "OTLP/gRPC: Failures",
    client({
      id: "grpc-retryable-recorded",
      level: "SHOULD",
      quote:
        "Retryable errors indicate that telemetry data processing failed, and the client SHOULD record the error and may retry exporting the same data.",
      ...grpc,
      ...clients.logsFailures,
    }),
    client({
      id: "grpc-non-retryable",
      level: "MUST NOT",
      quote:
        "Non-retryable errors indicate that telemetry data processing failed, and the client MUST NOT retry sending the same telemetry data.",
      ...grpc,
      ...clients.dropsBadData,
    }),
    client({
      id: "grpc-non-retryable-dropped",
      level: "MUST",
      quote: "The client MUST drop the telemetry data.",
      ...grpc,
      ...clients.forgetsDroppedData,
    }),
    client({
      id: "grpc-dropped-counter",
      level: "SHOULD",
      quote: "The client SHOULD maintain a counter of such dropped data.",
      note: "`otelcol_exporter_send_failed_*`",
      ...grpc,
      ...clients.countsFailures,
    }),
    server({
      id: "grpc-retryable-code",
      level: "SHOULD",
      quote:
        "The server SHOULD indicate retryable errors using code Unavailable and MAY supply additional details via status using RetryInfo.",
      note: "It always has a RetryInfo.",
      collector: "The Collector has a RetryInfo only if the backend sent one.",
      ...grpc,
      check: async (peer) => {
        await servers.namesRetryable.check(peer);
        await servers.namesRetryDelay.check(peer);
      },
      mutants: { ...servers.namesRetryable.mutants, ...servers.namesRetryDelay.mutants },
    }),
    server({
      id: "grpc-non-retryable-code",
      level: "MAY",
      quote:
        "To indicate non-retryable errors, the server is recommended to use code InvalidArgument and MAY supply additional details via status using BadRequest.",
      collector: "The Collector has no BadRequest.",
      ...grpc,
      check: async (peer) => {
        await servers.namesBadData.check(peer);
        await servers.describesBadData.check(peer);
      },
      mutants: { ...servers.namesBadData.mutants, ...servers.describesBadData.mutants },
    }),
    server({
      id: "grpc-other-codes",
      level: "MAY",
      quote:
        "The server MAY use other gRPC codes to indicate retryable and non-retryable errors if those other gRPC codes are more appropriate for a particular erroneous situation.",
      note: "`INTERNAL` when the backend refuses the data for good, `RESOURCE_EXHAUSTED` for a message over the limit, `UNIMPLEMENTED` for an unknown service, `UNAUTHENTICATED` without credentials.",
      ...grpc,
      ...servers.usesOtherCodes,
    }),
    client({
      id: "grpc-code-table",
      level: "SHOULD",
      quote:
        "The client SHOULD interpret gRPC status codes as retryable or non-retryable according to the following table:",
      note: "All sixteen codes.",
      ...grpc,
      ...clients.followsGrpcTable,
    }),
    client({
      id: "grpc-backoff",
      level: "SHOULD",
      quote: "When retrying, the client SHOULD implement an exponential backoff strategy.",
      ...grpc,
      ...clients.backsOff,
    }),
    client({
      id: "grpc-exhausted-retry-info",
      level: "SHOULD",
      quote:
        "The client SHOULD interpret `RESOURCE_EXHAUSTED` code as retryable only if the server signals that the recovery from resource exhaustion is possible.",
      ...grpc,
      ...clients.retriesExhaustionWithRetryInfo,
    }),
    client({
      id: "grpc-exhausted-alone",
      level: "SHOULD",
      quote:
        "If no such status is returned, then the `RESOURCE_EXHAUSTED` code SHOULD be treated as non-retryable.",
      ...grpc,
      ...clients.retriesExhaustionWithRetryInfo,
    }),
  ),
  sectionOf(
    "OTLP/gRPC Throttling",
    server({
      id: "grpc-overload",
      level: "SHOULD",
      quote:
        "If the server is unable to keep up with the pace of data it receives from the client then it SHOULD signal that fact to the client.",
      ...grpc,
      ...servers.signalsOverload,
    }),
    client({
      id: "grpc-throttle",
      level: "MUST",
      quote: "The client MUST then throttle itself to avoid overwhelming the server.",
      ...grpc,
      check: async (peer) => {
        await clients.obeysRetryDelay.check(peer);
        await clients.backsOff.check(peer);
      },
      mutants: { ...clients.obeysRetryDelay.mutants, "takes it for success": takesAllAsSuccess },
    }),
    server({
      id: "grpc-backpressure-code",
      level: "SHOULD",
      quote:
        "To signal backpressure when using gRPC transport, the server SHOULD return an error with code Unavailable and MAY supply additional details via status using RetryInfo.",
      ...grpc,
      ...servers.signalsOverload,
    }),
    client({
      id: "grpc-retry-info",
      level: "SHOULD",
      quote:
        "When the client receives this signal, it SHOULD follow the recommendations outlined in documentation for RetryInfo:",
      note: "It waits for the longer of `retry_delay` and its own backoff, as the Collector does.",
      ...grpc,
      ...clients.obeysRetryDelay,
    }),
    server({
      id: "grpc-retry-delay",
      level: "SHOULD",
      quote:
        "The server SHOULD choose a `retry_delay` value that is big enough to give the server time to recover yet is not too big to cause the client to drop data while being throttled.",
      note: "1 s, or what the backend asked for.",
      ...grpc,
      ...servers.namesRetryDelay,
    }),
  ),
  sectionOf(
    "OTLP/gRPC Default Port",
    server({
      id: "grpc-port",
      level: "states",
      quote: "The default network port for OTLP/gRPC is 4317.",
      ...grpc,
      ...defaultPort(4317),
    }),
  ),
];

import assert from "node:assert/strict";
import * as clients from "./client-checks.ts";
import { refusesAll, rewrites, says, withHeader } from "./mutants.ts";
import { refusal } from "./outcome.ts";
import { client, listed, type Section, sectionOf, server } from "./row.ts";
import * as servers from "./server-checks.ts";
import { oneItem } from "./telemetry.ts";
import { overHttp } from "./transport.ts";
import type { WireAnswer } from "./wire.ts";

const http = { transports: overHttp } as const;
const protobufOnly = { transports: ["http/protobuf"] } as const;
const jsonOnly = { transports: ["http/json"] } as const;

const cannotBeLong =
  "A response has at most one sentence that does not depend on the request, less than 4 KiB.";

/** The sections about the answers of OTLP/HTTP. */
export const httpAnswerSections: readonly Section[] = [
  sectionOf(
    "OTLP/HTTP Response",
    server({
      id: "http-response-message",
      level: "MUST",
      quote:
        "The response body MUST be the appropriate serialized Protobuf message (see below for the specific message to use in the Full Success, Partial Success and Failure cases).",
      ...http,
      ...servers.answersWithMessages,
    }),
    client({
      id: "http-response-limit",
      level: "MUST",
      quote:
        "The client MUST limit the size of the response body when parsing it, including after decompression, to mitigate possible excessive memory usage caused by a misconfigured or malicious server.",
      note: "It asks for no compression and inflates nothing.",
      ...http,
      ...clients.limitsResponses,
    }),
    client({
      id: "http-response-limit-default",
      level: "RECOMMENDED",
      quote: "It is RECOMMENDED to use 4 MiB as the default limit.",
      deviates: true,
      note: "The limit is 64 KiB, as in the Collector: no response of OTLP is nearly as long.",
      ...http,
      ...clients.hasFixedResponseLimit,
    }),
    client({
      id: "http-response-limit-option",
      level: "SHOULD",
      quote: "Implementations SHOULD allow this limit to be configured.",
      deviates: true,
      note: "It has no option.",
      ...http,
      ...clients.hasFixedResponseLimit,
    }),
    client({
      id: "http-response-limit-error",
      level: "MUST",
      quote:
        "If the limit is exceeded, the client MUST treat the response as a non-retryable error and SHOULD record the fact that the response was discarded.",
      note: "It is logged and counted in `otelcol_exporter_invalid_responses`; the items count as sent, because the server said 200.",
      ...http,
      ...clients.limitsResponses,
    }),
    server({
      id: "http-server-response-limit",
      level: "MUST",
      quote:
        "The server MUST limit the size of the response body, including before compression, to avoid overwhelming the client.",
      note: cannotBeLong,
      ...http,
      ...servers.limitsResponses,
    }),
    server({
      id: "http-server-response-limit-default",
      level: "RECOMMENDED",
      quote: "It is RECOMMENDED to use 4 MiB as the default limit.",
      note: cannotBeLong,
      ...http,
      ...servers.limitsResponses,
    }),
    listed({
      id: "http-server-response-limit-option",
      level: "SHOULD",
      role: "server",
      quote: "Implementations SHOULD allow this limit to be configured.",
      untested: cannotBeLong,
    }),
    listed({
      id: "http-server-response-reduced",
      level: "SHOULD",
      role: "server",
      quote:
        "For a Partial Success response that would otherwise exceed the limit, the server SHOULD reduce the response size without changing response semantics if it is possible and practical.",
      untested: cannotBeLong,
    }),
    listed({
      id: "http-server-response-verbosity",
      level: "MAY",
      role: "server",
      quote:
        "To do so, the server MAY decrease the verbosity of optional diagnostic fields, such as `partial_success.error_message`, or omit optional diagnostic fields.",
      untested: cannotBeLong,
    }),
    listed({
      id: "http-server-response-too-long",
      level: "MUST",
      role: "server",
      quote:
        "If the response still cannot fit within the limit, the server MUST fail the request with `HTTP 500 Internal Server Error`.",
      untested: cannotBeLong,
    }),
    server({
      id: "http-response-protobuf",
      level: "MUST",
      quote:
        'The server MUST set "Content-Type: application/x-protobuf" header if the response body is binary-encoded Protobuf payload.',
      ...protobufOnly,
      ...servers.keepsContentType,
    }),
    server({
      id: "http-response-json",
      level: "MUST",
      quote:
        'The server MUST set "Content-Type: application/json" if the response is JSON-encoded Protobuf payload.',
      ...jsonOnly,
      ...servers.keepsContentType,
    }),
    server({
      id: "http-response-same-type",
      level: "MUST",
      quote:
        'The server MUST use the same "Content-Type" in the response as it received in the request.',
      note: "JSON, where the request has another type or none.",
      collector: "The Collector answers 404, 405 and 415 with text/plain.",
      ...http,
      ...servers.keepsContentType,
    }),
    server({
      id: "http-response-gzip",
      level: "MAY",
      quote:
        'If the request header "Accept-Encoding: gzip" is present in the request the server MAY gzip-encode the response and set "Content-Encoding: gzip" response header.',
      note: "It does not: responses are too short.",
      ...http,
      check: async (peer) => {
        const story = peer.story();
        const request = peer.request("traces", oneItem("traces", story.mark));
        const asking = { ...request, headers: { ...request.headers, "accept-encoding": "gzip" } };
        const answer = await peer.exchange(asking);
        assert.equal(answer.headers["content-encoding"], undefined);
        assert.deepEqual(await peer.send("traces", asking), { kind: "response" });
      },
      mutants: {
        "says that it is compressed": rewrites((answer) =>
          withHeader<WireAnswer>("content-encoding", "gzip")(answer),
        ),
        "refuses such requests": refusesAll,
      },
    }),
  ),
  sectionOf(
    "OTLP/HTTP: Full Success",
    server({
      id: "http-empty-request",
      level: "SHOULD",
      quote:
        "If the server receives an empty request (a request that does not carry any telemetry data) the server SHOULD respond with success.",
      ...http,
      ...servers.takesEmptyRequests,
    }),
    server({
      id: "http-success-status",
      level: "MUST",
      quote: "On success, the server MUST respond with `HTTP 200 OK`.",
      ...http,
      ...servers.answersSuccess,
      mutants: {
        ...servers.answersSuccess.mutants,
        "answers 202": rewrites((answer) => ({ ...answer, status: 202 })),
        "answers 204": rewrites((answer) => ({ ...answer, status: 204 })),
      },
    }),
    server({
      id: "http-success-message",
      level: "MUST",
      quote:
        "The response body MUST be a Protobuf-encoded Export<signal>ServiceResponse message (`ExportTraceServiceResponse` for traces, `ExportMetricsServiceResponse` for metrics, `ExportLogsServiceResponse` for logs and `ExportProfilesServiceResponse` for profiles).",
      ...http,
      ...servers.answersSuccess,
    }),
    server({
      id: "http-success-unset",
      level: "MUST",
      quote:
        "The server MUST leave the `partial_success` field unset in case of a successful response.",
      collector: "The Collector writes an empty `partial_success`.",
      ...http,
      ...servers.leavesPartialSuccessUnset,
    }),
  ),
  sectionOf(
    "OTLP/HTTP: Partial Success",
    server({
      id: "http-partial-status",
      level: "MUST",
      quote:
        "If the request is only partially accepted (i.e. when the server accepts only parts of the data and rejects the rest), the server MUST respond with `HTTP 200 OK`.",
      ...http,
      ...servers.takesParts,
    }),
    server({
      id: "http-partial-message",
      level: "MUST",
      quote:
        "The response body MUST be the same Export<signal>ServiceResponse message as in the Full Success case.",
      ...http,
      ...servers.takesParts,
    }),
    server({
      id: "http-partial-count",
      level: "MUST",
      quote:
        "Additionally, the server MUST initialize the `partial_success` field (`ExportTracePartialSuccess` message for traces, `ExportMetricsPartialSuccess` message for metrics, `ExportLogsPartialSuccess` message for logs and `ExportProfilesPartialSuccess` for profiles), and it MUST set the respective `rejected_spans`, `rejected_data_points`, `rejected_log_records` or `rejected_profiles` field with the number of spans/data points/log records it rejected.",
      collector: "The Collector refuses the whole request.",
      ...http,
      ...servers.countsRejected,
    }),
    server({
      id: "http-partial-reason",
      level: "SHOULD",
      quote:
        "The server SHOULD populate the `error_message` field with a human-readable error message in English.",
      ...http,
      ...servers.explainsRejections,
    }),
    server({
      id: "http-partial-warning",
      level: "MAY",
      quote:
        "Servers MAY also use the `partial_success` field to convey warnings/suggestions to clients even when it fully accepts the request.",
      note: "Of logs at the path of traces and the like, JSON has nothing that is rejected; in protobuf they count as rejected.",
      transports: ["http/json"],
      ...servers.warns,
    }),
    server({
      id: "http-partial-warning-fields",
      level: "MUST",
      quote:
        "In such cases, the `rejected_<signal>` field MUST have a value of `0`, and the `error_message` field MUST be non-empty.",
      transports: ["http/json"],
      ...servers.warns,
    }),
    client({
      id: "http-partial-no-retry",
      level: "MUST NOT",
      quote:
        "The client MUST NOT retry the request when it receives a partial success response where the `partial_success` is populated.",
      ...http,
      ...clients.keepsPartialSuccess,
    }),
  ),
  sectionOf(
    "OTLP/HTTP: Failures",
    server({
      id: "http-failure-status",
      level: "MUST",
      quote:
        "If the processing of the request fails, the server MUST respond with appropriate `HTTP 4xx` or `HTTP 5xx` status code.",
      ...http,
      ...servers.hasStatuses,
    }),
    server({
      id: "http-failure-message",
      level: "MUST",
      quote:
        "The response body for all `HTTP 4xx` and `HTTP 5xx` responses MUST be a Protobuf-encoded Status message that describes the problem.",
      note: "Also for 404, 405, 413 and 415. A request that is not HTTP, has too large headers or arrives too slowly never becomes one of OTLP: 400, 431 or 408 without a body.",
      collector: "The Collector answers 404, 405 and 415 with text.",
      ...http,
      ...servers.hasStatuses,
    }),
    server({
      id: "http-status-code",
      level: "MAY",
      quote:
        "This specification does not use `Status.code` field and the server MAY omit `Status.code` field.",
      note: "It is the code that gRPC would have.",
      ...http,
      check: servers.namesBadData.check,
      mutants: { "omits it": says(() => refusal(400, 0)), ...servers.namesBadData.mutants },
    }),
    client({
      id: "http-status-code-client",
      level: "MAY",
      quote:
        "The clients are not expected to alter their behavior based on `Status.code` field but MAY record it for troubleshooting purposes.",
      note: "It is neither read nor recorded: the texts of a backend may quote the data.",
      ...http,
      ...clients.honoursStatuses,
    }),
    server({
      id: "http-status-message",
      level: "SHOULD",
      quote:
        "The `Status.message` field SHOULD contain a developer-facing error message as defined in `Status` message schema.",
      ...http,
      ...servers.hasStatuses,
      mutants: {
        "says nothing": says((outcome) =>
          outcome.kind === "refusal" ? { ...outcome, message: "" } : outcome,
        ),
        "says only that there was an error": says((outcome) =>
          outcome.kind === "refusal" ? { ...outcome, message: "error" } : outcome,
        ),
      },
    }),
    server({
      id: "http-status-details",
      level: "MAY",
      quote: "The server MAY include `Status.details` field with additional details.",
      note: "A BadRequest, for what cannot be decoded.",
      ...http,
      ...servers.describesBadData,
    }),
    server({
      id: "http-status-meaning",
      level: "SHOULD",
      quote:
        "The server SHOULD use HTTP response status codes to indicate retryable and non-retryable errors for a particular erroneous situation.",
      ...http,
      check: async (peer) => {
        await servers.namesRetryable.check(peer);
        await servers.namesBadData.check(peer);
      },
      mutants: { ...servers.namesRetryable.mutants, ...servers.namesBadData.mutants },
    }),
    client({
      id: "http-status-honoured",
      level: "SHOULD",
      quote: "The client SHOULD honour HTTP response status codes as retryable or non-retryable.",
      ...http,
      ...clients.honoursStatuses,
    }),
    client({
      id: "http-retryable",
      level: "SHOULD",
      quote:
        "The requests that receive a response status code listed in following table SHOULD be retried.",
      note: "429, 502, 503, 504",
      ...http,
      ...clients.retriesRetryableStatuses,
    }),
    client({
      id: "http-not-retryable",
      level: "MUST NOT",
      quote: "All other `4xx` or `5xx` response status codes MUST NOT be retried.",
      note: "But for 407 of a proxy, which the backend has not seen.",
      ...http,
      ...clients.dropsOtherStatuses,
    }),
  ),
  sectionOf(
    "OTLP/HTTP: Bad Data",
    server({
      id: "http-bad-data",
      level: "MUST",
      quote:
        "If the processing of the request fails because the request contains data that cannot be decoded or is otherwise invalid and such failure is permanent, then the server MUST respond with `HTTP 400 Bad Request`.",
      ...http,
      ...servers.namesBadData,
    }),
    server({
      id: "http-bad-request",
      level: "SHOULD",
      quote:
        "The `Status.details` field in the response SHOULD contain a BadRequest that describes the bad data.",
      collector: "The Collector has no details.",
      ...http,
      ...servers.describesBadData,
    }),
    client({
      id: "http-bad-data-no-retry",
      level: "MUST NOT",
      quote:
        "The client MUST NOT retry the request when it receives `HTTP 400 Bad Request` response.",
      ...http,
      ...clients.dropsBadData,
    }),
  ),
  sectionOf(
    "OTLP/HTTP Throttling",
    server({
      id: "http-overload",
      level: "SHOULD",
      quote:
        'If the server receives more requests than the client is allowed or the server is overloaded, the server SHOULD respond with `HTTP 429 Too Many Requests` or `HTTP 503 Service Unavailable` and MAY include "Retry-After" header to indicate how long the client ought to wait before retrying.',
      note: "503, or 429 if the backend said so, always with Retry-After.",
      collector: "The Collector has a Retry-After only if the backend sent one.",
      ...http,
      ...servers.signalsOverload,
    }),
    client({
      id: "http-retry-date",
      level: "states",
      quote:
        "Note that the value can be either an HTTP-date or a number of seconds to delay after the response is received.",
      ...http,
      ...clients.obeysRetryDates,
    }),
    client({
      id: "http-retry-after",
      level: "SHOULD",
      quote:
        'The client SHOULD honour the value specified in the "Retry-After" header if it is present.',
      ...http,
      ...clients.obeysRetryDelay,
    }),
    client({
      id: "http-backoff",
      level: "SHOULD",
      quote:
        'If the client receives a retryable error code (see table above) and the "Retry-After" header is not present in the response, then the client SHOULD implement an exponential backoff strategy between retries.',
      ...http,
      ...clients.backsOff,
    }),
  ),
  sectionOf(
    "OTLP/HTTP: All Other Responses",
    client({
      id: "http-disconnect",
      level: "SHOULD",
      quote:
        "If the server disconnects without returning a response, the client SHOULD retry and send the same request.",
      ...http,
      ...clients.retriesAfterDisconnect,
    }),
    client({
      id: "http-disconnect-backoff",
      level: "SHOULD",
      quote:
        "The client SHOULD implement an exponential backoff strategy between retries to avoid overwhelming the server.",
      ...http,
      ...clients.backsOffAfterDisconnect,
    }),
  ),
];

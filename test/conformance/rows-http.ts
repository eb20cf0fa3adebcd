import assert from "node:assert/strict";
import * as clients from "./client-checks.ts";
import { defaultPort } from "./default-port.ts";
import * as json from "./json-checks.ts";
import { configured, refusesAll, rewrites, takesNothing } from "./mutants.ts";
import { client, listed, type Section, sectionOf, server } from "./row.ts";
import * as servers from "./server-checks.ts";
import { overHttp } from "./transport.ts";

const http = { transports: overHttp } as const;
const protobufOnly = { transports: ["http/protobuf"] } as const;
const jsonOnly = { transports: ["http/json"] } as const;

/** The sections about the requests of OTLP/HTTP. */
export const httpSections: readonly Section[] = [
  sectionOf(
    "OTLP/HTTP",
    server({
      id: "http-versions",
      level: "MAY",
      quote: "Implementations MAY use HTTP/1.1 or HTTP/2 transports.",
      note: "HTTP/1.1, as the exporter.",
      ...http,
      ...servers.answersSuccess,
    }),
    listed({
      id: "http-fallback",
      level: "SHOULD",
      role: "client",
      quote:
        "Implementations that use HTTP/2 transport SHOULD fallback to HTTP/1.1 transport if HTTP/2 connection cannot be established.",
      untested: "`otlp_http` sends over HTTP/1.1 only.",
    }),
  ),
  sectionOf(
    "Binary Protobuf Encoding",
    client({
      id: "protobuf-content-type-client",
      level: "MUST",
      quote:
        'The client and the server MUST set "Content-Type: application/x-protobuf" request and response headers when sending binary Protobuf encoded payload.',
      ...protobufOnly,
      ...clients.namesContentType,
    }),
    server({
      id: "protobuf-content-type-server",
      level: "MUST",
      quote:
        'The client and the server MUST set "Content-Type: application/x-protobuf" request and response headers when sending binary Protobuf encoded payload.',
      ...protobufOnly,
      ...servers.keepsContentType,
    }),
  ),
  sectionOf(
    "JSON Protobuf Encoding",
    client({
      id: "json-ids-client",
      level: "states",
      quote:
        "The `traceId` and `spanId` byte arrays are represented as case-insensitive hex-encoded strings; they are not base64-encoded as is defined in the standard Protobuf JSON Mapping.",
      ...jsonOnly,
      ...json.writesHexIds,
    }),
    server({
      id: "json-ids-server",
      level: "states",
      quote:
        "The `traceId` and `spanId` byte arrays are represented as case-insensitive hex-encoded strings; they are not base64-encoded as is defined in the standard Protobuf JSON Mapping.",
      ...jsonOnly,
      ...json.readsHexIds,
    }),
    client({
      id: "json-enums-client",
      level: "MUST",
      quote: "Values of enum fields MUST be encoded as integer values.",
      ...jsonOnly,
      ...json.writesEnumNumbers,
    }),
    server({
      id: "json-enums-server",
      level: "MUST",
      quote: "Values of enum fields MUST be encoded as integer values.",
      ...jsonOnly,
      ...json.readsEnumNumbers,
    }),
    client({
      id: "json-enum-names",
      level: "MUST NOT",
      quote:
        "Unlike the standard Protobuf JSON Mapping, which allows values of enum fields to be encoded as either integer values or as enum name strings, only integer enum values are allowed in OTLP JSON Protobuf Encoding; the enum name strings MUST NOT be used.",
      note: "The exporter writes no names. The receiver reads them, as the Collector's does.",
      ...jsonOnly,
      ...json.writesEnumNumbers,
    }),
    server({
      id: "json-unknown-fields",
      level: "MUST",
      quote:
        "OTLP/JSON receivers MUST ignore message fields with unknown names and MUST unmarshal the message as if the unknown field was not present in the payload.",
      ...jsonOnly,
      ...json.ignoresUnknownNames,
    }),
    client({
      id: "json-keys-client",
      level: "states",
      quote: "The keys of JSON objects are field names converted to lowerCamelCase.",
      ...jsonOnly,
      ...json.writesCamelCase,
    }),
    server({
      id: "json-keys-server",
      level: "states",
      quote: "The keys of JSON objects are field names converted to lowerCamelCase.",
      ...jsonOnly,
      ...json.readsCamelCase,
    }),
    server({
      id: "json-original-names",
      level: "states",
      quote: "Original field names are not valid to use as keys for JSON objects.",
      deviates: true,
      note: "The receiver reads them too, as the Collector's does. The exporter does not write them.",
      ...jsonOnly,
      ...json.readsOriginalNames,
    }),
    client({
      id: "json-numbers-client",
      level: "states",
      quote:
        "Note that according to Protobuf specs 64-bit integer numbers in JSON-encoded payloads are encoded as decimal strings, and either numbers or strings are accepted when decoding.",
      ...jsonOnly,
      ...json.writesLargeNumbersAsTexts,
    }),
    server({
      id: "json-numbers-server",
      level: "states",
      quote:
        "Note that according to Protobuf specs 64-bit integer numbers in JSON-encoded payloads are encoded as decimal strings, and either numbers or strings are accepted when decoding.",
      note: "Numbers are read exactly, however large.",
      ...jsonOnly,
      ...json.readsLargeNumbers,
    }),
    client({
      id: "json-content-type-client",
      level: "MUST",
      quote:
        'The client and the server MUST set "Content-Type: application/json" request and response headers when sending JSON Protobuf encoded payload.',
      ...jsonOnly,
      ...clients.namesContentType,
    }),
    server({
      id: "json-content-type-server",
      level: "MUST",
      quote:
        'The client and the server MUST set "Content-Type: application/json" request and response headers when sending JSON Protobuf encoded payload.',
      ...jsonOnly,
      ...servers.keepsContentType,
    }),
  ),
  sectionOf(
    "OTLP/HTTP Request",
    ...(
      [
        [
          "traces",
          "requests that carry trace data",
          '`/v1/traces` (for example the full URL when connecting to "example.com" server will be `https://example.com/v1/traces`)',
        ],
        [
          "metrics",
          "requests that carry metric data",
          "`/v1/metrics` and the request body is a Protobuf-encoded `ExportMetricsServiceRequest` message",
        ],
        [
          "logs",
          "requests that carry log data",
          "`/v1/logs` and the request body is a Protobuf-encoded `ExportLogsServiceRequest` message",
        ],
      ] as const
    ).flatMap(([signal, what, path]) => {
      const sentence = {
        level: "states",
        quote: `The default URL path for ${what} is ${path}.`,
        ...http,
      } as const;
      return [
        client({
          id: `http-path-${signal}-client`,
          ...sentence,
          ...clients.usesDefaultPaths(signal),
        }),
        server({
          id: `http-path-${signal}-server`,
          ...sentence,
          ...servers.servesDefaultPath(signal),
        }),
      ];
    }),
    server({
      id: "http-path-profiles",
      level: "states",
      quote:
        "The default URL path for requests that carry profiling data is `/v1development/profiles` and the request body is a Protobuf-encoded `ExportProfilesServiceRequest` message.",
      deviates: true,
      note: "This collector handles no profiles, which are in development: 404.",
      ...http,
      check: async (peer) => {
        const request = peer.request("traces", {});
        const outcome = await peer.send("traces", { ...request, path: "/v1development/profiles" });
        servers.assertRefusal(outcome);
        assert.equal(outcome.status, 404);
      },
      mutants: { "takes profiles and loses them": takesNothing, "calls them bad data": refusesAll },
    }),
    client({
      id: "http-gzip",
      level: "MUST",
      quote:
        'The client MAY gzip the content and in that case MUST include "Content-Encoding: gzip" request header.',
      note: "It does, unless `compression` says otherwise.",
      ...http,
      ...clients.namesContentEncoding,
    }),
    client({
      id: "http-accept-encoding",
      level: "MAY",
      quote:
        'The client MAY include "Accept-Encoding: gzip" request header if it can receive gzip-encoded responses.',
      note: "It does not: responses are too short.",
      ...http,
      ...clients.asksForPlainAnswers,
    }),
    client({
      id: "http-other-paths-client",
      level: "MAY",
      quote: "Non-default URL paths for requests MAY be configured on the client and server sides.",
      note: "`traces_endpoint`, `metrics_endpoint`, `logs_endpoint`",
      ...http,
      ...clients.hasConfigurablePaths,
    }),
    server({
      id: "http-other-paths-server",
      level: "MAY",
      quote: "Non-default URL paths for requests MAY be configured on the client and server sides.",
      note: "`traces_url_path`, `metrics_url_path`, `logs_url_path`",
      ...http,
      check: async (peer) => {
        const story = peer.story();
        const request = peer.request("traces", servers.itemOf(story));
        const custom = { ...request, path: "/custom/spans" };
        assert.equal((await peer.send("traces", custom, "other_paths")).kind, "response");
        assert.equal(story.requests.length, 1);
      },
      mutants: { "has its default paths": configured("defaults"), "takes nothing": takesNothing },
    }),
    server({
      id: "http-request-limit",
      level: "MUST",
      quote:
        "The server MUST limit the size of the request body when parsing it, including after decompression, to mitigate possible excessive memory usage caused by a misconfigured or malicious client sending an oversized request.",
      ...http,
      ...servers.limitsRequests,
    }),
    server({
      id: "http-request-limit-default",
      level: "RECOMMENDED",
      quote: "It is RECOMMENDED to use 64 MiB as the default limit.",
      deviates: true,
      note: "The default is 20 MiB, as in the Collector, or what fits into the memory limit.",
      ...http,
      ...servers.hasDefaultLimit,
    }),
    server({
      id: "http-request-limit-option",
      level: "SHOULD",
      quote: "Implementations SHOULD allow this limit to be configured.",
      note: "`max_request_body_size`",
      ...http,
      ...servers.hasConfigurableLimit,
    }),
    server({
      id: "http-request-limit-status",
      level: "MUST",
      quote: "If the limit is exceeded, the server MUST respond with `HTTP 413 Content Too Large`.",
      collector: "The Collector answers 400.",
      ...http,
      ...servers.namesTheLimit,
    }),
    client({
      id: "http-client-request-limit",
      level: "SHOULD",
      quote:
        "The client SHOULD limit the size of the request body, including before compression, to avoid overwhelming the server.",
      ...http,
      ...clients.limitsRequests,
    }),
    client({
      id: "http-client-request-limit-default",
      level: "RECOMMENDED",
      quote: "It is RECOMMENDED to use 64 MiB as the default limit.",
      ...http,
      ...clients.hasDefaultLimit,
    }),
    client({
      id: "http-client-request-limit-option",
      level: "SHOULD",
      quote: "Implementations SHOULD allow this limit to be configured.",
      note: "`max_request_size`",
      ...http,
      ...clients.hasConfigurableLimit,
    }),
    client({
      id: "http-client-request-limit-discards",
      level: "MUST NOT",
      quote:
        "If the limit is exceeded, the client MUST NOT make the request and SHOULD record the fact that the request was discarded.",
      ...http,
      ...clients.limitsRequests,
    }),
  ),
  sectionOf(
    "OTLP/HTTP Connection",
    client({
      id: "http-connect-retry",
      level: "SHOULD",
      quote:
        "If the client cannot connect to the server, the client SHOULD retry the connection using an exponential backoff strategy between retries.",
      ...http,
      ...clients.retriesConnections,
    }),
    client({
      id: "http-jitter",
      level: "states",
      quote: "The interval between retries must have a random jitter.",
      note: "`randomization_factor`",
      ...http,
      ...clients.variesWaits,
    }),
    client({
      id: "http-keep-alive",
      level: "SHOULD",
      quote: "The client SHOULD keep the connection alive between requests.",
      note: "Unless `disable_keep_alives` is set.",
      ...http,
      ...clients.keepsConnections,
    }),
    server({
      id: "http-one-port",
      level: "SHOULD",
      quote:
        'Server implementations SHOULD accept OTLP/HTTP with binary-encoded Protobuf payload and OTLP/HTTP with JSON-encoded Protobuf payload requests on the same port and multiplex the requests to the corresponding payload decoder based on the "Content-Type" request header.',
      ...http,
      ...servers.answersSuccess,
    }),
    server({
      id: "http-one-port-grpc",
      level: "MAY",
      quote:
        'Server implementations MAY accept OTLP/gRPC and OTLP/HTTP requests on the same port and multiplex the connections to the corresponding transport handler based on the "Content-Type" request header.',
      note: "It does not: gRPC has a port of its own, as in the Collector.",
      ...http,
      check: async (peer) => {
        const request = peer.request("traces", {});
        const grpc = { ...request, headers: { "content-type": "application/grpc" } };
        assert.equal((await peer.exchange(grpc)).status, 415);
      },
      mutants: {
        "takes it and does not decode it": takesNothing,
        "answers as a server of gRPC": rewrites((answer) => ({ ...answer, status: 200 })),
      },
    }),
  ),
  sectionOf(
    "OTLP/HTTP Concurrent Requests",
    client({
      id: "http-parallel-connections",
      level: "MAY",
      quote:
        "To achieve higher total throughput, the client MAY send requests using several parallel HTTP connections.",
      ...http,
      ...clients.usesParallelConnections,
    }),
    client({
      id: "http-parallel-connections-option",
      level: "SHOULD",
      quote: "In that case, the maximum number of parallel connections SHOULD be configurable.",
      note: "`max_conns_per_host`",
      ...http,
      ...clients.boundsConnections,
    }),
  ),
  sectionOf(
    "OTLP/HTTP Default Port",
    server({
      id: "http-port",
      level: "states",
      quote: "The default network port for OTLP/HTTP is 4318.",
      ...http,
      ...defaultPort(4318),
    }),
  ),
];

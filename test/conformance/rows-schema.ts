import * as clients from "./client-checks.ts";
import { client, listed, type Section, sectionOf, server } from "./row.ts";
import * as schema from "./schema-checks.ts";
import * as servers from "./server-checks.ts";
import { transports } from "./transport.ts";

const all = { transports } as const;

const senderData = "This is about the data of senders, which the collector forwards unchanged.";

/** The comments in the `.proto` files that ask something of a peer. */
export const schemaSections: readonly Section[] = [
  sectionOf(
    "trace_service.proto, metrics_service.proto, logs_service.proto",
    server({
      id: "service-partial",
      level: "MUST",
      quote:
        "If the request is only partially accepted (i.e. when the server accepts only parts of the data and rejects the rest) the server MUST initialize the `partial_success` field and MUST set the `rejected_<signal>` with the number of items it rejected.",
      ...all,
      ...servers.countsRejected,
    }),
    server({
      id: "service-warning",
      level: "MAY",
      quote:
        "Servers MAY also make use of the `partial_success` field to convey warnings/suggestions to senders even when the request was fully accepted.",
      note: "Of logs at the path of traces and the like, JSON has nothing that is rejected; in protobuf they count as rejected.",
      transports: ["http/json"],
      ...servers.warns,
    }),
    server({
      id: "service-warning-fields",
      level: "MUST",
      quote:
        "In such cases, the `rejected_<signal>` MUST have a value of `0` and the `error_message` MUST be non-empty.",
      transports: ["http/json"],
      ...servers.warns,
    }),
    client({
      id: "service-empty-partial",
      level: "SHOULD",
      quote:
        'A `partial_success` message with an empty value (rejected_<signal> = 0 and `error_message` = "") is equivalent to it not being set/present. Senders SHOULD interpret it the same way as in the full success case.',
      ...all,
      ...clients.ignoresEmptyPartialSuccess,
    }),
  ),
  sectionOf(
    "common.proto, resource.proto",
    listed({
      id: "unique-keys",
      level: "MUST",
      role: "client",
      quote:
        "Attribute keys MUST be unique (it is not allowed to have more than one attribute with the same key).",
      untested: `${senderData} What the collector itself creates is built from maps.`,
    }),
    listed({
      id: "unique-list-keys",
      level: "MUST",
      role: "client",
      quote:
        "The keys MUST be unique (it is not allowed to have more than one value with the same key).",
      untested: senderData,
    }),
    listed({
      id: "key-or-index",
      level: "MUST NOT",
      role: "client",
      quote: "key_strindex MUST NOT be set if key is used.",
      untested: "A field of profiles, which this collector does not handle.",
    }),
    listed({
      id: "index-or-key",
      level: "MUST NOT",
      role: "client",
      quote: "key MUST NOT be set if key_strindex is used.",
      untested: "A field of profiles, which this collector does not handle.",
    }),
    listed({
      id: "entity-type",
      level: "MUST",
      role: "client",
      quote: "Defines the type of the entity. MUST not change during the lifetime of the entity.",
      untested: senderData,
    }),
    listed({
      id: "entity-type-set",
      level: "MUST",
      role: "client",
      quote: "This field is required and MUST not be empty for valid entities.",
      untested: senderData,
    }),
    listed({
      id: "entity-keys",
      level: "MUST",
      role: "client",
      quote:
        "MUST not change during the lifetime of the entity. The Id must contain at least one attribute. These keys MUST exist in the containing {message}.attributes.",
      untested: senderData,
    }),
    listed({
      id: "entity-description",
      level: "MAY",
      role: "client",
      quote:
        "MAY change over the lifetime of the entity. MAY be empty. These attribute keys are not part of entity's identity. These keys MUST exist in the containing {message}.attributes.",
      untested: senderData,
    }),
    listed({
      id: "entity-references",
      level: "MUST",
      role: "client",
      quote: "Note: keys in the references MUST exist in attributes of this message.",
      untested: senderData,
    }),
  ),
  sectionOf(
    "trace.proto",
    server({
      id: "trace-id",
      level: "states",
      quote:
        "The ID is a 16-byte array. An ID with all zeroes OR of length other than 16 bytes is considered invalid (empty string in OTLP/JSON is zero-length and thus is also invalid).",
      note: "Such a span is rejected, and the others are taken.",
      ...all,
      ...schema.rejectsBadTraceIds,
    }),
    server({
      id: "span-id",
      level: "states",
      quote:
        "The ID is an 8-byte array. An ID with all zeroes OR of length other than 8 bytes is considered invalid (empty string in OTLP/JSON is zero-length and thus is also invalid).",
      note: "Such a span is rejected, and the others are taken.",
      ...all,
      ...schema.rejectsBadSpanIds,
    }),
    client({
      id: "span-flags",
      level: "SHOULD",
      quote:
        "When creating span messages, if the message is logically forwarded from another source with an equivalent flags fields (i.e., usually another OTLP span message), the field SHOULD be copied as-is.",
      ...all,
      ...schema.copiesFlags,
    }),
    listed({
      id: "span-flags-created",
      level: "MUST",
      role: "client",
      quote:
        "If creating from a source that does not have an equivalent flags field (such as a runtime representation of an OpenTelemetry span), the high 22 bits MUST be set to zero.",
      untested: "The spans that the collector creates (`close_spans`) have no flags.",
    }),
    server({
      id: "span-flags-read",
      level: "MUST NOT",
      quote: "Readers MUST NOT assume that bits 10-31 (22 most significant bits) will be zero.",
      ...all,
      ...schema.takesFlags,
    }),
    listed({
      id: "link-flags-created",
      level: "MUST",
      role: "client",
      quote: "When creating new spans, bits 10-31 (most-significant 22-bits) MUST be zero.",
      untested: "The links that the collector creates (`close_spans`) have no flags.",
    }),
    server({
      id: "span-kind",
      level: "MAY",
      quote: "Implementations MAY assume SpanKind to be INTERNAL when receiving UNSPECIFIED.",
      note: "It does not: the kind is forwarded as it came.",
      ...all,
      ...schema.keepsUnspecifiedKind,
    }),
    listed({
      id: "new-fields",
      level: "MUST",
      role: "other",
      quote:
        "When new fields are added into this message, the OTLP request MUST be updated as well.",
      untested: "This is for those who write the schema.",
    }),
  ),
  sectionOf(
    "metrics.proto",
    server({
      id: "metric-time",
      level: "SHOULD",
      quote: "Data points with the 0 value for TimeUnixNano SHOULD be rejected by consumers.",
      deviates: true,
      note: "The collector does not consume them but forwards them, as the Collector does.",
      ...all,
      ...schema.forwardsPointsWithoutTime,
    }),
    server({
      id: "metric-metadata",
      level: "SHOULD NOT",
      quote:
        "Consumers SHOULD NOT need to be aware of these attributes. These attributes MAY be used to encode information allowing for lossless roundtrip translation to / from another data model.",
      ...all,
      ...schema.keepsMetadata,
    }),
    listed({
      id: "metric-temporality",
      level: "MUST",
      role: "client",
      quote: "UNSPECIFIED is the default AggregationTemporality, it MUST not be used.",
      untested: `${senderData} The metrics of the collector itself are cumulative.`,
    }),
    listed({
      id: "metric-reset",
      level: "MUST",
      role: "client",
      quote:
        "If this state is lost or invalidated, the CUMULATIVE metric values MUST be reset and a new fixed start time following the last reported measurement time sent MUST be used.",
      untested: `${senderData} The metrics of the collector itself have the start time of their process.`,
    }),
    listed({
      id: "metric-missing",
      level: "SHOULD",
      role: "client",
      quote:
        'This value SHOULD be used to reflect explicitly missing data in a series, as for an equivalent to the Prometheus "staleness marker".',
      untested: senderData,
    }),
    listed({
      id: "metric-zero-bucket",
      level: "MAY",
      role: "other",
      quote:
        "Implementations MAY consider the zero bucket to have probability mass equal to (zero_count / count).",
      untested: "This is for those who compute quantiles.",
    }),
  ),
  sectionOf(
    "logs.proto",
    listed({
      id: "log-observed-time",
      level: "MUST",
      role: "client",
      quote: "This field MUST be set once the event is observed by OpenTelemetry.",
      untested: `${senderData} The events of the collector itself have it.`,
    }),
    server({
      id: "log-trace-id",
      level: "SHOULD",
      quote:
        "The receivers SHOULD assume that the log record is not associated with a trace if any of the following is true: the field is not present, the field contains an invalid value.",
      note: "The record is forwarded without the invalid id.",
      ...all,
      ...schema.keepsLogsWithBadTraceIds,
    }),
    listed({
      id: "log-span-without-trace",
      level: "SHOULD",
      role: "client",
      quote:
        "If the sender specifies a valid span_id then it SHOULD also specify a valid trace_id.",
      untested: `${senderData} The events of the collector itself have both or neither.`,
    }),
    server({
      id: "log-span-id",
      level: "SHOULD",
      quote:
        "The receivers SHOULD assume that the log record is not associated with a span if any of the following is true: the field is not present, the field contains an invalid value.",
      note: "The record is forwarded without the invalid id.",
      ...all,
      ...schema.keepsLogsWithBadSpanIds,
    }),
  ),
];

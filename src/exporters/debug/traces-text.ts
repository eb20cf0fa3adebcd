import { otlp } from "../../otlp/proto/generated.js";
import type { RecordText, ResourceGroup } from "./envelope-text.ts";
import { attributeLines, hex, inlineAttributes, printable, time } from "./values-text.ts";

type Span = otlp.Span.$Properties;

/** Throws on bytes that are not an `ExportTraceServiceRequest`. */
export function spansOf(bytes: Uint8Array): readonly ResourceGroup<Span>[] {
  return otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans.map((group) => ({
    resource: group.resource,
    schemaUrl: group.schemaUrl,
    scopes: (group.scopeSpans ?? []).map(({ scope, schemaUrl, spans }) => ({
      scope,
      schemaUrl,
      records: spans,
    })),
  }));
}

export const spanText: RecordText<Span> = {
  names: { resource: "ResourceSpans", scope: "ScopeSpans", record: "Span" },
  normal: (span) => [
    `${printable(span.name ?? "")} ${hex(span.traceId)} ${hex(span.spanId)}${inlineAttributes(span.attributes)}`,
  ],
  detailed: (span) => [
    `    Trace ID       : ${hex(span.traceId)}`,
    `    Parent ID      : ${hex(span.parentSpanId)}`,
    `    ID             : ${hex(span.spanId)}`,
    `    Name           : ${printable(span.name ?? "")}`,
    `    Kind           : ${kinds[span.kind ?? 0] ?? span.kind}`,
    ...(span.traceState ? [`    TraceState     : ${printable(span.traceState)}`] : []),
    `    Start time     : ${time(span.startTimeUnixNano)}`,
    `    End time       : ${time(span.endTimeUnixNano)}`,
    `    Status code    : ${statusCodes[span.status?.code ?? 0] ?? span.status?.code}`,
    `    Status message : ${printable(span.status?.message ?? "")}`,
    `    Flags          : ${span.flags ?? 0}`,
    ...dropped("attributes", span.droppedAttributesCount),
    ...dropped("events", span.droppedEventsCount),
    ...dropped("links", span.droppedLinksCount),
    ...attributeLines("Attributes", span.attributes),
    ...(span.events ?? []).flatMap((event, n) => [
      `SpanEvent #${n}`,
      `     -> Name: ${printable(event.name ?? "")}`,
      `     -> Timestamp: ${time(event.timeUnixNano)}`,
      ...dropped("attributes", event.droppedAttributesCount),
      ...attributeLines("-> Attributes", event.attributes, "     "),
    ]),
    ...(span.links ?? []).flatMap((link, n) => [
      `SpanLink #${n}`,
      `     -> Trace ID: ${hex(link.traceId)}`,
      `     -> ID: ${hex(link.spanId)}`,
      `     -> TraceState: ${printable(link.traceState ?? "")}`,
      ...dropped("attributes", link.droppedAttributesCount),
      ...attributeLines("-> Attributes", link.attributes, "     "),
    ]),
  ],
};

/** Listed here because the generated code may lack them; other numbers are shown unchanged. */
const kinds = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];
const statusCodes = ["Unset", "Ok", "Error"];

function dropped(what: string, count: number | null | undefined): readonly string[] {
  return count ? [`    Dropped ${what}: ${count}`] : [];
}

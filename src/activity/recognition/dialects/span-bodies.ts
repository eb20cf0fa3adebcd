import { jsonText, parseExactJson } from "../../../otlp/exact-json.ts";
import { requestFromValue } from "../../../otlp/json.ts";
import { type ActivityRecord, attributeOf, textOf } from "../activity-record.ts";

const jsonType = "json/v1";
/** The most memory for the values of a body: they hold one span, or a few. A body that needs more is not read. */
const maxJsonBytes = 16 * 1024 * 1024;
const noBytes = new Uint8Array(0);
const protobufTypes: readonly string[] = ["", "proto"];

/**
 * The spans in the body of a log record, as an `ExportTraceServiceRequest` or as one ResourceSpans. The attribute `typeKey`
 * has the encoding: OTLP as protobuf, in base64 or not, or as JSON in any of the spellings that senders use. Undefined for a
 * body of another encoding, an empty one, and JSON that cannot be read.
 */
export function spansInBody({ record }: ActivityRecord, typeKey: string): Uint8Array | undefined {
  const { stringValue, bytesValue } = record.body ?? {};
  const type = textOf(attributeOf(record.attributes, typeKey));
  if (type === jsonType) {
    return fromJson(
      typeof stringValue !== "string" ? (bytesValue ?? noBytes) : Buffer.from(stringValue),
    );
  }
  if (!protobufTypes.includes(type)) {
    return undefined;
  }
  const bytes = bytesValue?.length ? bytesValue : Buffer.from(stringValue ?? "", "base64");
  return bytes.length === 0 ? undefined : bytes;
}

/** JSON of TracesData, or of one ResourceSpans. */
function fromJson(bytes: Uint8Array): Uint8Array | undefined {
  const text = jsonText(bytes);
  if (text.weightBytes > maxJsonBytes) {
    return undefined;
  }
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    return undefined;
  }
  const isResourceSpans = "scopeSpans" in fieldsOf(value) || "scope_spans" in fieldsOf(value);
  const request = isResourceSpans ? { resourceSpans: [value] } : value;
  const result = requestFromValue("traces", mended(request, 0));
  return result.ok ? result.bytes : undefined;
}

const spanLists: readonly string[] = [
  "resourceSpans",
  "resource_spans",
  "scopeSpans",
  "scope_spans",
  "spans",
];
/** A list of resources has one of scopes, and that one of spans. */
const maxLists = 3;
/** Fields of a span that are of no use here and that senders get wrong: ids of links in base64, the status in `trace_state`. */
const droppedFields: readonly string[] = ["links", "traceState", "trace_state"];
const idSizes: Readonly<Record<string, number>> = {
  traceId: 32,
  trace_id: 32,
  spanId: 16,
  span_id: 16,
  parentSpanId: 16,
  parent_span_id: 16,
};

/** Drops what senders get wrong, and puts back the leading zeros that ids lack. `depth`: how many of the lists it is in. */
function mended(value: unknown, depth: number): unknown {
  return Object.fromEntries(
    Object.entries(fieldsOf(value))
      .filter(([key]) => !droppedFields.includes(key))
      .map(([key, content]) => {
        if (depth < maxLists && spanLists.includes(key) && Array.isArray(content)) {
          return [key, content.map((each) => mended(each, depth + 1))];
        }
        const size = idSizes[key];
        return size !== undefined && typeof content === "string" && content !== ""
          ? [key, content.padStart(size, "0")]
          : [key, content];
      }),
  );
}

function fieldsOf(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

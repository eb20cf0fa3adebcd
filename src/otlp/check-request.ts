import { brokenEnvelope, envelopeTags, readResource, readScope } from "./envelope-reader.ts";
import type { Signal } from "./payload.ts";
import { readLogRecord, readMetric } from "./record-readers.ts";
import { SpanBatch } from "./span-batch.ts";
import { readSpan } from "./span-reader.ts";
import { withoutFields } from "./splice.ts";
import { forgetView, WireReader } from "./wire-reader.ts";

/**
 * The valid part of a received request. `bytes` is the checked array if nothing is
 * malformed, else a copy without the malformed records. `items` counts the spans, data points or log
 * records in `bytes`, `rejected` the removed ones, and `reason` is the reason.
 */
export type CheckedRequest =
  | {
      readonly ok: true;
      readonly bytes: Uint8Array;
      readonly items: number;
      readonly rejected: number;
      readonly reason?: string;
    }
  | { readonly ok: false; readonly message: string };

/**
 * Names of the messages around the records, from the outside in, and what makes a record malformed. `readRecord` checks one
 * record from `reader.position` up to `end` and returns the number of items in it or, if it is malformed, minus the number of
 * items that are lost with it. It writes fields that are not needed to `scratch`.
 */
const signals = {
  traces: {
    messages: ["ExportTraceServiceRequest", "a ResourceSpans", "a ScopeSpans"],
    readRecord: (reader: WireReader, end: number, scratch: SpanBatch) =>
      readSpan(reader, end, undefined, scratch, 0) ? 1 : -1,
    reason:
      "Some spans were left out: a trace_id must have 16 bytes and a span_id 8, neither all zero, a parent_span_id 8 or none, and every field must be readable.",
  },
  metrics: {
    messages: ["ExportMetricsServiceRequest", "a ResourceMetrics", "a ScopeMetrics"],
    readRecord: readMetric,
    reason:
      "Some metrics were left out with their data points: every field of a metric and of its data points must be readable.",
  },
  logs: {
    messages: ["ExportLogsServiceRequest", "a ResourceLogs", "a ScopeLogs"],
    readRecord: readLogRecord,
    reason:
      "Some log records were left out: a trace_id must have 16 bytes or none and a span_id 8 or none, and every field must be readable.",
  },
} as const;

/**
 * Checks a received request: is it an export request of the signal, how many items does it have, and which
 * records are malformed. Never throws, never reads past the end of `bytes`. For traces it refuses the
 * spans `scanSpans` would refuse. `ok: false` when the envelope cannot be decoded. How deep it looks
 * is written in `docs/wire-validation.md`.
 */
export function checkRequest(signal: Signal, bytes: Uint8Array): CheckedRequest {
  const format = signals[signal];
  const reader = new WireReader(bytes);
  const found: Found = { items: 0, rejected: 0, cuts: [] };
  try {
    const broken = checkResourceParts(reader, format, found);
    if (broken !== undefined) {
      return brokenEnvelope(broken, reader);
    }
    const { items, rejected, cuts } = found;
    return cuts.length === 0
      ? { ok: true, bytes, items, rejected }
      : { ok: true, bytes: withoutFields(bytes, cuts), items, rejected, reason: format.reason };
  } finally {
    // The view would keep the request in memory until the next one is read.
    forgetView();
  }
}

type Format = (typeof signals)[Signal];

/** The records so far. */
interface Found {
  items: number;
  rejected: number;
  /** Where the fields of malformed records start. */
  readonly cuts: number[];
}

/** Receive the fields that no component needs: one row and one name that are overwritten each time. */
const scratch = new SpanBatch();
const scopeName = { start: 0, end: 0 };

/** Checks a whole request. This and the next two functions return the name of the broken message, if there is one. */
function checkResourceParts(reader: WireReader, format: Format, found: Found): string | undefined {
  const [request] = format.messages;
  const end = reader.bytes.length;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === envelopeTags.resourcePart) {
      const stop = reader.length(end);
      const broken = stop < 0 ? request : checkScopeParts(reader, stop, format, found);
      if (broken !== undefined) {
        return broken;
      }
    } else if (!reader.skip(tag, end)) {
      return request;
    }
  }
  return undefined;
}

function checkScopeParts(
  reader: WireReader,
  end: number,
  format: Format,
  found: Found,
): string | undefined {
  const [, resourcePart] = format.messages;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === envelopeTags.scopePart) {
      const stop = reader.length(end);
      const broken = stop < 0 ? resourcePart : checkRecords(reader, stop, format, found);
      if (broken !== undefined) {
        return broken;
      }
    } else if (tag === envelopeTags.resource) {
      const stop = reader.length(end);
      if (stop < 0 || !readResource(reader, stop, undefined, scratch)) {
        return "a Resource";
      }
    } else if (!reader.skip(tag, end)) {
      return resourcePart;
    }
  }
  return undefined;
}

function checkRecords(
  reader: WireReader,
  end: number,
  { messages: [, , scopePart], readRecord }: Format,
  found: Found,
): string | undefined {
  while (reader.position < end) {
    const fieldStart = reader.position;
    const tag = reader.tag(end);
    if (tag === envelopeTags.record) {
      const stop = reader.length(end);
      if (stop < 0) {
        return scopePart;
      }
      const items = readRecord(reader, stop, scratch);
      if (items >= 0) {
        found.items += items;
      } else {
        found.rejected -= items;
        found.cuts.push(fieldStart);
      }
      reader.position = stop;
    } else if (tag === envelopeTags.scope) {
      const stop = reader.length(end);
      if (stop < 0 || !readScope(reader, stop, scopeName)) {
        return "an InstrumentationScope";
      }
    } else if (!reader.skip(tag, end)) {
      return scopePart;
    }
  }
  return undefined;
}

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
  try {
    const walk = new Walk(signal, bytes);
    const brokenMessage = walk.request();
    if (brokenMessage !== undefined) {
      return brokenEnvelope(brokenMessage, walk.reader);
    }
    const { cuts, items, rejected } = walk;
    if (cuts.length === 0) {
      return { ok: true, bytes, items, rejected };
    }
    const kept = withoutFields(bytes, cuts);
    return { ok: true, bytes: kept, items, rejected, reason: signals[signal].reason };
  } finally {
    // The view would keep the request in memory until the next one is read.
    forgetView();
  }
}

/** Receive the fields that no component needs: one row and one name that are overwritten each time. */
const scratch = new SpanBatch();
const scopeName = { start: 0, end: 0 };

/** Each step returns the name of the broken message, if there is one. */
class Walk {
  readonly reader: WireReader;
  /** Where the fields of malformed records start. */
  readonly cuts: number[];
  items: number;
  rejected: number;
  readonly #messages: readonly [string, string, string];
  readonly #readRecord: (reader: WireReader, end: number, scratch: SpanBatch) => number;

  constructor(signal: Signal, bytes: Uint8Array) {
    this.reader = new WireReader(bytes);
    this.cuts = [];
    this.items = 0;
    this.rejected = 0;
    this.#messages = signals[signal].messages;
    this.#readRecord = signals[signal].readRecord;
  }

  request(): string | undefined {
    const reader = this.reader;
    const end = reader.bytes.length;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === envelopeTags.resourcePart) {
        const stop = reader.length(end);
        const broken = stop < 0 ? this.#messages[0] : this.#resourcePart(stop);
        if (broken !== undefined) {
          return broken;
        }
      } else if (!reader.skip(tag, end)) {
        return this.#messages[0];
      }
    }
    return undefined;
  }

  #resourcePart(end: number): string | undefined {
    const reader = this.reader;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === envelopeTags.scopePart) {
        const stop = reader.length(end);
        const broken = stop < 0 ? this.#messages[1] : this.#scopePart(stop);
        if (broken !== undefined) {
          return broken;
        }
      } else if (tag === envelopeTags.resource) {
        const stop = reader.length(end);
        if (stop < 0 || !readResource(reader, stop, undefined, scratch)) {
          return "a Resource";
        }
      } else if (!reader.skip(tag, end)) {
        return this.#messages[1];
      }
    }
    return undefined;
  }

  #scopePart(end: number): string | undefined {
    const reader = this.reader;
    while (reader.position < end) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      if (tag === envelopeTags.record) {
        const stop = reader.length(end);
        if (stop < 0) {
          return this.#messages[2];
        }
        const items = this.#readRecord(reader, stop, scratch);
        if (items >= 0) {
          this.items += items;
        } else {
          this.rejected -= items;
          this.cuts.push(fieldStart);
        }
        reader.position = stop;
      } else if (tag === envelopeTags.scope) {
        const stop = reader.length(end);
        if (stop < 0 || !readScope(reader, stop, scopeName)) {
          return "an InstrumentationScope";
        }
      } else if (!reader.skip(tag, end)) {
        return this.#messages[2];
      }
    }
    return undefined;
  }
}

import { brokenEnvelope, envelopeTags, readResource, readScope } from "./envelope-reader.ts";
import type { KeySet } from "./keys.ts";
import { type SpanBatch, spanCells } from "./span-batch.ts";
import { readSpan } from "./span-reader.ts";
import { WireReader } from "./wire-reader.ts";

/** Which attributes a scan reports, of spans and of resources. */
export interface ScanKeys {
  readonly span: KeySet;
  readonly resource: KeySet;
}

/** `ok: false`: the envelope of the request cannot be decoded, and the batch must not be used. */
export type ScanOutcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

const scanned: ScanOutcome = { ok: true };

/**
 * Reads an `ExportTraceServiceRequest` in place into `batch`. Never throws, never reads past the end
 * of `bytes`, takes time in proportion to their length. A span that cannot be used is recorded as
 * malformed and the rest is kept; `docs/wire-validation.md` lists which fields are checked.
 */
export function scanSpans(bytes: Uint8Array, keys: ScanKeys, batch: SpanBatch): ScanOutcome {
  batch.clear(bytes);
  const reader = new WireReader(bytes);
  const end = bytes.length;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === envelopeTags.resourcePart) {
      const stop = reader.length(end);
      if (stop < 0) {
        return brokenEnvelope("ExportTraceServiceRequest", reader);
      }
      const outcome = scanResourceSpans(reader, stop, keys, batch);
      if (!outcome.ok) {
        return outcome;
      }
    } else if (!reader.skip(tag, end)) {
      return brokenEnvelope("ExportTraceServiceRequest", reader);
    }
  }
  return scanned;
}

/**
 * Two walks over the fields of one ResourceSpans: the resource may come after the spans or in several
 * parts, which protobuf merges, and its attributes are to be one run of rows.
 */
function scanResourceSpans(
  reader: WireReader,
  end: number,
  keys: ScanKeys,
  batch: SpanBatch,
): ScanOutcome {
  const start = reader.position;
  const row = batch.resourceCount;
  batch.resourceAttributesFrom.ensure(row + 1);
  batch.resourceAttributesTo.ensure(row + 1);
  batch.resourceAttributesFrom.set(row, batch.attributeCount);
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === envelopeTags.resource) {
      const stop = reader.length(end);
      if (stop < 0 || !readResource(reader, stop, keys.resource, batch)) {
        return brokenEnvelope("a Resource", reader);
      }
    } else if (!reader.skip(tag, end)) {
      return brokenEnvelope("a ResourceSpans", reader);
    }
  }
  batch.resourceAttributesTo.set(row, batch.attributeCount);
  batch.resourceCount = row + 1;

  reader.position = start;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === envelopeTags.scopePart) {
      const outcome = scanScopeSpans(reader, reader.length(end), keys.span, batch);
      if (!outcome.ok) {
        return outcome;
      }
    } else {
      reader.skip(tag, end); // worked on the first walk
    }
  }
  return scanned;
}

function scanScopeSpans(
  reader: WireReader,
  end: number,
  keys: KeySet,
  batch: SpanBatch,
): ScanOutcome {
  const resource = batch.resourceCount - 1;
  const firstRow = batch.count;
  const scopeName = { start: 0, end: 0 };
  while (reader.position < end) {
    const fieldStart = reader.position;
    const tag = reader.tag(end);
    if (tag === envelopeTags.record) {
      const stop = reader.length(end);
      if (stop < 0) {
        return brokenEnvelope("a ScopeSpans", reader);
      }
      const row = batch.count;
      const attributes = batch.attributeCount;
      if (readSpan(reader, stop, keys, batch, row)) {
        const cells = batch.spans.cells;
        const base = row * batch.spans.width;
        cells[base + spanCells.fieldStart] = fieldStart;
        cells[base + spanCells.fieldEnd] = stop;
        cells[base + spanCells.resource] = resource;
        batch.count = row + 1;
      } else {
        batch.attributeCount = attributes;
        noteMalformed(batch, fieldStart, stop);
        reader.position = stop;
      }
    } else if (tag === envelopeTags.scope) {
      const stop = reader.length(end);
      if (stop < 0 || !readScope(reader, stop, scopeName)) {
        return brokenEnvelope("an InstrumentationScope", reader);
      }
    } else if (!reader.skip(tag, end)) {
      return brokenEnvelope("a ScopeSpans", reader);
    }
  }
  // Only now, because the scope may come after its spans.
  const { cells, width } = batch.spans;
  for (let row = firstRow; row < batch.count; row++) {
    cells[row * width + spanCells.scopeNameStart] = scopeName.start;
    cells[row * width + spanCells.scopeNameEnd] = scopeName.end;
  }
  return scanned;
}

function noteMalformed(batch: SpanBatch, start: number, end: number): void {
  const row = batch.malformedCount;
  batch.malformedStart.ensure(row + 1);
  batch.malformedEnd.ensure(row + 1);
  batch.malformedStart.set(row, start);
  batch.malformedEnd.set(row, end);
  batch.malformedCount = row + 1;
}

import { readAttribute } from "./attribute-reader.ts";
import type { KeySet } from "./keys.ts";
import type { SpanBatch } from "./span-batch.ts";
import { tagOf, type WireReader, wireTypes } from "./wire-reader.ts";

const traceIdTag = tagOf(1, "length");
const spanIdTag = tagOf(2, "length");
const parentSpanIdTag = tagOf(4, "length");
const nameTag = tagOf(5, "length");
const startTimeTag = tagOf(7, "fixed64");
const endTimeTag = tagOf(8, "fixed64");
const attributesTag = tagOf(9, "length");
const statusTag = tagOf(15, "length");
const statusCodeTag = tagOf(3, "varint");

const traceIdLength = 16;
const spanIdLength = 8;
const fixed64Length = 8;

/**
 * Reads the span message from `reader.position` up to `end` into row `row` of `batch`, and those of
 * its attributes that `keys` knows into attribute rows from `batch.attributeCount` on; without `keys`
 * the attributes are checked and none is kept. The caller counts the span, or takes the attribute
 * rows back when the answer is false: the span is malformed.
 */
export function readSpan(
  reader: WireReader,
  end: number,
  keys: KeySet | undefined,
  batch: SpanBatch,
  row: number,
): boolean {
  batch.ensureSpans(row + 1);
  // Of a field that is sent twice the last one holds, so only places are noted on the way.
  let traceIdEnd = 0;
  let traceIdSize = 0;
  let spanIdEnd = 0;
  let spanIdSize = 0;
  let parentIdEnd = 0;
  let parentIdSize = 0;
  let nameStart = 0;
  let nameEnd = 0;
  let startTimeAt = -1;
  let endTimeAt = -1;
  const attributesFrom = batch.attributeCount;
  batch.statusCode.set(row, 0);
  while (reader.position < end) {
    const tag = reader.tag(end);
    if ((tag & 7) === wireTypes.length) {
      const stop = reader.length(end);
      if (stop < 0 || tag < 8) {
        return false;
      }
      if (tag === attributesTag) {
        if (!readAttribute(reader, stop, keys, batch)) {
          return false;
        }
      } else if (tag === traceIdTag) {
        traceIdSize = stop - reader.position;
        traceIdEnd = stop;
      } else if (tag === spanIdTag) {
        spanIdSize = stop - reader.position;
        spanIdEnd = stop;
      } else if (tag === parentSpanIdTag) {
        parentIdSize = stop - reader.position;
        parentIdEnd = stop;
      } else if (tag === nameTag) {
        nameStart = reader.position;
        nameEnd = stop;
      } else if (tag === statusTag && !readStatus(reader, stop, batch, row)) {
        return false;
      }
      reader.position = stop;
    } else if (tag === startTimeTag || tag === endTimeTag) {
      if (end - reader.position < fixed64Length) {
        return false;
      }
      if (tag === startTimeTag) {
        startTimeAt = reader.position;
      } else {
        endTimeAt = reader.position;
      }
      reader.position += fixed64Length;
    } else if (!reader.skip(tag, end)) {
      return false;
    }
  }
  if (traceIdSize !== traceIdLength || spanIdSize !== spanIdLength) {
    return false;
  }
  const view = reader.view;
  if (parentIdSize === 0) {
    batch.parentId0.set(row, 0);
    batch.parentId1.set(row, 0);
  } else if (parentIdSize === spanIdLength) {
    batch.parentId0.set(row, view.getInt32(parentIdEnd - 8));
    batch.parentId1.set(row, view.getInt32(parentIdEnd - 4));
  } else {
    return false;
  }
  const traceId0 = view.getInt32(traceIdEnd - 16);
  const traceId1 = view.getInt32(traceIdEnd - 12);
  const traceId2 = view.getInt32(traceIdEnd - 8);
  const traceId3 = view.getInt32(traceIdEnd - 4);
  const spanId0 = view.getInt32(spanIdEnd - 8);
  const spanId1 = view.getInt32(spanIdEnd - 4);
  if ((traceId0 | traceId1 | traceId2 | traceId3) === 0 || (spanId0 | spanId1) === 0) {
    return false;
  }
  batch.traceId0.set(row, traceId0);
  batch.traceId1.set(row, traceId1);
  batch.traceId2.set(row, traceId2);
  batch.traceId3.set(row, traceId3);
  batch.spanId0.set(row, spanId0);
  batch.spanId1.set(row, spanId1);
  batch.startHi.set(row, startTimeAt < 0 ? 0 : view.getInt32(startTimeAt + 4, true));
  batch.startLo.set(row, startTimeAt < 0 ? 0 : view.getInt32(startTimeAt, true));
  batch.endHi.set(row, endTimeAt < 0 ? 0 : view.getInt32(endTimeAt + 4, true));
  batch.endLo.set(row, endTimeAt < 0 ? 0 : view.getInt32(endTimeAt, true));
  batch.nameStart.set(row, nameStart);
  batch.nameEnd.set(row, nameEnd);
  batch.attributesFrom.set(row, attributesFrom);
  batch.attributesTo.set(row, batch.attributeCount);
  return true;
}

function readStatus(reader: WireReader, end: number, batch: SpanBatch, row: number): boolean {
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === statusCodeTag) {
      if (!reader.varint64(end)) {
        return false;
      }
      batch.statusCode.set(row, reader.lo);
    } else if (!reader.skip(tag, end)) {
      return false;
    }
  }
  return true;
}

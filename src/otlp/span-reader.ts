import { readAttribute } from "./attribute-reader.ts";
import type { KeySet } from "./keys.ts";
import { type SpanBatch, spanCells } from "./span-batch.ts";
import { tagOf, type WireReader, wireTypes } from "./wire-reader.ts";

// Constants of this module are part of the machine code, imported ones are looked up at every use.
const {
  traceId: traceIdCell,
  spanId: spanIdCell,
  parentId: parentIdCell,
  start: startCell,
  end: endCell,
  nameStart: nameStartCell,
  nameEnd: nameEndCell,
  statusCode: statusCodeCell,
  attributesFrom: attributesFromCell,
  attributesTo: attributesToCell,
} = spanCells;
const { varint: varintType, length: lengthType, fixed32: fixed32Type } = wireTypes;
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

const traceIdBit = 1;
const spanIdBit = 2;

/**
 * Reads the span message from `reader.position` up to `end` into row `row` of `batch`, and those of
 * its attributes that `keys` knows into attribute rows from `batch.attributeCount` on; without `keys`
 * the attributes are checked and none is kept. The caller counts the span. If the result is false, the span is malformed and
 * the caller removes its attribute rows.
 *
 * A scan spends most of its time in this loop. Tags and lengths of one byte are read here and not by
 * the reader, because a position in a local variable is twice as fast. Values go into the row at
 * once, because more locals than the processor has registers cost as much as the reading.
 */
export function readSpan(
  reader: WireReader,
  end: number,
  keys: KeySet | undefined,
  batch: SpanBatch,
  row: number,
): boolean {
  const base = row * batch.spans.width;
  if (base >= batch.spans.cells.length) {
    batch.spans.ensure(row + 1);
  }
  const cells = batch.spans.cells;
  cells[base + parentIdCell] = 0;
  cells[base + parentIdCell + 1] = 0;
  cells[base + startCell] = 0;
  cells[base + startCell + 1] = 0;
  cells[base + endCell] = 0;
  cells[base + endCell + 1] = 0;
  cells[base + nameStartCell] = 0;
  cells[base + nameEndCell] = 0;
  cells[base + statusCodeCell] = 0;
  cells[base + attributesFromCell] = batch.attributeCount;
  const bytes = reader.bytes;
  let at = reader.position;
  let wrongIds = traceIdBit | spanIdBit; // until they are seen; of one that comes twice the last holds
  while (at < end) {
    let tag = bytes[at] ?? 0;
    at += 1;
    if (tag >= 0x80) {
      const second = at < end ? (bytes[at] ?? 0) : 0x80;
      if (second < 0x80) {
        tag = (tag & 0x7f) | (second << 7);
        at += 1;
      } else {
        reader.position = at - 1;
        tag = reader.tag(end);
        at = reader.position;
      }
    }
    if ((tag & 7) === lengthType) {
      let stop = at < end ? at + 1 + (bytes[at] ?? 0) : -1;
      if (stop <= end && stop <= at + 0x80) {
        at += 1;
      } else {
        reader.position = at;
        stop = reader.length(end);
        at = reader.position;
      }
      if (stop < at || tag < 8) {
        return false;
      }
      if (tag === attributesTag) {
        if (!readAttribute(reader, at, stop, keys, batch)) {
          return false;
        }
      } else if (tag === traceIdTag) {
        if (stop - at === traceIdLength) {
          wrongIds &= ~traceIdBit;
          cells[base + traceIdCell] = reader.view.getInt32(at);
          cells[base + traceIdCell + 1] = reader.view.getInt32(at + 4);
          cells[base + traceIdCell + 2] = reader.view.getInt32(at + 8);
          cells[base + traceIdCell + 3] = reader.view.getInt32(at + 12);
        } else {
          wrongIds |= traceIdBit;
        }
      } else if (tag === spanIdTag) {
        if (stop - at === spanIdLength) {
          wrongIds &= ~spanIdBit;
          cells[base + spanIdCell] = reader.view.getInt32(at);
          cells[base + spanIdCell + 1] = reader.view.getInt32(at + 4);
        } else {
          wrongIds |= spanIdBit;
        }
      } else if (tag === parentSpanIdTag) {
        if (stop - at === spanIdLength) {
          cells[base + parentIdCell] = reader.view.getInt32(at);
          cells[base + parentIdCell + 1] = reader.view.getInt32(at + 4);
        } else {
          // One of a wrong length counts as none.
          cells[base + parentIdCell] = 0;
          cells[base + parentIdCell + 1] = 0;
        }
      } else if (tag === nameTag) {
        cells[base + nameStartCell] = at;
        cells[base + nameEndCell] = stop;
      } else if (tag === statusTag) {
        reader.position = at;
        if (!readStatus(reader, stop, cells, base)) {
          return false;
        }
      }
      at = stop;
    } else if (tag === startTimeTag || tag === endTimeTag) {
      if (end - at < fixed64Length) {
        return false;
      }
      const cell = base + (tag === startTimeTag ? startCell : endCell);
      cells[cell] = reader.view.getInt32(at + 4, true);
      cells[cell + 1] = reader.view.getInt32(at, true);
      at += fixed64Length;
    } else if ((tag & 7) === varintType && tag >= 8 && at < end && (bytes[at] ?? 0) < 0x80) {
      at += 1;
    } else if ((tag & 7) === fixed32Type && tag >= 8 && end - at >= 4) {
      at += 4;
    } else {
      reader.position = at;
      if (!reader.skip(tag, end)) {
        return false;
      }
      at = reader.position;
    }
  }
  reader.position = end;
  cells[base + attributesToCell] = batch.attributeCount;
  return (
    wrongIds === 0 && !isZero(cells, base + traceIdCell, 4) && !isZero(cells, base + spanIdCell, 2)
  );
}

function isZero(cells: Int32Array, start: number, count: number): boolean {
  let bits = 0;
  for (let cell = start; cell < start + count; cell++) {
    bits |= cells[cell] ?? 0;
  }
  return bits === 0;
}

function readStatus(reader: WireReader, end: number, cells: Int32Array, base: number): boolean {
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === statusCodeTag) {
      if (!reader.varint64(end)) {
        return false;
      }
      cells[base + statusCodeCell] = reader.lo;
    } else if (!reader.skip(tag, end)) {
      return false;
    }
  }
  return true;
}
